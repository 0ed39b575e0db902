"""The organisation of the test of both ledgers, and any change to its governance."""

from typing import Any

import hypothesis.strategies as st
import msgspec

from assent_contracts import governance_changes as g
from assent_contracts.access_policies import ApprovalRule, Completion, Policy
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import (
    Account,
    DirectoryDifference,
    Group,
    Role,
    RoleAssignment,
    Settings,
    Writer,
)
from tests.support.two_ledgers import DAY_MS, START, account, signing_key

PERSON = {
    "alice": "p-alice",
    "alice2": "p-alice",
    "bob": "p-bob",
    "bob2": "p-bob",
    "carol": "p-carol",
    "dan": "p-dan",
    "root": "p-root",
    "root2": "p-root",
    "ruth": "p-ruth",
    "rolf": "p-rolf",
}
DIRECTORY_PERSON = {"dora": "p-dora", "dora2": "p-dora", "emil": "p-emil", "bob3": "p-bob"}
"""The humans that the directory has brought: they are removed and come back."""
HUMANS = (*PERSON, *DIRECTORY_PERSON)
ADMINISTRATORS = ("root", "ruth", "rolf")
HOLDERS: dict[Role, tuple[str, ...]] = {
    "administrator": ADMINISTRATORS,
    "requester": ("alice", "alice2", "bob", "feeder"),
    "applier": ("applier",),
    "gateway": ("gate",),
    "directory": ("sync",),
}
GROUPS = ("owners", "security")
DIRECTORY_GROUPS = ("staff", "leads")
KINDS = ("script", "access-policy", "governance")

humans = st.sampled_from(HUMANS)
administrators = st.sampled_from(ADMINISTRATORS)
some_humans = st.lists(humans, min_size=3, max_size=8, unique=True).map(tuple)
directory_humans = st.sampled_from(tuple(DIRECTORY_PERSON))
some_groups = st.lists(st.sampled_from((*GROUPS, *DIRECTORY_GROUPS)), min_size=1, unique=True).map(tuple)
approvals = st.lists(
    st.builds(ApprovalRule, quorum=st.integers(1, 3), groups=some_groups), min_size=1, max_size=2
).map(tuple)
completions: st.SearchStrategy[Completion] = st.sampled_from(("requester", "automatic"))
policies = st.builds(
    Policy,
    id=st.sampled_from(("scripts", "more", "policies", "rest")),
    name=st.just("a policy"),
    resource_type=st.sampled_from(KINDS),
    approvals=approvals,
    rejections=st.integers(1, 2),
    completion=completions,
    own_signature=st.booleans(),
    settlements=st.sampled_from((1, 2)),
)


def founding() -> list[g.GovernanceChange]:
    accounts = [account(name, person) for name, person in PERSON.items()]
    accounts += [account(name, None) for name in ("gate", "applier", "sync", "feeder")]
    scripts = Policy(
        id="scripts",
        name="scripts",
        resource_type="script",
        approvals=(ApprovalRule(quorum=2, groups=("owners", "staff")),),
    )
    return [
        *(change for each in accounts for change in each),
        g.ChangeSettings(settings=Settings(vanish_max_percent=100)),
        g.SyncDirectory(
            difference=DirectoryDifference(
                accounts=tuple(directory_account(name) for name in DIRECTORY_PERSON),
                groups=(directory_group("staff", ("carol", *DIRECTORY_PERSON)), directory_group("leads", ())),
            )
        ),
        *(g.RegisterKey(key=signing_key(f"{name}-key", name)) for name in DIRECTORY_PERSON),
        g.DefineGroup(group=Group(id="owners", members=("alice", "alice2", "bob", "bob2", "carol", "dan"))),
        g.DefineGroup(group=Group(id="security", members=("carol", "dan", "root", "root2", "gate"))),
        *(
            g.AssignRole(assignment=RoleAssignment(id=role, role=role, principals=who))
            for role, who in HOLDERS.items()
        ),
        g.CreatePolicy(policy=scripts),
    ]


def directory_account(name: str) -> Account:
    """An account as the directory defines it."""
    return Account(id=name, kind="human", person=DIRECTORY_PERSON[name], source="directory")


def directory_group(name: str, members: tuple[str, ...]) -> Group:
    """A group as the directory defines it."""
    return Group(id=name, members=members, source="directory")


