"""Send what an export of the directory changes in governance, in as many changes as needed."""

import msgspec

from assent.cli import output
from assent.cli.connection.log_client import LogClient
from assent.cli.decision_output import refuse_unsent
from assent.cli.governance_change import (
    ChangeOutcome,
    finish_dry_run,
    outcome_document,
    print_outcome,
    send_change,
)
from assent.cli.options import ChangeOptions, Options
from assent.directory.directory_export import Export
from assent.directory.export_comparison import directory_difference, fitting_difference, parts, usable_export
from assent.reading.change_prospects import Prospect, foresee
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.directory_difference import too_much_vanishes
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import DIRECTORY, SyncDirectory
from assent_contracts.governance_objects import DirectoryDifference
from assent_contracts.refusals import WHAT_TO_DO, Refusal


async def synchronise(
    log: LogClient, export: Export, principal: str, change_options: ChangeOptions, options: Options
) -> int:
    """Send what is different in the export, print the decisions, and return the exit code.

    Raises what `LogClient.governance` and `governance_change.send` raise.
    """
    governance = await log.governance()
    export, left_out = usable_export(export, governance)
    whole, too_large = fitting_difference(directory_difference(export, governance), governance)
    left_out = (*left_out, *too_large)
    for each in left_out:
        output.print_progress(f"Left out, {each.why}.")
    code = await _send_difference(log, whole, governance, principal, change_options, options)
    # The exit code must show that something was left out.
    return code or (output.REFUSED if left_out else output.DECIDED)


async def _send_difference(
    log: LogClient,
    whole: DirectoryDifference,
    governance: Governance,
    principal: str,
    change_options: ChangeOptions,
    options: Options,
) -> int:
    steps = steps_of(whole, governance, now_ms())
    if not steps:
        _say_nothing_to_do(options)
        return output.DECIDED
    # The limit is for the whole export: its parts alone may each stay below it.
    too_much = too_much_vanishes(governance, whole)
    if change_options.dry_run:
        finish_dry_run(_prospects(governance, steps, principal, too_much), options)
    if too_much is not None:
        refuse_unsent(too_much, WHAT_TO_DO[too_much.code], options)
    outcomes: list[ChangeOutcome] = []
    for number, step in enumerate(steps):
        if number:
            governance = await log.governance()
        prospect = foresee(governance, _change(governance, step), principal, now_ms())
        outcome = await send_change(log, prospect, principal, change_options, options)
        outcomes.append(outcome)
        if not options.json or outcome.decided.refusal is not None:
            print_outcome(outcome, options)
        if outcome.decided.refusal is not None:
            return output.REFUSED
        if outcome.request is not None and number + 1 < len(steps):
            output.print_progress(
                f"{len(steps) - number - 1} more changes remain:"
                f" run this again when {outcome.request} is completed."
            )
            break
    if options.json:
        documents = [outcome_document(outcome) for outcome in outcomes]
        output.print_json(documents[0] if len(documents) == 1 else documents)
    return output.DECIDED


def steps_of(whole: DirectoryDifference, governance: Governance, at: int) -> tuple[DirectoryDifference, ...]:
    """The difference as changes that fit, in an order that governance accepts at log time `at` (ms).

    Removals come first, unless policies could not be met until the new members are there.
    """
    first, last = parts(whole), parts(whole, leavers_last=True)
    return last if not _all_taken(first, governance, at) and _all_taken(last, governance, at) else first


def _all_taken(steps: tuple[DirectoryDifference, ...], governance: Governance, at: int) -> bool:
    for step in steps:
        decision = decide_change(governance, _change(governance, step), at)
        if isinstance(decision, Refusal):
            return False
        governance = governance.after(decision)
    return True


def _change(governance: Governance, difference: DirectoryDifference) -> SyncDirectory:
    return SyncDirectory(difference=difference, version=governance.version(DIRECTORY))


def _prospects(
    governance: Governance,
    steps: tuple[DirectoryDifference, ...],
    principal: str,
    too_much: Refusal | None,
) -> tuple[Prospect, ...]:
    """Each step as it would be after those before it, up to the first that would be refused."""
    prospects: list[Prospect] = []
    for step in steps:
        change, at = _change(governance, step), now_ms()
        prospect = foresee(governance, change, principal, at)
        if too_much is not None and prospect.refusal is None:
            prospect = _refused(prospect, too_much)
        prospects.append(prospect)
        decision = decide_change(governance, change, at)
        if prospect.refusal is not None or isinstance(decision, Refusal):
            break
        governance = governance.after(decision)
    return tuple(prospects)


def _refused(prospect: Prospect, refusal: Refusal) -> Prospect:
    return msgspec.structs.replace(prospect, refusal=refusal)


def _say_nothing_to_do(options: Options) -> None:
    if options.json:
        output.print_json({"difference": None, "events": []})
    else:
        output.print_line("Nothing to do: governance and the directory agree.")
