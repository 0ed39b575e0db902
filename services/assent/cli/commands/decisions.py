"""Commands that decide on a request, or end it: approve, reject, revoke, cancel, complete, close, settle."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from cyclopts import Parameter

from assent.cli.commands.requests import Request
from assent.cli.options import DEFAULT_ACCESS, DEFAULT_OPTIONS, AccessOptions, Options

if TYPE_CHECKING:
    from assent.cli.submission_review import Review, Verb
    from assent_contracts.client.publisher import Decided
    from assent_contracts.commands import Command

Yes = Annotated[
    bool,
    Parameter(
        negative="",
        show_default=False,
        help="Do not show what was submitted and ask: for scripts that decide without a look.",
    ),
]
ExpectedSubmission = Annotated[
    str | None,
    Parameter(help="Only if the submission has this SHA-256, which `show` prints: then nothing is asked."),
]


def approve(
    request: Request,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Shown to the requester (R8).")] = "",
    yes: Yes = False,
    submission: ExpectedSubmission = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Approve a request: prints what was submitted, proven by the ledger, and asks."""
    from assent.cli.submission_review import Review
    from assent_contracts.commands import Approve

    review = Review(yes=yes, submission=submission)

    def command(submission: str, fields: dict[str, Any]) -> Approve:
        return Approve(**fields, submission=submission, note=note)

    _decide_on_submission(request, "Approve", command, "Approved", review, access, options)


def reject(
    request: Request,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Why; shown to the requester (R8).")] = "",
    yes: Yes = False,
    submission: ExpectedSubmission = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Reject a request, which ends it: prints what was submitted and asks."""
    from assent.cli.submission_review import Review
    from assent_contracts.commands import Reject

    review = Review(yes=yes, submission=submission)

    def command(submission: str, fields: dict[str, Any]) -> Reject:
        return Reject(**fields, submission=submission, note=note)

    _decide_on_submission(request, "Reject", command, "Rejected", review, access, options)


def revoke(
    request: Request,
    *,
    note: Annotated[str, Parameter(show_default=False, help="Why; shown to the requester (R8).")] = "",
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Take your approval back, before the change is released."""
    from assent_contracts.commands import Revoke

    _decide(request, lambda fields: Revoke(**fields, note=note), "Took back the approval of", access, options)


def cancel(
    request: Request, *, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS
) -> None:
    """Withdraw your own request, before approval or once it has lost its quorum (R11, R22)."""
    from assent_contracts.commands import Cancel

    _decide(request, lambda fields: Cancel(**fields), "Canceled", access, options)


def complete(
    request: Request,
    *,
    yes: Yes = False,
    submission: ExpectedSubmission = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Release your own approved request to the applier (R12): prints what was submitted and asks."""
    from assent.cli.submission_review import Review
    from assent_contracts.commands import Complete

    review = Review(yes=yes, submission=submission)

    def command(submission: str, fields: dict[str, Any]) -> Complete:
        return Complete(**fields, submission=submission)

    _decide_on_submission(request, "Complete", command, "Released:", review, access, options)


def close(
    request: Request,
    *,
    reason: Annotated[str, Parameter(help="Why; everybody who sees the request can read it (R22).")],
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Close an open request of a type that you administer; nothing is applied (R22)."""
    from assent_contracts.commands import CloseRequest

    _decide(request, lambda fields: CloseRequest(**fields, reason=reason), "Closed", access, options)


def settle(
    request: Request,
    outcome: Annotated[Literal["succeeded", "failed"], Parameter(help="What you found out.")],
    *,
    message: Annotated[str, Parameter(show_default=False, help="How you know.")] = "",
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Say what became of a change whose outcome is unknown (administrators, or its applier)."""
    from assent_contracts.commands import ReportOutcome

    def command(fields: dict[str, Any]) -> ReportOutcome:
        return ReportOutcome(**fields, outcome=outcome, message=message)

    _decide(request, command, f"Settled as {outcome}:", access, options)


def _decide_on_submission(
    request: str,
    verb: "Verb",
    command_of: "Callable[[str, dict[str, Any]], Command]",
    done: str,
    review: "Review",
    access: AccessOptions,
    options: Options,
) -> NoReturn:
    """R23: prove what was submitted, show it, ask, and sign its hash: never what a row or a gateway names."""
    import asyncio

    from assent.cli.connection.keys import key_of
    from assent.cli.connection.selection import log_client
    from assent.cli.decision_output import finish, refuse_malformed
    from assent.cli.submission_review import confirm, fail_unproven, refuse_unseen
    from assent_contracts.proof import NotProven

    key = key_of(access, options)
    log = log_client(access, options, key)
    refuse_unseen(review, verb, options)
    found = asyncio.run(log.submission(request))
    if isinstance(found, NotProven):
        fail_unproven(request, found)
    confirm(found, verb, review, options)
    submitted = found.submitted
    command = command_of(submitted.sha256, _fields(request, submitted.resource, key.principal))
    refuse_malformed(command, options)
    finish(asyncio.run(log.decide(command)), f"{done} request {request}", options)


def _decide(
    request: str,
    command_of: "Callable[[dict[str, Any]], Command]",
    done: str,
    access: AccessOptions,
    options: Options,
) -> NoReturn:
    """Decide on a request by its id alone."""
    import asyncio

    from assent.cli.connection.keys import key_of
    from assent.cli.connection.selection import log_client
    from assent.cli.decision_output import finish, refuse_malformed

    key = key_of(access, options)
    log = log_client(access, options, key)

    async def run() -> "Decided":
        row = await log.request(request)
        command = command_of(_fields(request, row.resource, key.principal))
        refuse_malformed(command, options)
        return await log.decide(command)

    finish(asyncio.run(run()), f"{done} request {request}", options)


def _fields(request: str, resource: str, principal: str) -> dict[str, Any]:
    """Those of every command on a request."""
    from assent_contracts.client.publisher import new_command_id, now_ms

    return {
        "id": new_command_id(),
        "principal": principal,
        "at": now_ms(),
        "resource": resource,
        "request": request,
    }
