"""R19, R20: for whom a change is released, and on whose behalf a service submits it."""

import msgspec
import pytest
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import ChangeSubmitted
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import define, disable, edit, enable
from tests.support.people import organisation, policy_of
from tests.support.stories import PAYLOAD, Story

APP = "app/x"
"""One approval."""
AUTOMATIC = msgspec.structs.replace(policy_of("apps", "app"), completion="automatic")
NAMING = msgspec.structs.replace(policy_of("apps", "app"), on_behalf_of="required")


@pytest.fixture
def governance() -> Governance:
    return organisation()


def story_of(governance: Governance, *lines: str) -> Story:
    return Story(APP, governance=governance).given(*lines)


def submits_for(story: Story, who: str, named: str) -> str:
    """The answer to a submission by `who` on behalf of `named`."""
    command = msgspec.structs.replace(story.command(who, "submits"), on_behalf_of=named)
    decision = story.send(command)
    return decision.code.value if isinstance(decision, Refusal) else ""


def test_R19_requester_who_lost_the_role_cannot_complete_until_they_have_it_again(
    governance: Governance,
) -> None:
    story = story_of(governance, "alice submits", "bob approves")
    define(governance, "requesters", "alice2", "upstream")
    assert story.when("alice completes") == "requester-not-permitted"
    assert story.status() == "approved"
    define(governance, "requesters", "alice", "alice2", "upstream")
    assert story.when("alice completes") == "ChangeReleased"


def test_R19_disabled_requester_cannot_complete_not_even_through_a_gateway(
    governance: Governance,
) -> None:
    story = story_of(governance, "alice submits", "bob approves")
    disable(governance, "alice")
    assert story.when("alice completes") == "not-permitted"
    assert story.when("alice2 completes") == "not-requester"


def test_R19_automatic_completion_waits_and_is_done_manually_afterwards(governance: Governance) -> None:
    edit(governance, AUTOMATIC)
    story = story_of(governance, "alice submits")
    disable(governance, "alice")
    assert story.when("bob approves") == "ApprovalGiven + RequestApproved"
    assert story.when("applier claims") == "not-released"
    enable(governance, "alice")
    assert story.when("carol approves") == "not-pending"
    assert story.when("alice completes") == "ChangeReleased"


def test_R19_automatic_completion_for_a_permitted_requester_is_released_at_once(
    governance: Governance,
) -> None:
    edit(governance, AUTOMATIC)
    story = story_of(governance, "alice submits")
    assert story.when("bob approves") == "ApprovalGiven + RequestApproved + ChangeReleased"


def test_R19_quorum_reached_by_a_governance_change_releases_nothing_for_a_barred_requester(
    governance: Governance,
) -> None:
    edit(governance, policy_of("apps", "app", quorum=2))
    story = Story(APP, governance=governance).given("alice submits", "bob approves")
    define(governance, "requesters", "alice2")
    assert story.when("alice completes") == "not-approved"


def test_R19_former_administrator_cannot_complete_a_change_to_governance(
    governance: Governance,
) -> None:
    settings = b'{"type":"assent.change-settings.v1","settings":{"lease_ms":9000},"version":%d}'
    version = governance.version("governance/settings")
    story = Story("governance/settings", governance=governance, payload=settings % (version or 0))
    story.given("carol submits", "dave approves")
    define(governance, "admins", "bob", "dave")
    assert story.when("carol completes") == "requester-not-permitted"
    assert story.status() == "approved"


def test_R20_named_person_counts_as_the_requester_from_any_account(governance: Governance) -> None:
    story = story_of(governance, "upstream submits for bob")
    assert story.when("bob approves") == "own-request"
    assert story.when("bob2 approves") == "own-request"
    assert story.when("bob rejects") == "own-request"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"


def test_R20_service_can_complete_and_cancel_and_the_person_cannot(governance: Governance) -> None:
    story = story_of(governance, "upstream submits for bob")
    assert story.when("bob cancels") == "not-requester"
    story.given("carol approves")
    assert story.when("bob completes") == "not-requester"
    assert story.when("upstream completes") == "ChangeReleased"


def test_R20_naming_another_person_does_not_let_anybody_else_approve(governance: Governance) -> None:
    """An upstream of bob's that names carol instead of bob bars carol and admits bob, as before.

    Only the service can know for whom it acts. Its statement is signed and shown to approvers, and the person
    named finds the request among their own and is notified of it.
    """
    story = story_of(governance, "upstream submits")
    assert story.when("bob approves") == "ApprovalGiven + RequestApproved"
    named = Story("app/y", governance=governance)
    assert submits_for(named, "upstream", "carol") == ""
    assert named.when("carol approves") == "own-request"
    assert named.when("bob approves") == "ApprovalGiven + RequestApproved"


@pytest.mark.parametrize("named", ["mallory2", "Bob", "applier", "upstream"])
def test_R20_only_a_known_human_can_be_named(governance: Governance, named: str) -> None:
    assert submits_for(story_of(governance), "upstream", named) == "on-behalf-of-invalid"


def test_R20_disabled_account_cannot_be_named(governance: Governance) -> None:
    disable(governance, "bob")
    assert submits_for(story_of(governance), "upstream", "bob") == "on-behalf-of-invalid"
    assert submits_for(story_of(governance), "upstream", "bob2") == ""


@pytest.mark.parametrize("named", ["alice", "alice2", "bob"])
def test_R20_person_cannot_name_anybody_not_even_themselves(governance: Governance, named: str) -> None:
    assert submits_for(story_of(governance), "alice", named) == "on-behalf-of-invalid"


def test_R20_policy_can_require_it_of_services_and_not_of_people(governance: Governance) -> None:
    edit(governance, NAMING)
    story = story_of(governance)
    assert story.when("upstream submits") == "on-behalf-of-required"
    assert story.when("alice submits") == "ChangeSubmitted"
    assert Story("app/y", governance=governance).when("upstream submits for bob") == "ChangeSubmitted"
    assert Story(governance=governance).when("upstream submits") == "ChangeSubmitted"


def test_R20_policy_that_requires_it_later_blocks_no_open_request(governance: Governance) -> None:
    story = story_of(governance, "upstream submits")
    edit(governance, NAMING)
    story.given("bob approves")
    assert story.when("upstream completes") == "ChangeReleased"


def test_R19_R20_nothing_is_released_on_behalf_of_a_person_disabled_since(governance: Governance) -> None:
    story = story_of(governance, "upstream submits for bob", "carol approves")
    disable(governance, "bob")
    assert story.when("upstream completes") == "requester-not-permitted"
    enable(governance, "bob")
    assert story.when("upstream completes") == "ChangeReleased"


def test_R20_event_and_signed_command_name_the_person(governance: Governance) -> None:
    story = story_of(governance)
    decision = story.send(story.command("upstream", "submits for bob"))
    assert not isinstance(decision, Refusal)
    [event] = decision
    assert isinstance(event, ChangeSubmitted)
    assert (event.requester, event.on_behalf_of, event.person) == ("upstream", "bob", "p-bob")
    assert b'"on_behalf_of":"bob"' in story.records[-1]


def test_R20_submission_that_names_nobody_has_the_same_bytes_as_before() -> None:
    command = c.SubmitChange(
        id="c",
        principal="upstream",
        at=1,
        resource=APP,
        operation="edit",
        justification="w",
        payload=Raw(PAYLOAD),
    )
    assert b"on_behalf_of" not in msgspec.json.encode(command)
