"""A log whose Kafka and Postgres a command reaches directly."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from assent.cli.connection.awaited_rows import is_at, records_of, row_of
from assent.cli.connection.log_access import LogAccess, following_governance, governance_of, reading_tables
from assent.cli.connection.log_client import (
    COMMAND_SOURCE,
    FindingNotFoundError,
    NotProjectedError,
    OpenRequestsOfType,
    RequestApprovers,
    RequestDetails,
    RequestExplanation,
    RequestList,
    RequestNotFoundError,
    UndecidedError,
    unknown_request,
)
from assent.cli.connection.lost_rows import warn_of_lost_rows
from assent.cli.connection.projection_wait import projected
from assent.cli.connection.publishers import publishing, publishing_changes
from assent.cli.connection.set_sending import SentSet, SetRefused, decide_set
from assent.cli.options import Options
from assent.reading.approval_history import history
from assent.reading.audit_entries import AuditEntry, audit_entry
from assent.reading.decidable_requests import received_groups, received_types
from assent.reading.explanations import explained, explanation_lines
from assent.reading.lapsed_approvals import mark_lapsed
from assent.reading.policy_effects import LISTED_MAX
from assent.reading.possible_approvers import can_approve
from assent.reading.proven_submission import Evidence, ProvenSubmission, proven_submission
from assent.reading.request_events import state_of
from assent.store.finding_queries import FindingView, list_findings, show_finding
from assent.store.pool import Executor
from assent.store.positions import Reader
from assent.store.queries import (
    AuditRow,
    RequestFilter,
    RequestView,
    audit_tail,
    groups_of_open_policy_requests,
    list_requests,
    open_of_type,
    timeline,
)
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.client.ledger_lookup import LedgerLookup
from assent_contracts.client.partition_probe import Probe
from assent_contracts.client.publisher import Decided, NotDecidedError, now_ms
from assent_contracts.client.set_submission import SetCommands
from assent_contracts.commands import Command
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.states import Request
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.proof import NotProven
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER

_READERS: Final[tuple[Reader, ...]] = ("status", "audit")
_SHOWN_WITHIN_S: Final = 1.0
"""How long to wait for the tables after a decision. The decision is made in any case."""
_APPEARS_WITHIN_S: Final = 5.0
_RECORDS_WITHIN_S: Final = 2.0
_AROUND_S: Final = 60.0
"""For connecting and disconnecting: a broker that accepts a connection may never answer."""


@dataclass(frozen=True)
class DirectLog:
    """The LogClient of a log whose Kafka and Postgres can be reached."""

    access: LogAccess
    options: Options
    """Of the command: in --data the decider may have left a file of heads."""
    key: SecretKey | None
    """The key to ask and sign with; None for reads that do not depend on it."""
    timeout_s: float
    """How long to wait for a decision."""

    async def governance(self) -> Governance:
        """The state of governance now, from its ledger."""
        async with following_governance(self.access) as follower:
            return governance_of(follower)

    async def requests(self, which: RequestList, limit: int) -> list[RequestView]:
        """R7, R14: from the status tables; approvals as they count now."""
        governance = await self.governance()
        since = now_ms() - governance.settings.visibility_ms
        async with reading_tables(self.access) as db:
            await warn_of_lost_rows(self.access, db)
            wanted = await self._wanted(which, governance, db)
            rows = await list_requests(db, wanted, ended_since_ms=since, limit=limit)
        return [mark_lapsed(row, governance) for row in rows]

    async def _wanted(self, which: RequestList, governance: Governance, db: Executor) -> RequestFilter:
        if which == "all":
            return RequestFilter()
        assert self.key is not None, "whose requests these are depends on who asks"
        principal = self.key.principal
        if which == "mine":
            found = governance.principals.get(principal)
            # R9, R20: requests from any of the person's accounts, and on their behalf.
            if found is None or found.person is None:
                return RequestFilter(requester=principal)
            return RequestFilter(person=found.person)
        asked = await groups_of_open_policy_requests(db)
        return RequestFilter(
            groups=received_groups(governance, principal, asked),
            types=received_types(governance, principal),
        )

    async def request(self, request: str) -> RequestView:
        """Waits for a request that was submitted a moment ago. Raises RequestNotFoundError."""
        place = parse_request_id(request)
        if place is None:
            raise RequestNotFoundError(
                f"{request!r} is not a request id; they look like 2-1041, and `assent requests` lists them."
            )
        async with reading_tables(self.access) as db:
            await warn_of_lost_rows(self.access, db)
            row = await row_of(db, request, *place)
            if row is not None:
                return row
            # A request's id is its place on the ledger: only one that is there can still appear in the lists.
            if not await self._reaches(*place):
                raise RequestNotFoundError(unknown_request(request))
            row = await projected(partial(row_of, db, request, *place), within_s=_APPEARS_WITHIN_S)
            if row is None:
                raise RequestNotFoundError(
                    f"The lists do not have request {request} yet, if there is one."
                    " If it was just submitted, try again;"
                    " `assent doctor` states how far the lists are behind."
                )
            return row

    async def _reaches(self, partition: int, seq: int) -> bool:
        """Whether the request ledger can have a record at this place. Raises KafkaError, TimeoutError."""
        place = TopicPartition(LEDGER, partition)
        async with Probe(self.access.connection) as probe:
            if partition >= (await probe.partitions(LEDGER) or 0):
                return False
            # A seq is never beyond its offset: the topic may have records that do not count, and lacks none.
            return seq < (await probe.found({place: 0}))[place].end

    async def details(self, request: str) -> RequestDetails:
        """Raises RequestNotFoundError."""
        row = await self.request(request)
        async with reading_tables(self.access) as db:
            records = await timeline(db, request)
        return RequestDetails(
            request=mark_lapsed(row, await self.governance()),
            timeline=[audit_entry(record) for record in records],
            history=history(records),
            submission=await self._proven(request),
        )

    async def submission(self, request: str) -> ProvenSubmission | NotProven:
        """R23: from the ledger itself. Raises RequestNotFoundError."""
        await self.request(request)
        return await self._proven(request)

    async def _proven(self, request: str) -> ProvenSubmission | NotProven:
        place = parse_request_id(request)
        assert place is not None, "`request` has looked it up"
        offset = await self._offset(*place)
        if offset is None:
            return NotProven("The audit log does not have its submission yet; try again.")
        async with following_governance(self.access) as follower:
            lookup = LedgerLookup(self.access.connection, follower, [place[0]])
            await lookup.start()
            try:
                run = await lookup.run_at(*place, offset)
            except (KafkaError, TimeoutError) as error:
                return NotProven(f"The ledger cannot be read: {error or type(error).__name__}.")
            finally:
                await lookup.stop()
            if isinstance(run, NotProven):
                return run
            evidence = Evidence(
                value=run.values[0], following=run.values[1:], writer=run.writer, seal=run.seal
            )
            return proven_submission(evidence, request, follower, verify_signature)

    async def _offset(self, partition: int, seq: int) -> int | None:
        """The offset of this record by the audit table. It is a hint: the record there must be proven."""
        async with reading_tables(self.access) as db:

            async def next_row() -> AuditRow | None:
                rows = await audit_tail(db, {(LEDGER, partition): seq - 1}, 1)
                return rows[0] if rows else None

            row = await projected(next_row, within_s=_APPEARS_WITHIN_S)
        return None if row is None or row.seq != seq else row.ledger_offset

    async def approvers(self, request: str) -> RequestApprovers:
        """Raises RequestNotFoundError, NotProjectedError."""
        row, state, governance = await self._state(request)
        return RequestApprovers(request=row, approvers=can_approve(state, governance, now_ms()))

    async def explanation(self, request: str, principal: str | None) -> RequestExplanation:
        """Raises RequestNotFoundError, NotProjectedError."""
        row, state, governance = await self._state(request)
        found = explained(row, state, governance, now_ms(), principal)
        sentences = [] if found.explanation is None else explanation_lines(found.explanation, governance)
        return RequestExplanation(request=row, explained=found, sentences=sentences)

    async def _state(self, request: str) -> tuple[RequestView, Request, Governance]:
        row = await self.request(request)
        async with reading_tables(self.access) as db:
            records = await projected(partial(records_of, db, row), within_s=_RECORDS_WITHIN_S)
        if records is None:
            raise NotProjectedError(f"The records of {row.id} are not in the audit log yet; try again.")
        return row, state_of(records), await self.governance()

    async def open_requests(self, resource_type: str) -> OpenRequestsOfType:
        """From the status tables."""
        async with reading_tables(self.access) as db:
            rows, count = await open_of_type(db, resource_type, limit=LISTED_MAX)
        return OpenRequestsOfType(requests=rows, count=count)

    async def audit_records(self, limit: int) -> list[AuditEntry]:
        """R16: from the audit table."""
        async with reading_tables(self.access) as db:
            await warn_of_lost_rows(self.access, db)
            return [audit_entry(row) for row in await audit_tail(db, None, limit)]

    async def findings(self, *, only_open: bool, resource: str | None, limit: int) -> list[FindingView]:
        """R28: from the status tables."""
        async with reading_tables(self.access) as db:
            await warn_of_lost_rows(self.access, db)
            wanted = True if only_open else None
            return await list_findings(db, is_open=wanted, resource=resource, limit=limit)

    async def finding(self, finding: str) -> FindingView:
        """Waits for one that was reported a moment ago. Raises FindingNotFoundError."""
        async with reading_tables(self.access) as db:
            row = await projected(partial(show_finding, db, finding), within_s=_SHOWN_WITHIN_S)
        if row is None or row.id != finding:
            raise FindingNotFoundError(finding)
        return row

    async def decide(self, command: Command) -> Decided:
        """Sign, publish and wait; then wait a moment for the tables. Raises UndecidedError."""
        assert self.key is not None, "a command is signed"
        try:
            async with (
                asyncio.timeout(self.timeout_s + _AROUND_S),
                publishing(self.access, COMMAND_SOURCE, self.options) as publisher,
            ):
                decided = await publisher.send(command, self.key, timeout_s=self.timeout_s)
        except NotDecidedError as error:
            raise _undecided(error, command.id) from error
        await self._shown(decided)
        return decided

    async def decide_set(self, commands: SetCommands) -> SentSet | SetRefused:
        """R29: over one connection for all of them. Raises UndecidedError."""
        key = self.key
        assert key is not None, "a command is signed"
        async with AsyncExitStack() as held:
            async with asyncio.timeout(_AROUND_S):
                publisher = await held.enter_async_context(
                    publishing(self.access, COMMAND_SOURCE, self.options)
                )

            async def decide(command: Command) -> Decided:
                try:
                    return await publisher.send(command, key, timeout_s=self.timeout_s)
                except NotDecidedError as error:
                    raise _undecided(error, command.id) from error

            return await decide_set(commands, decide)

    async def _shown(self, decided: Decided) -> None:
        """Wait until `assent show` can show the decision, but not for long: it is made in any case."""
        with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with asyncio.timeout(_SHOWN_WITHIN_S), reading_tables(self.access) as db:
                for reader in _READERS:
                    await projected(partial(is_at, db, reader, decided), within_s=_SHOWN_WITHIN_S)

    async def decide_change(self, change: GovernanceChange) -> GovernanceDecided:
        """The same as `decide`, for a change to governance that works at once. Raises UndecidedError."""
        assert self.key is not None, "a command is signed"
        try:
            async with (
                asyncio.timeout(self.timeout_s + _AROUND_S),
                publishing_changes(self.access, COMMAND_SOURCE, self.options) as publisher,
            ):
                return await publisher.send(change, self.key, timeout_s=self.timeout_s)
        except NotDecidedError as error:
            raise _undecided(error, None) from error


def _undecided(error: NotDecidedError, command: str | None) -> UndecidedError:
    todo = (
        "It may still be decided: `assent audit tail` shows it then."
        " Is the decider up? `assent doctor` shows it."
    )
    return UndecidedError(str(error), todo, command)
