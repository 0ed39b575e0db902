"""The people who could meet a rule, and the administrators who can act. By person, not by account."""

from assent_contracts.access_policies import BUILT_IN_TYPES, ApprovalRule, Policy
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.principals_and_keys import Windows
from assent_contracts.core.governance.signing_ability import able_at, signing_people
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.refusals import Refusal, RefusalCode

ADMINISTRATORS_MIN = 2
"""R3: the number of people who must always be able to administer."""


def eligible_people(governance: Governance, groups: tuple[str, ...]) -> frozenset[str]:
    """R4: the person ids of the enabled humans in these groups."""
    members = (governance.principals[member] for member in governance.members_of_any(groups))
    return frozenset(member.person for member in members if member.enabled and member.person is not None)


def able_people(governance: Governance, policy: Policy, rule: ApprovalRule) -> dict[str, Windows]:
    """By person, when each eligible person of a policy's rule can sign an approval."""
    accounts = governance.members_of_any(rule.groups)
    return signing_people(
        governance, accounts, (policy.resource_type,), own_signature=governance.asks_own_signature(policy)
    )


def administering_people(governance: Governance) -> dict[str, Windows]:
    """R3: by person, when each administrator of every type can approve changes to governance."""
    return signing_people(
        governance,
        governance.holders("administrator", EVERY_TYPE),
        BUILT_IN_TYPES,
        own_signature=governance.settings.governance_own_signature,
    )


def acting_administrators(governance: Governance, at: int) -> frozenset[str]:
    """R3: the people who administer every type and can sign at log time `at` (ms).

    They sign with their own key or, if the settings accept it, through a gateway that has a valid key.
    """
    return able_at(administering_people(governance), at)


def too_few_administrators(governance: Governance, at: int) -> Refusal | None:
    """R3: the refusal if too few people could act at log time `at` (ms)."""
    people = len(acting_administrators(governance, at))
    return None if people >= ADMINISTRATORS_MIN else too_few(people)


def too_few(administrators: int, since: str = "") -> Refusal:
    """R3: the refusal. `since`: from when on there are too few administrators; may be empty."""
    return refuse(
        RefusalCode.TOO_FEW_ADMINISTRATORS,
        f"R3: {since}{administrators} {'person' if administrators == 1 else 'people'} with the role"
        f" administrator for every type could act; there must be {ADMINISTRATORS_MIN}.",
    )
