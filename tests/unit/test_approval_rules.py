"""The requirements of policies: several groups, rejections, completion, times, own signatures; and quotas."""

from typing import Any

import msgspec
import pytest

from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import ApprovalLapsed, Event
from assent_contracts.governance_objects import Settings
from assent_contracts.ledger import decode_events, decode_record
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import add_gateway, create, define, disable, edit
from tests.support.people import DAY_MS, START, organisation, policy_of
from tests.support.stories import Story

APP = "app/x"
"""Protected by the policy `apps`."""
APPS = policy_of("apps", "app")
COMPLETED = "ApprovalGiven + RequestApproved + ChangeReleased"
APPROVED = "ApprovalGiven + RequestApproved"


def under(*more: Policy, **fields: Any) -> Story:
    """alice has submitted under the policy `apps` with these fields, and under `more` policies."""
    governance = organisation()
    if fields:
        edit(governance, msgspec.structs.replace(APPS, **fields))
    for policy in more:
        create(governance, policy)
    return Story(APP, governance=governance).given("alice submits")


def rule(quorum: int, *groups: str) -> ApprovalRule:
    return ApprovalRule(quorum=quorum, groups=groups)


def last_events(story: Story) -> tuple[Event, ...]:
    return decode_events(decode_record(story.records[-1]))


# Several groups, several policies


def test_every_required_group_must_approve() -> None:
    story = under(approvals=(rule(1, "approvers"), rule(1, "admins")))
    assert story.when("bob approves") == "ApprovalGiven"
    assert story.when("bob2 approves") == "already-decided"
    assert story.when("alice completes") == "not-approved"
    assert story.when("dave approves") == APPROVED


def test_member_of_two_groups_counts_in_both() -> None:
    story = under(approvals=(rule(1, "approvers"), rule(1, "admins")))
    assert story.when("carol approves") == APPROVED


def test_member_of_two_groups_of_one_rule_counts_once() -> None:
    story = under(approvals=(rule(2, "approvers", "admins"),))
    assert story.when("carol approves") == "ApprovalGiven"
    assert story.when("dave approves") == APPROVED


def test_group_is_met_by_its_own_members_only() -> None:
    story = under(approvals=(rule(2, "approvers"), rule(1, "admins")))
    assert story.when("bob approves") == "ApprovalGiven"
    assert story.when("dave approves") == "ApprovalGiven"
    assert story.when("carol approves") == APPROVED


def test_R4_service_in_an_approver_group_cannot_approve_or_reject() -> None:
    story = Story(governance=organisation())
    define(story.governance, "approvers", "alice", "bob", "carol", "applier")
    story.given("alice submits")
    assert story.when("applier approves") == "not-an-approver"
    assert story.when("applier rejects") == "not-an-approver"


def test_every_policy_must_be_met() -> None:
    story = under(policy_of("more", "app", groups=("admins",)))
    assert story.when("bob approves") == "ApprovalGiven"
    assert story.when("mallory approves") == "not-an-approver"
    assert story.when("dave approves") == APPROVED


# Rejections


def test_R13_first_of_two_rejections_does_not_end_the_request() -> None:
    story = under(rejections=2)
    assert story.when("bob rejects") == "RejectionGiven"
    assert story.status() == "needs approval, has 0"
    assert story.when("bob rejects") == "already-decided"
    assert story.when("bob2 rejects") == "already-decided"
    assert story.when("bob2 approves") == "already-decided"
    assert story.when("carol rejects") == "RejectionGiven + RequestRejected"


def test_R13_request_that_was_rejected_once_can_still_be_approved() -> None:
    story = under(rejections=2).given("bob rejects")
    assert story.when("carol approves") == APPROVED


def test_R4_rejection_by_a_person_who_is_no_longer_eligible_does_not_count() -> None:
    story = under(rejections=2).given("bob rejects")
    define(story.governance, "approvers", "alice", "carol", "dave")
    assert story.when("carol rejects") == "RejectionGiven"
    assert story.when("dave rejects") == "RejectionGiven + RequestRejected"


def test_R4_rejection_by_a_disabled_account_does_not_count() -> None:
    story = under(rejections=2).given("bob rejects")
    disable(story.governance, "bob")
    assert story.when("carol rejects") == "RejectionGiven"


def test_R13_fewest_rejections_of_several_policies_end_the_request() -> None:
    story = under(policy_of("more", "app"), rejections=2)
    assert story.when("bob rejects") == "RejectionGiven + RequestRejected"


# Completion


def test_R12_last_approval_releases_if_the_policy_requires_it() -> None:
    story = under(completion="automatic", approvals=(rule(2, "approvers"),))
    assert story.when("bob approves") == "ApprovalGiven"
    assert story.when("carol approves") == COMPLETED
    assert story.when("alice completes") == "already-decided"
    assert story.when("applier claims") == "ChangeClaimed"


def test_R12_automatic_completion_must_be_set_in_every_policy() -> None:
    story = under(policy_of("more", "app"), completion="automatic")
    assert story.when("bob approves") == APPROVED
    assert story.when("alice completes") == "ChangeReleased"


