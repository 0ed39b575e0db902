"""What a request to change governance would change."""

from collections.abc import Callable

import msgspec

from assent.reading.submitted_content import Submitted
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.core.governance.change_kinds import change_difference, change_sentence
from assent_contracts.core.governance.field_changes import FieldChange
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.refusals import Refusal


class GovernanceDiff(msgspec.Struct, frozen=True):
    """What a request to change governance would change, for its approvers to decide on."""

    sentence: str
    difference: tuple[FieldChange, ...]


def change_of(submitted: Submitted) -> GovernanceChange | None:
    """The change that the request asks for; None if it cannot be read as a change to governance."""
    change = decode_governance_change(bytes(submitted.payload))
    return None if isinstance(change, Refusal) else change


def governance_diff(
    submitted: Submitted | None, governance_at: Callable[[int], Governance]
) -> GovernanceDiff | None:
    """The difference from governance at the time of submission; None for types that are not built in.

    Also None where there is no submission to read. This difference stays valid, because a change to an object
    that has changed since is refused. `governance_at` returns the state of governance at a governance seq.
    """
    if submitted is None or submitted.resource_type not in BUILT_IN_TYPES or submitted.governance < 0:
        return None
    change = decode_governance_change(bytes(submitted.payload))
    if isinstance(change, Refusal):
        return None
    governance = governance_at(submitted.governance)
    return GovernanceDiff(change_sentence(change, governance), change_difference(change, governance))
