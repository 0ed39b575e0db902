"""Make a change to governance: at once where its sender may, else as a request; or say what it would do."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from assent.cli import output
from assent.cli.answers import document_of, print_refusal
from assent.cli.deciding import SOURCE, fail_not_decided, send_and_wait
from assent.cli.effects import effects_now, say_effects
from assent.cli.governance_state import governance_now
from assent.cli.log_access import Server, Way, key_of, way
from assent.cli.options import Changing, Options, Sender
from assent.cli.publishing import publishing_changes
from assent.cli.tables import difference_table
from assent.reading.policy_effects import Effects
from assent.reading.prospects import Prospect, foresee, submission
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import Decided, NotDecidedError, new_command_id, now_ms
from assent_contracts.codec import decode_command, encode
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import ChangeSubmitted
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.refusals import WHAT_TO_DO, Refusal

_AROUND_S = 60.0

Make = Callable[[Governance], GovernanceChange]
"""A change from governance as it is: versions are filled in from there."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a change: decided at once, or the submission of its request."""

    prospect: Prospect
    decided: Decided | GovernanceDecided
    request: str | None = None


def change(make: Make, *, changing: Changing, sender: Sender, options: Options) -> NoReturn:
    """Make one change, print what came of it, and exit with its code."""
    key, to = key_of(sender, options), way(sender, options)

    async def run() -> Outcome | tuple[Prospect, Effects | None]:
        governance = await governance_now(to)
        prospect = foresee(governance, make(governance), key.principal, now_ms())
        if changing.dry_run:
            return prospect, await effects_now(to, prospect.change, governance)
        return await send(to, prospect, key, changing, sender, options)

    done = asyncio.run(run())
    if not isinstance(done, Outcome):
        finish_dry_run((done[0],), options, done[1])
    finish(done, options)


async def send(
    to: Way, prospect: Prospect, key: SecretKey, changing: Changing, sender: Sender, options: Options
) -> Outcome:
    """Send a change the way that it has to go. Ends the command when no decision comes in time."""
    if prospect.why_approval is None:
        decided = await _send_at_once(to, prospect.change, key, sender, options)
        return Outcome(prospect=prospect, decided=decided)
    if changing.justification is None:
        refuse_unsent(
            decode_justified(prospect, key, ""),
            f"A second administrator must approve: {prospect.why_approval}. Say why it is needed: -j TEXT.",
            options,
        )
    bad = decode_justified(prospect, key, changing.justification)
    if bad is not None:
        refuse_unsent(bad, WHAT_TO_DO[bad.code], options)
    fields = {"id": new_command_id(), "principal": key.principal, "at": now_ms()}
    command = submission(prospect.change, changing.justification, fields)
    decided = await send_and_wait(to, command, key, sender, options)
    request = next((each.request for each in decided.events if isinstance(each, ChangeSubmitted)), None)
    return Outcome(prospect=prospect, decided=decided, request=request)


def decode_justified(prospect: Prospect, key: SecretKey, justification: str) -> Refusal | None:
    """The refusal of the form of the request for a change; None when it is good."""
    fields = {"id": "unsent", "principal": key.principal, "at": now_ms()}
    read = decode_command(encode(submission(prospect.change, justification, fields)))
    return read if isinstance(read, Refusal) else None


async def _send_at_once(
    to: Way, wanted: GovernanceChange, key: SecretKey, sender: Sender, options: Options
) -> GovernanceDecided:
    if isinstance(to, Server):
        from assent.cli import server

        return await server.send_change(to, wanted)
    try:
        async with (
            asyncio.timeout(sender.timeout + _AROUND_S),
            publishing_changes(to, SOURCE, options) as publisher,
        ):
            return await publisher.send(wanted, key, timeout_s=sender.timeout)
    except NotDecidedError as error:
        fail_not_decided(str(error), None, options)


def refuse_unsent(refusal: Refusal | None, what_to_do: str, options: Options) -> NoReturn:
    """Print a refusal that needs no sending, and exit."""
    assert refusal is not None
    print_refusal(refusal, what_to_do, None, as_json=options.json)
    sys.exit(output.REFUSED)


def finish(outcome: Outcome, options: Options) -> NoReturn:
    """Print what came of a change and exit with its code."""
    say_outcome(outcome, options)
    sys.exit(output.DECIDED if outcome.decided.refusal is None else output.REFUSED)


def say_outcome(outcome: Outcome, options: Options) -> None:
    """Print what came of a change."""
    decided, prospect = outcome.decided, outcome.prospect
    if decided.refusal is not None:
        print_refusal(decided.refusal, WHAT_TO_DO[decided.refusal.code], decided, as_json=options.json)
    elif options.json:
        output.print_json(outcome_document(outcome))
    elif outcome.request is not None:
        output.say(prospect.sentence)
        output.say(f"A second administrator must approve: {prospect.why_approval}.")
        output.say(f"Submitted: request {outcome.request}")
        for each in prospect.approvers:
            output.say(f"Must approve, you not among them: {each}")
        output.say(
            f"Next: they `assent approve {outcome.request}`, then you `assent complete {outcome.request}`."
        )
    else:
        output.say(f"Done: {prospect.sentence}  (governance {decided.seq})")


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """What `--json` prints of a change that was sent."""
    return {
        "sentence": outcome.prospect.sentence,
        "object": outcome.prospect.object,
        "why_approval": outcome.prospect.why_approval,
        "request": outcome.request,
        **document_of(outcome.decided),
    }


def finish_dry_run(
    prospects: tuple[Prospect, ...], options: Options, found: Effects | None = None
) -> NoReturn:
    """Print what changes would do, one after the other, and exit: 2 when one would be refused."""
    if options.json:
        documents = [_dry_document(prospect) for prospect in prospects]
        if found is not None:
            documents[-1]["open_requests"] = found
        output.print_json(documents[0] if len(documents) == 1 else documents)
    else:
        for prospect in prospects:
            _say_prospect(prospect)
        if found is not None:
            say_effects(found)
        output.say("Nothing was changed: this was a dry run.")
    sys.exit(output.REFUSED if any(each.refusal is not None for each in prospects) else output.DECIDED)


def _dry_document(prospect: Prospect) -> dict[str, Any]:
    document: dict[str, Any] = {"dry_run": True, **msgspec.structs.asdict(prospect)}
    if prospect.refusal is not None:
        document["what_to_do"] = WHAT_TO_DO[prospect.refusal.code]
    return document


def _say_prospect(prospect: Prospect) -> None:
    output.say(prospect.sentence)
    if prospect.difference:
        output.show(difference_table(prospect.difference))
    if prospect.refusal is not None:
        output.complain(f"It would be refused: {prospect.refusal.code}", style="bold red")
        output.complain(prospect.refusal.detail, style="default")
        output.complain(WHAT_TO_DO[prospect.refusal.code], style="default")
    elif prospect.why_approval is None:
        output.say("It would work at once.")
    else:
        output.say(f"A second administrator must approve: {prospect.why_approval}.")
        for each in prospect.asks:
            output.say(each)
