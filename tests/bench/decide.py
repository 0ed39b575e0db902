"""Decide: from the first command read to the last decision acknowledged, in the real writer.

The process is set up as the decider is. Without the signature check a stand-in accepts every signature. It
exists only here.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assent.decider.session import Session
from assent.decider.session_inputs import RequestsSessionInputs
from assent.decider.signature_checker import SignatureChecker
from assent.decider.takeover import take_over
from assent.decider.timekeeper import Timekeeper
from assent.decider.wall_clock_watch import MachineClock
from assent.decider.writer_key_check import sealer_of
from assent.ledger.appender import Appender
from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings, need
from assent_contracts.client.connection import open_consumer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import load_key
from assent_contracts.client.ledger_reader import acceptance_of
from assent_contracts.core.received import Envelope, Omitted
from assent_contracts.topics import COMMANDS
from tests.bench.child import answer, job, tell
from tests.bench.workload import PARTITION

_TOLD_EVERY = 20_000


class _SaysYes(SignatureChecker):
    """Accepts every signature."""

    def check(
        self, batch: Sequence[Envelope | Omitted], keys: Sequence[bytes | None]
    ) -> asyncio.Future[list[bool]]:
        answers = asyncio.get_running_loop().create_future()
        answers.set_result([True] * len(batch))
        return answers


class _Watched(Appender):
    """Notes when the decision of the last command was acknowledged."""

    commands = 0
    ended = 0.0
    _told = 0

    def watch(self, commands: int) -> asyncio.Event:
        self.commands = commands
        self.done = asyncio.Event()
        return self.done

    async def _confirm_oldest(self) -> None:
        await super()._confirm_oldest()
        decided = self.confirmed.seq + 1
        if decided >= self.commands and not self.done.is_set():
            self.ended = time.perf_counter()
            self.done.set()
        if decided - self._told >= _TOLD_EVERY:
            self._told = decided
            tell(decided, self.commands)


def _first_read(consumer: AIOKafkaConsumer) -> list[float]:
    """A list that receives the time when this consumer first returned commands."""
    times: list[float] = []
    getmany = consumer.getmany

    async def noting(*places: TopicPartition, **how: Any) -> dict[TopicPartition, list[ConsumerRecord]]:
        records = await getmany(*places, **how)
        if records and not times:
            times.append(time.perf_counter())
        return records

    consumer.getmany = noting
    return times


async def _measure(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    work = job()
    key = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await follower.start()
    checker = (SignatureChecker if work.check else _SaysYes)(settings.identity)
    lead = await take_over(settings.kafka, PARTITION, follower, sealer_of(key))
    writer, term = lead.writer, lead.term
    consumer = await open_consumer(settings.kafka, {TopicPartition(COMMANDS, PARTITION): writer.next_input})
    started = _first_read(consumer)
    appender = _Watched(
        settings.kafka,
        key,
        confirmed=term.head,
        acceptance_from=lambda head: acceptance_of(PARTITION, follower, head),
    )
    done = asyncio.create_task(appender.watch(work.commands).wait())
    await appender.start()
    around = RequestsSessionInputs(writer.desk, follower)
    keeper = Timekeeper(settings.kafka, around.place, around.name, MachineClock(), health)
    session = Session(around, writer, appender, consumer, checker, keeper)
    running = asyncio.create_task(session.run())
    try:
        await asyncio.wait([running, done], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        answer(appender.ended - started[0])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await appender.stop()
        await consumer.stop()
        await follower.stop()
        checker.close()


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
