"""Commands about requests: submit, decide, look."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from assent.cli import output
from assent.cli.options import DEFAULT_OPTIONS, DEFAULT_SENDER, Options, Sender

Request = Annotated[str, Parameter(help="The request's id, such as 2-1041.")]

Yes = Annotated[
    bool,
    Parameter(
        negative="",
        show_default=False,
        help="Do not show what was submitted and ask: for scripts that decide without a look.",
    ),
]
Submission = Annotated[
    str | None,
    Parameter(help="Only if the submission has this SHA-256, which `show` prints: then nothing is asked."),
]


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
            help="The payload is a file, not JSON: send it byte for byte, text or not.",
        ),
    ] = False,
    on_behalf_of: Annotated[
        str | None,
        Parameter(help="The account of the person on whose behalf a service submits (R20)."),
    ] = None,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Ask for a change to one object. Prints the request's id.

    A script needs --text. Example:
    assent submit script/clean.sh clean.sh --text -j "Disks fill up" --as alice
    """
    from assent.cli import deciding

    deciding.submit(
        resource,
        payload,
        justification,
        operation,
        text=text,
        on_behalf_of=on_behalf_of,
        sender=sender,
        options=options,
    )


def approve(
    request: Request,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Shown to the requester (R8).")] = "",
    yes: Yes = False,
    submission: Submission = None,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Approve a request: prints what was submitted, proven by the ledger, and asks."""
    from assent.cli import deciding
    from assent.cli.submission import Naming

    naming = Naming(yes=yes, submission=submission)
    deciding.approve(request, note=note, naming=naming, sender=sender, options=options)


def reject(
    request: Request,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Why; shown to the requester (R8).")] = "",
    yes: Yes = False,
    submission: Submission = None,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Reject a request, which ends it: prints what was submitted and asks."""
    from assent.cli import deciding
    from assent.cli.submission import Naming

    naming = Naming(yes=yes, submission=submission)
    deciding.reject(request, note=note, naming=naming, sender=sender, options=options)


def revoke(
    request: Request,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Why; shown to the requester (R8).")] = "",
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Take your approval back, before the change is released."""
    from assent.cli import deciding

    deciding.revoke(request, note=note, sender=sender, options=options)


def cancel(request: Request, *, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS) -> None:
    """Withdraw your own request, before approval or once it has lost its quorum (R11, R22)."""
    from assent.cli import deciding

    deciding.cancel(request, sender=sender, options=options)


def complete(
    request: Request,
    *,
    yes: Yes = False,
    submission: Submission = None,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Release your own approved request to the applier (R12): prints what was submitted and asks."""
    from assent.cli import deciding
    from assent.cli.submission import Naming

    naming = Naming(yes=yes, submission=submission)
    deciding.complete(request, naming=naming, sender=sender, options=options)


def close(
    request: Request,
    *,
    reason: Annotated[str, Parameter(help="Why; everybody who sees the request can read it (R22).")],
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Close an open request of a type that you administer; nothing is applied (R22)."""
    from assent.cli import deciding

    deciding.close(request, reason=reason, sender=sender, options=options)


def settle(
    request: Request,
    outcome: Annotated[Literal["succeeded", "failed"], Parameter(help="What you found out.")],
    *,
    message: Annotated[str, Parameter(show_default=False, help="How you know.")] = "",
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Say what became of a change whose outcome is unknown (administrators, or its applier)."""
    from assent.cli import deciding

    deciding.settle(request, outcome, message=message, sender=sender, options=options)


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
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List requests, the latest change first: all of them, or with --as those that concern you.

    What has ended stays listed for 30 days, unless the settings say otherwise (R14).
    """
    if mine and received:
        output.fail("Take one of --mine and --received.")
    from assent.cli import request_output

    request_output.requests(mine=mine, received=received, limit=limit, sender=sender, options=options)


def show(
    request: Request,
    *,
    payload: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Print the payload alone, its exact bytes."),
    ] = False,
    save: Annotated[
        Path | None,
        Parameter(help="Write what is to be applied to this new file: the file that was submitted, or JSON."),
    ] = None,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Show one request: its status, payload and timeline."""
    if payload and save is not None:
        output.fail("Take one of --payload and --save.")
    from assent.cli import request_output

    request_output.show(request, payload=payload, save=save, sender=sender, options=options)
