"""`assent submit-set`: changes to several objects, approved as one and released as a whole (R29)."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from assent.cli import output
from assent.cli.detail_options import NO_DETAIL_OPTIONS, DetailOptions, details_given
from assent.cli.options import DEFAULT_ACCESS, DEFAULT_OPTIONS, AccessOptions, Options

if TYPE_CHECKING:
    from assent_contracts.client.set_submission import SetChange


def submit_set(
    name: Annotated[str, Parameter(help="The set's own name, TYPE/ID, of the type of its objects.")],
    file: Annotated[
        Path,
        Parameter(
            help='JSON: [{"resource": TYPE/ID, "operation": NAME, "payload": any value, "base": VERSION}, …];'
            " base is optional. At most 1,000 objects."
        ),
    ],
    *,
    justification: Annotated[str, Parameter(alias="-j", help="Why the changes are needed (R6).")],
    on_behalf_of: Annotated[
        str | None,
        Parameter(help="The account of the person on whose behalf a service submits (R20)."),
    ] = None,
    details: DetailOptions = NO_DETAIL_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Ask for changes to several objects, which are released together or not at all (R29).

    Prints the set's request, on which approvers decide, and the request of each object. If one object is
    refused, the set is canceled and nothing is changed.

    With --json: {"request": the set's, "members": {object: its request}}.

    Example: assent submit-set script/rollout rollout.json -j "New baseline" --as alice
    """
    import asyncio

    import msgspec

    from assent.cli.connection.log_selection import log_client
    from assent.cli.connection.set_sending import SetRefused
    from assent.cli.connection.signing_key import signing_key_of
    from assent.cli.decision_output import print_refusal, refuse_malformed
    from assent_contracts.client.set_submission import set_commands
    from assent_contracts.refusals import WHAT_TO_DO

    key = signing_key_of(access, options)
    fields = {
        field: value
        for field, value in msgspec.structs.asdict(details_given(details)).items()
        if value is not msgspec.UNSET
    }
    if on_behalf_of is not None:
        fields["on_behalf_of"] = on_behalf_of
    commands = set_commands(key.principal, name, _changes_of(file), justification=justification, **fields)
    for command in (commands.of_set, *commands.members):
        refuse_malformed(command, options, f"The object is {command.resource[:80]}.")
    there = asyncio.run(log_client(access, options, key).decide_set(commands))
    if isinstance(there, SetRefused):
        refusal = there.decided.refusal
        assert refusal is not None, "it was refused"
        what_to_do = " ".join([WHAT_TO_DO[refusal.code], *there.notes])
        print_refusal(refusal, what_to_do, there.decided, as_json=options.json)
        sys.exit(output.REFUSED)
    if options.json:
        output.print_json({"request": there.request, "members": there.members})
        return
    output.print_line(f"Submitted: request {there.request}, {name}, a set of {len(there.members):,}")
    for resource, request in there.members.items():
        output.print_line(f"  {resource}: request {request}")


_FILE_MAX_BYTES: Final = 300 * 1024 * 1024
"""A thousand of the largest payloads."""


def _changes_of(file: Path) -> "list[SetChange]":
    """The file's changes. Exits where it has none."""
    import msgspec

    from assent_contracts.client.set_submission import SetChange

    class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        resource: str
        operation: str
        payload: msgspec.Raw
        base: str | msgspec.UnsetType = msgspec.UNSET

    try:
        with file.open("rb") as opened:
            content = opened.read(_FILE_MAX_BYTES + 1)
        if len(content) > _FILE_MAX_BYTES:
            output.fail(f"{file} has more than {_FILE_MAX_BYTES:,} bytes.")
        changes = msgspec.json.decode(content, type=list[Change])
        return [
            SetChange(resource=each.resource, operation=each.operation, payload=each.payload, base=each.base)
            for each in changes
        ]
    except OSError as error:
        output.fail(f"{file} cannot be read: {error.strerror}.")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        output.fail(f"{file} is not a list of changes: {error}")
