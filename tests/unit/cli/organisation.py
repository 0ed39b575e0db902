"""A small organisation in governance, for what the command line says about it."""

from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import to_base64url
from assent_contracts.governance_messages import (
    FoundingClosed,
    GovernanceEvent,
    GroupDefined,
    KeyRegistered,
    LogFounded,
    PolicyCreated,
    PrincipalRegistered,
    RoleAssigned,
)
from assent_contracts.governance_objects import Account, Founding, Group, RoleAssignment, SigningKey
from assent_contracts.limits import FOR_EVER_MS

AT = 1_800_000_000_000
PEOPLE = ("alice", "bob", "carol", "dave", "erin")
APPS = Policy(
    id="apps",
    name="Apps",
    resource_type="app",
    approvals=(ApprovalRule(quorum=2, groups=("security",)), ApprovalRule(quorum=1, groups=("owners",))),
    expiry_ms=7 * 86_400_000,
)


def public(number: int) -> str:
    """A public key whose secret nobody has."""
    return to_base64url(number.to_bytes(32, "big"))


def key(name: str, number: int, not_after: int = FOR_EVER_MS) -> SigningKey:
    return SigningKey(
        id=f"{name}-1", principal=name, public_key=public(number), not_before=0, not_after=not_after
    )


def organisation(*more: GovernanceEvent, policies: tuple[Policy, ...] = (APPS,)) -> Governance:
    """Five people, two teams, three administrators, and these policies."""
    governance = Governance()
    founding = Founding(founder=public(1), recovery=public(3), writers={"writer-1": public(2)}, partitions=4)
    events: list[GovernanceEvent] = [LogFounded(founding=founding)]
    events += [
        PrincipalRegistered(account=Account(id=name, kind="human", person=f"{name}.p")) for name in PEOPLE
    ]
    events.append(PrincipalRegistered(account=Account(id="robot", kind="service")))
    events += [KeyRegistered(key=key(name, 10 + number)) for number, name in enumerate(PEOPLE)]
    events += [
        GroupDefined(
            group=Group(id="security", name="Security team", members=("alice", "bob", "carol", "dave"))
        ),
        GroupDefined(group=Group(id="owners", name="App owners", members=("dave", "erin"))),
        RoleAssigned(
            assignment=RoleAssignment(id="admins", role="administrator", principals=("alice", "bob", "carol"))
        ),
        RoleAssigned(
            assignment=RoleAssignment(id="requesters", role="requester", principals=("alice", "bob"))
        ),
        FoundingClosed(),
        *(PolicyCreated(policy=policy) for policy in policies),
        *more,
    ]
    for event in events:
        governance.evolve(governance.seq + 1, (event,))
    return governance
