"""Governance at one seq, as plain sets and dictionaries, independent of the code under test."""

from assent_contracts import governance_messages as g
from assent_contracts.access_policies import Policy
from assent_contracts.governance_objects import DirectoryDifference, RoleAssignment, Settings

GUARDED = {"administrator", "approver", "gateway", "directory"}


class State:
    """Governance at one seq."""

    def __init__(self) -> None:
        self.person: dict[str, str | None] = {}
        self.enabled: set[str] = set()
        self.vanished: set[str] = set()
        """Accounts that the directory disabled, and nobody by hand since: coming back enables them."""
        self.key_of: dict[str, str] = {}
        """The principals of the keys that are not revoked."""
        self.valid: dict[str, tuple[int, int]] = {}
        """When each key begins and ends."""
        self.members: dict[str, tuple[str, ...]] = {}
        self.assignments: dict[str, RoleAssignment] = {}
        self.policies: dict[tuple[str, int], Policy] = {}
        """By id and the seq of its creation: one recreated under an old id is a different one."""
        self.protected = False
        self.writers: set[str] = set()
        self.settings = Settings()

    def take(self, event: g.GovernanceEvent, seq: int) -> None:  # noqa: C901  an arm each
        match event:
            case g.KeyRegistered(key=key):
                self.key_of[key.id] = key.principal
                self.valid[key.id] = (key.not_before, key.not_after)
            case g.KeyExpires(key=name, not_after=not_after):
                self.valid[name] = (self.valid[name][0], not_after)
            case g.KeyRevoked(key=name):
                del self.key_of[name]
            case g.KeysRevoked(principal=principal):
                self.key_of = {name: who for name, who in self.key_of.items() if who != principal}
            case g.LogFounded(founding=founding):
                self.writers = set(founding.writers)
            case g.WriterAdded(writer=writer):
                self.writers.add(writer.id)
            case g.WriterRetired(writer=name):
                self.writers.remove(name)
                assert self.writers, "nobody is left to write the log"
            case g.GroupDefined(group=group):
                self.members[group.id] = group.members
            case g.RoleAssigned(assignment=assignment):
                self.assignments[assignment.id] = assignment
            case g.RoleWithdrawn(assignment=name):
                del self.assignments[name]
            case g.SettingsChanged(settings=settings):
                self.settings = settings
            case _:
                self._take_account(event)
                self._take_policy(event, seq)

    def _take_account(self, event: g.GovernanceEvent) -> None:
        match event:
            case g.PrincipalRegistered(account=account):
                self.person[account.id] = account.person
                self.enabled.add(account.id)
            case g.PrincipalEnabled(principal=principal):
                self.enabled.add(principal)
                self.vanished.discard(principal)
            case g.PrincipalDisabled(principal=principal):
                self.enabled.discard(principal)
                self.vanished.discard(principal)
            case g.DirectorySynced(difference=difference):
                self._sync(difference)
            case _:
                pass

    def _sync(self, difference: DirectoryDifference) -> None:
        for account in difference.accounts:
            if account.id in self.vanished or account.id not in self.person:
                self.enabled.add(account.id)
            self.vanished.discard(account.id)
            assert self.person.setdefault(account.id, account.person) == account.person
        gone = self.enabled & set(difference.vanished)
        self.enabled -= gone
        self.vanished |= gone
        self.members |= {group.id: group.members for group in difference.groups}
        for group in difference.vanished_groups:
            del self.members[group]

    def _take_policy(self, event: g.GovernanceEvent, seq: int) -> None:
        match event:
            case g.PolicyCreated(policy=policy):
                self.policies[policy.id, seq] = policy
                self.protected = True
            case g.PolicyEdited(policy=policy):
                self.policies[self.current(policy.id)] = policy
            case g.PolicyDeleted(policy=name):
                del self.policies[self.current(name)]
            case _:
                pass

    def current(self, policy: str) -> tuple[str, int]:
        (found,) = (key for key in self.policies if key[0] == policy)
        return found

    def holders(self, role: str, kind: str) -> set[str]:
        return {
            who
            for each in self.assignments.values()
            if each.role == role and (not each.resource_types or kind in each.resource_types)
            for who in {*each.principals, *(who for group in each.groups for who in self.members[group])}
        }

    def people(self, accounts: set[str]) -> set[str]:
        """The people behind the enabled human accounts among these."""
        people = {self.person[who] for who in accounts & self.enabled}
        return {person for person in people if person is not None}

    def in_any(self, groups: tuple[str, ...]) -> set[str]:
        return {who for group in groups for who in self.members.get(group, ())}

    def protecting(self, kind: str) -> dict[tuple[str, int], Policy]:
        return {key: policy for key, policy in self.policies.items() if policy.resource_type == kind}

    def is_guarded(self, group: str) -> bool:
        return any(
            group in rule.groups for policy in self.policies.values() for rule in policy.approvals
        ) or any(group in each.groups for each in self.assignments.values() if each.role in GUARDED)


def acting_administrators(governance: State, at: int) -> set[str]:
    """The people who administer every type and can sign at that time.

    With their own key or, where the settings accept that, through a gateway.
    """
    signers = {
        who
        for key, who in governance.key_of.items()
        if governance.valid[key][0] <= at < governance.valid[key][1]
    }
    gateways = governance.holders("gateway", "governance") & governance.holders("gateway", "access-policy")
    gateways = {who for who in gateways & governance.enabled & signers if governance.person[who] is None}
    administrators = governance.holders("administrator", "")
    served = bool(gateways) and not governance.settings.governance_own_signature
    return governance.people(administrators if served else administrators & signers)


def moments(governance: State, at: int, end: int) -> set[int]:
    """This time, and every later one before `end` at which a key begins or ends."""
    return {at, *(time for each in governance.valid.values() for time in each if at < time < end)}


def unmet(governance: State) -> list[str]:
    """The policies that the existing people could not meet, whichever of them requests."""
    return [
        policy.id
        for policy in governance.policies.values()
        for rule in policy.approvals
        if not 0 < rule.quorum < len(governance.people(governance.in_any(rule.groups)))
    ]
