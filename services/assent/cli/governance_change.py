"""Make a change to governance, at once where its sender may, else as a request; or print what it would do."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from assent.cli import output
from assent.cli.connection.log_client import LogClient
from assent.cli.connection.log_selection import log_client
from assent.cli.connection.signing_key import signing_key_of
from assent.cli.decision_output import decision_document, print_refusal, refuse_unsent
from assent.cli.governance_tables import difference_table
from assent.cli.options import AccessOptions, ChangeOptions, Options
from assent.founding.durations import duration_ms
from assent.reading.change_prospects import Prospect, foresee, request_for
from assent.reading.policy_effects import PolicyEffects, effects, fate_sentence, type_of_change
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.publisher import Decided, new_command_id, now_ms
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import ChangeSubmitted
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.refusals import WHAT_TO_DO, Refusal

ChangeBuilder = Callable[[Governance], GovernanceChange]
"""Makes a change for the current governance, with the versions of the objects there."""
NO_VERSION = -1
"""Of an object that does not exist: the rules refuse the change and name the object."""


def version(governance: Governance, governed: str) -> int:
    """The version that a change to an existing object must name."""
    found = governance.version(governed)
    return NO_VERSION if found is None else found


def milliseconds(option: str, text: str) -> int:
    """A duration from the command line, in ms. Exits when it is not one."""
    try:
        return duration_ms(text, at_least_ms=1)
    except ValueError as error:
        output.fail(f"{option}: {error}")


class ChangeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The decision on a change that works at once, or on the submission of its request."""

    prospect: Prospect
    decided: Decided | GovernanceDecided
    request: str | None = None


def change_governance(
    build: ChangeBuilder, *, change_options: ChangeOptions, access: AccessOptions, options: Options
) -> NoReturn:
    """Make one change, print the decision, and exit with its code."""
    key = signing_key_of(access, options)
    log = log_client(access, options, key)

    async def run() -> ChangeOutcome | tuple[Prospect, PolicyEffects | None]:
        governance = await log.governance()
        prospect = foresee(governance, build(governance), key.principal, now_ms())
        if change_options.dry_run:
            return prospect, await effects_now(log, prospect.change, governance)
        return await send_change(log, prospect, key.principal, change_options, options)

    done = asyncio.run(run())
    if not isinstance(done, ChangeOutcome):
        finish_dry_run((done[0],), options, done[1])
    print_outcome(done, options)
    sys.exit(output.DECIDED if done.decided.refusal is None else output.REFUSED)


async def send_change(
    log: LogClient, prospect: Prospect, principal: str, change_options: ChangeOptions, options: Options
) -> ChangeOutcome:
    """Send a change at once or, where it needs approval, as a request (R3, R15, R18).

    Exits where its request lacks a justification or has a bad form. Raises UndecidedError.
    """
    if prospect.works_at_once:
        return ChangeOutcome(prospect=prospect, decided=await log.decide_change(prospect.change))
    fields = {"id": new_command_id(), "principal": principal, "at": now_ms()}
    command = request_for(prospect.change, change_options.justification or "", fields)
    if isinstance(command, Refusal):
        unsaid = change_options.justification is None
        ask = f"A second administrator must approve: {prospect.why_approval}. Give a reason: -j TEXT."
        refuse_unsent(command, ask if unsaid else WHAT_TO_DO[command.code], options)
    decided = await log.decide(command)
    request = next((each.request for each in decided.events if isinstance(each, ChangeSubmitted)), None)
    return ChangeOutcome(prospect=prospect, decided=decided, request=request)


async def effects_now(
    log: LogClient, change: GovernanceChange, governance: Governance
) -> PolicyEffects | None:
    """What a change to a policy would do to its open requests now; None for changes to other objects."""
    kind = type_of_change(change, governance)
    if kind is None:
        return None
    found = await log.open_requests(kind)
    return effects(change, found.requests, found.count, governance)


def print_outcome(outcome: ChangeOutcome, options: Options) -> None:
    """Print the decision on a change."""
    decided, prospect = outcome.decided, outcome.prospect
    if decided.refusal is not None:
        print_refusal(decided.refusal, WHAT_TO_DO[decided.refusal.code], decided, as_json=options.json)
    elif options.json:
        output.print_json(outcome_document(outcome))
    elif outcome.request is not None:
        output.print_line(prospect.sentence)
        output.print_line(f"A second administrator must approve: {prospect.why_approval}.")
        output.print_line(f"Submitted: request {outcome.request}")
        for each in prospect.approvers:
            output.print_line(f"Must approve, you not among them: {each}")
        output.print_line(
            f"Next: they `assent approve {outcome.request}`, then you `assent complete {outcome.request}`."
        )
    else:
        output.print_line(f"Done: {prospect.sentence}  (governance {decided.seq})")


def outcome_document(outcome: ChangeOutcome) -> dict[str, Any]:
    """What `--json` prints about a change that was sent."""
    return {
        "sentence": outcome.prospect.sentence,
        "object": outcome.prospect.object,
        "why_approval": outcome.prospect.why_approval,
        **decision_document(outcome.decided),
    }


def finish_dry_run(
    prospects: tuple[Prospect, ...], options: Options, found: PolicyEffects | None = None
) -> NoReturn:
    """Print what changes would do, one after the other, and exit: with 2 when one would be refused."""
    if options.json:
        documents = [_dry_document(prospect) for prospect in prospects]
        if found is not None:
            documents[-1]["open_requests"] = found
        output.print_json(documents[0] if len(documents) == 1 else documents)
    else:
        for prospect in prospects:
            _print_prospect(prospect)
        if found is not None:
            _print_effects(found)
        output.print_line("Nothing was changed: this was a dry run.")
    sys.exit(output.REFUSED if any(each.refusal is not None for each in prospects) else output.DECIDED)


def _dry_document(prospect: Prospect) -> dict[str, Any]:
    document: dict[str, Any] = {"dry_run": True, **msgspec.structs.asdict(prospect)}
    if prospect.refusal is not None:
        document["what_to_do"] = WHAT_TO_DO[prospect.refusal.code]
    return document


def _print_prospect(prospect: Prospect) -> None:
    output.print_line(prospect.sentence)
    if prospect.difference:
        output.print_block(difference_table(prospect.difference))
    if prospect.refusal is not None:
        output.print_problem(f"It would be refused: {prospect.refusal.code}", style="bold red")
        output.print_problem(prospect.refusal.detail, style="default")
        output.print_problem(WHAT_TO_DO[prospect.refusal.code], style="default")
    elif prospect.why_approval is None:
        output.print_line("It would work at once.")
    else:
        output.print_line(f"A second administrator must approve: {prospect.why_approval}.")
        for each in prospect.asks:
            output.print_line(each)


def _print_effects(found: PolicyEffects) -> None:
    output.print_line(f"Open requests of type {found.resource_type}: {found.count:,}")
    for fate, requests in found.fates.items():
        output.print_line(f"  {fate_sentence(fate, len(requests))} {' '.join(requests)}")
    if found.count > found.listed:
        output.print_line(f"  These are the {found.listed} oldest.")
