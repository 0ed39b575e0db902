"""R22: a request that lost its quorum is open again, and an administrator of the type closes any open one."""

import msgspec
import pytest

from assent_contracts.core.governance.state import Governance
from assent_contracts.events import RequestClosed
from assent_contracts.governance_changes import AssignRole
from assent_contracts.governance_objects import RoleAssignment
from tests.support.governance_changes import define, delete, disable, edit
from tests.support.people import DAY_MS, force, organisation, policy_of
from tests.support.stories import Story

APPROVED = ("alice submits", "bob approves", "carol approves")
GONE = "RequestReopened"


@pytest.fixture
def governance() -> Governance:
    return organisation()


@pytest.fixture
def story(governance: Governance) -> Story:
    """alice's change to a script has its two approvals."""
    return Story(governance=governance).given(*APPROVED)


def test_R22_approved_request_whose_policy_is_deleted_is_canceled_by_its_requester(story: Story) -> None:
    assert story.when("alice cancels") == "not-pending"
    delete(story.governance, "scripts")
    assert story.when("bob cancels") == "not-requester"
    assert story.when("alice cancels") == "RequestReopened + RequestCanceled"
    assert story.status() == "canceled"


def test_R22_approved_request_whose_approver_was_disabled_can_be_canceled_or_rejected(story: Story) -> None:
    define(story.governance, "approvers", "alice", "bob2", "carol", "dave", "mallory")
    disable(story.governance, "bob")
    assert story.when("alice rejects") == "own-request"
    assert story.when("carol rejects") == "already-decided"
    assert story.when("dave rejects") == "ApprovalLapsed + RequestReopened + RejectionGiven + RequestRejected"


def test_R22_approver_of_a_request_that_lost_its_policy_rejects_after_revoking_their_approval(
    story: Story,
) -> None:
    delete(story.governance, "scripts")
    assert story.when("carol rejects") == "already-decided"
    story.given("carol revokes")
    assert story.when("carol rejects") == "RejectionGiven + RequestRejected"


def test_R22_rejection_that_does_not_end_the_request_leaves_it_open(story: Story) -> None:
    define(story.governance, "approvers", "alice", "bob", "bob2", "carol", "dave", "mallory")
    two = msgspec.structs.replace(policy_of("scripts", "script", quorum=3), rejections=2)
    edit(story.governance, two)
    strict = Story(governance=story.governance).given("alice submits", "bob approves", "carol approves")
    strict.given("dave approves")
    disable(story.governance, "bob")
    assert strict.when("mallory rejects") == "ApprovalLapsed + RequestReopened + RejectionGiven"
    assert strict.status() == "needs approval, has 2"


def test_R22_expired_request_can_be_neither_canceled_nor_closed(story: Story) -> None:
    delete(story.governance, "scripts")
    story.at += 31 * DAY_MS
    assert story.when("alice cancels") == "not-pending"
    assert story.when("dave closes") == "not-pending"


def test_R22_administrator_closes_with_a_reason_and_the_object_is_free(story: Story) -> None:
    decision = story.send(story.command("dave", "closes"))
    assert decision == (RequestClosed(request=story.request, closed_by="dave"),)
    assert b'"reason":"Nobody needs it."' in story.records[-1]
    assert story.status() == "canceled"
    assert story.when("alice submits") == "ChangeSubmitted"


@pytest.mark.parametrize("who", ["bob", "mallory", "upstream", "applier", "alice", "alice2"])
def test_R22_only_an_administrator_closes(story: Story, who: str) -> None:
    assert story.when(f"{who} closes") == "not-permitted"


def test_R22_gateway_signs_the_closing_for_a_person_and_not_for_a_service(story: Story) -> None:
    assert story.when("applier closes via portal") == "unknown-key"


