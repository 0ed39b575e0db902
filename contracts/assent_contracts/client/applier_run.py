"""One run of an applier, from connecting to Kafka until it is asked to stop or Kafka fails."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from assent_contracts.acceptance import Accepted
from assent_contracts.client.applied_beyond_journal import AppliedBeyondJournal
from assent_contracts.client.applier_account import account_fault
from assent_contracts.client.applier_commands import ApplierCommands
from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.applier_journal_records import Position
from assent_contracts.client.applier_memory import ApplierMemory
from assent_contracts.client.applier_steps import left_alone
from assent_contracts.client.change_reader import take_changes
from assent_contracts.client.change_settlement import Settler
from assent_contracts.client.connection import Connection
from assent_contracts.client.consumer_group import Membership, PartitionTasks
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handled import Handled
from assent_contracts.client.handler import Handler, ReadBack
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.open_requests import OpenRequest, OpenRequests
from assent_contracts.client.outage_lines import FEW_LINES
from assent_contracts.client.partition_probe import LedgerDiffersError
from assent_contracts.client.publisher import Publisher, now_ms
from assent_contracts.client.spans import applying
from assent_contracts.client.task_end import end
from assent_contracts.core.governance.state import Governance
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.heads import Finding
from assent_contracts.released_change import Change, decode_change
from assent_contracts.resources import parse_request_id, resource_type
from assent_contracts.topics import CHANGES
from assent_contracts.trace_context import TraceContext, trace_context

_CATCH_UP_RETRY_S = 1.0
FINISH_S = 5.0
"""How long changes in progress may take to finish once the applier is asked to stop."""

_log = logging.getLogger(__name__)
_log.addFilter(FEW_LINES)


class ApplierSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What an applier was given."""

    connection: Connection
    governance: GovernanceFollower
    evidence: GovernanceEvidence
    key: SecretKey
    handler: Handler
    reads_back: ReadBack | None
    time_limit_s: float
    types: frozenset[str] | None
    concurrency: int
    group: str
    tell: Callable[[Handled], None]
    tell_missing: Callable[[str | None], None]
    tell_differing: Callable[[Mapping[int, Finding]], None]


