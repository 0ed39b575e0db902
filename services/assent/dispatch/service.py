"""Dispatch as a process: which partitions it works on, and what happens when Kafka is unavailable.

It uses aiokafka directly and not a FastStream subscriber, for three reasons. Each assignment of a partition
begins with a fold of its ledger from the start, so there is no position in a group to resume from. Payloads
are read again by offset from a consumer that seeks. And a header that FastStream's parser cannot read would
hide a record from the acceptance rule, which needs every record at its offset.
"""

import asyncio

import stamina
import structlog
from aiokafka.errors import KafkaError

from assent.dispatch.partition_dispatch import PartitionDispatch
from assent.observe.evidence_watch import watch_governance
from assent.observe.failure_reasons import FOLLOWING_ENDED, READING, kafka_reason, no_evidence
from assent.observe.health import Health, Reason
from assent.observe.ledger_mismatch import LedgerMismatch
from assent.process import until_stopped
from assent.process_settings import ServiceSettings
from assent_contracts.client.connection import Connection
from assent_contracts.client.consumer_group import Membership, PartitionTasks
from assent_contracts.client.follower import GovernanceFollower, NotFollowingError
from assent_contracts.client.partition_probe import LedgerDiffersError
from assent_contracts.heads import HeadInEra, remembered_after
from assent_contracts.topics import LEDGER

GROUP = "assent-dispatch"
_RETRY_MAX_S = 5.0
_RETRIED = (KafkaError, TimeoutError, NotFollowingError)


class Dispatch:
    """Dispatches partitions, each in a task of its own that restarts when Kafka fails."""

    def __init__(
        self,
        connection: Connection,
        follower: GovernanceFollower,
        health: Health,
        *,
        known: dict[int, HeadInEra] | None = None,
    ) -> None:
        """`follower` has been started, with evidence.

        `known`: how far each partition's last run had come, which the next one must find. It is updated here.
        """
        if follower.evidence is None:
            msg = "Dispatch checks governance: make its GovernanceFollower with_evidence=True."
            raise ValueError(msg)
        self._evidence = follower.evidence
        self._connection = connection
        self._known = {} if known is None else known
        self._history = LedgerMismatch(health)
        self._follower = follower
        self._health = health

    async def keep_dispatching(self, partition: int) -> None:
        """Dispatch one partition until cancelled. Raises ReleaseMismatchError."""
        condition = f"partition-{partition}"
        self._health.not_ready(condition, READING)
        try:
            async for attempt in stamina.retry_context(
                on=(KafkaError, TimeoutError), attempts=None, timeout=None, wait_max=_RETRY_MAX_S
            ):
                with attempt:
                    try:
                        await self._dispatch(partition, condition)
                    except (KafkaError, TimeoutError) as error:
                        self._health.not_ready(condition, kafka_reason(error))
                        if isinstance(error, LedgerDiffersError):
                            for finding in error.findings:
                                self._history.tell(finding.place, finding)
                        raise
        finally:
            self._history.tell(f"{LEDGER}/{partition}", None)
            self._health.ready(condition)
            self._health.ready(_evidence_of(partition))

    async def _dispatch(self, partition: int, condition: str) -> None:
        read = self._known.get(partition)
        before = remembered_after(self._known, self._follower.losses).get(partition)
        if before != read:
            structlog.get_logger().warning(
                "a loss was accepted: continuing from the end that it names",
                partition=partition,
                read=read,
                now=before,
            )
        run = PartitionDispatch(self._connection, self._follower, self._evidence, partition, known=before)
        try:
            await run.start()
            self._health.ready(condition)
            self._history.tell(f"{LEDGER}/{partition}", None)
            while True:
                self._tell_held_back(partition, run.held_back())
                await run.go_on()
        finally:
            self._known[partition] = run.head()
            await run.stop()

    def _tell_held_back(self, partition: int, held_back: dict[str, str]) -> None:
        if held_back:
            request, lacks = next(iter(held_back.items()))
            why = f"{len(held_back)} releases are held back; request {request} lacks evidence: {lacks}."
            self._health.not_ready(_evidence_of(partition), no_evidence(why))
        else:
            self._health.ready(_evidence_of(partition))


def _evidence_of(partition: int) -> str:
    return f"evidence-{partition}"


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Dispatch the partitions that the consumer group assigns, until `stop`."""
    await until_stopped(stop, _serve(settings, health))


async def _serve(settings: ServiceSettings, health: Health) -> None:
    known: dict[int, HeadInEra] = {}
    async for attempt in stamina.retry_context(
        on=_RETRIED, attempts=None, timeout=None, wait_max=_RETRY_MAX_S
    ):
        with attempt:
            await _serve_once(settings, health, known)


async def _serve_once(settings: ServiceSettings, health: Health, known: dict[int, HeadInEra]) -> None:
    follower = GovernanceFollower(settings.kafka, settings.identity, with_evidence=True)
    watch_governance(follower, health)
    try:
        await follower.start()
        dispatch = Dispatch(settings.kafka, follower, health, known=known)
        async with Membership(settings.kafka, LEDGER, GROUP) as membership:
            tasks = PartitionTasks(dispatch.keep_dispatching, "dispatch")
            health.ready("kafka")
            try:
                while True:
                    await tasks.work_on(await membership.partitions())
            finally:
                await tasks.work_on(frozenset())
    except _RETRIED as error:
        health.not_ready("kafka", _reason(error))
        structlog.get_logger().warning("starting over", error=repr(error))
        raise
    finally:
        await follower.stop()


def _reason(error: Exception) -> Reason:
    return FOLLOWING_ENDED if isinstance(error, NotFollowingError) else kafka_reason(error)
