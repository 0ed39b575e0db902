"""Commands about requests: submit, decide, look."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import msgspec
from cyclopts import Parameter

from assent.cli import output
from assent.cli.options import (
    Options,
    Reach,
    Sender,
    following,
    governance_of,
    key_of,
    publishing,
    reach,
    reading,
)
from assent.cli.views import audit_entry, print_request, print_requests
from assent.store.queries import AuditRow, RequestFilter, RequestView, list_requests, show_request, timeline
from assent_contracts import limits
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import Decided, NotDecidedError, new_command_id, now_ms
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import (
    Approve,
    Cancel,
    Command,
    Complete,
    Reject,
    ReportOutcome,
    Revoke,
    SubmitChange,
)
from assent_contracts.events import ChangeSubmitted
from assent_contracts.refusals import WHAT_TO_DO, Refusal

SOURCE = "assent-cli"
_DEFAULT_OPTIONS, _DEFAULT_SENDER = Options(), Sender()

RequestArgument = Annotated[str, Parameter(help="The request's id, such as 2-1041.")]


def submit(
    resource: Annotated[str, Parameter(help="The object, TYPE/ID, such as script/disable-smb1.ps1.")],
    payload: Annotated[Path, Parameter(help="The payload's file; - is standard input.")],
    *,
    justification: Annotated[str, Parameter(alias="-j", help="Why the change is needed (R6).")],
    operation: Annotated[
        str, Parameter(alias="-o", help="create, edit, delete, or any other name.")
    ] = "edit",
    text: Annotated[
        bool, Parameter(negative="", help="The payload is text, not JSON: send it as a JSON string.")
    ] = False,
    sender: Sender = _DEFAULT_SENDER,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Ask for a change to one object."""
    key = key_of(sender, options)
    command = SubmitChange(
        id=new_command_id(),
        principal=key.principal,
        at=now_ms(),
        resource=resource,
        operation=operation,
        justification=justification,
        payload=msgspec.Raw(_read_payload(payload, as_text=text)),
    )
    _send(command, key, "Submitted", sender, options)


