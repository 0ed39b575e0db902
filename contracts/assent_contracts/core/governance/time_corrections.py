"""Set log time back, after the time of a clock that ran ahead was recorded."""

from typing import Final

from assent_contracts.core.governance.change_rules import ChangeRules
from assent_contracts.core.governance.field_changes import changed_fields
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.number_words import moment
from assent_contracts.governance_changes import CorrectTime
from assent_contracts.governance_messages import GovernanceEvent, TimeCorrected
from assent_contracts.refusals import Refusal, RefusalCode


def correct_time(change: CorrectTime, at: int) -> tuple[GovernanceEvent, ...] | Refusal:
    """Set log time back to `to` in every partition where it is later. `to` may not be after `at` (ms)."""
    if not 0 <= change.to <= at:
        now = moment(at)
        return refuse(RefusalCode.MALFORMED, f"Log time is {now} here: set it to an earlier one.")
    return (TimeCorrected(to=change.to),)


CORRECT_TIME: Final = ChangeRules[CorrectTime](
    decide=lambda _governance, change, at: correct_time(change, at),
    sentence=lambda change, _: f"Set log time back to {moment(change.to)}, wherever it is later.",
    difference=lambda change, _: changed_fields(("log time", "where it is later", moment(change.to))),
    why_approval=lambda _governance, _change, _asker: "it sets log time back",
)
