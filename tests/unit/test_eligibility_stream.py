"""R1, R4: an approval counts only while its approver is enabled and eligible, at every step up to release.

Governance changes while a request is open: the stricter of the requirements then and now applies.
"""

import pytest

from assent_contracts.events import ApprovalLapsed
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import create, define, delete, disable, edit, enable
from tests.support.people import organisation, policy_of
from tests.support.stories import Story

APP = "app/x"
"""One approval."""
LAPSED = "ApprovalLapsed + RequestReopened"
MEMBERS = ("alice", "alice2", "bob", "bob2", "carol", "dave")


@pytest.fixture
def story() -> Story:
    """alice has submitted a change to an app, and bob has approved it."""
    return Story(APP, governance=organisation()).given("alice submits", "bob approves")


def reasons(story: Story, line: str) -> list[tuple[str, str]]:
    """(approver, reason) of the approvals that lapse with this line."""
    who, verb = line.split(" ", 1)
    decision = story.send(story.command(who, verb))
    assert not isinstance(decision, Refusal)
    return [(each.approver, each.reason) for each in decision if isinstance(each, ApprovalLapsed)]


def test_R4_approver_disabled_after_the_quorum_no_longer_counts_at_the_release(story: Story) -> None:
    disable(story.governance, "bob")
    assert reasons(story, "alice completes") == [("bob", "disabled")]
    assert story.status() == "needs approval, has 0"
    assert story.when("applier claims") == "not-released"


def test_R4_approver_moved_out_of_the_group_no_longer_counts_at_the_release(story: Story) -> None:
    define(story.governance, "approvers", "alice", "carol", "dave")
    assert reasons(story, "alice completes") == [("bob", "not-eligible")]
    assert story.when("bob approves") == "not-an-approver"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"


def test_R4_approver_who_has_left_no_longer_counts_when_another_approves() -> None:
    """Two are required: the second approval does not complete a quorum with one that lapsed."""
    story = Story(governance=organisation()).given("alice submits", "bob approves")
    disable(story.governance, "bob")
    assert story.when("carol approves") == "ApprovalLapsed + ApprovalGiven"
    assert story.when("alice completes") == "not-approved"
    assert story.when("bob2 approves") == "ApprovalGiven + RequestApproved"


def test_R4_former_member_may_still_revoke_their_approval(story: Story) -> None:
    define(story.governance, "approvers", "alice", "carol", "dave")
    assert story.when("bob revokes") == "ApprovalRevoked"


def test_R4_another_may_approve_after_the_quorum_was_lost(story: Story) -> None:
    """No release has to be attempted first to detect the loss."""
    disable(story.governance, "bob")
    assert story.when("carol approves") == f"{LAPSED} + ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"


def test_R4_another_may_not_approve_while_the_quorum_is_met(story: Story) -> None:
    assert story.when("carol approves") == "not-pending"


def test_R4_approver_who_is_enabled_again_counts_again(story: Story) -> None:
    disable(story.governance, "bob")
    enable(story.governance, "bob")
    assert story.when("alice completes") == "ChangeReleased"


def test_R4_approval_recorded_as_lapsed_stays_lapsed(story: Story) -> None:
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


def test_R1_stricter_policy_applies_to_what_was_approved_already(story: Story) -> None:
    """bob's approval remains: it is not enough, that is all."""
    edit(story.governance, policy_of("apps", "app", 2))
    assert story.when("alice completes") == "RequestReopened"
    assert story.status() == "needs approval, has 1"
    assert story.when("bob2 approves") == "already-decided"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"


def test_R1_looser_policy_leaves_the_original_requirement() -> None:
    story = Story(governance=organisation()).given("alice submits", "bob approves")
    edit(story.governance, policy_of("scripts", "script", 1))
    assert story.when("alice completes") == "not-approved"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"


def test_R1_policy_that_names_other_groups_requires_both() -> None:
    """bob is in the groups then, dave in those now; neither is enough alone."""
    story = Story(APP, governance=organisation()).given("alice submits")
    edit(story.governance, policy_of("apps", "app", groups=("admins",)))
    assert story.when("bob approves") == "ApprovalGiven"
    assert story.when("dave approves") == "ApprovalGiven + RequestApproved"


def test_R1_new_policy_applies_to_what_was_approved_already(story: Story) -> None:
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


def test_R1_deleted_policy_approves_nothing_even_if_another_one_is_met() -> None:
    governance = organisation()
    create(governance, policy_of("more", "app"))
    story = Story(APP, governance=governance).given("alice submits")
    delete(governance, "apps")
    assert story.when("bob approves") == "no-policy"


def test_R1_policy_recreated_under_the_same_id_is_a_different_one(story: Story) -> None:
    """Otherwise deleting and creating would do what editing does without the stricter requirement."""
    delete(story.governance, "apps")
    create(story.governance, policy_of("apps", "app"))
    assert story.when("alice completes") == "RequestReopened"
    assert story.when("carol approves") == "no-policy"
    assert story.given("alice cancels", "alice submits").when("carol approves").endswith("RequestApproved")


def test_R1_reopened_request_needs_approval_and_can_be_rejected(story: Story) -> None:
    disable(story.governance, "bob")
    assert story.given("alice completes").status() == "needs approval, has 0"
    assert story.when("carol rejects") == "RejectionGiven + RequestRejected"


def test_R1_released_change_stays_released(story: Story) -> None:
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
