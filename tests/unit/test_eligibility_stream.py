"""R1, R4: an approval counts only while its approver is enabled and eligible, at every step up to release.

Governance changes while a request is open: the stricter of what was asked for then and now holds.
"""

import pytest

from assent_contracts.events import ApprovalLapsed
from assent_contracts.refusals import Refusal
from tests.support.given import Story
from tests.support.meanwhile import create, define, delete, disable, edit, enable
from tests.support.people import organisation, policy_of

APP = "app/x"
"""One approval."""
LAPSED = "ApprovalLapsed + RequestReopened"
MEMBERS = ("alice", "alice2", "bob", "bob2", "carol", "dave")


@pytest.fixture
def story() -> Story:
    """alice has submitted a change to an app, and bob has approved it."""
    return Story(APP, governance=organisation()).given("alice submits", "bob approves")


def reasons(story: Story, line: str) -> list[tuple[str, str]]:
    """(approver, why) of the approvals that lapse with this line."""
    who, verb = line.split(" ", 1)
    decision = story.send(story.command(who, verb))
    assert not isinstance(decision, Refusal)
    return [(each.approver, each.reason) for each in decision if isinstance(each, ApprovalLapsed)]


def test_R4_approver_disabled_after_the_quorum_counts_no_more_at_the_release(story: Story) -> None:
    disable(story.governance, "bob")
    assert reasons(story, "alice completes") == [("bob", "disabled")]
    assert story.status() == "needs approval, has 0"
    assert story.when("applier claims") == "not-released"


def test_R4_approver_moved_out_of_the_group_counts_no_more_at_the_release(story: Story) -> None:
    define(story.governance, "approvers", "alice", "carol", "dave")
    assert reasons(story, "alice completes") == [("bob", "not-eligible")]
    assert story.when("bob approves") == "not-an-approver"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"


def test_R4_approver_who_is_gone_when_another_approves_counts_no_more() -> None:
    """Two are asked for: the second approval does not complete a quorum with one that lapsed."""
    story = Story(governance=organisation()).given("alice submits", "bob approves")
    disable(story.governance, "bob")
    assert story.when("carol approves") == "ApprovalLapsed + ApprovalGiven"
    assert story.when("alice completes") == "not-approved"
    assert story.when("bob2 approves") == "ApprovalGiven + RequestApproved"


def test_R4_approver_out_of_the_group_may_still_take_the_approval_back(story: Story) -> None:
    define(story.governance, "approvers", "alice", "carol", "dave")
    assert story.when("bob revokes") == "ApprovalRevoked"


def test_R4_another_may_approve_where_the_quorum_has_broken(story: Story) -> None:
    """Nobody has to ask for the release first to have it broken up."""
    disable(story.governance, "bob")
    assert story.when("carol approves") == f"{LAPSED} + ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"


def test_R4_another_may_not_approve_where_the_quorum_holds(story: Story) -> None:
    assert story.when("carol approves") == "not-pending"


def test_R4_approver_who_is_enabled_again_counts_again(story: Story) -> None:
    disable(story.governance, "bob")
    enable(story.governance, "bob")
    assert story.when("alice completes") == "ChangeReleased"


def test_R4_approval_that_is_recorded_as_lapsed_stays_lapsed(story: Story) -> None:
    disable(story.governance, "bob")
    assert story.when("alice completes") == LAPSED
    enable(story.governance, "bob")
    assert story.when("alice completes") == "not-approved"
    assert story.when("bob approves") == "ApprovalGiven + RequestApproved"


def test_R4_group_s_new_member_may_approve_what_was_submitted_before() -> None:
    story = Story(APP, governance=organisation()).given("alice submits")
    assert story.when("dave approves") == "not-an-approver"
    define(story.governance, "approvers", *MEMBERS)
    assert story.when("dave approves") == "ApprovalGiven + RequestApproved"


def test_R1_policy_that_asks_for_more_holds_for_what_was_approved_already(story: Story) -> None:
    """bob's approval stands: it is not enough, that is all."""
    edit(story.governance, policy_of("apps", "app", 2))
    assert story.when("alice completes") == "RequestReopened"
    assert story.status() == "needs approval, has 1"
    assert story.when("bob2 approves") == "already-decided"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"


def test_R1_policy_that_asks_for_less_leaves_what_was_asked_for_then() -> None:
    story = Story(governance=organisation()).given("alice submits", "bob approves")
    edit(story.governance, policy_of("scripts", "script", 1))
    assert story.when("alice completes") == "not-approved"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"


def test_R1_policy_that_names_other_groups_asks_for_both() -> None:
    """bob is of the groups then, dave of those now; neither is enough alone."""
    story = Story(APP, governance=organisation()).given("alice submits")
    edit(story.governance, policy_of("apps", "app", groups=("admins",)))
    assert story.when("bob approves") == "ApprovalGiven"
    assert story.when("dave approves") == "ApprovalGiven + RequestApproved"


def test_R1_new_policy_holds_for_what_was_approved_already(story: Story) -> None:
    create(story.governance, policy_of("more", "app", groups=("admins",)))
    assert story.when("alice completes") == "RequestReopened"
    assert story.when("dave approves") == "ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"


def test_R1_deleted_policy_approves_nothing(story: Story) -> None:
    delete(story.governance, "apps")
    assert story.when("alice completes") == "RequestReopened"
    assert story.when("carol approves") == "no-policy"
    assert story.when("alice completes") == "not-approved"
    assert story.when("alice cancels") == "RequestCanceled"


def test_R1_deleted_policy_approves_nothing_though_another_one_is_met() -> None:
    governance = organisation()
    create(governance, policy_of("more", "app"))
    story = Story(APP, governance=governance).given("alice submits")
    delete(governance, "apps")
    assert story.when("bob approves") == "no-policy"


def test_R1_policy_made_again_under_the_same_id_is_another_one(story: Story) -> None:
    """Else deleting and creating would do what editing does, without the stricter holding."""
    delete(story.governance, "apps")
    create(story.governance, policy_of("apps", "app"))
    assert story.when("alice completes") == "RequestReopened"
    assert story.when("carol approves") == "no-policy"
    assert story.given("alice cancels", "alice submits").when("carol approves").endswith("RequestApproved")


def test_R1_request_that_was_reopened_needs_approval_and_can_be_rejected(story: Story) -> None:
    disable(story.governance, "bob")
    assert story.given("alice completes").status() == "needs approval, has 0"
    assert story.when("carol rejects") == "RejectionGiven + RequestRejected"


def test_R1_what_is_released_stays_released(story: Story) -> None:
    """Up to the release, and not beyond: the applier may have it already."""
    story.given("alice completes")
    disable(story.governance, "bob")
    delete(story.governance, "apps")
    assert story.when("applier claims") == "ChangeClaimed"


def test_R14_reopening_is_no_progress(story: Story) -> None:
    story.given("29 days pass")
    edit(story.governance, policy_of("apps", "app", 2))
    story.given("alice completes", "a day passes")
    assert story.when("the writer looks at the clock") == "RequestExpired"
