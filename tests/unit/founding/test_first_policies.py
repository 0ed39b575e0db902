"""The policies of a founding: what they may contain, and whether they can be met (R2, R3, R5)."""

from typing import Any

import msgspec
import pytest

from assent_contracts import governance_changes as c
from assent_contracts.access_policies import ApprovalRule
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_messages import ChangeGovernance
from assent_contracts.governance_objects import Group, RoleAssignment, Settings
from tests.support.founding import POLICY, answer, create, define, set_up
from tests.support.people import (
    HUMANS,
    START,
    founding_changes,
    founding_commands,
    govern,
    key_of,
    open_founding,
)


def rules(number: int) -> tuple[ApprovalRule, ...]:
    return (ApprovalRule(groups=("approvers",)),) * number


@pytest.mark.parametrize(
    ("at_the_limit", "beyond"),
    [
        ({"name": "n" * 128}, {"name": "n" * 129}),
        ({"name": "n"}, {"name": ""}),
        ({"name": "a b"}, {"name": "a\tb"}),
        ({"description": "d" * 1_024}, {"description": "d" * 1_025}),
        ({"description": "a\nb"}, {"description": "a\x1bb"}),
        ({"resource_type": "a" * 64}, {"resource_type": "a" * 65}),
        ({"resource_type": "app"}, {"resource_type": "app,script"}),
        ({"groups": ("approvers",)}, {"groups": ()}),
        ({"groups": ("approvers", "admins")}, {"groups": ("approvers", "nobodies")}),
        ({"groups": ("approvers", "admins")}, {"groups": ("approvers", "approvers")}),
        ({"approvals": rules(16)}, {"approvals": rules(17)}),
        ({"approvals": rules(1)}, {"approvals": ()}),
        ({"id": "i" * 128}, {"id": "i" * 129}),
        ({"id": "i@"}, {"id": "@i"}),
    ],
    ids=lambda fields: ", ".join(f"{name} {len(value)}" for name, value in fields.items()),
)
def test_R2_policy_s_fields_have_limits(at_the_limit: dict[str, Any], beyond: dict[str, Any]) -> None:
    assert create(open_founding(), **at_the_limit) is None
    assert create(open_founding(), **beyond) == "policy-invalid"


def test_R2_policy_names_64_groups_at_most() -> None:
    governance = open_founding()
    names = tuple(f"group-{number}" for number in range(65))
    for name in names:
        assert define(governance, Group(id=name, members=("alice", "bob"))) is None
    assert create(governance, groups=names) == "policy-invalid"
    assert create(governance, groups=names[:64]) is None


def test_R2_policy_that_excludes_groups_is_refused_with_an_explanation() -> None:
    policy = msgspec.structs.replace(POLICY, excluded_groups=("approvers",))
    command = ChangeGovernance(id="g", principal="founder", at=START, change=c.CreatePolicy(policy=policy))
    refusal = govern(open_founding(), command)
    assert refusal is not None
    assert refusal.code == "policy-invalid"
    assert "groups cannot be excluded (R2)" in refusal.detail


def administered_by(*admins: str, keys: bool = True) -> Governance:
    """The organisation with these administrators, without a policy."""
    changes = founding_changes()
    group = next(each for each in changes if isinstance(each, c.DefineGroup) and each.group.id == "admins")
    group = c.DefineGroup(group=msgspec.structs.replace(group.group, members=admins))
    governance = Governance()
    assert answer(governance, founding_commands()[0]) is None
    for change in changes:
        if isinstance(change, c.CreatePolicy) or (isinstance(change, c.RegisterKey) and not keys):
            continue
        replaced = isinstance(change, c.DefineGroup) and change.group.id == "admins"
        assert set_up(governance, group if replaced else change) is None
    return governance


@pytest.mark.parametrize("admins", [("dave",), ("alice", "alice2"), ("dave", "upstream")], ids=repr)
def test_R3_policy_needs_two_administrators_who_are_two_people(admins: tuple[str, ...]) -> None:
    assert create(administered_by(*admins)) == "too-few-administrators"
    assert create(administered_by(*admins, "carol")) is None


def test_R3_administrators_without_keys_do_not_count() -> None:
    governance = administered_by("carol", "dave", keys=False)
    assert create(governance) == "too-few-administrators"
    for name in ("carol", "dave"):
        assert set_up(governance, c.RegisterKey(key=key_of(name))) is None
    assert create(governance) == "policy-unsatisfiable", "its approvers have none"
    assert set_up(governance, c.RegisterKey(key=key_of("bob"))) is None
    assert create(governance) is None


def test_R3_administrator_of_some_types_does_not_count() -> None:
    governance = administered_by("dave")
    limited = RoleAssignment(id="some", role="administrator", principals=("carol",), resource_types=("app",))
    assert set_up(governance, c.AssignRole(assignment=limited)) is None
    assert create(governance) == "too-few-administrators"


def test_R5_approver_groups_need_a_role_assignment_if_the_setting_requires_it() -> None:
    for allow, expected in ((True, "policy-invalid"), (False, None)):
        governance = open_founding(settings=Settings(allow_unlicensed_admins=allow))
        assert define(governance, Group(id="loose", members=tuple(HUMANS))) is None
        assert create(governance, groups=("approvers",)) is None
        assert create(governance, id="other", groups=("approvers", "loose")) == expected


@pytest.mark.parametrize(
    ("quorum", "expected"),
    [(0, "policy-unsatisfiable"), (1, None), (2, None), (3, "policy-unsatisfiable")],
)
def test_quorum_must_be_possible_without_the_requester(quorum: int, expected: str | None) -> None:
    """The approvers are three people, of five accounts; each of them may be the requester (R9)."""
    assert create(open_founding(), quorum=quorum) == expected


def test_zero_rejections_are_unsatisfiable() -> None:
    assert create(open_founding(), rejections=0) == "policy-unsatisfiable"
    assert create(open_founding(), rejections=1) is None


def test_every_rule_must_be_satisfiable() -> None:
    possible, impossible = (ApprovalRule(quorum=n, groups=("approvers",)) for n in (2, 3))
    for approvals in ((possible, impossible), (impossible, possible)):
        assert create(open_founding(), approvals=approvals) == "policy-unsatisfiable"
    assert create(open_founding(), approvals=(possible, possible)) is None


def test_quorum_is_not_met_by_services() -> None:
    governance = open_founding()
    assert (
        define(governance, Group(id="services", members=("upstream", "applier", "applier2", "bob"))) is None
    )
    assert create(governance, groups=("services",)) == "policy-unsatisfiable"


@pytest.mark.parametrize("members", [(), ("upstream",)], ids=repr)
def test_empty_group_approves_nothing_not_even_next_to_another_one(members: tuple[str, ...]) -> None:
    governance = open_founding()
    assert define(governance, Group(id="empty", members=members)) is None
    assert create(governance, groups=("approvers", "empty")) == "policy-unsatisfiable"
