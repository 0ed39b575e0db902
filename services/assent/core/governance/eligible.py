"""Which people could meet a rule, and which administrators can act: by person, not by account."""

from assent.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.policies import GOVERNANCE_TYPE

ADMINISTRATORS_MIN = 2
"""R3: so many people can administer, always."""


def eligible_people(governance: Governance, groups: tuple[str, ...]) -> frozenset[str]:
    """R4: the person ids of the enabled humans in these groups."""
    members = (governance.principals[member] for member in governance.members_of_any(groups))
    return frozenset(member.person for member in members if member.enabled and member.person is not None)


def acting_administrators(governance: Governance, at: int) -> frozenset[str]:
    """R3: the people who administer every type and can sign at log time `at` (ms).

    With a key of their own, or through a gateway that has a valid key.
    """
    signers = {key.principal for key in governance.keys.values() if key.is_valid(at)}
    gateways = governance.holders("gateway", EVERY_TYPE) | governance.holders("gateway", GOVERNANCE_TYPE)
    through_gateway = any(governance.principals[gateway].enabled for gateway in gateways & signers)
    holders = (governance.principals[holder] for holder in governance.holders("administrator", EVERY_TYPE))
    return frozenset(
        holder.person
        for holder in holders
        if holder.enabled and holder.person is not None and (through_gateway or holder.id in signers)
    )