class AnyChange:
    """Changes to the current governance, most of which fit."""

    def __init__(self, draw: st.DataObject, governance: Governance, number: int) -> None:
        self.draw = draw.draw
        self.governance = governance
        self.number = number

    def change(self) -> g.GovernanceChange:
        kinds = [
            self.group,
            self.switch,
            self.policy,
            self.policy,
            self.role,
            self.key,
            self.key,
            self.writer,
            self.period,
            self.time,
        ]
        kinds += [self.directory, self.account]
        return self.draw(st.sampled_from(kinds))()

    def _version(self, governed: str) -> Any:
        return self.governance.version(governed)

    def group(self) -> g.GovernanceChange:
        group = Group(id=self.draw(st.sampled_from((*GROUPS, "new"))), members=self.draw(some_humans))
        return g.DefineGroup(group=group, version=self._version(g.group_object(group.id)))

    def switch(self) -> g.GovernanceChange:
        who = self.draw(humans)
        if self.governance.principals[who].enabled:
            return g.DisablePrincipal(principal=who)
        return g.EnablePrincipal(principal=who)

    def policy(self) -> g.GovernanceChange:
        policy = self.draw(policies)
        before = self.governance.policies.get(policy.id)
        if before is None:
            return g.CreatePolicy(policy=policy)
        version = self._version(g.policy_object(policy.id))
        if self.draw(st.integers(0, 3)) == 0:
            return g.DeletePolicy(policy=policy.id, version=version)
        policy = msgspec.structs.replace(policy, resource_type=before.resource_type)
        return g.EditPolicy(policy=policy, version=version)

    def role(self) -> g.GovernanceChange:
        role = self.draw(st.sampled_from(("administrator", "requester", "gateway")))
        groups = self.draw(st.sampled_from(((), ("security",)))) if role == "gateway" else ()
        who = () if groups else ("gate",) if role == "gateway" else self.draw(some_humans)
        version = self._version(g.role_object(role))
        if version is not None and self.draw(st.integers(0, 3)) == 0:
            return g.WithdrawRole(assignment=role, version=version)
        types = self.draw(
            st.sampled_from(((), (), ("script",), ("governance",), ("access-policy", "governance")))
        )
        assignment = RoleAssignment(id=role, role=role, groups=groups, principals=who, resource_types=types)
        return g.AssignRole(assignment=assignment, version=version)

    def key(self) -> g.GovernanceChange:
        """One begins, ends earlier, or is revoked: a human's, or the gateway's."""
        who = self.draw(st.one_of(humans, administrators, st.just("gate")))
        days = self.draw(st.sampled_from((1, 40, 9_999)))
        standing = [
            name for name, key in self.governance.keys.items() if key.principal == who and not key.revoked
        ]
        how = self.draw(st.sampled_from(("register", "expire", "revoke", "revoke", "revoke all")))
        if how == "register" or not standing:
            key = signing_key(f"key-{self.number}", who)
            return g.RegisterKey(key=msgspec.structs.replace(key, not_after=START + days * DAY_MS))
        if how == "revoke all":
            return g.RevokeKeys(principal=who)
        name = self.draw(st.sampled_from(standing))
        return (
            g.ExpireKey(key=name, not_after=START + days * DAY_MS)
            if how == "expire"
            else g.RevokeKey(key=name)
        )

    def writer(self) -> g.GovernanceChange:
        """One more, or one fewer: possibly the last."""
        if self.draw(st.booleans()):
            public_key = signing_key(f"writer-{self.number}", "nobody").public_key
            return g.AddWriter(writer=Writer(id=f"writer-{self.number}", public_key=public_key))
        return g.RetireWriter(writer=self.draw(st.sampled_from(sorted(self.governance.writer_ids))))

    def time(self) -> g.GovernanceChange:
        """Set back, by a little or to 1970."""
        return g.CorrectTime(to=self.draw(st.sampled_from((0, START, START + 20 * DAY_MS))))

    def account(self) -> g.GovernanceChange:
        """A new person, or one more account of an existing one."""
        person = self.draw(st.sampled_from(("p-new", *PERSON.values())))
        return g.RegisterPrincipal(account=Account(id=f"new-{self.number}", kind="human", person=person))

    def period(self) -> g.GovernanceChange:
        expiry = self.draw(st.sampled_from((DAY_MS, 30 * DAY_MS)))
        own = self.draw(st.booleans())
        after = msgspec.structs.replace(
            self.governance.settings, expiry_ms=expiry, governance_own_signature=own
        )
        return g.ChangeSettings(settings=after, version=self._version(g.SETTINGS))

    def directory(self) -> g.GovernanceChange:
        """Some are removed, some are back; groups are added, deleted, and change members."""
        vanished = self.draw(st.lists(directory_humans, max_size=2, unique=True))
        back = self.draw(st.lists(directory_humans, max_size=3, unique=True))
        touched = self.draw(st.lists(st.sampled_from(DIRECTORY_GROUPS), max_size=2, unique=True))
        gone = [name for name in touched if name in self.governance.groups and self.draw(st.booleans())]
        difference = DirectoryDifference(
            accounts=tuple(directory_account(name) for name in back if name not in vanished),
            vanished=tuple(vanished),
            groups=tuple(
                directory_group(name, self.draw(some_humans)) for name in touched if name not in gone
            ),
            vanished_groups=tuple(gone),
        )
        return g.SyncDirectory(difference=difference, version=self._version(g.DIRECTORY))
