"""The state of governance up to one seq of its ledger."""

from contextlib import suppress
from copy import copy
from typing import Self, assert_never

import msgspec

from assent_contracts.access_policies import (
    ADMINISTRATORS,
    BUILT_IN_TYPES,
    RESERVED_PREFIX,
    Policy,
    PolicyTerms,
    terms_of,
)
from assent_contracts.change_details import Demand
from assent_contracts.core.governance.principals_and_keys import (
    Key,
    Principal,
    Windows,
    all_revoked,
    holders_of,
    registered_key,
    synchronised,
    windows_of,
)
from assent_contracts.core.log_time import Correction
from assent_contracts.digests import from_base64url
from assent_contracts.eras import gives_up_of
from assent_contracts.events import CommandRepeated
from assent_contracts.governance_changes import (
    DIRECTORY,
    SETTINGS,
    group_object,
    policy_object,
    principal_object,
    role_object,
)
from assent_contracts.governance_messages import (
    DirectorySynced,
    FoundingClosed,
    GovernanceEvent,
    GroupDefined,
    GroupDeleted,
    KeyExpires,
    KeyRegistered,
    KeyRevoked,
    KeysRevoked,
    LogFounded,
    LossAccepted,
    OperatorSet,
    PolicyCreated,
    PolicyDeleted,
    PolicyEdited,
    PrincipalDisabled,
    PrincipalEnabled,
    PrincipalRegistered,
    ReleaseCarriedOut,
    ReleaseRefused,
    RoleAssigned,
    RoleWithdrawn,
    SettingsChanged,
    TimeCorrected,
    WriterAdded,
    WriterRetired,
)
from assent_contracts.governance_objects import (
    DirectoryDifference,
    Group,
    Loss,
    Role,
    RoleAssignment,
    Settings,
    SigningKey,
    Writer,
)
from assent_contracts.refusals import Refusal

EVERY_TYPE = ""
"""Used to ask for a role that is not limited to some resource types."""


class ReleaseOutcome(msgspec.Struct, frozen=True, gc=False):
    """The outcome of a released change to governance."""

    seq: int
    """The seq of the governance record with the outcome."""
    released: int
    """The seq of the release, in the request's partition."""
    refusal: Refusal | None = None
    """Why it could not be carried out; None if it was."""