class ApplierRun:
    """One run. After it has ended or failed, make a new one."""

    def __init__(self, setup: ApplierSetup, journal: Journal, memory: ApplierMemory) -> None:
        """`memory` has compared the ledger with what was read before."""
        self._setup = setup
        self._journal = journal
        self._memory, known = memory, memory.known()
        self._open = [
            OpenRequests(partition, setup.evidence) for partition in range(setup.governance.partitions)
        ]
        self._beyond = AppliedBeyondJournal(setup.key.principal, {n: each.head for n, each in known.items()})
        self._looked = False
        source = f"/assent/applier/{setup.key.principal}"
        self._publisher = Publisher(
            setup.connection,
            setup.governance,
            source=source,
            known=known,
            on_accepted=self._hear,
        )
        self._settler = Settler(
            ApplierCommands(self._publisher, setup.governance, setup.key, source),
            setup.governance,
            journal,
            find=self._find,
            handler=setup.handler,
            reads_back=setup.reads_back,
            time_limit_s=setup.time_limit_s,
            slots=asyncio.Semaphore(setup.concurrency),
            tell=setup.tell,
        )
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._last: dict[str, asyncio.Task[None]] = {}
        """The last change in progress to each object."""
        self._left_alone: set[str] = set()
        """The types of changes that were left alone because this account did not have the role for them."""
        self._other: set[str] = set()
        """Requests in progress for which the ledger has released something else. They are not touched."""

    async def until(self, stop: asyncio.Event) -> None:
        """Apply changes until `stop` is set. Raises KafkaError, TimeoutError, OSError."""
        try:
            await self._publisher.start()
            await self._publisher.catch_up(but=self._memory.differing)
            in_hand: dict[str, str] = {}
            for request in self._journal.entries():
                if not self._memory.is_differing(request):
                    in_hand[request] = self._journal.change(request).resource
            await self._look_at_target(in_hand.values())
            for request, resource in in_hand.items():
                self._settle(request, resource)
            # Some of them may have been left alone before a restart. To read them again does no harm.
            waiting = [each for partition in self._open for each in partition.unclaimed()]
            self._left_alone = {
                resource_type(each.resource) for each in waiting if each.request not in in_hand
            }
            membership = Membership(
                self._setup.connection, CHANGES, self._setup.group, instance=self._journal.instance
            )
            async with membership:
                await self._take_changes(membership, stop)
            busy = [task for request, task in self._in_hand.items() if request not in self._settler.held_up]
            if busy:
                await asyncio.wait(busy, timeout=FINISH_S)
        finally:
            for task in self._in_hand.values():
                task.cancel()
            await asyncio.gather(*self._in_hand.values(), return_exceptions=True)
            if self._looked:
                await self._memory.keep(self._publisher.heads())
            await self._publisher.stop()

    async def _look_at_target(self, in_hand: Collection[str]) -> None:
        """Ask the target for changes that the state folder does not know.

        This must happen before the heads are stored, because afterwards it cannot be seen that the folder is
        an older copy.
        """
        setup, beyond = self._setup, self._beyond
        for handled in await beyond.not_held(
            setup.connection, setup.governance, setup.reads_back, but=in_hand
        ):
            setup.tell(handled)
        self._looked = True

    async def _take_changes(self, membership: Membership, stop: asyncio.Event) -> None:
        tasks = PartitionTasks(self._consume, "changes")
        otherwise = asyncio.create_task(self._memory.until_otherwise(), name="memory")
        try:
            while not stop.is_set() and not otherwise.done():
                await self._read_again(tasks)
                await tasks.work_on(await membership.partitions() - self._memory.differing.keys())
                self._publisher.check(but=self._memory.differing)
                await self._memory.keep(self._publisher.heads())
                self._setup.tell_missing(self._account_fault())
                for task in [task for task in self._in_hand.values() if task.done()]:
                    task.result()
        finally:
            await end(otherwise)
            await tasks.work_on(frozenset())

    def _account_fault(self) -> str | None:
        return account_fault(self._governance_now(), self._setup.key, now_ms())

    def _hear(self, partition: int, accepted: Accepted) -> None:
        self._beyond.hear(accepted, self._open[partition])
        self._open[partition].take(accepted)

    def _find(self, request: str) -> OpenRequest | None:
        place = parse_request_id(request)
        if place is None or place[0] >= len(self._open):
            return None
        return self._open[place[0]].find(request)

    async def _consume(self, partition: int) -> None:
        await take_changes(
            self._setup.connection,
            self._journal,
            self._memory,
            partition,
            lambda records: self._take(partition, records),
        )

    async def _take(self, partition: int, records: Sequence[ConsumerRecord]) -> None:
        caught_up = False
        for record in records:
            change = _read(record.value)
            await self._until_superseded(partition, change)
            handled = self._screen(partition, change)
            if handled is not None and not caught_up:
                # A release and its evidence are on the ledger before the release is written here. So after
                # this, an unknown one is forged.
                await self._catch_up()
                caught_up = True
                handled = self._screen(partition, change)
            if handled is not None or change is None:
                self._setup.tell(_of(handled, change, partition, record.offset))
                continue
            # It is durable with its claim, before anything is applied.
            self._journal.begin(change)
            self._settle(change.request, change.resource, trace_context(record.headers))
            await asyncio.sleep(0)  # evidence takes long to check, and changes in progress go on

    async def _until_superseded(self, partition: int, change: Change | None) -> None:
        """Wait until an earlier release of this request is no longer in progress here.

        People had it released again, so the earlier one's lease has ended, and only its report can be left.
        """
        task = None if change is None else self._in_hand.get(change.request)
        if change is None or task is None:
            return
        found = self._open[partition].find(change.request)
        earlier = self._journal.change(change.request)
        if found is not None and found.is_release(change) and found.was_release(earlier):
            await asyncio.wait([task])

    async def _catch_up(self) -> None:
        while True:
            try:
                return await self._publisher.catch_up(but=self._memory.differing)
            except LedgerDiffersError:
                raise
            except KafkaError as error:
                # Kafka is unavailable. What has been read of the ledger stays valid.
                _log.warning("trying again: %r", error)
                await asyncio.sleep(_CATCH_UP_RETRY_S)

    def _screen(self, partition: int, change: Change | None) -> Handled | None:
        """Why a record is not claimed; None if its change is to be claimed."""
        found = None if change is None else self._open[partition].find(change.request)
        in_hand = change is not None and change.request in self._in_hand
        other = change is not None and change.request in self._other
        alone = left_alone(change, found, types=self._setup.types, in_hand=in_hand, other=other)
        if alone is not None or found is None:
            return alone
        kind = resource_type(found.resource)
        if not self._may_apply(kind):
            self._left_alone.add(kind)
            detail = f"{self._setup.key.principal} does not have the role applier for the type {kind}."
            return Handled(result="other-type", detail=detail)
        # `_take` catches up and asks again before it says that evidence is missing.
        lacks = self._open[partition].lacking(found)
        return None if lacks is None else Handled(result="no-evidence", detail=f"{lacks}.")

    def _may_apply(self, kind: str) -> bool:
        return self._governance_now().has_role(self._setup.key.principal, "applier", kind)

    def _governance_now(self) -> Governance:
        governance = self._setup.governance
        return governance.past.at(len(governance.history) - 1)

    async def _read_again(self, tasks: PartitionTasks) -> None:
        """Read the topic from its beginning if changes were left alone that may be claimed now."""
        permitted = {kind for kind in self._left_alone if self._may_apply(kind)}
        if permitted:
            self._left_alone -= permitted
            await tasks.work_on(frozenset())
            for partition in range(self._setup.governance.partitions):
                self._journal.keep_position(partition, Position())

    def _settle(self, request: str, resource: str, trace: TraceContext | None = None) -> None:
        before = self._last.get(resource)
        task = asyncio.create_task(self._in_turn(request, resource, trace, before), name=f"settle-{request}")
        self._in_hand[request] = self._last[resource] = task

    async def _in_turn(
        self, request: str, resource: str, trace: TraceContext | None, before: asyncio.Task[None] | None
    ) -> None:
        if before is not None:
            # People may have settled its outcome while it was still in progress.
            await asyncio.wait([before])
        with applying(request, trace) as note:
            handled = await self._settler.settle(request)
            note(handled.result)
        if handled.result == "other-release":
            self._other.add(request)
        self._setup.tell(handled)
        del self._in_hand[request]
        if self._last[resource] is asyncio.current_task():
            del self._last[resource]


def _read(value: bytes | None) -> Change | None:
    try:
        return None if value is None else decode_change(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _of(handled: Handled | None, change: Change | None, partition: int, offset: int) -> Handled:
    assert handled is not None
    return msgspec.structs.replace(
        handled,
        partition=partition,
        offset=offset,
        request=None if change is None else change.request,
        resource=None if change is None else change.resource,
    )
