"""The decider as a process: which partitions it leads, and what happens when it loses one."""

import asyncio
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import msgspec
import stamina
import structlog
from aiokafka.errors import KafkaError

from assent.decider.completeness import Completeness
from assent.decider.governance_takeover import take_over_governance
from assent.decider.heads_file import HeadsFileError, heads_file
from assent.decider.known_heads import KnownHeads
from assent.decider.led_partition_watch import LedPartitionWatch
from assent.decider.missing_log_parts import MissingError, UnknownError, missing_because
from assent.decider.release_follower import ReleaseFollower
from assent.decider.session import Session
from assent.decider.session_inputs import (
    GOVERNANCE_NAME,
    GovernanceSessionInputs,
    RequestsSessionInputs,
    SessionInputs,
)
from assent.decider.signature_checker import SignatureChecker
from assent.decider.snapshot_taking import SnapshotPace, SnapshotTaking
from assent.decider.start_conditions import LOOK_AGAIN_S, until_a_writer, until_founded
from assent.decider.stopped_error import StoppedError
from assent.decider.takeover import RequestsLead, take_over
from assent.decider.term import Term
from assent.decider.timekeeper import Timekeeper
from assent.decider.until_one_ends import until_one_ends
from assent.decider.wall_clock_watch import MachineClock
from assent.decider.writer_key_check import load_writer_key, sealer_of, why_not_listed
from assent.ledger.appender import Appender, LostLeadError, Reached
from assent.observe import metrics
from assent.observe.failure_reasons import TAKING_OVER, UNCONFIRMED, stopped_because
from assent.observe.health import Health
from assent.process_settings import ServiceSettings, need
from assent_contracts.acceptance import Acceptance, Head
from assent_contracts.client.connection import Connection, open_consumer
from assent_contracts.client.consumer_group import Membership, PartitionTasks
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.ledger_reader import acceptance_of
from assent_contracts.core.writer.writer import PartitionWriter
from assent_contracts.eras import era_of
from assent_contracts.heads import HeadInEra, Place
from assent_contracts.topics import COMMANDS, GOVERNANCE_COMMANDS

GROUP = "assent-decider"
GOVERNOR_GROUP = "assent-governor"
_RETRY_MAX_S = 5.0
_TELL_EVERY_S = 1.0
_GOVERNANCE: Place = ("governance", 0)
_ONLY = frozenset({0})
"""The partitions of governance."""


