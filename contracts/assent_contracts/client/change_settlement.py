"""One released change, from the claim to the decision on its outcome. Survives a kill at any point.

Every command's bytes are journaled when they are published. The same bytes are published again until the
ledger has decided them. The answer alone never counts, because a repeated command's answer only points to its
first decision. What counts is the state of the request on the ledger.
"""

import asyncio
import time
from collections.abc import Callable

import msgspec
from msgspec import UNSET, UnsetType

from assent_contracts.client.applier_commands import ApplierCommands
from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.applier_steps import granted, is_settled, not_to_apply
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handled import Handled
from assent_contracts.client.handler import Handler, ReadBack, Release
from assent_contracts.client.handler_run import Report, settle_release
from assent_contracts.client.lease import Lease, WorkTime
from assent_contracts.client.lease_renewal import renewed
from assent_contracts.client.open_requests import OpenRequest
from assent_contracts.client.outcome_message import outcome_message, outcome_version
from assent_contracts.client.publisher import now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import Claim, ReportOutcome
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.released_change import Change, idempotency_key

_CLOCK_RETRY_S = 60.0
_AGAIN_MIN_S = 1.0
_AGAIN_MAX_S = 3_600.0
_SLOW_S = 1.0
_ASK_AT_MOST = 3


class _Refused(msgspec.Struct, frozen=True):
    refusal: Refusal | None
    fresh: bool
    """Whether the refused command had just been made."""
    governance: int
    """The governance seq that was known when the command was sent."""