def approve(
    request: RequestArgument,
    *,
    note: Annotated[str, Parameter(help="Shown to the requester (R8).")] = "",
    digest: Annotated[str | None, Parameter(help="Approve only if the payload has this SHA-256.")] = None,
    sender: Sender = _DEFAULT_SENDER,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Approve a request: you have seen its payload."""
    key = key_of(sender, options)
    row = _find(request, options)
    command = Approve(**_on(row, key), digest=digest or row.digest, note=note)
    _send(command, key, f"Approved {request}, payload {row.digest[:12]}", sender, options)


def reject(
    request: RequestArgument,
    *,
    note: Annotated[str, Parameter(help="Why; shown to the requester (R8).")] = "",
    sender: Sender = _DEFAULT_SENDER,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Reject a request: it ends."""
    key = key_of(sender, options)
    _send(Reject(**_on(_find(request, options), key), note=note), key, f"Rejected {request}", sender, options)


def revoke(
    request: RequestArgument,
    *,
    note: str = "",
    sender: Sender = _DEFAULT_SENDER,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Take your approval back, before the change is released."""
    key = key_of(sender, options)
    _send(
        Revoke(**_on(_find(request, options), key), note=note), key, f"Revoked on {request}", sender, options
    )


def cancel(
    request: RequestArgument, *, sender: Sender = _DEFAULT_SENDER, options: Options = _DEFAULT_OPTIONS
) -> None:
    """Withdraw your own request, before approval (R11)."""
    key = key_of(sender, options)
    _send(Cancel(**_on(_find(request, options), key)), key, f"Canceled {request}", sender, options)


def complete(
    request: RequestArgument, *, sender: Sender = _DEFAULT_SENDER, options: Options = _DEFAULT_OPTIONS
) -> None:
    """Release your own approved request to the applier (R12)."""
    key = key_of(sender, options)
    _send(Complete(**_on(_find(request, options), key)), key, f"Released {request}", sender, options)


def settle(
    request: RequestArgument,
    outcome: Annotated[Literal["succeeded", "failed"], Parameter(help="What you found out.")],
    *,
    message: Annotated[str, Parameter(help="How you know.")] = "",
    sender: Sender = _DEFAULT_SENDER,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """Say what became of a change whose outcome is unknown (administrators, or its applier)."""
    key = key_of(sender, options)
    command = ReportOutcome(**_on(_find(request, options), key), outcome=outcome, message=message)
    _send(command, key, f"Settled {request}: {outcome}", sender, options)


def requests(
    *,
    mine: Annotated[bool, Parameter(negative="", help="Those that you submitted (R7).")] = False,
    received: Annotated[bool, Parameter(negative="", help="Those that you may decide on (R7).")] = False,
    limit: Annotated[int, Parameter(help="How many at most.")] = 50,
    sender: Sender = _DEFAULT_SENDER,
    options: Options = _DEFAULT_OPTIONS,
) -> None:
    """List requests: all, --mine or --received; the latest first."""
    if mine and received:
        output.fail("Take one of --mine and --received.")
    principal = key_of(sender, options).principal if mine or received else None
    rows = asyncio.run(_list(reach(options), principal, mine=mine, limit=limit))
    if options.json:
        output.print_json(rows)
    else:
        print_requests(rows)


async def _list(to: Reach, principal: str | None, *, mine: bool, limit: int) -> list[RequestView]:
    async with following(to) as follower:
        governance = governance_of(follower)
    wanted = RequestFilter()
    if principal is not None:
        groups = [group for group in governance.groups if principal in governance.members(group)]
        wanted = RequestFilter(requester=principal) if mine else RequestFilter(groups=groups)
    since = now_ms() - governance.settings.visibility_ms
    async with reading(to) as db:
        return await list_requests(db, wanted, ended_since_ms=since, limit=limit)


def show(request: RequestArgument, *, options: Options = _DEFAULT_OPTIONS) -> None:
    """Show one request: its status, payload and timeline."""

    async def look() -> tuple[RequestView | None, list[AuditRow]]:
        async with reading(reach(options)) as db:
            return await show_request(db, request), await timeline(db, request)

    row, records = asyncio.run(look())
    if row is None:
        output.fail(f"There is no request {request}; `assent requests` lists them.")
    entries = [audit_entry(record) for record in records]
    if options.json:
        output.print_json({"request": row, "timeline": entries})
    else:
        print_request(row, entries)


def _find(request: str, options: Options) -> RequestView:
    async def look() -> RequestView | None:
        async with reading(reach(options)) as db:
            return await show_request(db, request)

    row = asyncio.run(look())
    if row is None:
        output.fail(f"There is no request {request}; `assent requests` lists them.")
    return row


def _on(row: RequestView, key: SecretKey) -> dict[str, Any]:
    return {
        "id": new_command_id(),
        "principal": key.principal,
        "at": now_ms(),
        "resource": row.resource,
        "request": row.id,
    }


def _read_payload(path: Path, *, as_text: bool) -> bytes:
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            payload = file.read(limits.PAYLOAD_MAX_BYTES + 1)
    except OSError as error:
        output.fail(f"{path} cannot be read: {error.strerror}.")
    if len(payload) > limits.PAYLOAD_MAX_BYTES:
        output.fail(
            f"{path} has more than {limits.PAYLOAD_MAX_BYTES:,} bytes: that is too-large.", output.REFUSED
        )
    if not as_text:
        return payload.strip()
    try:
        return encode(payload.decode())
    except UnicodeDecodeError:
        output.fail(f"{path} is not UTF-8 text: malformed.", output.REFUSED)


def _send(command: Command, key: SecretKey, done: str, sender: Sender, options: Options) -> NoReturn:
    """Publish, wait for the ledger's decision, print it, exit with its code."""
    checked = decode_command(encode(command))
    if isinstance(checked, Refusal):
        # The ledger would refuse it the same way, without keeping what it says.
        message = f"Not sent: {checked.code}. {checked.detail} {WHAT_TO_DO[checked.code]}"
        output.fail(message, output.REFUSED)
    to = reach(options)

    async def send() -> Decided:
        async with publishing(to, SOURCE) as publisher:
            return await publisher.send(command, key, timeout_s=sender.timeout)

    try:
        decided = asyncio.run(send())
    except NotDecidedError as error:
        output.fail(f"{error} It may still be decided: look with `assent audit tail`.", output.NOT_DECIDED)
    for event in decided.events:
        if isinstance(event, ChangeSubmitted):
            done = f"{done}: request {event.request}"
    output.finish(decided, done, as_json=options.json)