class Governance:
    """The state of governance at `seq`. Its one owner advances it with `evolve`."""

    def __init__(self) -> None:
        self.seq = -1
        self.partitions = 0
        self.founder: bytes | None = None
        """The key that sets the log up; None once the founding is closed."""
        self.protected = False
        """Whether a policy has ever taken effect. From then on governance permanently protects itself."""
        self.principals: dict[str, Principal] = {}
        self.account_spelt: dict[str, str] = {}
        self.person_spelt: dict[str, str] = {}
        """All account ids and all person ids, by their lower-case form."""
        self.keys: dict[str, Key] = {}
        self.public_keys: set[bytes] = set()
        """All keys that ever existed, including writers' keys and the recovery key. None is registered twice.
        """
        self.recovery: bytes | None = None
        """The key that can add and retire writers alone; None before the log is founded."""
        self.writers: dict[str, bytes] = {}
        """The keys that may seal the ledgers."""
        self.writer_ids: set[str] = set()
        """The ids of all writers that ever existed."""
        self.writers_since = 0
        """The seq of the latest change of writers."""
        self.losses: tuple[Loss, ...] = ()
        """The accepted losses, in order."""
        self.groups: dict[str, Group] = {}
        self.assignments: dict[str, RoleAssignment] = {}
        self.policies: dict[str, Policy] = {}
        self.policy_since: dict[str, int] = {}
        """The seq at which each policy was created."""
        self.settings = Settings()
        self.time_corrections: tuple[Correction, ...] = ()
        """The corrections of log time, the earliest first."""
        self.release_outcomes: dict[str, ReleaseOutcome] = {}
        """The outcome of each released change, by its request, in the order of their records."""
        self._versions: dict[str, int] = {}
        self._members: dict[str, frozenset[str]] = {}
        self._windows: dict[str, Windows] | None = None
        """Derived from the keys alone, so it is only cleared when a key changes."""
        self._forget_derived()

    def _forget_derived(self) -> None:
        self._terms: dict[str, tuple[PolicyTerms, ...]] = {}
        self._united: dict[tuple[str, ...], frozenset[str]] = {}
        self._holders: dict[tuple[Role, str], frozenset[str]] = {}
        self._asking: frozenset[str] | None = None
        self._policies_of: dict[str, tuple[Policy, ...]] = {}
        self._demands: dict[str, tuple[tuple[Demand, str], ...]] = {}

    def evolve(self, seq: int, events: tuple[GovernanceEvent, ...]) -> None:
        """Consume the accepted record `seq`. Records come in order."""
        assert seq == self.seq + 1, f"governance seq {seq} after {self.seq}"
        for event in events:
            # An event about an object that does not exist changes nothing. No rule makes such an event, but a
            # stolen key can seal one. It must not prevent the recovery key's record from being read.
            with suppress(KeyError):
                self._apply(event, seq)
        if events:
            self._forget_derived()
        self.seq = seq

    def after(self, events: tuple[GovernanceEvent, ...]) -> Self:
        """A separate state as it would be after these events."""
        then = copy(self)
        for name, value in vars(self).items():
            # The values are immutable, so copies of their containers are enough.
            setattr(then, name, copy(value))
        then.evolve(self.seq + 1, events)
        return then

    def _apply(self, event: GovernanceEvent, seq: int) -> None:  # noqa: C901, PLR0912, PLR0915  an arm each
        match event:
            case LogFounded() if seq > 0:
                pass  # only record 0 founds: no rule makes another one, but a stolen key could seal it
            case LogFounded(founding=founding):
                self.partitions = founding.partitions
                self.founder = from_base64url(founding.founder)
                self.recovery = from_base64url(founding.recovery)
                self.public_keys |= {self.founder, self.recovery}
                for key_id, public_key in founding.writers.items():
                    self._add_writer(Writer(id=key_id, public_key=public_key), seq)
            case PrincipalRegistered(account=account):
                self._put_principal(Principal(account=account), seq)
            case PrincipalEnabled(principal=principal):
                self._set_enabled(principal, seq, enabled=True)
            case PrincipalDisabled(principal=principal):
                self._set_enabled(principal, seq, enabled=False)
            case OperatorSet(principal=principal, operator=operator):
                self._set_operator(principal, operator, seq)
            case KeyRegistered(key=key):
                self._register_key(key)
            case KeyExpires(key=key, not_after=not_after):
                self._change_keys({key: msgspec.structs.replace(self.keys[key], not_after=not_after)})
            case KeyRevoked(key=key):
                self._change_keys({key: msgspec.structs.replace(self.keys[key], revoked=True)})
            case KeysRevoked(principal=principal):
                self._change_keys(all_revoked(self.keys, principal))
            case WriterAdded(writer=writer):
                self._add_writer(writer, seq)
            case WriterRetired(writer=writer):
                del self.writers[writer]
                self.writers_since = seq
            case LossAccepted(loss=loss):
                self.losses = (*self.losses, loss)
                # Another request gets that id when the request ledger continues.
                self.release_outcomes = {
                    request: each
                    for request, each in self.release_outcomes.items()
                    if not gives_up_of(loss, request, each.released)
                }
            case GroupDefined(group=group):
                self._define_group(group, seq)
            case GroupDeleted(group=group):
                self._delete_group(group)
            case RoleAssigned(assignment=assignment):
                self.assignments[assignment.id] = assignment
                self._versions[role_object(assignment.id)] = seq
            case RoleWithdrawn(assignment=assignment):
                del self.assignments[assignment], self._versions[role_object(assignment)]
            case SettingsChanged(settings=settings):
                self.settings = settings
                self._versions[SETTINGS] = seq
            case PolicyCreated(policy=policy):
                self.protected = True
                self.policy_since[policy.id] = seq
                self._put_policy(policy, seq)
            case PolicyEdited(policy=policy):
                self._put_policy(policy, seq)
            case PolicyDeleted(policy=policy):
                del self.policies[policy], self.policy_since[policy], self._versions[policy_object(policy)]
            case DirectorySynced(difference=difference):
                self._sync(difference, seq)
            case TimeCorrected(to=to):
                self.time_corrections += (Correction(seq, to),)
            case FoundingClosed():
                self.founder = None
            case ReleaseCarriedOut(request=request, released=released):
                self.release_outcomes[request] = ReleaseOutcome(seq, released)
            case ReleaseRefused(request=request, released=released, refusal=refusal):
                self.release_outcomes[request] = ReleaseOutcome(seq, released, refusal)
            case CommandRepeated():
                pass
            case _:
                assert_never(event)

    def put_principal(self, principal: Principal) -> None:
        """Store an account without a version."""
        self.principals[principal.id] = principal
        self.account_spelt[principal.id.lower()] = principal.id
        if principal.person is not None:
            self.person_spelt[principal.person.lower()] = principal.person

    def _put_principal(self, principal: Principal, seq: int) -> None:
        self.put_principal(principal)
        self._versions[principal_object(principal.id)] = seq

    def _set_enabled(self, principal: str, seq: int, *, enabled: bool) -> None:
        self._put_principal(Principal(account=self.principals[principal].account, enabled=enabled), seq)

    def _set_operator(self, principal: str, operator: str | None, seq: int) -> None:
        before = self.principals[principal]
        account = msgspec.structs.replace(before.account, operator=operator)
        self._put_principal(msgspec.structs.replace(before, account=account), seq)

    def _register_key(self, key: SigningKey) -> None:
        registered = registered_key(key)
        self.public_keys.add(registered.public_key)
        if self._windows is None or key.id in self.keys:
            self._change_keys({key.id: registered})
            return
        # Without recomputing all of them: a large organisation registers thousands of keys in a row.
        self.keys[key.id] = registered
        window = (registered.not_before, registered.not_after)
        self._windows[key.principal] = (*self._windows.get(key.principal, ()), window)

    def _change_keys(self, changed: dict[str, Key]) -> None:
        self.keys |= changed
        self._windows = None

    def _add_writer(self, writer: Writer, seq: int) -> None:
        self.writers[writer.id] = public_key = from_base64url(writer.public_key)
        self.public_keys.add(public_key)
        self.writer_ids.add(writer.id)
        self.writers_since = seq

    def _define_group(self, group: Group, seq: int) -> None:
        self._members[group.id] = frozenset(group.members)
        self.groups[group.id] = group
        self._versions[group_object(group.id)] = seq

    def _delete_group(self, group: str) -> None:
        del self.groups[group], self._members[group], self._versions[group_object(group)]

    def _put_policy(self, policy: Policy, seq: int) -> None:
        self.policies[policy.id] = policy
        self._versions[policy_object(policy.id)] = seq

    def _sync(self, difference: DirectoryDifference, seq: int) -> None:
        for principal in synchronised(self.principals, difference):
            self._put_principal(principal, seq)
        for group in difference.groups:
            self._define_group(group, seq)
        for name in difference.vanished_groups:
            self._delete_group(name)
        self._versions[DIRECTORY] = seq

    def version(self, governed: str) -> int | None:
        """The seq at which a governed object last changed: an account, a group, the settings, and so on.

        `governed` is the object as `object_of` returns it. None if there is no such object.
        """
        return self._versions.get(governed)

    def terms_for(self, resource_type: str) -> tuple[PolicyTerms, ...]:
        """The terms of every policy that protects this type; empty if none does (R18).

        Changes to governance also need an administrator's approval: see `administrators_of`.
        """
        terms = self._terms.get(resource_type)
        if terms is None:
            terms = tuple(
                terms_of(policy, self.policy_since[policy.id], own_signature=self.asks_own_signature(policy))
                for policy in self.policies.values()
                if policy.resource_type == resource_type
            )
            self._terms[resource_type] = terms
        return terms

    def asks_own_signature(self, policy: Policy) -> bool:
        """Whether a policy counts only approvals that their approvers signed themselves.

        For a policy of a built-in type the setting can require this too, as it does for administrators.
        """
        return policy.own_signature or (
            policy.resource_type in BUILT_IN_TYPES and self.settings.governance_own_signature
        )

    def asks_on_behalf_of(self, resource_type: str) -> bool:
        """R20: whether a policy for this type requires the person on whose behalf a service submits."""
        if self._asking is None:
            self._asking = frozenset(
                policy.resource_type for policy in self.policies.values() if policy.on_behalf_of == "required"
            )
        return resource_type in self._asking

    def policies_of(self, resource_type: str) -> tuple[Policy, ...]:
        """The policies that protect this type."""
        policies = self._policies_of.get(resource_type)
        if policies is None:
            policies = tuple(each for each in self.policies.values() if each.resource_type == resource_type)
            self._policies_of[resource_type] = policies
        return policies

    def demands_of(self, resource_type: str) -> tuple[tuple[Demand, str], ...]:
        """R24: (field, policy) for each optional field that policies for this type demand, in their order."""
        demands = self._demands.get(resource_type)
        if demands is None:
            found: dict[Demand, str] = {}
            for policy in self.policies_of(resource_type):
                for field in policy.demands:
                    found.setdefault(field, policy.id)
            demands = tuple(found.items())
            self._demands[resource_type] = demands
        return demands

    def has_policy(self, terms: PolicyTerms) -> bool:
        """Whether the policy of these terms still exists, even if it has changed."""
        return terms.policy == ADMINISTRATORS or self.policy_since.get(terms.policy) == terms.since

    def windows(self, principal: str) -> Windows:
        """When the principal can sign with its own keys that are not revoked."""
        if self._windows is None:
            self._windows = windows_of(self.keys.values())
        return self._windows.get(principal, ())

    def members(self, group: str) -> frozenset[str]:
        """The principals in a group, which may be that of the administrators; empty if it does not exist."""
        if group.startswith(RESERVED_PREFIX):
            base, _, resource_type = group.partition("/")
            return self.holders("administrator", resource_type) if base == ADMINISTRATORS else frozenset()
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
        """The principals who hold the role for this resource type, or for EVERY_TYPE."""
        holders = self._holders.get((role, resource_type))
        if holders is None:
            holders = holders_of(self.assignments.values(), role, resource_type, self.members)
            self._holders[(role, resource_type)] = holders
        return holders
