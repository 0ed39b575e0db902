"""Many open event streams on one gateway, and one change that all of them receive."""

import asyncio
import resource
import sys
import time
from pathlib import Path

import psutil

from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings
from assent_contracts.client.publisher import new_command_id
from tests.bench.child import answer, job, tell
from tests.bench.http import Connections, Person, sign_in

_PEOPLE = ("alice", "bob", "carol", "dave")
"""All of them may see the change."""
_AT_ONCE = 50
_OPEN_WITHIN_S = 20.0


class _Client(asyncio.Protocol):
    """One stream; it keeps nothing of what it receives."""

    def __init__(self) -> None:
        self.open = asyncio.get_running_loop().create_future()
        self.heard = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if not self.open.done() and b"retry:" in data:
            self.open.set_result(None)
        if b"event: changed" in data and not self.heard.done():
            self.heard.set_result(time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.open, self.heard):
            if not future.done():
                future.cancel()


def _resident_kib(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / 1024


async def _open(person: Person) -> _Client:
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(_Client, *person.place)
    transport.write(person.get("/api/v1/events"))
    async with asyncio.timeout(_OPEN_WITHIN_S):
        await client.open
    return client


async def _measure(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    work = job()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    people = [await sign_in(work.url, name) for name in _PEOPLE]
    clients: list[_Client] = []
    # The first stream fills what all streams share.
    clients.append(await _open(people[0]))
    before = _resident_kib(work.pid)
    while len(clients) < work.streams:
        more = min(_AT_ONCE, work.streams - len(clients))
        clients += await asyncio.gather(*(_open(people[n % len(people)]) for n in range(more)))
        tell(len(clients), work.streams)
    kib_each = (_resident_kib(work.pid) - before) / work.streams
    connections = Connections(people[0])
    body = {
        "resource": f"script/{new_command_id()}.ps1",
        "operation": "edit",
        "justification": "All are to hear of it.",
        "payload": "x",
    }
    status, said = await connections.ask(people[0].post("/api/v1/requests", body))
    decided = time.perf_counter()
    assert status == 201, said
    heard = await asyncio.gather(*(client.heard for client in clients))
    connections.close()
    answer(max(heard) - decided, [(at - decided) * 1_000 for at in heard], kib_each=kib_each)


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
