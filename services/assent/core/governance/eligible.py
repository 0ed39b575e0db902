"""Which people could meet a policy: enabled humans in its approver groups, by person."""

from assent.core.governance.state import Governance


def eligible_people(governance: Governance, groups: tuple[str, ...]) -> frozenset[str]:
    """R4: the person ids of the enabled humans in these groups."""
    people: set[str] = set()
    for group in groups:
        for member in governance.members(group):
            principal = governance.principals.get(member)
            if principal is not None and principal.enabled and principal.person is not None:
                people.add(principal.person)
    return frozenset(people)
