"""Send one command, wait for the ledger's decision, print it, and exit with its code."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NoReturn

import asyncpg
import msgspec

from assent.cli import output
from assent.cli.answers import document_of, print_refusal
from assent.cli.log_access import LogAccess, Server, Way, key_of, reading, way
from assent.cli.options import Options, Sender
from assent.cli.publishing import publishing
from assent.cli.request_output import find
from assent.cli.submission import Naming, Verb, confirm, fail_unproven, proven, refuse_unseen
from assent.reading.lapses import reopened_because
from assent.reading.submitted import Submitted
from assent.store.pool import Executor
from assent.store.positions import Reader
from assent.store.queries import RequestView, heads
from assent_contracts import limits
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import Decided, NotDecidedError, new_command_id, now_ms, repeats
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import (
    Approve,
    Cancel,
    CloseRequest,
    Command,
    Complete,
    Reject,
    ReportOutcome,
    Revoke,
    SubmitChange,
)
from assent_contracts.events import (
    ApprovalGiven,
    ChangeReleased,
    ChangeSubmitted,
    RejectionGiven,
    RequestApproved,
    RequestCanceled,
    RequestRejected,
    RequestReopened,
)
from assent_contracts.files import payload_of_file
from assent_contracts.proof import NotProven
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode

SOURCE = "assent-cli"
_READERS: tuple[Reader, ...] = ("status", "audit")
_SHOWN_WITHIN_S, _LOOK_S = 1.0, 0.02
_AROUND_S = 60.0
"""Connecting and disconnecting: brokers that accept connections and then say nothing must not hold us."""

Make = Callable[[RequestView, dict[str, Any]], Command]
"""A command from the request that it is about, and the fields that all commands have."""
MakeShown = Callable[[Submitted, dict[str, Any]], Command]
"""The same from what was submitted, for a decision that names that by its hash."""


def submit(
    resource: str,
    payload: Path,
    justification: str,
    operation: str,
    *,
    text: bool,
    on_behalf_of: str | None = None,
    sender: Sender,
    options: Options,
) -> NoReturn:
    """`assent submit`."""
    key = key_of(sender, options)
    content = _read_payload(payload, as_text=text, as_json=options.json)
    command = SubmitChange(
        id=new_command_id(),
        principal=key.principal,
        at=now_ms(),
        resource=resource,
        operation=operation,
        justification=justification,
        payload=msgspec.Raw(content),
        on_behalf_of=msgspec.UNSET if on_behalf_of is None else on_behalf_of,
    )
    _check(command, as_json=options.json)
    decided = asyncio.run(send_and_wait(way(sender, options), command, key, sender, options))
    _finish(decided, "Submitted", options)


def approve(request: str, *, note: str, naming: Naming, sender: Sender, options: Options) -> NoReturn:
    """`assent approve`."""

    def make(submitted: Submitted, fields: dict[str, Any]) -> Command:
        return Approve(**fields, submission=submitted.sha256, note=note)

    _decide_on(request, "Approve", make, "Approved", naming, sender, options)


def reject(request: str, *, note: str, naming: Naming, sender: Sender, options: Options) -> NoReturn:
    """`assent reject`."""

    def make(submitted: Submitted, fields: dict[str, Any]) -> Command:
        return Reject(**fields, submission=submitted.sha256, note=note)

    _decide_on(request, "Reject", make, "Rejected", naming, sender, options)


def revoke(request: str, *, note: str, sender: Sender, options: Options) -> NoReturn:
    """`assent revoke`."""
    _decide(
        request, lambda _, fields: Revoke(**fields, note=note), "Took back the approval of", sender, options
    )


def cancel(request: str, *, sender: Sender, options: Options) -> NoReturn:
    """`assent cancel`."""
    _decide(request, lambda _, fields: Cancel(**fields), "Canceled", sender, options)


def complete(request: str, *, naming: Naming, sender: Sender, options: Options) -> NoReturn:
    """`assent complete`."""

    def make(submitted: Submitted, fields: dict[str, Any]) -> Command:
        return Complete(**fields, submission=submitted.sha256)

    _decide_on(request, "Complete", make, "Released:", naming, sender, options)


def close(request: str, *, reason: str, sender: Sender, options: Options) -> NoReturn:
    """`assent close`."""
    _decide(request, lambda _, fields: CloseRequest(**fields, reason=reason), "Closed", sender, options)


def settle(
    request: str,
    outcome: Literal["succeeded", "failed"],
    *,
    message: str,
    sender: Sender,
    options: Options,
) -> NoReturn:
    """`assent settle`."""

    def make(_: RequestView, fields: dict[str, Any]) -> Command:
        return ReportOutcome(**fields, outcome=outcome, message=message)

    _decide(request, make, f"Settled as {outcome}:", sender, options)


def _decide_on(
    request: str,
    verb: Verb,
    make: MakeShown,
    done: str,
    naming: Naming,
    sender: Sender,
    options: Options,
) -> NoReturn:
    """R23: prove what was submitted, show it, ask, and sign its hash: never what a row or a gateway names."""
    key, to = key_of(sender, options), way(sender, options)
    refuse_unseen(naming, verb, options)
    if not isinstance(to, Server):
        asyncio.run(find(to, request))  # waits for one that was submitted a moment ago
    found = asyncio.run(proven(to, request))
    if isinstance(found, NotProven):
        fail_unproven(request, found)
    confirm(found, verb, naming, options)
    fields = {**_fields(key, found.submitted.resource), "request": request}
    command = make(found.submitted, fields)
    _check(command, as_json=options.json)
    decided = asyncio.run(send_and_wait(to, command, key, sender, options))
    _finish(decided, f"{done} request {request}", options)


def _fields(key: SecretKey, resource: str) -> dict[str, Any]:
    return {"id": new_command_id(), "principal": key.principal, "at": now_ms(), "resource": resource}


def _decide(request: str, make: Make, done: str, sender: Sender, options: Options) -> NoReturn:
    key, to = key_of(sender, options), way(sender, options)

    async def run() -> Decided:
        row = await find(to, request)
        command = make(row, {**_fields(key, row.resource), "request": request})
        _check(command, as_json=options.json)
        return await send_and_wait(to, command, key, sender, options)

    _finish(asyncio.run(run()), f"{done} request {request}", options)


async def send_and_wait(
    to: Way, command: Command, key: SecretKey, sender: Sender, options: Options
) -> Decided:
    """Send a command and wait for its decision; ends the command when none comes in time."""
    if isinstance(to, Server):
        from assent.cli import server

        return await server.send(to, command)
    try:
        async with (
            asyncio.timeout(sender.timeout + _AROUND_S),
            publishing(to, SOURCE, options) as publisher,
        ):
            decided = await publisher.send(command, key, timeout_s=sender.timeout)
    except NotDecidedError as error:
        fail_not_decided(str(error), command.id, options)
    await _until_shown(to, decided)
    return decided


def fail_not_decided(what: str, command: str | None, options: Options) -> NoReturn:
    """Say that no decision came in time, and exit. `command`: its id, where that is known."""
    if options.json:
        output.print_json({"decided": False, "command": command, "what": what})
    output.fail(
        f"{what} It may still be decided: `assent audit tail` shows it then."
        " Is the decider up? `assent doctor` tells.",
        output.NOT_DECIDED,
    )


async def _until_shown(to: LogAccess, decided: Decided) -> None:
    # So that `assent show` after this command shows what it did. Not for long: the decision stands.
    with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        async with asyncio.timeout(_SHOWN_WITHIN_S), reading(to) as db:
            for reader in _READERS:
                await _until_at(db, reader, decided)


async def _until_at(db: Executor, reader: Reader, decided: Decided) -> None:
    while True:
        head = (await heads(db, reader)).get(decided.partition)
        if head is not None and head.seq >= decided.seq:
            return
        await asyncio.sleep(_LOOK_S)


def _check(command: Command, *, as_json: bool) -> None:
    refusal = decode_command(encode(command))
    if isinstance(refusal, Refusal):
        # The ledger would refuse it the same way, without keeping what it says.
        _refuse_unsent(refusal, WHAT_TO_DO[refusal.code], as_json=as_json)


def _refuse_unsent(refusal: Refusal, what_to_do: str, *, as_json: bool) -> NoReturn:
    print_refusal(refusal, what_to_do, None, as_json=as_json)
    sys.exit(output.REFUSED)


def _read_payload(path: Path, *, as_text: bool, as_json: bool) -> bytes:
    name = "standard input" if str(path) == "-" else str(path)
    if name.startswith("-"):
        output.fail(f"There is no option {name}; `assent submit --help` lists them.")
    if str(path) == "-" and sys.stdin.isatty():
        output.tell("Reading the payload from the terminal; Ctrl-D ends it.")
    with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
        content = file.read(limits.PAYLOAD_MAX_BYTES + 1)
    if len(content) > limits.PAYLOAD_MAX_BYTES:
        detail = f"{name} has more than {limits.PAYLOAD_MAX_BYTES:,} bytes."
        what_to_do = "Put the content elsewhere, and submit its address and its hash."
        _refuse_unsent(Refusal(code=RefusalCode.TOO_LARGE, detail=detail), what_to_do, as_json=as_json)
    try:
        if as_text:
            return payload_of_file(content)
        content = content.strip()
        content.decode()
        msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        what = "UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
        what_to_do = "Correct it; a file of any other kind is sent with --text, byte for byte."
        refusal = Refusal(code=RefusalCode.MALFORMED, detail=f"{name} is not {what}: {error}.")
        _refuse_unsent(refusal, what_to_do, as_json=as_json)
    return content


def _finish(decided: Decided, done: str, options: Options) -> NoReturn:
    if decided.refusal is not None:
        what_to_do = WHAT_TO_DO[decided.refusal.code]
        print_refusal(decided.refusal, what_to_do, decided, as_json=options.json)
        sys.exit(output.REFUSED)
    kinds = {type(event) for event in decided.events}
    # Who approves what had to be opened again has approved; who completes it has not completed.
    if RequestReopened in kinds and not kinds & {ApprovalGiven, RejectionGiven, RequestCanceled}:
        _finish_reopened(decided, options)
    if options.json:
        output.print_json(document_of(decided))
    elif (first := repeats(decided)) is not None:
        output.say(f"Decided before, at seq {first} of partition {decided.partition}.")
    else:
        output.say(f"{done}{_more(decided)}  (ledger {decided.partition}/{decided.seq})")
    sys.exit(output.DECIDED)


def _finish_reopened(decided: Decided, options: Options) -> NoReturn:
    """Nothing was released: approvals that it had lapsed, or a policy asks for more by now."""
    refusal = Refusal(code=RefusalCode.NOT_APPROVED, detail=reopened_because(decided.events))
    print_refusal(refusal, WHAT_TO_DO[refusal.code], decided, as_json=options.json)
    sys.exit(output.REFUSED)


def _more(decided: Decided) -> str:
    for event in decided.events:
        if isinstance(event, ChangeSubmitted):
            return f": request {event.request}, {event.resource}"
    kinds = {type(event) for event in decided.events}
    if RequestApproved in kinds and ChangeReleased in kinds:
        return ": that was the last approval it needed; the change is released"
    if RequestApproved in kinds:
        return ": that was the last approval it needed; its requester can complete it"
    if RejectionGiven in kinds and RequestRejected not in kinds:
        return ": it takes more rejections to end it"
    return ""
