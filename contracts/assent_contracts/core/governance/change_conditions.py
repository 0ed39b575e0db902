"""What a policy asks of a change besides approvals: its limits, its words, and its differences. Pure."""

from assent_contracts import limits
from assent_contracts.access_policies import BUILT_IN_TYPES, Freeze, Policy
from assent_contracts.characters import draws_nothing
from assent_contracts.core.governance.field_limits import bad_text, twice
from assent_contracts.core.governance.number_words import moment
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
    return _bad_freezes(policy)


def _has_conditions(policy: Policy) -> bool:
    return bool(policy.demands or policy.separate_operator or policy.stale_base != "show" or policy.freezes)


def _bad_freezes(policy: Policy) -> Refusal | None:
    if len(policy.freezes) > limits.FREEZES_MAX:
        return invalid(policy, f"it has at most {limits.FREEZES_MAX} freeze periods")
    for freeze in policy.freezes:
        if freeze.start >= freeze.end:
            return invalid(policy, "a freeze period ends after it begins")
        bad = bad_text("a freeze period's reason", freeze.reason, limits.FREEZE_REASON_MAX_CHARS)
        if bad is not None or draws_nothing(freeze.reason):
            return invalid(
                policy, f"a freeze period has a reason of 1 to {limits.FREEZE_REASON_MAX_CHARS} characters"
            )
    return None


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
        + "".join(f" {freeze_words(each)}." for each in policy.freezes)
        + (" An emergency passes freeze periods." if policy.emergency_passes_freeze else "")
    )


def freeze_words(freeze: Freeze) -> str:
    """A freeze period as a sentence without its end: when, and why."""
    return f"Nothing is applied from {moment(freeze.start)} to {moment(freeze.end)}: {freeze.reason}"


def condition_fields(policy: Policy) -> dict[str, str | None]:
    """The conditions in words, by name, for a comparison of two policies."""
    return {
        "operator": "apart from requester and approvers" if policy.separate_operator else None,
        "older versions": "refused" if policy.stale_base == "refuse" else None,
        "freeze periods": "; ".join(map(freeze_words, policy.freezes)) or None,
        "emergencies": "pass freeze periods" if policy.emergency_passes_freeze else None,
        "demands": ", ".join(policy.demands) or None,
    }
