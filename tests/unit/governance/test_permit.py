"""Permissions to change governance (R3): at once, with a second administrator's approval, or not at all."""

from collections.abc import Callable

import pytest

from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    SETTINGS,
    AssignRole,
    ChangeSettings,
    CreatePolicy,
    DeleteGroup,
    DeletePolicy,
    DisablePrincipal,
    EditPolicy,
    EnablePrincipal,
    ExpireKey,
    GovernanceChange,
    RevokeKey,
    WithdrawRole,
    group_object,
    policy_object,
    role_object,
)
from assent_contracts.governance_objects import Group, Role, RoleAssignment, Settings
from tests.support.people import DAY_MS, START, force, organisation, policy_of
from tests.unit.governance.answers import (
    app_policy,
    at_once,
    directory_group,
    group_of,
    human,
    new_key,
    of_directory,
    role_of,
    service,
    sync,
    unprotected,
)
from tests.unit.governance.proposals import Proposal


def version(governance: Governance, governed: str) -> int:
    found = governance.version(governed)
    assert found is not None
    return found


def assign(governance: Governance, name: str, role: Role, *groups: str) -> AssignRole:
    assignment = RoleAssignment(id=name, role=role, groups=groups)
    return AssignRole(assignment=assignment, version=governance.version(role_object(name)))


Case = Callable[[Governance], GovernanceChange]

AT_ONCE: dict[str, Case] = {
    "register a human": lambda g: human("erin"),
    "register a service": lambda g: service("bot"),
    "disable": lambda g: DisablePrincipal(principal="alice"),
    "register one's own key": lambda g: new_key("carol"),
    "revoke another's key": lambda g: RevokeKey(key="bob-key"),
    "expire another's key": lambda g: ExpireKey(key="bob-key", not_after=START + DAY_MS),
    "define a new group": lambda g: group_of(g, "new", "alice"),
    "change a group of requesters": lambda g: group_of(g, "requesters", "alice"),
    "delete a group that nothing names": lambda g: DeleteGroup(
        group="idle", version=version(g, group_object("idle"))
    ),
    "assign requester": lambda g: role_of("requester", "bob"),
    "assign applier": lambda g: role_of("applier", "upstream"),
    "assign auditor": lambda g: role_of("auditor", "bob"),
    "withdraw requester": lambda g: WithdrawRole(
        assignment="r-requester", version=version(g, role_object("r-requester"))
    ),
    "refuse what is unprotected": lambda g: ChangeSettings(
        settings=Settings(unprotected="refuse"), version=version(g, SETTINGS)
    ),
    "bring new people and a new group": lambda g: sync(
        g, accounts=(of_directory("erin"),), groups=(directory_group("staff", "erin"),)
    ),
}
NEEDS_APPROVAL: dict[str, Case] = {
    "create a policy": lambda g: CreatePolicy(policy=app_policy()),
    "edit a policy": lambda g: EditPolicy(
        policy=app_policy("apps", 2), version=version(g, policy_object("apps"))
    ),
    "delete a policy": lambda g: DeletePolicy(policy="apps", version=version(g, policy_object("apps"))),
    "enable": lambda g: EnablePrincipal(principal="gone"),
    "register another's key": lambda g: new_key("mallory"),
    "register another administrator's key": lambda g: new_key("dave"),
    "register a service's key": lambda g: new_key("upstream"),
    "add an approver": lambda g: group_of(g, "approvers", "alice", "bob", "carol", "mallory"),
    "add an administrator": lambda g: group_of(g, "admins", "carol", "dave", "mallory"),
    "assign administrator": lambda g: role_of("administrator", "mallory"),
    "assign administrator for a type": lambda g: role_of("administrator", "mallory", types=("app",)),
    "assign approver": lambda g: role_of("approver", "mallory"),
    "assign gateway": lambda g: role_of("gateway", "upstream"),
    "assign directory": lambda g: role_of("directory", "upstream"),
    "turn requesters into administrators": lambda g: assign(g, "r-requester", "administrator", "requesters"),
    "turn approvers into auditors": lambda g: assign(g, "r-approver", "auditor", "approvers"),
    "withdraw approver": lambda g: WithdrawRole(
        assignment="r-approver", version=version(g, role_object("r-approver"))
    ),
    "let more vanish": lambda g: ChangeSettings(
        settings=Settings(unprotected="pass", vanish_max_percent=21), version=version(g, SETTINGS)
    ),
    "change a time": lambda g: ChangeSettings(
        settings=Settings(unprotected="pass", expiry_ms=1_000), version=version(g, SETTINGS)
    ),
    "bring a group back that approves": lambda g: sync(
        g, groups=(directory_group("owners", "frank", "gail", "hugh", "ivan"),)
    ),
    "bring somebody back": lambda g: sync(g, accounts=(of_directory("back"),)),
}


