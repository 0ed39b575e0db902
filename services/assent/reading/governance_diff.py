"""What a request to change governance would change."""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET

from assent.store.queries import AuditRow, RequestView
from assent_contracts.client.open_requests import submitted_payload
from assent_contracts.core.governance.differences import Line, difference
from assent_contracts.core.governance.sentences import change_sentence
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.ledger import decode_record
from assent_contracts.policies import BUILT_IN_TYPES
from assent_contracts.refusals import Refusal
from assent_contracts.topics import LEDGER


class GovernanceDiff(msgspec.Struct, frozen=True):
    """What a request to change governance would change, as its approvers decide on it."""

    sentence: str
    difference: tuple[Line, ...]


def changes_governance(row: RequestView) -> bool:
    """Whether a request is one that has a GovernanceDiff."""
    return row.resource_type in BUILT_IN_TYPES


def change_of(records: Sequence[AuditRow]) -> GovernanceChange | None:
    """The change that a request to change governance asks for; None while it is not in the audit log."""
    submission = next((each.record for each in records if each.ledger == LEDGER), None)
    if submission is None:
        return None
    change = decode_governance_change(bytes(submitted_payload(submission)))
    return None if isinstance(change, Refusal) else change


def governance_diff(
    row: RequestView, records: Sequence[AuditRow], governance_at: Callable[[int], Governance]
) -> GovernanceDiff | None:
    """The difference against governance as it was at the submission; None for every other type.

    None too while the audit log does not have the submission. It is the difference that holds: a change to
    what was changed since is refused. `governance_at` gives the state of governance at a governance seq.
    """
    submission = next((each.record for each in records if each.ledger == LEDGER), None)
    if not changes_governance(row) or submission is None:
        return None
    submitted = decode_record(submission)
    change = decode_governance_change(bytes(submitted_payload(submission)))
    if isinstance(change, Refusal) or submitted.governance is UNSET:
        return None
    governance = governance_at(submitted.governance)
    return GovernanceDiff(change_sentence(change, governance), difference(change, governance))
