"""Which people could meet a policy: enabled humans in its approver groups, by person."""

from assent.core.governance.state import Governance


def eligible_people(governance: Governance, groups: tuple[str, ...]) -> frozenset[str]:
    """R4: the person ids of the enabled humans in these groups."""
    members = (governance.principals[member] for member in governance.members_of_any(groups))
    return frozenset(member.person for member in members if member.enabled and member.person is not None)
