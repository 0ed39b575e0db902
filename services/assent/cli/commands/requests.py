"""Commands about requests: submit one, list them, show one (R6, R7)."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from assent.cli import output
from assent.cli.detail_options import NO_DETAIL_OPTIONS, DetailOptions, details_given
from assent.cli.options import DEFAULT_ACCESS, DEFAULT_OPTIONS, AccessOptions, Options

RequestArgument = Annotated[str, Parameter(help="The request's id, such as 2-1041.")]


def submit(
    resource: Annotated[str, Parameter(help="The object, TYPE/ID, such as script/disable-smb1.ps1.")],
    payload: Annotated[
        Path,
        Parameter(
            allow_leading_hyphen=True, help="The payload's file, JSON unless --text; - is standard input."
        ),
    ],
    *,
    justification: Annotated[str, Parameter(alias="-j", help="Why the change is needed (R6).")],
    operation: Annotated[
        str, Parameter(alias="-o", help="create, edit, delete, or any other name.")
    ] = "edit",
    text: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="The payload is a file and not JSON: send it byte for byte, text or not.",
        ),
    ] = False,
    on_behalf_of: Annotated[
        str | None,
        Parameter(help="The account of the person on whose behalf a service submits (R20)."),
    ] = None,
    details: DetailOptions = NO_DETAIL_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Ask for a change to one object. Prints the request's id.

    With --json: {"request": its id, "partition" and "seq": the decision's place on the ledger, "at": its log
    time in ms, "events": [what it made true]}. A refusal has "request": null, and "refusal" with its code and
    detail, and "what_to_do". Where no decision came in time: {"decided": false, "command": its id, "what"}.
    Other commands on requests print the same.

    A script needs --text. Example:
    assent submit script/clean.sh clean.sh --text -j "Disks fill up" --as alice
    """
    import asyncio

    import msgspec

    from assent.cli.connection.log_selection import log_client
    from assent.cli.connection.signing_key import signing_key_of
    from assent.cli.decision_output import finish, refuse_malformed
    from assent_contracts.client.publisher import new_command_id, now_ms
    from assent_contracts.commands import SubmitChange

    key = signing_key_of(access, options)
    content = _payload_of(payload, options, as_text=text)
    command = SubmitChange(
        id=new_command_id(),
        principal=key.principal,
        at=now_ms(),
        resource=resource,
        operation=operation,
        justification=justification,
        payload=msgspec.Raw(content),
        on_behalf_of=msgspec.UNSET if on_behalf_of is None else on_behalf_of,
        **msgspec.structs.asdict(details_given(details)),
    )
    refuse_malformed(command, options)
    finish(asyncio.run(log_client(access, options, key).decide(command)), "Submitted", options)


def _payload_of(path: Path, options: Options, *, as_text: bool) -> bytes:
    """The file as the payload of a submission. Exits where it cannot be one."""
    import msgspec

    from assent.cli.decision_output import refuse_unsent
    from assent_contracts import limits
    from assent_contracts.file_payloads import payload_of_file
    from assent_contracts.refusals import Refusal, RefusalCode

    name = "standard input" if str(path) == "-" else str(path)
    if name.startswith("-"):
        output.fail(f"There is no option {name}; `assent submit --help` lists them.")
    if str(path) == "-" and sys.stdin.isatty():
        output.print_progress("Reading the payload from the terminal; Ctrl-D ends it.")
    with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
        content = file.read(limits.PAYLOAD_MAX_BYTES + 1)
    if len(content) > limits.PAYLOAD_MAX_BYTES:
        detail = f"{name} has more than {limits.PAYLOAD_MAX_BYTES:,} bytes."
        what_to_do = "Put the content elsewhere, and submit its address and its hash."
        refuse_unsent(Refusal(code=RefusalCode.TOO_LARGE, detail=detail), what_to_do, options)
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
        refuse_unsent(refusal, what_to_do, options)
    return content


def requests(
    *,
    mine: Annotated[
        bool, Parameter(negative="", show_default=False, help="Those that you submitted (R7).")
    ] = False,
    received: Annotated[
        bool, Parameter(negative="", show_default=False, help="Those that your groups decide on (R7).")
    ] = False,
    limit: Annotated[
        int, Parameter(alias="-n", validator=Number(gte=1, lte=1_000), help="How many at most.")
    ] = 50,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List requests, the latest change first: all of them, or with --mine or --received yours.

    Ended requests stay listed for 30 days, unless a setting differs (R14).
    """
    if mine and received:
        output.fail("Use one of --mine and --received.")
    import asyncio

    from assent.cli.connection.log_selection import log_client
    from assent.cli.connection.signing_key import signing_key_of
    from assent.cli.formatting import print_requests
    from assent_contracts.client.publisher import now_ms

    # The key is read first: without one there is nothing to connect for.
    key = signing_key_of(access, options) if mine or received else None
    log = log_client(access, options, key)
    rows = asyncio.run(log.requests("mine" if mine else "received" if received else "all", limit))
    if options.json:
        output.print_json(rows)
    else:
        print_requests(rows, now_ms())


def show(
    request: RequestArgument,
    *,
    payload: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Print the payload alone, its exact bytes."),
    ] = False,
    save: Annotated[
        Path | None,
        Parameter(help="Write the submitted file, or the JSON, to this new file."),
    ] = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Show one request: its status, payload and timeline."""
    if payload and save is not None:
        output.fail("Use one of --payload and --save.")
    import asyncio

    from assent.cli.connection.log_selection import log_client
    from assent.cli.request_output import print_request, shown_request

    shown = shown_request(asyncio.run(log_client(access, options).details(request)))
    if shown.doubt is not None:
        output.print_problem(
            f"What was submitted is not proven: {shown.doubt} Decide on nothing that this shows."
        )
    if payload or save is not None:
        if shown.submitted is None:
            output.fail(f"The payload of {request} is not proven.", output.NOT_DECIDED)
        _write_payload(bytes(shown.submitted.payload), save)
    elif options.json:
        document = {"request": shown.request, "timeline": shown.timeline, "history": shown.history}
        if shown.change is not None:
            document["change"] = shown.change
        output.print_json(document | ({"doubt": shown.doubt} if shown.doubt else {}))
    else:
        print_request(shown)


def _write_payload(payload: bytes, save: Path | None) -> None:
    """Write the payload to standard output, or what is to be applied to a new file."""
    from assent_contracts.digests import sha256_hex
    from assent_contracts.file_payloads import file_of_payload

    if save is None:
        output.write_bytes(payload)
        return
    file = file_of_payload(payload)
    content = payload if file is None else file
    # An existing file is never overwritten.
    with save.open("xb") as opened:
        opened.write(content)
    output.print_line(f"{save}: {len(content):,} bytes, SHA-256 {sha256_hex(content)}")
