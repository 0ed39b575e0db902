"""The people of a log in memory: alice requests, bob and carol approve, carol and dave administer."""

from collections.abc import Sequence
from typing import Final

from assent_contracts import governance_changes as changes
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.client.keys import SecretKey
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_objects import Account, Group, Role, RoleAssignment, SigningKey

UPSTREAM: Final = "upstream"
APPLIER: Final = "applier"
_HUMANS: Final = ("alice", "bob", "carol", "dave")
_SERVICES: Final = (UPSTREAM, APPLIER)
_GROUPS: Final = {
    "requesters": ("alice", UPSTREAM),
    "approvers": ("bob", "carol"),
    "administrators": ("carol", "dave"),
    "appliers": (APPLIER,),
}
_ROLES: Final[tuple[tuple[Role, str], ...]] = (
    ("requester", "requesters"),
    ("approver", "approvers"),
    ("administrator", "administrators"),
    ("applier", "appliers"),
)
_YEAR_MS: Final = 365 * 24 * 60 * 60 * 1_000


def key_of(principal: str) -> SecretKey:
    """The key of an account: the same in every test."""
    return SecretKey(f"{principal}-key", principal, bytes.fromhex(sha256_hex(f"fake/{principal}".encode())))


def policy_of(resource_type: str) -> Policy:
    """A policy that asks for one approval, by bob or carol."""
    rule = ApprovalRule(quorum=1, groups=("approvers",))
    return Policy(id=resource_type, name=resource_type, resource_type=resource_type, approvals=(rule,))


def founding_changes(policies: Sequence[Policy], at: int) -> list[changes.GovernanceChange]:
    """What the founder sets up. `at`: when keys begin to be valid, ms."""
    accounts = [Account(id=name, kind="human", person=f"p-{name}") for name in _HUMANS]
    accounts += [Account(id=name, kind="service") for name in _SERVICES]
    return [
        *(changes.RegisterPrincipal(account=account) for account in accounts),
        *(changes.RegisterKey(key=_signing_key(account.id, at)) for account in accounts),
        *(changes.DefineGroup(group=Group(id=name, members=who)) for name, who in _GROUPS.items()),
        *(
            changes.AssignRole(assignment=RoleAssignment(id=f"r-{role}", role=role, groups=(group,)))
            for role, group in _ROLES
        ),
        *(changes.CreatePolicy(policy=policy) for policy in policies),
    ]


def _signing_key(principal: str, at: int) -> SigningKey:
    return SigningKey(
        id=f"{principal}-key",
        principal=principal,
        public_key=key_of(principal).public,
        not_before=at,
        not_after=at + _YEAR_MS,
    )
