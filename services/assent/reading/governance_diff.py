"""What a request to change governance would change."""

from collections.abc import Callable

import msgspec

from assent.reading.submitted import Submitted
from assent_contracts.core.governance.changes import change_difference, change_sentence
from assent_contracts.core.governance.field_changes import FieldChange
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.policies import BUILT_IN_TYPES
from assent_contracts.refusals import Refusal


class GovernanceDiff(msgspec.Struct, frozen=True):
    """What a request to change governance would change, as its approvers decide on it."""

    sentence: str
    difference: tuple[FieldChange, ...]


def change_of(submitted: Submitted) -> GovernanceChange | None:
    """The change that a request to change governance asks for; None for what cannot be read as one."""
    change = decode_governance_change(bytes(submitted.payload))
    return None if isinstance(change, Refusal) else change


def governance_diff(
    submitted: Submitted | None, governance_at: Callable[[int], Governance]
) -> GovernanceDiff | None:
    """The difference against governance as it was at the submission; None for every other type.

    None too where there is no submission to read. It is the difference that holds: a change to what was
    changed since is refused. `governance_at` gives the state of governance at a governance seq.
    """
    if submitted is None or submitted.resource_type not in BUILT_IN_TYPES or submitted.governance < 0:
        return None
    change = decode_governance_change(bytes(submitted.payload))
    if isinstance(change, Refusal):
        return None
    governance = governance_at(submitted.governance)
    return GovernanceDiff(change_sentence(change, governance), change_difference(change, governance))
