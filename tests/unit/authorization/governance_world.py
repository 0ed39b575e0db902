"""The organisation behind the matrix of governance commands: before and after its first policy.

There is an actor for each role. root1 and root2 administer too, so that no change locks everybody out.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import msgspec

from assent_contracts import governance_changes as g
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.governance_objects import (
    Account,
    DirectoryDifference,
    Group,
    Role,
    RoleAssignment,
    Settings,
    Writer,
)
from assent_contracts.refusals import Refusal
from tests.support.two_ledgers import DAY_MS, START, TwoLedgers, account, signing_key
from tests.unit.authorization.governance_rules import ROLES, SERVICES, GovernanceCell

_ROOTS: Final = ("root1", "root2")
_ACTORS: Final = {role: f"the-{role.replace(' ', '-')}" for role in ROLES}

_GIVEN: Final[dict[str, Role]] = {
    "disabled administrator": "administrator",
    "former administrator": "administrator",
    "service that administers": "administrator",
}
"""The role of each actor whose name is not that of a role."""


def policy(name: str, kind: str, group: str = "approvers", description: str = "") -> Policy:
    rules = (ApprovalRule(groups=(group,)),)
    return Policy(id=name, name=name, description=description, resource_type=kind, approvals=rules)


def assign(name: str, role: Role, *principals: str, types: tuple[str, ...] = ()) -> g.AssignRole:
    return g.AssignRole(
        assignment=RoleAssignment(id=name, role=role, principals=principals, resource_types=types)
    )


def _of_directory(name: str, person: str) -> Account:
    return Account(id=name, kind="human", person=person, source="directory")


def _roles() -> list[g.GovernanceChange]:
    everybody = tuple(_ACTORS.values())
    given: list[g.GovernanceChange] = [
        assign("roots", "administrator", *_ROOTS),
        assign("gates", "gateway", "gate"),
        assign("of-app", "administrator", _ACTORS["administrator of app"], types=("app",)),
    ]
    given += [
        assign(
            f"for-{role.replace(' ', '-')}", _GIVEN.get(role) or msgspec.convert(role, Role), _ACTORS[role]
        )
        for role in ROLES
        if role not in {"none", "administrator of app"}
    ]
    for kind, who in (("own", everybody), ("other", ("other",))):
        given += [
            assign(f"spare-auditor-{kind}", "auditor", *who),
            assign(f"spare-approver-{kind}", "approver", *who),
            g.DefineGroup(group=Group(id=f"friends-{kind}", members=who)),
        ]
    return given


def _founding() -> list[g.GovernanceChange]:
    everybody = _ACTORS.values()
    humans = [name for role, name in _ACTORS.items() if role not in SERVICES]
    accounts = [account(name, f"p-{name}") for name in (*humans, *_ROOTS, "other", "off-other")]
    accounts += [account(_ACTORS[role], None) for role in SERVICES]
    accounts += [account(f"off-{name}", f"p-{name}") for name in everybody]
    accounts.append(account("gate", None))
    off = ("off-other", *(f"off-{name}" for name in everybody))
    staff = tuple(_of_directory(name, f"p-{name}") for name in ("dana", "dirk", "back"))
    return [
        *(change for each in accounts for change in each),
        *_roles(),
        *(g.DisablePrincipal(principal=name) for name in (*off, _ACTORS["disabled administrator"])),
        g.SyncDirectory(
            difference=DirectoryDifference(
                accounts=staff,
                groups=(
                    Group(id="staff", members=("dana", "dirk"), source="directory"),
                    Group(id="guests", members=("dana",), source="directory"),
                ),
            )
        ),
        g.DefineGroup(group=Group(id="approvers", members=(*_ROOTS, "other"))),
        assign_to_group("by-group", "approver", "approvers"),
        g.ChangeSettings(settings=Settings(unprotected="pass")),
    ]


def assign_to_group(name: str, role: Role, *groups: str) -> g.AssignRole:
    return g.AssignRole(assignment=RoleAssignment(id=name, role=role, groups=groups))


@cache
def log(phase: str) -> TwoLedgers:
    """The log in this phase, founded and closed."""
    ledgers = TwoLedgers(_founding())
    back = DirectoryDifference(vanished=("back",))
    governance = ledgers.governance
    ledgers.found(g.SyncDirectory(difference=back, version=governance.version(g.DIRECTORY)))
    former = governance.version(g.role_object("for-former-administrator"))
    assert former is not None
    ledgers.found(g.WithdrawRole(assignment="for-former-administrator", version=former))
    ledgers.close()
    if phase == "after":
        for each in (policy("apps", "app"), policy("desks", "desk", "staff")):
            # Nobody has to approve the first one; the second is carried out as a release would be.
            if not ledgers.governance.protected:
                assert not isinstance(ledgers.change("root1", g.CreatePolicy(policy=each)), Refusal)
            else:
                ledgers.propose_and_carry(g.CreatePolicy(policy=each), *_ROOTS)
    return ledgers


class Target:
    """The object of a change: the actor's own, or another's."""

    def __init__(self, ledgers: TwoLedgers, actor: str, owner: str) -> None:
        self.ledgers = ledgers
        self.owner = owner
        self.name = actor if owner == "own" else "other"

    def version(self, governed: str) -> int:
        version = self.ledgers.governance.version(governed)
        return -1 if version is None else version

    def edit_group(self, name: str) -> g.DefineGroup:
        members = self.ledgers.governance.groups[name].members
        # The account in question is added, or removed if it is a member already.
        after = tuple(each for each in members if each != self.name)
        group = Group(id=name, members=after if self.name in members else (*members, self.name))
        return g.DefineGroup(group=group, version=self.version(g.group_object(name)))

    def reassign(self, name: str) -> g.AssignRole:
        before = self.ledgers.governance.assignments[name]
        assignment = msgspec.structs.replace(before, resource_types=("script",))
        return g.AssignRole(assignment=assignment, version=self.version(g.role_object(name)))

    def withdraw(self, name: str) -> g.WithdrawRole:
        return g.WithdrawRole(assignment=name, version=self.version(g.role_object(name)))

    def settings(self, **settings: Any) -> g.ChangeSettings:
        after = msgspec.structs.replace(self.ledgers.governance.settings, **settings)
        return g.ChangeSettings(settings=after, version=self.version(g.SETTINGS))

    def sync(self, **difference: Any) -> g.SyncDirectory:
        version = self.version(g.DIRECTORY)
        return g.SyncDirectory(difference=DirectoryDifference(**difference), version=version)

    def staff(self, group: str) -> g.SyncDirectory:
        new = _of_directory("new", f"p-{self.name}")
        members = (*self.ledgers.governance.groups[group].members, "new")
        return self.sync(accounts=(new,), groups=(Group(id=group, members=members, source="directory"),))


CHANGES: Final[dict[str, Callable[[Target], g.GovernanceChange]]] = {
    "register-principal": lambda to: g.RegisterPrincipal(
        account=Account(id="new", kind="human", person=f"p-{to.name}")
    ),
    "enable-principal": lambda to: g.EnablePrincipal(principal=f"off-{to.name}"),
    "disable-principal": lambda to: g.DisablePrincipal(principal=to.name),
    "set-operator": lambda to: g.SetOperator(principal="gate", operator=f"off-{to.name}"),
    "register-key": lambda to: g.RegisterKey(key=signing_key("new-key", to.name)),
    "expire-key": lambda to: g.ExpireKey(key=f"{to.name}-key", not_after=START + 99 * DAY_MS),
    "revoke-key": lambda to: g.RevokeKey(key=f"{to.name}-key"),
    "revoke-keys": lambda to: g.RevokeKeys(principal=to.name),
    "add-writer": lambda _: g.AddWriter(
        writer=Writer(id="writer-3", public_key=signing_key("writer-3", "nobody").public_key)
    ),
    "retire-writer": lambda _: g.RetireWriter(writer="writer-1"),
    "correct-time": lambda _: g.CorrectTime(to=START - DAY_MS),
    "define-group, new": lambda to: g.DefineGroup(group=Group(id="new", members=(to.name,))),
    "define-group, guarded": lambda to: to.edit_group("approvers"),
    "define-group, unguarded": lambda to: to.edit_group(f"friends-{to.owner}"),
    "delete-group, guarded": lambda to: g.DeleteGroup(
        group="approvers", version=to.version("governance/group/approvers")
    ),
    "delete-group, unguarded": lambda to: g.DeleteGroup(
        group=f"friends-{to.owner}", version=to.version(f"governance/group/friends-{to.owner}")
    ),
    "assign-role, administrator": lambda to: assign("new", "administrator", to.name),
    "assign-role, approver": lambda to: assign("new", "approver", to.name),
    "assign-role, gateway": lambda to: assign("new", "gateway", to.name),
    "assign-role, directory": lambda to: assign("new", "directory", to.name),
    "assign-role, requester": lambda to: assign("new", "requester", to.name),
    "assign-role, applier": lambda to: assign("new", "applier", to.name),
    "assign-role, auditor": lambda to: assign("new", "auditor", to.name),
    "assign-role, approver again": lambda to: to.reassign(f"spare-approver-{to.owner}"),
    "assign-role, auditor again": lambda to: to.reassign(f"spare-auditor-{to.owner}"),
    "withdraw-role, approver": lambda to: to.withdraw(f"spare-approver-{to.owner}"),
    "withdraw-role, auditor": lambda to: to.withdraw(f"spare-auditor-{to.owner}"),
    "change-settings, tighter": lambda to: to.settings(vanish_max_percent=10),
    "change-settings, looser": lambda to: to.settings(vanish_max_percent=50),
    "change-settings, shorter": lambda to: to.settings(expiry_ms=DAY_MS),
    "create-policy": lambda to: g.CreatePolicy(policy=policy("new", "app")),
    "create-policy, of another type": lambda to: g.CreatePolicy(policy=policy("new", "script")),
    "edit-policy": lambda to: g.EditPolicy(
        policy=policy("apps", "app", description="anew"), version=to.version("access-policy/apps")
    ),
    "delete-policy": lambda to: g.DeletePolicy(policy="apps", version=to.version("access-policy/apps")),
    "sync-directory, guarded": lambda to: to.staff("staff"),
    "sync-directory, unguarded": lambda to: to.staff("guests"),
    "sync-directory, back again": lambda to: to.sync(accounts=(_of_directory("back", "p-back"),)),
}
"""Each kind of change, in the variants that differ in what they require."""


def change_of(cell: GovernanceCell) -> g.GovernanceChange:
    """The change that a cell is about."""
    return CHANGES[cell.change](Target(log(cell.phase), _ACTORS[cell.role], cell.owner))


def answer_to(cell: GovernanceCell) -> tuple[object, ...] | Refusal:
    """The real decision; nothing is kept."""
    actor = _ACTORS[cell.role]
    key = "gate-key" if cell.signer == "a gateway" else f"{actor}-key"
    return log(cell.phase).would_change(actor, change_of(cell), key=key)
