"""What commands ask of a gateway over HTTP, as the same data that they read from the log and the tables.

Everything is signed here: reads as HTTP messages, commands as they would be for Kafka. The key stays here.
"""

from typing import Final, Literal, TypeVar

import msgspec

from assent.cli import output
from assent.cli.gateway_client import Answer, bad_answer, fail_problem, get, post
from assent.cli.log_access import Server
from assent.cli.showing import Shown
from assent.reading.approvers import Approver
from assent.reading.entries import Entry
from assent.reading.explaining import Explained
from assent.reading.proven import Evidence
from assent.store.queries import RequestView
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.keys import signed_headers, verify
from assent_contracts.client.publisher import Decided, new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import Command
from assent_contracts.core.governance.cursor import advance
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import Event
from assent_contracts.governance import ChangeGovernance, GovernanceCommand, GovernanceEvent
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.proof import GovernanceProof, LedgerEntry
from assent_contracts.resources import parse_request_id
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER

View = Literal["mine", "received", "all"]
_PAGE: Final = 200
_GOVERNANCE_MAX_BYTES: Final = 1024 * 1024 * 1024
"""Of all pages of the governance ledger: a server that goes on for ever is cut off."""
_SOURCE: Final = "assent-cli"
_T = TypeVar("_T")


class _Page(msgspec.Struct):
    requests: list[RequestView]
    next: str | None


class _Approvers(msgspec.Struct):
    can_approve: tuple[Approver, ...]


class _Told(msgspec.Struct):
    explained: Explained
    sentences: list[str]


class _AuditPage(msgspec.Struct):
    entries: list[Entry]
    next: str | None


class _Position(msgspec.Struct):
    position: str


class _Relayed(msgspec.Struct):
    position: str
    at: int
    request: str | None
    events: msgspec.Raw
    repeated: bool


async def governance(server: Server) -> Governance:
    """The state of governance now, as the log's identity proves it: what is changed is changed from there.

    A gateway can leave the newest records out. What is signed then names an older version, and is refused.
    """
    proof = await governance_ledger(server)
    state = Governance()
    advance(state, proof.history, len(proof.history) - 1)
    if state.seq < 0:
        output.fail(
            f"{server.url} has no governance ledger of the log {server.identity}: is --identity right?"
        )
    return state


async def requests(server: Server, view: View, limit: int) -> list[RequestView]:
    """R7: at most `limit` requests, the newest change first."""
    rows: list[RequestView] = []
    cursor: str | None = None
    while len(rows) < limit:
        asked: dict[str, str] = {"view": view, "limit": str(min(_PAGE, limit - len(rows)))}
        if cursor is not None:
            asked["cursor"] = cursor
        page = _read(server, await get(server, "/api/v1/requests", asked), _Page)
        rows += page.requests
        cursor = page.next
        if cursor is None:
            break
    return rows


async def shown(server: Server, request: str) -> Shown:
    """A request with its timeline; ends the command when there is none, or none that one may see."""
    answer = await _of_request(server, request)
    found = _read(server, answer, Shown)
    return found if found.request.id == request else bad_answer(server, answer)


async def approvers(server: Server, request: str) -> tuple[RequestView, tuple[Approver, ...]]:
    """A request, and who can approve it now."""
    row = (await shown(server, request)).request
    found = _read(server, await _of_request(server, request, "/approvers"), _Approvers)
    return row, found.can_approve


async def explained(
    server: Server, request: str, principal: str | None
) -> tuple[RequestView, Explained, list[str]]:
    """A request, where it stands, for `principal` too, and the rules in sentences."""
    row = (await shown(server, request)).request
    asked = {} if principal is None else {"principal": principal}
    told = _read(server, await _of_request(server, request, "/explanation", asked), _Told)
    return row, told.explained, told.sentences


class _SubmissionProof(msgspec.Struct):
    value: bytes
    following: tuple[bytes, ...] | None
    writer: str
    seal: str


class _GovernanceLedger(msgspec.Struct):
    records: list[LedgerEntry]
    next: int | None


async def evidence(server: Server, request: str) -> Evidence:
    """What the gateway offers as a request's submission; nothing of it is believed here."""
    found = _read(server, await _of_request(server, request, "/submission"), _SubmissionProof)
    return Evidence(value=found.value, following=found.following, writer=found.writer, seal=found.seal)