def place(*, protected: bool) -> Governance:
    """The organisation with additions: `gone` is disabled, `back` was removed, `owners` approve."""
    governance = organisation(Settings(unprotected="pass")) if protected else unprotected()
    people = ("frank", "gail", "hugh", "ivan")
    accounts = tuple(of_directory(name) for name in (*people, "back"))
    force(governance, sync(governance, accounts=accounts, groups=(directory_group("owners", *people[:3]),)))
    force(governance, sync(governance, vanished=("back",)))
    force(governance, human("gone"))
    force(governance, DisablePrincipal(principal="gone"))
    force(governance, group_of(governance, "idle", "mallory"))
    if protected:
        for name in people[:2]:
            force(governance, new_key(name, f"{name}-key"))
        force(governance, CreatePolicy(policy=app_policy("owned", 1, "owners")))
    return governance


@pytest.mark.parametrize("what", AT_ONCE)
def test_change_that_gives_nobody_more_power_takes_effect_at_once(what: str) -> None:
    governance = place(protected=True)
    assert at_once(governance, "carol", AT_ONCE[what](governance)) == ""


@pytest.mark.parametrize("what", NEEDS_APPROVAL)
def test_change_that_gives_an_account_more_power_needs_a_second_administrator(what: str) -> None:
    governance = place(protected=True)
    seq, wanted = governance.seq, NEEDS_APPROVAL[what](governance)
    assert at_once(governance, "carol", wanted) == "approval-required"
    assert at_once(governance, "carol", wanted, through="upstream") == "approval-required"
    assert governance.seq == seq + 2, "both refusals are recorded, and nothing else"
    force(governance, wanted)


BEFORE_A_POLICY = (set(AT_ONCE) | set(NEEDS_APPROVAL)) - {
    "edit a policy",
    "delete a policy",
    "refuse what is unprotected",
}


@pytest.mark.parametrize("what", sorted(BEFORE_A_POLICY))
def test_administrator_changes_anything_alone_before_the_first_policy(what: str) -> None:
    governance = place(protected=False)
    assert at_once(governance, "carol", (AT_ONCE | NEEDS_APPROVAL)[what](governance)) == ""


def test_governance_protects_itself_for_good_after_the_first_policy() -> None:
    """Deleting the last policy does not restore the freedom of the beginning."""
    governance = place(protected=True)
    for name in tuple(governance.policies):
        force(governance, DeletePolicy(policy=name, version=version(governance, policy_object(name))))
    assert at_once(governance, "carol", CreatePolicy(policy=app_policy())) == "approval-required"
    assert at_once(governance, "carol", role_of("administrator", "mallory")) == "approval-required"


@pytest.mark.parametrize("who", ["mallory", "alice", "bob", "applier"])
@pytest.mark.parametrize("what", sorted(set(AT_ONCE | NEEDS_APPROVAL) - {"revoke another's key"}))
def test_R3_only_an_administrator_changes_governance(what: str, who: str) -> None:
    governance = place(protected=True)
    wanted = (AT_ONCE | NEEDS_APPROVAL)[what](governance)
    if (what, who) in {("register another's key", "mallory"), ("expire another's key", "bob")}:
        return  # that key is their own
    assert at_once(governance, who, wanted) == "not-permitted"