def test_R12_automatic_completion_must_have_been_set_then_and_now() -> None:
    story = under()
    edit(story.governance, msgspec.structs.replace(APPS, completion="automatic"))
    assert story.when("bob approves") == APPROVED


# Times


def deadline(story: Story) -> int:
    event = last_events(story)[0]
    return getattr(event, "deadline")  # noqa: B009  whichever event it is


def test_R14_policy_s_time_limit_shortens_the_deadline() -> None:
    story = under(expiry_ms=2 * DAY_MS)
    assert deadline(story) == START + 2 * DAY_MS
    story.given("a day passes", "bob approves")
    assert deadline(story) == START + 3 * DAY_MS
    story.given("alice completes")
    assert deadline(story) == START + 3 * DAY_MS


def test_R14_shortest_time_limit_of_several_policies_counts() -> None:
    shorter = msgspec.structs.replace(policy_of("more", "app"), expiry_ms=DAY_MS)
    assert deadline(under(shorter, expiry_ms=2 * DAY_MS)) == START + DAY_MS


def test_R14_policy_s_time_limit_does_not_lengthen_the_deadline() -> None:
    assert deadline(under(expiry_ms=90 * DAY_MS)) == START + 30 * DAY_MS


def test_R14_request_expires_at_its_policy_s_time_limit() -> None:
    story = under(expiry_ms=DAY_MS).given("a day passes")
    assert story.when("bob approves") == "not-pending"
    assert story.when("the writer looks at the clock") == "RequestExpired"


def test_R14_expired_approved_request_is_not_released_before_its_expiry_is_recorded() -> None:
    story = under(expiry_ms=DAY_MS).given("bob approves", "a day passes")
    assert story.when("alice completes") == "not-approved"


# Own signatures


def with_gateway(story: Story) -> Story:
    add_gateway(story.governance)
    return story


def test_approval_that_a_gateway_signed_is_refused_where_own_signatures_are_required() -> None:
    story = with_gateway(under(own_signature=True))
    assert story.when("bob approves via portal") == "own-signature-required"
    assert story.when("bob approves") == APPROVED


def test_rejection_that_a_gateway_signed_counts_where_own_signatures_are_required() -> None:
    """The requirement protects against approvals, not rejections."""
    story = with_gateway(under(own_signature=True))
    assert story.when("bob rejects via portal") == "RejectionGiven + RequestRejected"


def test_approval_that_a_gateway_signed_lapses_if_own_signatures_are_required_later() -> None:
    story = with_gateway(under()).given("bob approves via portal")
    edit(story.governance, msgspec.structs.replace(APPS, own_signature=True))
    assert story.when("alice completes") == "ApprovalLapsed + RequestReopened"
    [lapsed, _] = last_events(story)
    assert isinstance(lapsed, ApprovalLapsed)
    assert (lapsed.approver, lapsed.reason) == ("bob", "own-signature-required")
    assert story.when("bob approves via portal") == "own-signature-required"
    assert story.when("bob approves") == APPROVED


def test_own_signature_required_by_a_later_policy_is_required_too() -> None:
    later = msgspec.structs.replace(policy_of("more", "app"), own_signature=True)
    story = with_gateway(under())
    create(story.governance, later)
    assert story.when("bob approves via portal") == "own-signature-required"


def test_lapsed_approval_no_longer_counts_for_policies_that_would_accept_it() -> None:
    """`apps` requires two and accepts a gateway's signature, `more` does not: bob has to sign himself."""
    story = with_gateway(under(approvals=(rule(2, "approvers"),))).given("bob approves via portal")
    create(story.governance, msgspec.structs.replace(policy_of("more", "app"), own_signature=True))
    assert story.when("carol approves") == "ApprovalLapsed + ApprovalGiven"
    assert story.when("bob approves") == APPROVED


def test_own_signatures_stay_required_even_if_the_policy_no_longer_asks() -> None:
    story = with_gateway(under(own_signature=True))
    edit(story.governance, APPS)
    assert story.when("bob approves via portal") == "own-signature-required"


# Quotas


@pytest.fixture
def small() -> Governance:
    """Nobody can have more than one open request in a partition."""
    return organisation(Settings(open_requests_max=1))


def test_quota_of_open_requests_is_per_principal(small: Governance) -> None:
    story = Story("app/x", governance=small)
    other = next(
        name
        for name in (f"app/{number}" for number in range(100))
        if Story(name).state.partition == story.state.partition
    )
    story.given("alice submits")
    story.resource = other
    refusal = story.send(story.command("alice", "submits"))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, "1 open requests" in refusal.detail) == ("quota-exceeded", True)
    assert story.when("upstream submits") == "ChangeSubmitted"


def test_quota_counts_only_open_requests(small: Governance) -> None:
    story = Story(APP, governance=small)
    assert story.given("alice submits", "alice cancels").when("alice submits") == "ChangeSubmitted"
    story.given("bob approves", "alice completes", "applier claims", "applier reports success")
    assert story.when("alice submits") == "ChangeSubmitted"
