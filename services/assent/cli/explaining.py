"""`assent who-can approve` and `assent explain`."""

import asyncio

from assent.cli import output
from assent.cli.log_access import Server, Way, way
from assent.cli.options import Options, Sender
from assent.cli.request_status import standing
from assent.cli.tables import print_table
from assent.reading.approvers import Approver, can_approve
from assent.reading.explaining import (
    Explained,
    explained,
    explanation_lines,
    next_sentence,
    next_step,
    standing_sentence,
    status_words,
)
from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.requests.explain import Explanation


def who_can_approve(request: str, *, sender: Sender, options: Options) -> None:
    """`assent who-can approve`."""
    row, approvers = asyncio.run(_approvers(way(sender, options), request))
    if options.json:
        output.print_json({"request": row.id, "status": row.status, "can_approve": approvers})
        return
    print_table(
        ("account", "person", "name", "through"),
        ((each.principal, each.person or "", each.name, ", ".join(each.groups)) for each in approvers),
        empty=f"Nobody can approve {row.id} now ({row.status}). `assent explain {row.id}` says why.",
    )


async def _approvers(to: Way, request: str) -> tuple[RequestView, tuple[Approver, ...]]:
    if isinstance(to, Server):
        from assent.cli import server

        return await server.approvers(to, request)
    row, state, governance = await standing(to, request)
    return row, can_approve(state, governance, now_ms())


def explain_request(request: str, *, principal: str | None, sender: Sender, options: Options) -> None:
    """`assent explain`."""
    row, document, lines = asyncio.run(_explained(way(sender, options), request, principal))
    if options.json:
        output.print_json(document)
        return
    status = status_words(row.status, row.progress)
    output.say(f"Request {row.id}, {row.operation} {row.resource} by {row.requester}: {status}.")
    if document.explanation is not None:
        _say(row, document.explanation, lines)
    if document.for_:
        output.say(standing_sentence(document.for_))


async def _explained(
    to: Way, request: str, principal: str | None
) -> tuple[RequestView, Explained, list[str]]:
    """A request, where it stands, and what each rule asks and has got in sentences."""
    if isinstance(to, Server):
        from assent.cli import server

        return await server.explained(to, request, principal)
    row, state, governance = await standing(to, request)
    document = explained(row, state, governance, now_ms(), principal)
    explanation = document.explanation
    return row, document, [] if explanation is None else explanation_lines(explanation, governance)


def _say(row: RequestView, explanation: Explanation, lines: list[str]) -> None:
    for line in lines:
        output.say(f"  {line}")
    match next_step(explanation):
        case "resubmit":
            pass  # the line on the deleted policy contains it
        case "complete":
            output.say(f"Nothing is missing: {row.requester} can `assent complete {row.id}`.")
        case "approve":
            output.say(f"Missing: approvals. `assent who-can approve {row.id}` lists who can give them.")
        case "add-approvers" | "permit-requester" as step:
            output.say(next_sentence(row, step))
