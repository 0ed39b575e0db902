"""What in governance is close to not working any more, for `assent doctor`. Pure."""

from collections.abc import Iterator

import msgspec

from assent.core.governance.differences import counted, moment, rule_text
from assent.core.governance.eligible import ADMINISTRATORS_MIN, acting_administrators, eligible_people
from assent.core.governance.policies import unmet
from assent.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.policies import Policy

SOON_MS = 14 * 24 * 60 * 60 * 1_000
"""A key that ends within this time should be replaced now."""


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at."""

    ok: bool
    what: str
    remedy: str = ""


def close_calls(governance: Governance, at: int) -> Iterator[Finding]:
    """What was looked at, at log time `at` (ms); what is not ok should be seen to before it is too late."""
    for policy in governance.policies.values():
        yield _policy(governance, policy)
    yield from _administrators(governance, at)
    yield from _keys_that_end(governance, at)
    yield from _gateways(governance, at)


def _policy(governance: Governance, policy: Policy) -> Finding:
    refusal = unmet(governance, policy)
    if refusal is not None:
        return Finding(
            ok=False,
            what=f"policy {policy.id} ({policy.resource_type}) can be met",
            remedy=f"{refusal.detail} Add people to its approver groups.",
        )
    spare = min(len(eligible_people(governance, rule.groups)) - 1 - rule.quorum for rule in policy.approvals)
    asks = " and ".join(
        f"{rule_text(rule)} ({counted(len(eligible_people(governance, rule.groups)), 'person', 'people')})"
        for rule in policy.approvals
    )
    return Finding(
        ok=spare > 0,
        what=f"policy {policy.id} ({policy.resource_type}): {asks} must approve",
        remedy="It cannot lose one more person: a requester among those left could not be approved."
        " Add people to its approver groups.",
    )


def _administrators(governance: Governance, at: int) -> Iterator[Finding]:
    people = len(acting_administrators(governance, at))
    yield Finding(
        ok=people > ADMINISTRATORS_MIN,
        what=f"{counted(people, 'person', 'people')} can act as administrator",
        remedy=f"R3: {ADMINISTRATORS_MIN} must always remain, so none of them can leave."
        " Give another person the role administrator, and a key.",
    )


def _keys_that_end(governance: Governance, at: int) -> Iterator[Finding]:
    for name in sorted(governance.holders("administrator", EVERY_TYPE)):
        ends = [
            key.not_after
            for key in governance.keys.values()
            if key.principal == name and key.is_valid(at) and governance.principals[name].enabled
        ]
        if ends and max(ends) < at + SOON_MS:
            yield Finding(
                ok=False,
                what=f"the keys of administrator {name} are valid for two weeks at least",
                remedy=f"The last ends at {moment(max(ends))}: `assent keys new`, `assent keys register`.",
            )


def _gateways(governance: Governance, at: int) -> Iterator[Finding]:
    signers = {key.principal for key in governance.keys.values() if key.is_valid(at)}
    gateways = {
        name
        for assignment in governance.assignments.values()
        if assignment.role == "gateway"
        for name in (
            *assignment.principals,
            *(member for group in assignment.groups for member in governance.members(group)),
        )
    }
    for name in sorted(gateways):
        if governance.principals[name].enabled:
            yield Finding(
                ok=name in signers,
                what=f"gateway {name} has a valid key",
                remedy="Nobody can decide in the console: have a key registered for it.",
            )