class Decider:
    """Leads partitions of requests and of governance. Each has one task, restarted when the lead is lost."""

    def __init__(
        self,
        connection: Connection,
        key: SecretKey,
        follower: GovernanceFollower,
        health: Health,
        *,
        checker: SignatureChecker | None = None,
        machine: MachineClock | None = None,
        heads_file: Path | None = None,
        postgres: str | None = None,
        pace: SnapshotPace = SnapshotPace(),  # noqa: B008  it is frozen
    ) -> None:
        """`heads_file`, `postgres`: where heads are known outside Kafka; see KnownHeads. `pace`: how often
        there is a snapshot.
        """
        self._pace = pace
        self._known = KnownHeads(connection, key, follower, file=heads_file, postgres=postgres, health=health)
        self._whole = Completeness(connection, follower, self._known)
        self._connection = connection
        self._key = key
        self._follower = follower
        self._health = health
        self._checker = checker or SignatureChecker(follower.identity)
        self._machine = machine or MachineClock()
        self._leads = PartitionTasks(self._keep_leading_requests, "lead")
        self._governor = PartitionTasks(self._keep_leading_governance, "govern")
        self._partitions: frozenset[int] = frozenset()
        self._governs = False

    async def lead(self, partitions: AbstractSet[int]) -> None:
        """Lead exactly these partitions of requests from now on. Raises the error that ended a lead."""
        for partition in partitions - self._partitions:
            self._health.not_ready(f"partition-{partition}", TAKING_OVER)
        # Noted first: if this is cancelled, a later call still gives up what was begun.
        self._partitions |= partitions
        await self._leads.work_on(frozenset(partitions))
        for partition in self._partitions - partitions:
            self._health.ready(f"partition-{partition}")
        self._partitions = frozenset(partitions)

    async def govern(self, partitions: AbstractSet[int] = _ONLY) -> None:
        """Lead governance's one partition; with none given, stop. Raises the error that ended a lead."""
        if partitions and not self._governs:
            self._health.not_ready(f"partition-{GOVERNANCE_NAME}", TAKING_OVER)
        self._governs |= bool(partitions)
        await self._governor.work_on(frozenset(partitions))
        if self._governs and not partitions:
            self._health.ready(f"partition-{GOVERNANCE_NAME}")
        self._governs = bool(partitions)

    async def close(self) -> None:
        """Give every partition up."""
        await self.govern(frozenset())
        await self.lead(frozenset())
        await self._known.close()
        self._checker.close()

    async def _keep_leading_requests(self, partition: int) -> None:
        await self._keep_leading(str(partition), lambda: self._lead_requests(partition))

    async def _keep_leading_governance(self, _partition: int) -> None:
        await self._keep_leading(GOVERNANCE_NAME, self._lead_governance)

    async def _keep_leading(self, name: str, lead_once: Callable[[], Awaitable[None]]) -> None:
        log = structlog.get_logger().bind(partition=name)
        try:
            await self._lead_again_and_again(name, lead_once, log)
        except StoppedError as stopped:
            # Only this partition: the others are not affected.
            metrics.PARTITION_STOPPED.labels(name).set(1)
            log.exception("stopped", topic=stopped.topic, offset=stopped.offset)
            self._health.not_ready(f"partition-{name}", stopped_because(str(stopped)))
            await asyncio.Event().wait()
        finally:
            metrics.PARTITION_STOPPED.labels(name).set(0)

    async def _lead_again_and_again(
        self, name: str, lead_once: Callable[[], Awaitable[None]], log: structlog.typing.FilteringBoundLogger
    ) -> None:
        while True:
            await self._until_listed(name)
            try:
                async for attempt in stamina.retry_context(
                    on=(KafkaError, TimeoutError), attempts=None, timeout=None, wait_max=_RETRY_MAX_S
                ):
                    with attempt:
                        await lead_once()
            except (MissingError, UnknownError, HeadsFileError) as error:
                await self._tell_missing(name, error, log)
                continue
            metrics.LEADS_LOST.labels(name).inc()
            log.warning("lost the lead: starting over")

    async def _tell_missing(
        self,
        name: str,
        error: MissingError | UnknownError | HeadsFileError,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """Report what is missing, and return when it is time to look again: the right log may be back."""
        why = missing_because(error)
        condition = f"partition-{name}"
        if self._health.missing().get(condition) != why:
            log.error("not leading: the log is not what is known of it", why=why.why, todo=why.todo)
        kind = error.finding.kind if isinstance(error, MissingError) else "unknown"
        metrics.PARTITION_MISSING.labels(name, kind).set(1)
        self._health.not_ready(condition, why)
        try:
            await asyncio.sleep(LOOK_AGAIN_S)
        finally:
            metrics.PARTITION_MISSING.remove(name, kind)

    async def _until_listed(self, name: str) -> None:
        """Return when the key is a writer's: nobody accepts what another key seals."""
        while (why := why_not_listed(self._follower, self._key)) is not None:
            self._health.not_ready(f"partition-{name}", why)
            await self._follower.beyond(self._follower.writers.head)
            self._follower.check()

    async def _lead_requests(self, partition: int) -> None:
        """Lead until another writer's run is accepted."""
        place: Place = ("ledger", partition)
        era = era_of(self._follower.losses)
        known = await self._whole.before(place)
        sealer = sealer_of(self._key)
        lead = await take_over(self._connection, partition, self._follower, sealer, known)
        await self._whole.after(place, known, lead.writer, lead.term)
        around = RequestsSessionInputs(lead.writer.desk, self._follower)
        await self._write(
            place,
            around,
            lead.writer,
            lead.term,
            lambda head: acceptance_of(partition, self._follower, head),
            era,
            lambda watch: self._snapshots(lead, era, watch),
        )

    def _snapshots(self, lead: RequestsLead, era: str, watch: LedPartitionWatch) -> SnapshotTaking:
        begun = msgspec.structs.replace(lead.term.head, next_offset=lead.term.head_end)
        return SnapshotTaking(
            self._connection,
            self._key,
            self._follower.identity,
            lead.writer,
            begun_at=HeadInEra(begun, era),
            read_records=lead.read_records,
            read_bytes=lead.read_bytes,
            make_known=watch.say,
            pace=self._pace,
        )

    async def _lead_governance(self) -> None:
        """Lead until another writer's run is accepted."""
        era = era_of(self._follower.losses)
        known = await self._whole.before(_GOVERNANCE)
        identity, sealer = self._follower.identity, sealer_of(self._key)
        lead = await take_over_governance(self._connection, identity, sealer, known)
        await self._whole.after(_GOVERNANCE, known, lead.writer, lead.term)
        partitions = lead.writer.desk.governance.partitions
        releases = ReleaseFollower(self._connection, self._follower, partitions, lead.releases)
        try:
            await releases.start()
            around = GovernanceSessionInputs(releases)
            await self._write(_GOVERNANCE, around, lead.writer, lead.term, lead.acceptance_from, era)
        finally:
            await releases.stop()

    async def _write(
        self,
        place: Place,
        around: SessionInputs,
        writer: PartitionWriter[Any],
        term: Term,
        acceptance_from: Callable[[Head], Acceptance],
        era: str,
        snapshots_with: Callable[[LedPartitionWatch], SnapshotTaking] | None = None,
    ) -> None:
        """`era`: the one in which the ledger was read."""
        if era_of(self._follower.losses) != era:
            return
        time = Timekeeper(
            self._connection, around.place, around.name, self._machine, self._health, before=term.received
        )
        appender = Appender(
            self._connection,
            self._key,
            confirmed=term.head,
            acceptance_from=acceptance_from,
            reached=Reached(
                at=writer.desk.at, next_input=writer.next_input, input_sha256=writer.input_sha256
            ),
            on_append=time.acknowledged,
        )
        watch = LedPartitionWatch(
            place, writer, term, appender, self._connection, self._known, self._follower, era
        )
        snapshots = None if snapshots_with is None else snapshots_with(watch)
        consumer = await open_consumer(self._connection, {around.place: writer.next_input})
        try:
            await appender.start()
            self._health.ready(f"partition-{around.name}")
            metrics.LEAD.labels(around.name).set(1)
            session = Session(around, writer, appender, consumer, self._checker, time, snapshots)
            await until_one_ends(session.run(), watch.run())
        except LostLeadError:
            return
        finally:
            if snapshots is not None:
                await snapshots.stop()
            await watch.say_last()
            time.stop()
            self._health.not_ready(f"partition-{around.name}", TAKING_OVER)
            metrics.LEAD.labels(around.name).set(0)
            # Another decider reports them now.
            for gauge in (metrics.UNDECIDED, metrics.OPEN_REQUESTS):
                gauge.remove(around.name)
            await consumer.stop()
            await appender.stop()


async def _tell_whether_confirmed(follower: GovernanceFollower, health: Health) -> None:
    while True:
        if follower.is_confirmed:
            health.ready("governance")
        else:
            health.not_ready("governance", UNCONFIRMED)
        await asyncio.sleep(_TELL_EVERY_S)


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Lead the partitions that the two consumer groups assign, until `stop`."""
    key = load_writer_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    follower = await until_founded(settings, health, stop)
    if follower is None:
        return
    file = None if settings.state is None else heads_file(settings.state, settings.identity)
    decider = Decider(
        settings.kafka,
        key,
        follower,
        health,
        machine=MachineClock(file=settings.clock_file),
        heads_file=file,
        postgres=settings.postgres,
    )
    try:
        while not stop.is_set():
            await until_a_writer(follower, key, health, stop)
            if not stop.is_set():
                await _lead_in_groups(settings, decider, follower, key, health, stop)
    finally:
        await decider.close()
        await follower.stop()


async def _lead_in_groups(
    settings: ServiceSettings,
    decider: Decider,
    follower: GovernanceFollower,
    key: SecretKey,
    health: Health,
    stop: asyncio.Event,
) -> None:
    """Lead what the groups assign, until the key is retired or `stop`."""

    async def keep_up(membership: Membership, lead: Callable[[frozenset[int]], Awaitable[None]]) -> None:
        while not stop.is_set():
            follower.check()
            await lead(await membership.partitions())

    async def until_retired() -> None:
        while why_not_listed(follower, key) is None:
            await follower.beyond(follower.writers.head)
            follower.check()

    # The groups are only for liveness: they suggest who should lead.
    async with (
        Membership(settings.kafka, COMMANDS, GROUP) as requests,
        Membership(settings.kafka, GOVERNANCE_COMMANDS, GOVERNOR_GROUP) as governance,
    ):
        health.ready("kafka")
        await until_one_ends(
            keep_up(requests, decider.lead),
            keep_up(governance, decider.govern),
            _tell_whether_confirmed(follower, health),
            until_retired(),
        )
        # Before leaving the groups, so that another writer finds nobody at work here.
        await decider.govern(frozenset())
        await decider.lead(frozenset())
