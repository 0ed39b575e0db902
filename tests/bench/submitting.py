"""Submissions over HTTP at a steady rate: from when each is due until the answer contains its decision."""

import asyncio
import sys
import time
from pathlib import Path

from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings
from assent_contracts.client.publisher import new_command_id
from tests.bench.child import answer, job
from tests.bench.http import Connections, Person, sign_in
from tests.bench.latency import PAYLOAD, at_rate

_PERSON = "alice"


def _submission(person: Person) -> bytes:
    body = {
        "resource": f"script/{new_command_id()}.ps1",
        "operation": "edit",
        "justification": "The agent's log fills the disk of older devices.",
        "payload": PAYLOAD,
    }
    return person.post("/api/v1/requests", body)


async def _measure(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    work = job()
    person = await sign_in(work.url, _PERSON)
    connections = Connections(person)

    async def submit(submission: bytes) -> None:
        status, body = await connections.ask(submission)
        assert status == 201, body

    await at_rate(lambda: submit(_submission(person)), work.warm_up, work.rate)
    started = time.perf_counter()
    latencies = await at_rate(lambda: submit(_submission(person)), work.commands, work.rate)
    connections.close()
    answer(time.perf_counter() - started, latencies)


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