def test_everybody_registers_and_revokes_their_own_keys() -> None:
    governance = organisation()
    assert at_once(governance, "mallory", new_key("mallory")) == ""
    assert at_once(governance, "mallory", ExpireKey(key="mallory-key", not_after=START + 1)) == ""
    assert at_once(governance, "mallory", RevokeKey(key="mallory-key")) == ""
    assert at_once(governance, "mallory", RevokeKey(key="bob-key")) == "not-permitted"
    assert at_once(governance, "alice", new_key("alice2", "other")) == "not-permitted"


def test_own_key_through_a_gateway_needs_approval() -> None:
    """Otherwise a thief of the gateway's key could register a key for everybody."""
    governance = organisation()
    wanted = new_key("mallory")
    assert at_once(governance, "mallory", wanted, through="upstream") == "approval-required"
    assert at_once(governance, "carol", new_key("carol"), through="upstream") == "approval-required"


def test_R3_administrator_of_a_type_decides_only_on_its_policies() -> None:
    governance = organisation()
    force(governance, role_of("administrator", "mallory", types=("app",)))
    app, script = version(governance, policy_object("apps")), version(governance, policy_object("scripts"))
    for wanted, answer in (
        (CreatePolicy(policy=app_policy()), "approval-required"),
        (EditPolicy(policy=app_policy("apps", 2), version=app), "approval-required"),
        (DeletePolicy(policy="apps", version=app), "approval-required"),
        (DeletePolicy(policy="scripts", version=script), "not-permitted"),
        (DeletePolicy(policy="nothing", version=1), "not-permitted"),
        # Claiming that it is for their type does not make it theirs.
        (EditPolicy(policy=app_policy("scripts"), version=script), "policy-invalid"),
        (human("erin"), "not-permitted"),
        (role_of("requester", "bob"), "not-permitted"),
        (group_of(governance, "new", "bob"), "not-permitted"),
        (DisablePrincipal(principal="bob"), "not-permitted"),
    ):
        assert at_once(governance, "mallory", wanted) == answer


def test_directory_s_account_synchronises_at_once_and_does_nothing_else() -> None:
    governance = place(protected=True)
    force(governance, role_of("directory", "upstream"))
    wanted = NEEDS_APPROVAL["bring a group back that approves"](governance)
    assert at_once(governance, "upstream", wanted) == ""
    assert at_once(governance, "upstream", human("erin")) == "not-permitted"
    assert at_once(governance, "upstream", group_of(governance, "new", "bob")) == "not-permitted"


def test_group_is_guarded_once_something_names_it() -> None:
    governance = organisation()
    force(governance, group_of(governance, "new", "bob", "carol"))
    assert at_once(governance, "carol", group_of(governance, "new", "bob", "dave")) == ""
    force(governance, CreatePolicy(policy=app_policy("other", 1, "new")))
    wanted = group_of(governance, "new", "bob", "mallory")
    assert wanted.group == Group(id="new", members=("bob", "mallory"))
    assert at_once(governance, "carol", wanted) == "approval-required"


@pytest.mark.parametrize("kind", ["governance", "access-policy"])
def test_R3_administrators_of_only_a_built_in_type_make_no_policies_for_it(kind: str) -> None:
    """Otherwise two of them could name their own group, and control all other administrators."""
    governance = organisation()
    for name in ("bob", "mallory"):
        force(governance, role_of("administrator", name, name=f"only-{name}", types=(kind,)))
    policy = CreatePolicy(policy=policy_of("own", kind))
    assert at_once(governance, "mallory", policy) == "not-permitted"
    assert Proposal(governance, policy).when("mallory submits") == "not-permitted"
