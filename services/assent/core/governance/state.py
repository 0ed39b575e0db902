"""What the governance ledger says, up to one seq."""

import msgspec

from assent_contracts.digests import from_base64url
from assent_contracts.events import PolicyTerms
from assent_contracts.governance import (
    Account,
    FoundingClosed,
    GovernanceEvent,
    Group,
    GroupDefined,
    KeyRegistered,
    LogFounded,
    Policy,
    PolicyCreated,
    PrincipalRegistered,
    Role,
    RoleAssigned,
    RoleAssignment,
    Settings,
    SettingsChanged,
)


class Principal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An account as it stands now: registered, and enabled or not."""

    account: Account
    enabled: bool = True

    @property
    def id(self) -> str:
        """The account's id."""
        return self.account.id

    @property
    def person(self) -> str | None:
        """R9: who is behind a human account; None for a service."""
        return self.account.person


class Key(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A principal's public key and when it is valid: not_before <= log time < not_after."""

    principal: str
    public_key: bytes
    not_before: int
    not_after: int


class Governance:
    """The state of governance at `seq`. It has one owner, who moves it forward with `evolve`."""

    def __init__(self) -> None:
        self.seq = -1
        self.partitions = 0
        self.founder: bytes | None = None
        """The key that sets the log up; None once the founding is closed."""
        self.principals: dict[str, Principal] = {}
        self.keys: dict[str, Key] = {}
        self.public_keys: set[bytes] = set()
        self.groups: dict[str, Group] = {}
        self.assignments: dict[str, RoleAssignment] = {}
        self.policies: dict[str, Policy] = {}
        self.settings = Settings()
        self._terms: dict[str, tuple[PolicyTerms, ...]] = {}
        self._members: dict[str, frozenset[str]] = {}
        self._united: dict[tuple[str, ...], frozenset[str]] = {}
        self._holders: dict[tuple[Role, str], frozenset[str]] = {}

    def evolve(self, seq: int, events: tuple[GovernanceEvent, ...]) -> None:
        """Take in the accepted record `seq`; records come in order."""
        assert seq == self.seq + 1, f"governance seq {seq} after {self.seq}"
        for event in events:
            self._apply(event)
        if events:
            self._terms.clear()
            self._united.clear()
            self._holders.clear()
        self.seq = seq

    def _apply(self, event: GovernanceEvent) -> None:
        match event:
            case LogFounded(founding=founding):
                self.partitions = founding.partitions
                self.founder = from_base64url(founding.founder)
            case PrincipalRegistered(account=account):
                self.principals[account.id] = Principal(account=account)
            case KeyRegistered(key=key):
                public_key = from_base64url(key.public_key)
                self.public_keys.add(public_key)
                self.keys[key.id] = Key(
                    principal=key.principal,
                    public_key=public_key,
                    not_before=key.not_before,
                    not_after=key.not_after,
                )
            case GroupDefined(group=group):
                self._members[group.id] = frozenset(group.members)
                self.groups[group.id] = group
            case RoleAssigned(assignment=assignment):
                self.assignments[assignment.id] = assignment
            case SettingsChanged(settings=settings):
                self.settings = settings
            case PolicyCreated(policy=policy):
                self.policies[policy.id] = policy
            case FoundingClosed():
                self.founder = None

    def terms_for(self, resource_type: str) -> tuple[PolicyTerms, ...]:
        """What every policy that protects this type asks for; empty when none does (R18)."""
        terms = self._terms.get(resource_type)
        if terms is None:
            terms = tuple(
                PolicyTerms(policy.id, policy.quorum, policy.groups)
                for policy in self.policies.values()
                if policy.resource_type == resource_type
            )
            self._terms[resource_type] = terms
        return terms

    def members(self, group: str) -> frozenset[str]:
        """The principals of a group; empty when there is no such group."""
        return self._members.get(group, frozenset())

    def members_of_any(self, groups: tuple[str, ...]) -> frozenset[str]:
        """The principals who are in at least one of these groups."""
        united = self._united.get(groups)
        if united is None:
            united = frozenset[str]().union(*(self.members(group) for group in groups))
            self._united[groups] = united
        return united

    def has_role(self, principal: str, role: Role, resource_type: str) -> bool:
        """Whether the principal holds the role for this resource type, itself or through a group."""
        return principal in self.holders(role, resource_type)

    def holders(self, role: Role, resource_type: str) -> frozenset[str]:
        """The principals who hold the role for this resource type ('' asks for every type)."""
        holders = self._holders.get((role, resource_type))
        if holders is None:
            holders = frozenset(
                principal
                for assignment in self.assignments.values()
                if assignment.role == role
                and (not assignment.resource_types or resource_type in assignment.resource_types)
                for principal in (
                    *assignment.principals,
                    *(member for group in assignment.groups for member in self.members(group)),
                )
            )
            self._holders[(role, resource_type)] = holders
        return holders
