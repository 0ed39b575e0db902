"""How a change to a policy affects the open requests under it. Pure; it uses the core's rules."""

from collections.abc import Sequence
from typing import Final, Literal, assert_never

import msgspec

from assent.reading.request_rows import deciding_of_row
from assent.store.queries import RequestView
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import deleted_policy, has_quorum, standing_terms
from assent_contracts.governance_changes import CreatePolicy, DeletePolicy, EditPolicy, GovernanceChange
from assent_contracts.governance_messages import GovernanceEvent, PolicyCreated, PolicyDeleted, PolicyEdited

LISTED_MAX: Final = 200
"""Requests that are examined, the oldest first. The total is reported in any case."""

Fate = Literal["stranded", "reopened", "more", "same", "released"]
"""It can never be approved; it was approved and needs approval again; it must meet the new terms of the
policy; nothing changes for it; it was already released to an applier."""
FATES: Final[tuple[Fate, ...]] = ("stranded", "reopened", "more", "same", "released")


class PolicyEffects(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the open requests of one resource type."""

    resource_type: str
    count: int
    """How many there are."""
    fates: dict[Fate, tuple[str, ...]]
    """The ids of those that were examined."""

    @property
    def listed(self) -> int:
        """How many were examined."""
        return sum(len(each) for each in self.fates.values())


def type_of_change(change: GovernanceChange, governance: Governance) -> str | None:
    """The resource type whose open requests the change affects; None if it does not change a policy."""
    match change:
        case CreatePolicy(policy=policy) | EditPolicy(policy=policy):
            return policy.resource_type
        case DeletePolicy(policy=name):
            policy = governance.policies.get(name)
            return None if policy is None else policy.resource_type
        case _:
            return None


def effects(
    change: GovernanceChange, rows: Sequence[RequestView], count: int, governance: Governance
) -> PolicyEffects | None:
    """How the change affects `rows`, open requests of its type. `count` is how many such requests exist."""
    kind, events = type_of_change(change, governance), _events(change)
    if kind is None or not events:
        return None
    then = governance.after(events)
    fates: dict[Fate, list[str]] = {}
    for row in rows:
        fates.setdefault(_fate(row, governance, then), []).append(row.id)
    listed: dict[Fate, tuple[str, ...]] = {fate: tuple(fates[fate]) for fate in FATES if fate in fates}
    return PolicyEffects(resource_type=kind, count=count, fates=listed)


def _events(change: GovernanceChange) -> tuple[GovernanceEvent, ...]:
    match change:
        case CreatePolicy(policy=policy):
            return (PolicyCreated(policy=policy),)
        case EditPolicy(policy=policy):
            return (PolicyEdited(policy=policy),)
        case DeletePolicy(policy=policy):
            return (PolicyDeleted(policy=policy),)
        case _:
            return ()


def _fate(row: RequestView, now: Governance, then: Governance) -> Fate:
    state = deciding_of_row(row)
    if state is None:
        return "released"
    submission, approvals = state.submission, state.approvals
    if deleted_policy(submission, then) is not None:
        return "stranded"
    terms, before = standing_terms(submission, then), standing_terms(submission, now)
    if has_quorum(submission, before, approvals, now) and not has_quorum(submission, terms, approvals, then):
        return "reopened"
    return "more" if any(each not in before for each in terms) else "same"


def fate_sentence(fate: Fate, count: int) -> str:
    """What happens to so many requests, for a terminal."""
    which = "1 request" if count == 1 else f"{count:,} requests"
    match fate:
        case "stranded":
            return f"{which} can never be approved after it, only canceled or rejected and submitted again."
        case "reopened":
            return f"{which} approved so far will need approval again."
        case "more":
            return f"{which} must meet the new terms of the policy as well as the old ones."
        case "same":
            return f"{which}: nothing changes."
        case "released":
            return f"{which} already released: nothing changes."
        case _:
            assert_never(fate)
