"""What a policy asks of a change besides approvals: its limits, its words, and its differences. Pure."""

from assent_contracts.access_policies import BUILT_IN_TYPES, Policy
from assent_contracts.core.governance.field_limits import twice
from assent_contracts.core.governance.satisfiability import invalid
from assent_contracts.refusals import Refusal


def bad_conditions(policy: Policy) -> Refusal | None:
    """The refusal of a policy's conditions; None if all are good.

    Changes to governance have none: a condition that cannot be met could never be edited away.
    """
    if policy.resource_type in BUILT_IN_TYPES and _has_conditions(policy):
        return invalid(policy, "changes to governance have no such conditions: they could not be edited away")
    if twice(policy.demands) is not None:
        return invalid(policy, "it demands one field twice")
    return None


def _has_conditions(policy: Policy) -> bool:
    return bool(policy.demands or policy.separate_operator or policy.stale_base != "show")


def apart_sentence() -> str:
    """R25 as a sentence with a space before it."""
    return " Requester, approvers and the applier's operator must be different people."


def condition_sentences(policy: Policy) -> str:
    """What the policy asks for besides approvals, each as a sentence with a space before it."""
    demands = f" A submission must state {' and '.join(policy.demands)}."
    stale = " A submission from an older version than the newest known one is refused."
    return (
        (apart_sentence() if policy.separate_operator else "")
        + (demands if policy.demands else "")
        + (stale if policy.stale_base == "refuse" else "")
    )


def condition_fields(policy: Policy) -> dict[str, str | None]:
    """The conditions in words, by name, for a comparison of two policies."""
    return {
        "operator": "apart from requester and approvers" if policy.separate_operator else None,
        "older versions": "refused" if policy.stale_base == "refuse" else None,
        "demands": ", ".join(policy.demands) or None,
    }
