"""Commands that explain a request: its progress, what is missing and who can give it (R4, R9, R21, R22)."""

from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.commands.requests import RequestArgument
from assent.cli.options import DEFAULT_ACCESS, DEFAULT_OPTIONS, AccessOptions, Options

if TYPE_CHECKING:
    from assent.cli.connection.log_client import RequestExplanation
    from assent.store.finding_queries import FindingView
    from assent.store.queries import RequestView
    from assent_contracts.core.requests.explain import Explanation

_FINDINGS_MAX: Final = 10
who_can = App(name="who-can", group="Requests", help="Who can do something.")


@who_can.command(name="approve")
def who_can_approve(
    request: RequestArgument, *, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS
) -> None:
    """List the accounts whose approval of a request would count now."""
    import asyncio

    from assent.cli.connection.log_selection import log_client
    from assent.cli.governance_tables import print_table

    found = asyncio.run(log_client(access, options).approvers(request))
    row = found.request
    if options.json:
        output.print_json({"request": row.id, "status": row.status, "can_approve": found.approvers})
        return
    print_table(
        ("account", "person", "name", "through"),
        ((each.principal, each.person or "", each.name, ", ".join(each.groups)) for each in found.approvers),
        empty=f"Nobody can approve {row.id} now ({row.status}). `assent explain {row.id}` shows why.",
    )


def explain(
    request: RequestArgument,
    *,
    for_: Annotated[
        str | None,
        Parameter(name="--for", help="Explain whether this account can approve it, and if not, why."),
    ] = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Explain a request rule by rule: who has approved, what is missing, and who could give it.

    Names the open findings of its object too, as far as you may see them (R28).
    """
    import asyncio

    import msgspec

    from assent.cli.connection.log_selection import log_client
    from assent.reading.explanations import standing_sentence, status_words
    from assent.reading.finding_sentences import finding_sentence

    log = log_client(access, options)

    async def looked_up() -> "tuple[RequestExplanation, list[FindingView]]":
        found = await log.explanation(request, for_)
        resource = found.request.resource
        return found, await log.findings(only_open=True, resource=resource, limit=_FINDINGS_MAX)

    found, findings = asyncio.run(looked_up())
    row, document = found.request, found.explained
    if options.json:
        output.print_json({**msgspec.to_builtins(document), "findings": findings})
        return
    status = status_words(row.status, row.progress)
    output.print_line(f"Request {row.id}, {row.operation} {row.resource} by {row.requester}: {status}.")
    if document.explanation is not None:
        _print_explanation(row, document.explanation, found.sentences)
    if row.progress == "unknown":
        output.print_line(
            "It is not known whether the change was made. Look at its target, then settle it:"
            f" `assent settle {row.id}` with --succeeded, --failed or --retry, and --reason."
        )
    if document.for_:
        output.print_line(standing_sentence(document.for_))
    for each in findings:
        output.print_line(finding_sentence(each))


def _print_explanation(row: "RequestView", explanation: "Explanation", sentences: list[str]) -> None:
    from assent.reading.explanations import next_sentence, next_step

    for line in sentences:
        output.print_line(f"  {line}")
    match next_step(explanation):
        case "resubmit":
            pass  # the line on the deleted policy contains it
        case "complete":
            output.print_line(f"Nothing is missing: {row.requester} can `assent complete {row.id}`.")
        case "approve":
            output.print_line(
                f"Missing: approvals. `assent who-can approve {row.id}` lists who can give them."
            )
        case "add-approvers" | "permit-requester" | "wait" as step:
            output.print_line(next_sentence(row, step))