async def governance_ledger(server: Server) -> GovernanceProof:
    """The governance ledger, page by page, as far as the log's identity and its writers' seals prove it."""
    proof = GovernanceProof(server.identity, verify)
    offset: int | None = 0
    size = 0
    while offset is not None:
        answer = await get(server, "/api/v1/governance/ledger", {"offset": str(offset)})
        page = _read(server, answer, _GovernanceLedger)
        size += len(answer.body)
        if (page.next is not None and page.next <= offset) or size > _GOVERNANCE_MAX_BYTES:
            bad_answer(server, answer)
        try:
            for entry in page.records:
                proof.take(entry)
        except (msgspec.MsgspecError, ValueError):
            bad_answer(server, answer)
        offset = page.next
    return proof


async def _of_request(
    server: Server, request: str, what: str = "", asked: dict[str, str] | None = None
) -> Answer:
    if parse_request_id(request) is None:
        output.fail(f"{request!r} is no request id; they look like 2-1041, and `assent requests` lists them.")
    path = f"/api/v1/requests/{request}{what}"
    answer = await get(server, path, asked, allowed=("not-found",))
    if answer.problem is not None:
        # One that was just submitted may not be in the lists yet: its id is its place on the ledger.
        answer = await get(server, path, asked, after=request, allowed=("not-found", "lagging"))
    if answer.problem is not None:
        output.fail(f"There is no request {request} that you may see; `assent requests` lists them.")
    return answer


async def audit(server: Server, limit: int) -> list[Entry]:
    """The latest records of the audit log, the oldest of them first."""
    entries: list[Entry] = []
    cursor: str | None = None
    while len(entries) < limit:
        asked = {"limit": str(min(_PAGE, limit - len(entries)))}
        if cursor is not None:
            asked["cursor"] = cursor
        page = _read(server, await get(server, "/api/v1/audit", asked), _AuditPage)
        entries += page.entries
        cursor = page.next
        if cursor is None:
            break
    return entries[::-1]


async def send(server: Server, command: Command) -> Decided:
    """Sign a command here, have it relayed, and wait for its decision; ends the command without one."""
    answer = await _relay(server, command)
    partition, seq = _place(server, answer)
    if (problem := answer.problem) is not None:
        events = () if problem.events is None else _decoded(server, answer, problem.events, tuple[Event, ...])
        return Decided(
            partition=partition, seq=seq, at=problem.at or 0, events=events, refusal=problem.refusal()
        )
    relayed = _read(server, answer, _Relayed)
    if relayed.request is not None:
        # So that `assent show` after this command shows what it did. The decision stands in any case.
        path = f"/api/v1/requests/{relayed.request}"
        await get(server, path, after=relayed.position, allowed=("not-found", "lagging"))
    events = _decoded(server, answer, relayed.events, tuple[Event, ...])
    return Decided(partition=partition, seq=seq, at=relayed.at, events=events, refusal=None)


async def send_change(server: Server, change: GovernanceChange) -> GovernanceDecided:
    """The same for a change to governance that works at once."""
    command = ChangeGovernance(
        id=new_command_id(), principal=server.key.principal, at=now_ms(), change=change
    )
    answer = await _relay(server, command)
    _, seq = _place(server, answer)
    if answer.problem is not None:
        refusal = answer.problem.refusal()
        return GovernanceDecided(seq=seq, at=answer.problem.at or 0, events=(), refusal=refusal)
    relayed = _read(server, answer, _Relayed)
    events = _decoded(server, answer, relayed.events, tuple[GovernanceEvent, ...])
    return GovernanceDecided(seq=seq, at=relayed.at, events=events, refusal=None, repeated=relayed.repeated)


async def _relay(server: Server, command: Command | GovernanceCommand) -> Answer:
    value = encode(command)
    signed = dict(signed_headers(server.key, server.identity, command, value, _SOURCE))
    headers = {name: signed[name].decode() for name in (KEY_HEADER, SIGNATURE_HEADER)}
    answer = await post(server, "/api/v1/commands", value, headers, command=command.id)
    # What is on record is printed as the ledger's refusal; what is not was never published.
    problem = answer.problem
    if problem is not None and (problem.position is None or not (problem.refusal() or problem.events)):
        fail_problem(server, answer.status, problem, command=command.id)
    return answer


def _place(server: Server, answer: Answer) -> tuple[int, int]:
    position = _read(server, answer, _Position).position
    return parse_request_id(position) or bad_answer(server, answer)


def _read(server: Server, answer: Answer, kind: type[_T]) -> _T:
    return _decoded(server, answer, answer.body, kind)


def _decoded(server: Server, answer: Answer, content: bytes | msgspec.Raw, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        bad_answer(server, answer)
