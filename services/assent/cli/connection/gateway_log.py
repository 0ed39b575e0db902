"""A log behind a gateway over HTTP, with the same data as a command reads from Kafka and Postgres directly.

Everything is signed here: reads as HTTP messages, commands as for Kafka. The key stays here.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from assent.cli.connection.gateway_documents import (
    ApproversDocument,
    AuditPageDocument,
    ExplanationDocument,
    FindingPage,
    GovernanceLedgerPage,
    ListPage,
    PositionDocument,
    RelayedCommand,
    RequestDocument,
    RequestPage,
    SubmissionProofDocument,
)
from assent.cli.connection.gateway_http import (
    GatewayAccess,
    GatewayAnswer,
    bad_answer,
    get,
    post,
    problem_error,
)
from assent.cli.connection.log_client import (
    COMMAND_SOURCE,
    FindingNotFoundError,
    GatewayAnswerError,
    GatewayRefusalError,
    OpenRequestsOfType,
    RequestApprovers,
    RequestDetails,
    RequestExplanation,
    RequestList,
    RequestNotFoundError,
    unknown_request,
)
from assent.cli.connection.set_sending import SentSet, SetRefused, decide_set
from assent.reading.audit_entries import AuditEntry
from assent.reading.policy_effects import LISTED_MAX
from assent.reading.proven_submission import Evidence, ProvenSubmission, proven_submission
from assent.store.finding_queries import FindingView
from assent.store.queries import LIST_MAX, RequestView
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.keys import signed_headers, verify_signature
from assent_contracts.client.publisher import Decided, new_command_id, now_ms
from assent_contracts.client.set_submission import SetCommands
from assent_contracts.codec import encode
from assent_contracts.commands import Command
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to
from assent_contracts.events import Event
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_messages import ChangeGovernance, GovernanceCommand, GovernanceEvent
from assent_contracts.proof import GovernanceProof, NotProven
from assent_contracts.resources import parse_request_id
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER

_PAGE: Final = 200
_SENT_TOO_FAST: Final = ("too-many-requests", "too-many-connections")
_IN_TURN_WITHIN_S: Final = 120.0
"""How long a command waits for its turn: a gateway counts the commands of an account for some seconds."""
_GOVERNANCE_MAX_BYTES: Final = 1024 * 1024 * 1024
"""Of all pages of the governance ledger: a limit for a server that never ends."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class GatewayLog:
    """The LogClient of a log behind a gateway. Nothing that the gateway answers is signed unproven."""

    access: GatewayAccess
    identity: str
    """Of the log that commands are signed for. It never comes from the gateway."""

    async def governance(self) -> Governance:
        """The state of governance now, as the log's identity proves it, from which a change is made.

        A gateway can leave out the newest records. A change then names an older version and is refused.
        """
        proof = await self._governance_ledger()
        state = Governance()
        advance_to(state, proof.history, len(proof.history) - 1)
        if state.seq < 0:
            raise GatewayAnswerError(
                f"{self.access.url} has no governance ledger of the log {self.identity}:"
                " is --identity right?",
                is_of_assent=True,
            )
        return state

    async def requests(self, which: RequestList, limit: int) -> list[RequestView]:
        """R7: page by page, as the gateway lists them."""
        pages = self._pages("/api/v1/requests", {"view": which}, limit, RequestPage)
        return [row async for page in pages for row in page.requests]

    async def request(self, request: str) -> RequestView:
        """Raises RequestNotFoundError, also where the caller may not see the request."""
        return (await self._document(request)).request

    async def details(self, request: str) -> RequestDetails:
        """Raises RequestNotFoundError, also where the caller may not see the request."""
        found = await self._document(request)
        return RequestDetails(
            request=found.request,
            timeline=found.timeline,
            history=found.history,
            submission=await self.submission(request),
        )

    async def submission(self, request: str) -> ProvenSubmission | NotProven:
        """R23: what the gateway offers, proven by the log's identity alone. Raises RequestNotFoundError."""
        found = self._decoded(await self._about(request, "/submission"), SubmissionProofDocument)
        evidence = Evidence(
            value=found.value, following=found.following, writer=found.writer, seal=found.seal
        )
        return proven_submission(evidence, request, await self._governance_ledger(), verify_signature)

    async def approvers(self, request: str) -> RequestApprovers:
        """Raises RequestNotFoundError."""
        row = await self.request(request)
        found = self._decoded(await self._about(request, "/approvers"), ApproversDocument)
        return RequestApprovers(request=row, approvers=found.can_approve)

    async def explanation(self, request: str, principal: str | None) -> RequestExplanation:
        """Raises RequestNotFoundError."""
        row = await self.request(request)
        asked = {} if principal is None else {"principal": principal}
        found = self._decoded(await self._about(request, "/explanation", asked), ExplanationDocument)
        return RequestExplanation(request=row, explained=found.explained, sentences=found.sentences)

    async def open_requests(self, resource_type: str) -> OpenRequestsOfType:
        """Those among the newest LIST_MAX requests: the gateway has no list for one type."""
        rows = [
            row
            for row in await self.requests("all", LIST_MAX)
            if row.resource_type == resource_type and row.status in ("needs_approval", "approved")
        ]
        rows.sort(key=lambda row: (row.submitted_at, row.partition, row.seq))
        return OpenRequestsOfType(requests=rows[:LISTED_MAX], count=len(rows))

    async def audit_records(self, limit: int) -> list[AuditEntry]:
        """R16: page by page, as the gateway lists them."""
        pages = self._pages("/api/v1/audit", {}, limit, AuditPageDocument)
        return [entry async for page in pages for entry in page.entries][::-1]

    async def findings(self, *, only_open: bool, resource: str | None, limit: int) -> list[FindingView]:
        """R28: page by page, as the gateway lists them."""
        asked = {"open": "true"} if only_open else {}
        asked |= {} if resource is None else {"resource": resource}
        pages = self._pages("/api/v1/findings", asked, limit, FindingPage)
        return [row async for page in pages for row in page.findings]

    async def finding(self, finding: str) -> FindingView:
        """Raises FindingNotFoundError, also where the caller may not see it."""
        if parse_request_id(finding) is None:
            raise FindingNotFoundError(finding)
        answer = await get(self.access, f"/api/v1/findings/{finding}", allowed=("not-found",))
        if answer.problem is not None:
            raise FindingNotFoundError(finding)
        found = self._decoded(answer, FindingView)
        return found if found.id == finding else bad_answer(self.access, answer)

    async def _pages(
        self, path: str, asked: dict[str, str], limit: int, kind: type[ListPage]
    ) -> AsyncIterator[ListPage]:
        """The pages of a list up to `limit` items."""
        left, cursor = limit, None
        while left > 0:
            more = {} if cursor is None else {"cursor": cursor}
            asked = {**asked, "limit": str(min(_PAGE, left)), **more}
            page = self._decoded(await get(self.access, path, asked), kind)
            yield page
            left, cursor = left - len(page), page.next
            if cursor is None:
                return

    async def decide(self, command: Command) -> Decided:
        """Sign a command here, have it relayed, and wait for its decision. Raises UndecidedError."""
        answer = await self._relay(command)
        decided = self._decision_in(answer)
        if answer.problem is None:
            relayed = self._decoded(answer, RelayedCommand)
            if relayed.request is not None:
                # Waits until `assent show` can show the decision, which is made in any case.
                path = f"/api/v1/requests/{relayed.request}"
                await get(self.access, path, after=relayed.position, allowed=("not-found", "lagging"))
        return decided

    async def decide_set(self, commands: SetCommands) -> SentSet | SetRefused:
        """R29: as fast as the gateway lets one account send. Raises UndecidedError."""
        return await decide_set(commands, self._decide_in_turn)

    async def _decide_in_turn(self, command: Command) -> Decided:
        """The decision on one command of many. Waits, as long as it is asked to, when there were too many."""
        started = time.monotonic()
        while True:
            try:
                return self._decision_in(await self._relay(command))
            except GatewayRefusalError as refused:
                wait_s = refused.retry_after_s
                if wait_s is None or refused.code not in _SENT_TOO_FAST:
                    raise
                if time.monotonic() + wait_s - started > _IN_TURN_WITHIN_S:
                    raise
            await asyncio.sleep(wait_s)

    def _decision_in(self, answer: GatewayAnswer) -> Decided:
        partition, seq = self._place(answer)
        if (problem := answer.problem) is not None:
            raw = problem.events
            events = () if raw is None else self._content(answer, raw, tuple[Event, ...])
            return Decided(
                partition=partition, seq=seq, at=problem.at or 0, events=events, refusal=problem.refusal()
            )
        relayed = self._decoded(answer, RelayedCommand)
        events = self._content(answer, relayed.events, tuple[Event, ...])
        return Decided(partition=partition, seq=seq, at=relayed.at, events=events, refusal=None)

    async def decide_change(self, change: GovernanceChange) -> GovernanceDecided:
        """The same as `decide`, for a change to governance that works at once. Raises UndecidedError."""
        command = ChangeGovernance(
            id=new_command_id(), principal=self.access.key.principal, at=now_ms(), change=change
        )
        answer = await self._relay(command)
        _, seq = self._place(answer)
        if answer.problem is not None:
            refusal = answer.problem.refusal()
            return GovernanceDecided(seq=seq, at=answer.problem.at or 0, events=(), refusal=refusal)
        relayed = self._decoded(answer, RelayedCommand)
        events = self._content(answer, relayed.events, tuple[GovernanceEvent, ...])
        return GovernanceDecided(
            seq=seq, at=relayed.at, events=events, refusal=None, repeated=relayed.repeated
        )

    async def _governance_ledger(self) -> GovernanceProof:
        """The ledger page by page, as far as the log's identity and its writers' seals prove it."""
        proof = GovernanceProof(self.identity, verify_signature)
        offset: int | None = 0
        size = 0
        while offset is not None:
            answer = await get(self.access, "/api/v1/governance/ledger", {"offset": str(offset)})
            page = self._decoded(answer, GovernanceLedgerPage)
            size += len(answer.body)
            if (page.next is not None and page.next <= offset) or size > _GOVERNANCE_MAX_BYTES:
                bad_answer(self.access, answer)
            try:
                for entry in page.records:
                    proof.take(entry)
            except (msgspec.MsgspecError, ValueError):
                bad_answer(self.access, answer)
            offset = page.next
        return proof

    async def _document(self, request: str) -> RequestDocument:
        answer = await self._about(request)
        found = self._decoded(answer, RequestDocument)
        return found if found.request.id == request else bad_answer(self.access, answer)

    async def _about(
        self, request: str, what: str = "", asked: dict[str, str] | None = None
    ) -> GatewayAnswer:
        place = parse_request_id(request)
        if place is None:
            raise RequestNotFoundError(
                f"{request!r} is not a request id; they look like 2-1041, and `assent requests` lists them."
            )
        path = f"/api/v1/requests/{request}{what}"
        answer = await get(self.access, path, asked, allowed=("not-found",))
        if answer.problem is not None:
            if place[0] >= (await self.governance()).partitions:
                raise RequestNotFoundError(unknown_request(request))
            # One that was just submitted may not be in the lists yet: its id is its place on the ledger.
            answer = await get(self.access, path, asked, after=request, allowed=("not-found", "lagging"))
        if answer.problem is not None:
            raise RequestNotFoundError(
                f"There is no request {request} that you may see; `assent requests` lists them."
            )
        return answer

    async def _relay(self, command: Command | GovernanceCommand) -> GatewayAnswer:
        value = encode(command)
        signed = dict(signed_headers(self.access.key, self.identity, command, value, COMMAND_SOURCE))
        headers = {name: signed[name].decode() for name in (KEY_HEADER, SIGNATURE_HEADER)}
        answer = await post(self.access, "/api/v1/commands", value, headers, command=command.id)
        # A problem with a position is an answer of the ledger. Without one, nothing was published.
        problem = answer.problem
        if problem is not None and (problem.position is None or not (problem.refusal() or problem.events)):
            raise problem_error(answer, problem, command=command.id)
        return answer

    def _place(self, answer: GatewayAnswer) -> tuple[int, int]:
        position = self._decoded(answer, PositionDocument).position
        return parse_request_id(position) or bad_answer(self.access, answer)

    def _decoded(self, answer: GatewayAnswer, kind: type[_T]) -> _T:
        return self._content(answer, answer.body, kind)

    def _content(self, answer: GatewayAnswer, content: bytes | msgspec.Raw, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            bad_answer(self.access, answer)
