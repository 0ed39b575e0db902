"""The coordinator as a process: it reads all of the ledger and sends what is due between sets and members.

It keeps nothing. Each run reads the ledger from its start, so what is due does not depend on an earlier one.
Two may run at the same time: a command that is sent twice is refused the second time.
"""

import asyncio
import time
from typing import Final

import msgspec
import stamina
import structlog
from aiokafka.errors import KafkaError

from assent.observe.failure_reasons import FOLLOWING_ENDED, kafka_reason
from assent.observe.health import Health
from assent.observe.ledger_mismatch import LedgerMismatch
from assent.process import until_stopped
from assent.process_settings import ServiceSettings, need
from assent_contracts.acceptance import Accepted
from assent_contracts.client.follower import GovernanceFollower, NotFollowingError
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.partition_probe import LedgerDiffersError
from assent_contracts.client.publisher import NotDecidedError, Publisher, new_command_id, now_ms
from assent_contracts.core.set_coordination import Due, SetCoordination, due_command
from assent_contracts.events import Event
from assent_contracts.ledger import decode_events
from assent_contracts.topics import LEDGER

SOURCE: Final = "/assent/coordinator"
"""The CloudEvents source of its commands."""
AGAIN_S: Final = 10.0
"""When a command is sent again whose effect the ledger does not show."""
_SENT_AT_ONCE: Final = 100
_SENT_IN_TURN: Final = 500
"""How many commands are sent before it is asked again what is due."""
_RETRY_MAX_S: Final = 5.0
_RETRIED: Final = (KafkaError, TimeoutError, NotFollowingError)

_log = structlog.get_logger()


class Coordinator:
    """One run. After an error, make a new one."""

    def __init__(self, settings: ServiceSettings, key: SecretKey, follower: GovernanceFollower) -> None:
        """`follower` has been started. `key`: of an account with the role gateway."""
        self._key = key
        self._sets = SetCoordination()
        self._news = asyncio.Event()
        self._sent: dict[Due, float] = {}
        self._publisher = Publisher(settings.kafka, follower, source=SOURCE, on_accepted=self._take)

    async def start(self) -> None:
        """Read the ledger to its end. Raises KafkaError, NotFollowingError."""
        await self._publisher.start()
        await self._publisher.catch_up()

    async def stop(self) -> None:
        """Disconnect."""
        await self._publisher.stop()

    async def run(self) -> None:
        """Send what is due, and then what becomes due, until cancelled. Raises as `start` does."""
        deaf = asyncio.create_task(self._publisher.until_deaf(), name="deaf")
        try:
            while True:
                self._news.clear()
                await self._send_due()
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait((news, deaf), timeout=AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                if deaf.done():
                    return deaf.result()
        finally:
            deaf.cancel()

    def _take(self, partition: int, accepted: Accepted) -> None:
        self._sets.take(partition, accepted.record, _events(partition, accepted))
        self._news.set()

    async def _send_due(self) -> None:
        due, now = self._sets.due(), time.monotonic()
        self._sent = {each: at for each in due if (at := self._sent.get(each)) is not None}
        fresh = [each for each in due if now - self._sent.get(each, -AGAIN_S) >= AGAIN_S]
        if len(fresh) > _SENT_IN_TURN:
            del fresh[_SENT_IN_TURN:]
            self._news.set()  # the others come after what is more urgent by then
        for start in range(0, len(fresh), _SENT_AT_ONCE):
            some = fresh[start : start + _SENT_AT_ONCE]
            self._sent |= dict.fromkeys(some, time.monotonic())
            await asyncio.gather(*(self._send(each) for each in some))

    async def _send(self, due: Due) -> None:
        command = due_command(due, command_id=new_command_id(), principal=self._key.principal, at=now_ms())
        log = _log.bind(step=due.step, request=due.request)
        try:
            decided = await self._publisher.send(command, self._key)
        except (KafkaError, NotDecidedError) as error:
            # It is still due, and is sent again.
            log.warning("not decided", error=repr(error))
            return
        if decided.refusal is None:
            log.info("carried")
        else:
            log.warning("refused", code=decided.refusal.code, detail=decided.refusal.detail)


def _events(partition: int, accepted: Accepted) -> tuple[Event, ...]:
    try:
        return decode_events(accepted.record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Only a writer can have sealed it. Nothing is done because of it.
        _log.exception("unreadable", partition=partition, seq=accepted.record.seq)
        return ()


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Coordinate until `stop`. Raises SettingsError, KeyFileError."""
    key = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    await until_stopped(stop, _serve(settings, key, health))


async def _serve(settings: ServiceSettings, key: SecretKey, health: Health) -> None:
    mismatch = LedgerMismatch(health)
    async for attempt in stamina.retry_context(
        on=_RETRIED, attempts=None, timeout=None, wait_max=_RETRY_MAX_S
    ):
        with attempt:
            try:
                await _serve_once(settings, key, health, mismatch)
            except _RETRIED as error:
                ended = isinstance(error, NotFollowingError)
                health.not_ready("kafka", FOLLOWING_ENDED if ended else kafka_reason(error))
                for finding in error.findings if isinstance(error, LedgerDiffersError) else ():
                    mismatch.tell(finding.place, finding)
                raise


async def _serve_once(
    settings: ServiceSettings, key: SecretKey, health: Health, mismatch: LedgerMismatch
) -> None:
    follower = GovernanceFollower(settings.kafka, settings.identity)
    coordinator: Coordinator | None = None
    try:
        await follower.start()
        coordinator = Coordinator(settings, key, follower)
        await coordinator.start()
        health.ready("kafka")
        for partition in range(follower.partitions):
            mismatch.tell(f"{LEDGER}/{partition}", None)
        await coordinator.run()
    finally:
        if coordinator is not None:
            await coordinator.stop()
        await follower.stop()
