"""The organisation of the test of both ledgers, and any change to its governance."""

from typing import Any

import hypothesis.strategies as st
import msgspec

from assent.core.governance.state import Governance
from assent_contracts import governance_changes as g
from assent_contracts.governed import Group, RoleAssignment
from assent_contracts.policies import ApprovalRule, Completion, Policy
from tests.support.two_ledgers import DAY_MS, account, signing_key

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
HUMANS = tuple(PERSON)
ADMINISTRATORS = ("root", "ruth", "rolf")
GROUPS = ("owners", "security")
KINDS = ("script", "access-policy", "governance")

humans = st.sampled_from(HUMANS)
administrators = st.sampled_from(ADMINISTRATORS)
some_humans = st.lists(humans, min_size=3, max_size=8, unique=True).map(tuple)
some_groups = st.lists(st.sampled_from(GROUPS), min_size=1, unique=True).map(tuple)
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
)


def founding() -> list[g.GovernanceChange]:
    accounts = [account(name, person) for name, person in PERSON.items()]
    accounts += [account("gate", None), account("applier", None)]
    scripts = Policy(
        id="scripts",
        name="scripts",
        resource_type="script",
        approvals=(ApprovalRule(quorum=2, groups=("owners",)),),
    )
    return [
        *(change for each in accounts for change in each),
        g.DefineGroup(group=Group(id="owners", members=("alice", "alice2", "bob", "bob2", "carol", "dan"))),
        g.DefineGroup(group=Group(id="security", members=("carol", "dan", "root", "root2", "gate"))),
        *(
            g.AssignRole(assignment=RoleAssignment(id=role, role=role, principals=who))
            for role, who in (
                ("administrator", ADMINISTRATORS),
                ("requester", ("alice", "alice2", "bob")),
                ("applier", ("applier",)),
                ("gateway", ("gate",)),
            )
        ),
        g.CreatePolicy(policy=scripts),
    ]


class AnyChange:
    """Changes to governance as it is, most of which fit."""

    def __init__(self, draw: st.DataObject, governance: Governance, number: int) -> None:
        self.draw = draw.draw
        self.governance = governance
        self.number = number

    def change(self) -> g.GovernanceChange:
        kinds = [self.group, self.switch, self.policy, self.policy, self.role, self.key, self.period]
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
        who = ("gate",) if role == "gateway" else self.draw(some_humans)
        version = self._version(g.role_object(role))
        if version is not None and self.draw(st.integers(0, 3)) == 0:
            return g.WithdrawRole(assignment=role, version=version)
        types = self.draw(st.sampled_from(((), (), ("script",))))
        assignment = RoleAssignment(id=role, role=role, principals=who, resource_types=types)
        return g.AssignRole(assignment=assignment, version=version)

    def key(self) -> g.GovernanceChange:
        who = self.draw(humans)
        key = self.governance.keys[f"{who}-key"]
        if key.revoked:
            return g.RegisterKey(key=signing_key(f"key-{self.number}", who))
        return g.RevokeKey(key=f"{who}-key")

    def period(self) -> g.GovernanceChange:
        expiry = self.draw(st.sampled_from((DAY_MS, 30 * DAY_MS)))
        after = msgspec.structs.replace(self.governance.settings, expiry_ms=expiry)
        return g.ChangeSettings(settings=after, version=self._version(g.SETTINGS))
