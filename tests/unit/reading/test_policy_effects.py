"""The effect of a policy change on the requests that are open under it."""

import msgspec

from assent.reading.policy_effects import Fate, effects
from assent.store.queries import ApprovalView, RequestView
from assent_contracts.access_policies import ApprovalRule
from assent_contracts.governance_changes import CreatePolicy, DeletePolicy, DisablePrincipal, EditPolicy
from tests.unit.cli.organisation import APPS, organisation
from tests.unit.reading.rows import view

STRICTER = msgspec.structs.replace(APPS, approvals=(ApprovalRule(quorum=3, groups=("security",)),))
RENAMED = msgspec.structs.replace(APPS, name="All apps")
WAITING = msgspec.structs.replace(view(), id="0-1")
APPROVED = msgspec.structs.replace(
    view(),
    id="0-2",
    status="approved",
    approvals=tuple(ApprovalView(each, f"{each}.p", "", 0) for each in ("bob", "carol", "dave")),
)
RELEASED = msgspec.structs.replace(view(), id="0-3", status="approved", progress="released")
OPEN = (WAITING, APPROVED, RELEASED)


def fates(
    change: CreatePolicy | EditPolicy | DeletePolicy, *rows: RequestView
) -> dict[Fate, tuple[str, ...]]:
    found = effects(change, rows or OPEN, 3, organisation())
    assert found is not None
    assert (found.resource_type, found.count, found.listed) == ("app", 3, len(rows or OPEN))
    return found.fates


def test_R22_deleting_a_policy_warns_that_its_open_requests_can_never_be_approved() -> None:
    assert fates(DeletePolicy(policy="apps", version=1)) == {"stranded": ("0-1", "0-2"), "released": ("0-3",)}


def test_editing_a_policy_lists_the_requests_that_need_approval_again() -> None:
    one_owner = msgspec.structs.replace(APPS, approvals=(ApprovalRule(quorum=2, groups=("owners",)),))
    assert fates(EditPolicy(policy=one_owner, version=1)) == {
        "reopened": ("0-2",),
        "more": ("0-1",),
        "released": ("0-3",),
    }


def test_edit_that_approved_requests_already_meet_only_requires_more() -> None:
    assert fates(EditPolicy(policy=STRICTER, version=1), WAITING, APPROVED) == {"more": ("0-1", "0-2")}


def test_another_name_changes_nothing_for_open_requests() -> None:
    assert fates(EditPolicy(policy=RENAMED, version=1)) == {"same": ("0-1", "0-2"), "released": ("0-3",)}


def test_second_policy_of_the_type_requires_more_of_open_requests() -> None:
    second = msgspec.structs.replace(STRICTER, id="more")
    assert fates(CreatePolicy(policy=second), WAITING) == {"more": ("0-1",)}


def test_other_changes_and_unknown_policies_have_no_such_effects() -> None:
    assert effects(DisablePrincipal(principal="bob"), OPEN, 3, organisation()) is None
    assert effects(DeletePolicy(policy="gone", version=1), OPEN, 3, organisation()) is None