def test_R22_administrators_cannot_close_their_own_request_from_any_account(governance: Governance) -> None:
    define(governance, "admins", "alice2", "carol", "dave")
    story = Story(governance=governance).given(*APPROVED)
    assert story.when("alice2 closes") == "own-request"


def test_R22_R20_administrators_cannot_close_what_a_service_sent_on_their_behalf(
    governance: Governance,
) -> None:
    define(governance, "admins", "bob2", "carol", "dave")
    story = Story(governance=governance).given("upstream submits for bob")
    assert story.when("bob2 closes") == "own-request"
    assert story.when("dave closes") == "RequestClosed"


def test_R22_request_closed_before_its_claim_is_never_applied(story: Story) -> None:
    story.given("alice completes")
    assert story.when("dave closes") == "RequestClosed"
    assert story.when("applier claims") == "not-released"
    assert story.when("applier reports success") == "not-claimed"


def test_R22_claimed_request_is_not_closed_and_its_outcome_stays_true(story: Story) -> None:
    story.given("alice completes", "applier claims")
    assert story.when("dave closes") == "being-applied"
    story.given("an hour passes", "the writer looks at the clock")
    assert story.status() == "outcome unknown"
    assert story.when("dave closes") == "being-applied"
    assert story.when("applier reports success") == "RequestCompleted"
    assert story.when("dave closes") == "not-pending"


REMOVALS = {
    "governance/principal/dave": b'{"type":"assent.disable-principal.v1","principal":"dave"}',
    "governance/group/admins": (
        b'{"type":"assent.define-group.v1","version":%d,"group":{"id":"admins","members":["carol","bob"]}}'
    ),
    "governance/role/r-administrator": (
        b'{"type":"assent.assign-role.v1","version":%d,"assignment":'
        b'{"id":"r-administrator","role":"administrator","principals":["bob","carol"]}}'
    ),
    "governance/key/dave-key": b'{"type":"assent.revoke-key.v1","key":"dave-key"}',
}


@pytest.mark.parametrize("resource", REMOVALS)
def test_R22_administrator_cannot_close_a_request_that_takes_their_own_power(resource: str) -> None:
    """bob administers too, so that two are left without dave."""
    governance = organisation()
    define(governance, "admins", "bob", "carol", "dave")
    version = governance.version(resource) or 0
    payload = REMOVALS[resource]
    story = Story(resource, governance=governance, payload=payload % version if b"%d" in payload else payload)
    story.given("carol submits", "bob approves")
    assert story.when("dave closes") == "own-request"
    assert story.status() == "approved"


@pytest.mark.parametrize(
    "resource", ["governance/principal/dave", "governance/group/admins", "governance/key/dave-key"]
)
def test_R22_administrator_whom_a_change_to_another_s_power_does_not_concern_closes_it(resource: str) -> None:
    """mallory has a role of her own, and is in none of the objects."""
    governance = organisation()
    define(governance, "admins", "bob", "carol", "dave")
    assignment = RoleAssignment(id="r-mallory", role="administrator", principals=("mallory",))
    force(governance, AssignRole(assignment=assignment))
    version = governance.version(resource) or 0
    payload = REMOVALS[resource]
    story = Story(resource, governance=governance, payload=payload % version if b"%d" in payload else payload)
    story.given("carol submits")
    assert story.when("mallory closes") == "RequestClosed"


def test_R22_other_administrators_close_a_governance_change_until_it_is_released() -> None:
    governance = organisation()
    define(governance, "admins", "bob", "carol", "dave")
    version = governance.version("governance/settings") or 0
    payload = b'{"type":"assent.change-settings.v1","settings":{"lease_ms":9000},"version":%d}' % version
    story = Story("governance/settings", governance=governance, payload=payload)
    story.given("carol submits", "bob approves")
    released = Story("governance/settings", governance=governance, payload=payload)
    released.given("carol submits", "bob approves", "carol completes")
    assert story.when("dave closes") == "RequestClosed"
    assert released.when("dave closes") == "being-applied"
