"""Commands that decide on a request, or end it: approve, reject, revoke, cancel, complete, close, settle."""

from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

from cyclopts import Parameter

from assent.cli.commands.requests import RequestArgument
from assent.cli.options import DEFAULT_ACCESS, DEFAULT_OPTIONS, AccessOptions, Options

if TYPE_CHECKING:
    from assent.cli.submission_review import ReviewOptions
    from assent_contracts.client.publisher import Decided
    from assent_contracts.commands import Approve, Complete, Reject, RequestCommand

Yes = Annotated[
    bool,
    Parameter(
        negative="",
        show_default=False,
        help="Decide without showing what was submitted and asking: for scripts.",
    ),
]
ExpectedSubmission = Annotated[
    str | None,
    Parameter(help="Decide, without asking, only if the submission has this SHA-256, which `show` prints."),
]


def approve(
    request: RequestArgument,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Shown to the requester (R8).")] = "",
    yes: Yes = False,
    submission: ExpectedSubmission = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Approve a request: prints what was submitted, proven by the ledger, and asks."""
    from assent.cli.submission_review import ReviewOptions
    from assent_contracts.commands import Approve

    review = ReviewOptions(verb="Approve", yes=yes, submission=submission)
    _decide_on_submission(request, Approve, "Approved", review, access, options, note=note)


def reject(
    request: RequestArgument,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Why; shown to the requester (R8).")] = "",
    yes: Yes = False,
    submission: ExpectedSubmission = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Reject a request, which ends it: prints what was submitted and asks."""
    from assent.cli.submission_review import ReviewOptions
    from assent_contracts.commands import Reject

    review = ReviewOptions(verb="Reject", yes=yes, submission=submission)
    _decide_on_submission(request, Reject, "Rejected", review, access, options, note=note)


def revoke(
    request: RequestArgument,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Why; shown to the requester (R8).")] = "",
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Withdraw your approval, before the change is released."""
    from assent_contracts.commands import Revoke

    _decide(request, Revoke, "Withdrew the approval of", access, options, note=note)


def cancel(
    request: RequestArgument, *, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS
) -> None:
    """Withdraw your own request, before approval or once it has lost its quorum (R11, R22)."""
    from assent_contracts.commands import Cancel

    _decide(request, Cancel, "Canceled", access, options)


def complete(
    request: RequestArgument,
    *,
    yes: Yes = False,
    submission: ExpectedSubmission = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Release your own approved request to the applier (R12): prints what was submitted and asks."""
    from assent.cli.submission_review import ReviewOptions
    from assent_contracts.commands import Complete

    review = ReviewOptions(verb="Complete", yes=yes, submission=submission)
    _decide_on_submission(request, Complete, "Released:", review, access, options)


def close(
    request: RequestArgument,
    *,
    reason: Annotated[str, Parameter(help="Why; shown to everyone who can see the request (R22).")],
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Close an open request of a type that you administer; nothing is applied (R22)."""
    from assent_contracts.commands import CloseRequest

    _decide(request, CloseRequest, "Closed", access, options, reason=reason)


def settle(
    request: RequestArgument,
    *,
    succeeded: Annotated[bool, Parameter(negative="", show_default=False, help="It was applied.")] = False,
    failed: Annotated[bool, Parameter(negative="", show_default=False, help="It was not applied.")] = False,
    retry: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Release it again: an applier claims and applies it once more.",
        ),
    ] = False,
    reason: Annotated[
        str, Parameter(help="How you know, or why to try again; shown to everyone who can see the request.")
    ],
    claim: Annotated[
        int | None, Parameter(help="Only if this is still the latest claim; `show` prints its number.")
    ] = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Settle an unknown outcome of a type that you administer, with --succeeded, --failed or --retry.

    Where the policy asks for two administrators, another one must settle it the same way.
    """
    from msgspec import UNSET

    from assent.cli import output
    from assent_contracts.commands import Settle

    given = {"succeeded": succeeded, "failed": failed, "retry": retry}
    chosen = [outcome for outcome, is_given in given.items() if is_given]
    if len(chosen) != 1:
        output.fail("Name one of --succeeded, --failed and --retry.")
    done = "Released again:" if retry else f"Settled as {chosen[0]}:"
    about = UNSET if claim is None else claim
    _decide(request, Settle, done, access, options, outcome=chosen[0], reason=reason, claim=about)


def _decide_on_submission(
    request: str,
    kind: "type[Approve | Reject | Complete]",
    done: str,
    review: "ReviewOptions",
    access: AccessOptions,
    options: Options,
    **details: Any,
) -> NoReturn:
    """R23: prove what was submitted, show it, ask, and sign its hash, never one from a table or a gateway.

    `details`: the command's own fields.
    """
    import asyncio

    from assent.cli.connection.log_selection import log_client
    from assent.cli.connection.signing_key import signing_key_of
    from assent.cli.decision_output import finish, refuse_malformed
    from assent.cli.submission_review import confirm, fail_unproven, refuse_unseen
    from assent_contracts.proof import NotProven

    key = signing_key_of(access, options)
    log = log_client(access, options, key)
    refuse_unseen(review, options)
    found = asyncio.run(log.submission(request))
    if isinstance(found, NotProven):
        fail_unproven(request, found)
    confirm(found, review, options)
    submitted = found.submitted
    fields = _fields(request, submitted.resource, key.principal)
    command = kind(**fields, submission=submitted.sha256, **details)
    refuse_malformed(command, options)
    finish(asyncio.run(log.decide(command)), f"{done} request {request}", options)


def _decide(
    request: str,
    kind: "type[RequestCommand]",
    done: str,
    access: AccessOptions,
    options: Options,
    **details: Any,
) -> NoReturn:
    """Decide on a request by its id alone. `details`: the command's own fields."""
    import asyncio

    from assent.cli.connection.log_selection import log_client
    from assent.cli.connection.signing_key import signing_key_of
    from assent.cli.decision_output import finish, refuse_malformed

    key = signing_key_of(access, options)
    log = log_client(access, options, key)

    async def run() -> "Decided":
        row = await log.request(request)
        command = kind(**_fields(request, row.resource, key.principal), **details)
        refuse_malformed(command, options)
        return await log.decide(command)

    finish(asyncio.run(run()), f"{done} request {request}", options)


def _fields(request: str, resource: str, principal: str) -> dict[str, Any]:
    """The fields of every command on a request."""
    from assent_contracts.client.publisher import new_command_id, now_ms

    return {
        "id": new_command_id(),
        "principal": principal,
        "at": now_ms(),
        "resource": resource,
        "request": request,
    }


COMMANDS: Final = (approve, reject, revoke, cancel, complete, close, settle)
"""In the order of `assent --help`."""
