"""What each change of governance does, in a sentence and field by field, against the current governance."""

import pytest

from assent_contracts import governance_changes as c
from assent_contracts.core.governance.change_kinds import change_difference, change_sentence
from assent_contracts.core.governance.field_changes import FieldChange
from assent_contracts.core.governance.number_words import moment
from assent_contracts.core.governance.policies import group_words
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import Account, DirectoryDifference, Group, RoleAssignment, Writer
from tests.support.people import START, WRITER, force, key_of, organisation, policy_of, public_key_of

GROUP = Group(id="helpers", members=("alice",))
MANY = Group(id="many", members=tuple(f"m{number}" for number in range(9)))
ROLE = RoleAssignment(id="r-approver", role="approver", groups=("approvers",), principals=("bob",))


def governance() -> Governance:
    """The organisation, with a group that has no role and a second policy for scripts."""
    made = organisation()
    force(made, c.DefineGroup(group=GROUP))
    force(made, c.CreatePolicy(policy=policy_of("scripts-too", "script")))
    return made


CASES = {
    "a person": (
        c.RegisterPrincipal(account=Account(id="eve", kind="human", person="p-eve", name="Eve")),
        "Register eve (Eve), an account of the person p-eve.",
        (("kind", None, "human"), ("person", None, "p-eve"), ("name", None, "Eve")),
    ),
    "a service": (
        c.RegisterPrincipal(account=Account(id="robot", kind="service")),
        "Register robot, a service.",
        (("kind", None, "service"),),
    ),
    "enabled": (c.EnablePrincipal(principal="bob"), "Enable bob.", ()),
    "operated": (
        c.SetOperator(principal="applier", operator="bob"),
        "Set the operator of applier to bob.",
        (("operator", None, "bob"),),
    ),
    "an operated service": (
        c.RegisterPrincipal(account=Account(id="robot", kind="service", operator="bob")),
        "Register robot, a service operated by bob.",
        (("kind", None, "service"), ("operator", None, "bob")),
    ),
    "disabled": (
        c.DisablePrincipal(principal="bob"),
        "Disable bob.",
        (("account", "enabled", "disabled"),),
    ),
    "disabled, unknown": (
        c.DisablePrincipal(principal="nobody"),
        "Disable nobody.",
        (("account", None, "disabled"),),
    ),
    "a key": (
        c.RegisterKey(key=key_of("eve")),
        f"Register the key eve-key for eve, valid until {moment(key_of('eve').not_after)}.",
        (
            ("principal", None, "eve"),
            ("public key", None, public_key_of("eve")),
            ("valid from", None, moment(START)),
            ("valid until", None, moment(key_of("eve").not_after)),
        ),
    ),
    "a key's end": (
        c.ExpireKey(key="bob-key", not_after=START),
        f"Let the key bob-key of bob end at {moment(START)}.",
        (("valid until", moment(key_of("bob").not_after), moment(START)),),
    ),
    "an unknown key's end": (
        c.ExpireKey(key="none", not_after=START),
        f"Let the key none end at {moment(START)}.",
        (("valid until", None, moment(START)),),
    ),
    "a key revoked": (
        c.RevokeKey(key="bob-key"),
        "Revoke the key bob-key of bob.",
        (("key", "registered", "revoked"),),
    ),
    "all keys revoked": (
        c.RevokeKeys(principal="bob"),
        "Revoke all keys of bob (1 key).",
        (("key bob-key", "registered", "revoked"),),
    ),
    "a writer": (
        c.AddWriter(writer=Writer(id="writer-2", public_key=public_key_of("writer-2"))),
        "Add the writer writer-2: its key seals the log from then on.",
        (("writer", None, "writer-2"), ("public key", None, public_key_of("writer-2"))),
    ),
    "a writer retired": (
        c.RetireWriter(writer="writer-1"),
        "Retire the writer writer-1: its key seals nothing after that.",
        (("writer", "listed", "retired"), ("public key", WRITER, None)),
    ),
    "an unknown writer retired": (
        c.RetireWriter(writer="none"),
        "Retire the writer none: its key seals nothing after that.",
        (("writer", None, "retired"),),
    ),
    "a group deleted": (
        c.DeleteGroup(group="helpers", version=0),
        "Delete group helpers.",
        (("member", "alice", None),),
    ),
    "a large group": (
        c.DefineGroup(group=MANY),
        None,
        tuple(("member", None, f"m{number}") for number in range(9)),
    ),
    "a role's holders": (
        c.AssignRole(assignment=ROLE),
        "Change role assignment r-approver (approver): holder bob is added.",
        (("holder", None, "bob"),),
    ),
    "a role withdrawn": (
        c.WithdrawRole(assignment="r-approver", version=0),
        "Withdraw the role approver from group approvers (r-approver).",
        None,
    ),
    "an unknown role withdrawn": (
        c.WithdrawRole(assignment="none", version=0),
        "Withdraw role assignment none.",
        None,
    ),
    "a policy deleted, of two": (
        c.DeletePolicy(policy="scripts-too", version=0),
        "Delete policy scripts-too: other policies still protect script.",
        None,
    ),
    "an unknown policy deleted": (c.DeletePolicy(policy="none", version=0), "Delete policy none.", None),
    "log time": (
        c.CorrectTime(to=START),
        f"Set log time back to {moment(START)}, wherever it is later.",
        (("log time", "where it is later", moment(START)),),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_change_is_a_sentence_and_the_fields_that_it_changes(case: str) -> None:
    change, sentence, lines = CASES[case]
    said = change_sentence(change, governance())
    assert sentence is None or said == sentence
    found = change_difference(change, governance())
    assert lines is None or found == tuple(FieldChange(*line) for line in lines)


def test_revoked_key_is_shown_as_revoked() -> None:
    made = governance()
    force(made, c.RevokeKey(key="bob-key"))
    assert change_difference(c.RevokeKey(key="bob-key"), made) == ()
    assert change_difference(c.RevokeKey(key="none"), made) == (FieldChange("key", None, "revoked"),)
    assert change_sentence(c.RevokeKeys(principal="bob"), made) == "Revoke all keys of bob (0 keys)."


def test_of_many_members_the_first_are_named_and_the_rest_counted() -> None:
    assert " more." in change_sentence(c.DefineGroup(group=MANY), governance())


def test_removals_from_an_assignment_are_named() -> None:
    made = governance()
    force(made, c.AssignRole(assignment=ROLE, version=made.version(c.role_object(ROLE.id))))
    before = RoleAssignment(id="r-approver", role="approver", groups=("approvers",))
    said = change_sentence(c.AssignRole(assignment=before), made)
    assert said == "Change role assignment r-approver (approver): holder bob goes."


def test_unknown_group_is_shown_as_not_existing() -> None:
    assert group_words("gone", governance()) == "gone (no such group)"


def test_R21_directory_is_described_account_by_account_and_group_by_group() -> None:
    made = governance()
    account = Account(id="eve", kind="human", person="p-eve", name="Eve", source="directory")
    desk = Group(id="desk", members=("eve",), source="directory")
    first = DirectoryDifference(accounts=(account,), groups=(desk,))
    assert change_difference(c.SyncDirectory(difference=first), made) == (
        FieldChange("principal eve, kind", None, "human"),
        FieldChange("principal eve, person", None, "p-eve"),
        FieldChange("principal eve, name", None, "Eve"),
        FieldChange("group desk, member", None, "eve"),
        FieldChange("group desk", None, "new"),
    )
    force(made, c.SyncDirectory(difference=first))
    changed = DirectoryDifference(groups=(Group(id="desk", members=("eve", "bob"), source="directory"),))
    assert change_difference(c.SyncDirectory(difference=changed), made) == (
        FieldChange("group desk, member", None, "bob"),
    )
    gone = DirectoryDifference(vanished=("eve",), vanished_groups=("desk",))
    assert change_difference(c.SyncDirectory(difference=gone), made) == (
        FieldChange("group desk, member", "eve", None),
        FieldChange("group desk", "there", None),
        FieldChange("principal eve", "enabled", "disabled"),
    )
    force(made, c.SyncDirectory(difference=gone, version=made.version(c.DIRECTORY)))
    back = DirectoryDifference(accounts=(account,))
    assert change_difference(c.SyncDirectory(difference=back), made) == (
        FieldChange("principal eve", "disabled", "enabled"),
    )
