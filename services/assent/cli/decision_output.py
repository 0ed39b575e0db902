"""Print a decision of the ledger, and exit with its code."""

import sys
from typing import NoReturn

import msgspec

from assent.cli import output
from assent.cli.options import Options
from assent.reading.lapse_sentences import reopened_because
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.publisher import Decided, repeats
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import Command
from assent_contracts.events import (
    ApprovalGiven,
    ChangeReleased,
    ChangeSubmitted,
    RejectionGiven,
    RequestApproved,
    RequestCanceled,
    RequestRejected,
    RequestReopened,
    SettlementProposed,
)
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode


def print_refusal(
    refusal: Refusal, what_to_do: str, decided: Decided | GovernanceDecided | None, *, as_json: bool
) -> None:
    """Print a refusal and what can be done about it. `decided`: None where the command was not sent."""
    if as_json:
        output.print_json({**decision_document(decided), "refusal": refusal, "what_to_do": what_to_do})
        return
    sent = "Refused" if decided is not None else "Not sent, it would be refused"
    output.print_problem(f"{sent}: {refusal.code}", style="bold red")
    output.print_problem(refusal.detail, style="default")
    output.print_problem(what_to_do, style="default")


def decision_document(decided: Decided | GovernanceDecided | None) -> dict[str, object]:
    """A decision for `--json`. Where nothing was sent, the same fields without values."""
    if decided is None:
        return {"request": None, "partition": None, "seq": None, "at": None, "events": []}
    return {
        "request": _request_of(decided),
        # Governance has one partition, of its own topic.
        "partition": decided.partition if isinstance(decided, Decided) else 0,
        "seq": decided.seq,
        "at": decided.at,
        # As the ledger has them: with their type, and without unset fields.
        "events": [msgspec.to_builtins(event) for event in decided.events],
    }


def _request_of(decided: Decided | GovernanceDecided) -> str | None:
    """The request that a decision is about; None for a refusal, and for a change that works at once."""
    for event in decided.events:
        request = getattr(event, "request", None)
        if isinstance(request, str):
            return request
    return None


def refuse_malformed(command: Command, options: Options, about: str = "") -> None:
    """Exit where the ledger would refuse the command's form: it would not keep its content.

    `about`: which of several commands it is.
    """
    refusal = decode_command(encode(command))
    if isinstance(refusal, Refusal):
        refuse_unsent(refusal, f"{WHAT_TO_DO[refusal.code]} {about}".rstrip(), options)


def refuse_unsent(refusal: Refusal, what_to_do: str, options: Options) -> NoReturn:
    """Print a refusal that is known before anything is sent, and exit."""
    print_refusal(refusal, what_to_do, None, as_json=options.json)
    sys.exit(output.REFUSED)


def finish(decided: Decided, done: str, options: Options) -> NoReturn:
    """Print a decision on a request, and exit with its code. `done`: the word for success: `Canceled`."""
    if decided.refusal is not None:
        what_to_do = WHAT_TO_DO[decided.refusal.code]
        print_refusal(decided.refusal, what_to_do, decided, as_json=options.json)
        sys.exit(output.REFUSED)
    kinds = {type(event) for event in decided.events}
    # An approval counts even where the request had to be opened again. A completion does not.
    if RequestReopened in kinds and not kinds & {ApprovalGiven, RejectionGiven, RequestCanceled}:
        _finish_reopened(decided, options)
    if options.json:
        output.print_json(decision_document(decided))
    elif (first := repeats(decided)) is not None:
        output.print_line(f"Decided before, at seq {first} of partition {decided.partition}.")
    elif SettlementProposed in kinds:
        output.print_line(
            f"Proposed: another administrator must settle request {_request_of(decided)} the same way"
            f"  (ledger {decided.partition}/{decided.seq})"
        )
    else:
        output.print_line(f"{done}{_more(decided)}  (ledger {decided.partition}/{decided.seq})")
    sys.exit(output.DECIDED)


def _finish_reopened(decided: Decided, options: Options) -> NoReturn:
    """Nothing was released: some approvals lapsed, or a policy asks for more by now."""
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