class Settler:
    """Settles changes for one applier."""

    def __init__(
        self,
        commands: ApplierCommands,
        governance: GovernanceFollower,
        journal: Journal,
        *,
        find: Callable[[str], OpenRequest | None],
        handler: Handler,
        reads_back: ReadBack | None,
        time_limit_s: float,
        slots: asyncio.Semaphore,
        tell: Callable[[Handled], None],
    ) -> None:
        """`find` looks up a request in the ledger, as far as it has been read."""
        self._commands = commands
        self._governance = governance
        self._journal = journal
        self._find = find
        self._handler = handler
        self._reads_back = reads_back
        self._time_limit_s = time_limit_s
        self._slots = slots
        self._tell = tell
        self.held_up: set[str] = set()
        """Requests that wait until people or a clock remove the reason of a refusal."""

    async def settle(self, request: str) -> Handled:
        """Continue from the journal's state to the end. Raises OSError if the journal cannot be written."""
        started = time.monotonic()
        change = self._journal.change(request)
        if self._is_again(change):
            return await self._left(change)
        if self._is_another(change):
            # The change in progress belongs to another history: it is kept, and nothing of it is sent.
            detail = (
                "The ledger has released something else under the id of this change. Compare the target with"
                f" the ledger, then stop this applier, create the empty file"
                f" {self._journal.path_to_drop(request)}, and start it again."
            )
            return Handled(result="other-release", detail=detail, request=request, resource=change.resource)
        report = self._journal.read(request, "report")
        if report is None:
            claimed = await self._claim_and_apply(request)
            if isinstance(claimed, Handled):
                self._journal.drop(request)
                return claimed
            report = claimed
        said = msgspec.json.decode(report, type=ReportOutcome)
        await self._report(said, report)
        self._journal.drop(request)
        return Handled(
            result=said.outcome,
            detail=said.message,
            request=request,
            resource=said.resource,
            took_s=time.monotonic() - started,
        )

    def _is_again(self, change: Change) -> bool:
        """Whether people had it released again, after its outcome was unknown."""
        found = self._find(change.request)
        return found is not None and found.was_release(change)

    async def _left(self, change: Change) -> Handled:
        """Drop a change that was released again. A report that was made of it is recorded, and refused."""
        report = self._journal.read(change.request, "report")
        if report is not None:
            await self._commands.publish(msgspec.json.decode(report, type=ReportOutcome), report)
        self._journal.drop(change.request)
        return Handled(
            result="not-open",
            detail="It has been released again since.",
            request=change.request,
            resource=change.resource,
        )

    def _is_another(self, change: Change) -> bool:
        found = self._find(change.request)
        return found is not None and not found.is_release(change)

    async def _claim_and_apply(self, request: str) -> bytes | Handled:
        # The slot is released while a refusal waits for people to act.
        while True:
            async with self._slots:
                change = self._journal.change(request)
                if self._is_again(change):
                    return await self._left(change)
                claimed = await self._claim(change)
                if isinstance(claimed, Lease):
                    made = await self._apply_once(change, claimed)
                    return self._journal_report(request, change.resource, made, claimed.claim)
            if isinstance(claimed, str):
                return Handled(
                    result="not-claimed", detail=claimed, request=request, resource=change.resource
                )
            await self._before_trying_again(claimed, change)

    async def _claim(self, change: Change) -> Lease | _Refused | str:
        """The lease of a granted claim, a refusal after which to try again, or why there is nothing to do."""
        value = self._journal.read(change.request, "claim")
        fresh = value is None
        if value is None:
            value = encode(Claim(**self._commands.fields(), resource=change.resource, request=change.request))
            self._journal.write(change.request, "claim", value)
            self._journal.sync()
        claim = msgspec.json.decode(value, type=Claim)
        governance = self._governance.writers.head
        asked = 0
        while True:
            answer, sent = await self._commands.publish(claim, value)
            asked += 1
            await self._journal.durable()
            found = self._find(change.request)
            grant = granted(found, claim)
            if isinstance(grant, str):
                return grant
            if grant is None or found is None:
                self._journal.forget(change.request, "claim")
                return _Refused(answer.refusal, fresh, governance)
            deadline = 0 if found.unsettled else grant.deadline
            lease = Lease(grant.claim, grant.digest, deadline, answer.at, sent)
            # A slow answer says little about the time. One more answer to the same bytes gives it exactly.
            slow = time.monotonic() - sent >= _SLOW_S
            if not lease.over() or found.unsettled or not slow or asked == _ASK_AT_MOST:
                return lease

    async def _apply_once(self, change: Change, lease: Lease) -> Report:
        identity, found = self._governance.identity, self._find(change.request)
        other = not_to_apply(change, lease.digest, found)
        if other is not None:
            return other
        release = Release(
            change=change,
            claim=lease.claim,
            idempotency_key=idempotency_key(identity, change),
            remaining_s=0,
            approvers=() if found is None else found.approvers,
            earlier_keys=() if found is None else _earlier_keys(identity, change, found),
        )
        work_time = WorkTime(lease, self._time_limit_s)
        async with renewed(self._commands, self._find, change, lease, work_time):
            return await settle_release(
                self._handler,
                self._reads_back,
                release,
                lease,
                work_time,
                begun=self._journal.may_be_applied(change.request),
                begin=lambda: self._journal.begin_to_apply(change.request),
            )

    def _journal_report(self, request: str, resource: str, report: Report, claim: int | UnsetType) -> bytes:
        value = encode(
            ReportOutcome(
                **self._commands.fields(),
                resource=resource,
                request=request,
                outcome=report.outcome,
                message=outcome_message(report.message),
                claim=claim,
                version=outcome_version(report.version),
            )
        )
        self._journal.write(request, "report", value)
        self._journal.sync()
        return value

    async def _report(self, report: ReportOutcome, value: bytes) -> None:
        fresh = False
        if self._find(report.request) is None:
            return  # it has ended or never existed: there is nothing to report
        while True:
            governance = self._governance.writers.head
            answer, _ = await self._commands.publish(report, value)
            found = self._find(report.request)
            if is_settled(found, self._commands.principal, report):
                return
            await self._before_trying_again(_Refused(answer.refusal, fresh, governance), report)
            value = self._journal_report(
                report.request,
                report.resource,
                Report(report.outcome, report.message, "" if report.version is UNSET else report.version),
                report.claim,
            )
            report = msgspec.json.decode(value, type=ReportOutcome)
            fresh = True

    async def _before_trying_again(self, refused: _Refused, what: Change | ReportOutcome) -> None:
        """Wait until the time or governance has changed: before, a new command would get the same answer."""
        refusal = refused.refusal
        if refusal is None or not refused.fresh:
            return
        self._tell(
            Handled(
                result="refused",
                detail=f"{refusal.code}: {refusal.detail}",
                request=what.request,
                resource=what.resource,
            )
        )
        self.held_up.add(what.request)
        try:
            if refusal.again_at is not None:
                await asyncio.sleep(_until(refusal.again_at))
            elif refusal.code is RefusalCode.STALE:
                await asyncio.sleep(_CLOCK_RETRY_S)
            else:
                await self._governance.beyond(refused.governance)
        finally:
            self.held_up.discard(what.request)


def _earlier_keys(identity: str, change: Change, found: OpenRequest) -> tuple[str, ...]:
    return tuple(
        idempotency_key(identity, msgspec.structs.replace(change, released=each.seq, at=each.at))
        for each in found.earlier
    )


def _until(again_at: int) -> float:
    """Seconds until log time is `again_at` (ms), assuming that this machine's clock is right."""
    return min(max(_AGAIN_MIN_S, (again_at - now_ms()) / 1_000), _AGAIN_MAX_S)
