"""R3, R19, R22: administrators of one type decide on that type, and on nothing that reaches beyond it."""

import msgspec
import pytest

from assent_contracts.access_policies import Policy
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.states import NeedsApproval
from assent_contracts.governance_changes import (
    AssignRole,
    ChangeSettings,
    CreatePolicy,
    EditPolicy,
    policy_object,
)
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import create, disable
from tests.support.people import force, organisation, policy_of
from tests.support.stories import Story
from tests.unit.governance.answers import group_of, role_of
from tests.unit.governance.proposals import Proposal


@pytest.fixture
def governance() -> Governance:
    """bob and mallory administrate scripts; bob2 is the same person as bob and administrates apps."""
    governance = organisation()
    force(governance, role_of("administrator", "bob", "mallory", name="of-scripts", types=("script",)))
    force(governance, role_of("administrator", "bob2", name="of-apps", types=("app",)))
    return governance


def policy(quorum: int) -> Policy:
    return policy_of("scripts", "script", quorum=quorum)


def edited(governance: Governance, quorum: int) -> EditPolicy:
    return EditPolicy(policy=policy(quorum), version=governance.version(policy_object("scripts")) or 0)


def detail(story: Story, who: str, verb: str) -> str:
    refused = story.send(story.command(who, verb))
    assert isinstance(refused, Refusal)
    return refused.detail


def test_R22_administrator_of_the_type_closes_and_one_of_another_type_does_not(
    governance: Governance,
) -> None:
    story = Story(governance=governance).given("alice submits")
    assert detail(story, "bob2", "closes") == (
        "R22: only a person with the role administrator for script closes a request."
    )
    assert story.when("bob closes") == "RequestClosed"


def test_R22_request_about_governance_is_closed_by_an_administrator_of_every_type(
    governance: Governance,
) -> None:
    proposal = Proposal(governance, edited(governance, 1)).given("bob submits")
    assert detail(proposal.story, "mallory", "closes") == (
        "R22: only a person with the role administrator closes a request."
    )
    assert proposal.when("dave closes") == "RequestClosed"


def test_unknown_outcome_is_settled_by_an_administrator_of_the_type(governance: Governance) -> None:
    steps = ("alice submits", "bob approves", "carol approves", "alice completes", "applier claims")
    story = Story(governance=governance).given(*steps, "applier reports unknown")
    assert story.when("bob2 reports success") == "not-claimed"
    assert story.when("mallory reports success") == "RequestCompleted"


def test_R3_change_of_a_type_s_policy_is_approved_by_its_administrators(governance: Governance) -> None:
    proposal = Proposal(governance, edited(governance, 1)).given("bob submits")
    assert proposal.when("bob2 approves") == "own-request"
    assert proposal.when("alice approves") == "not-an-approver"
    assert proposal.when("mallory approves") == "ApprovalGiven + RequestApproved"


def test_R3_change_that_reaches_beyond_a_type_is_approved_by_administrators_of_every_type(
    governance: Governance,
) -> None:
    wanted = group_of(governance, "approvers", "alice", "bob", "carol", "mallory")
    proposal = Proposal(governance, wanted).given("carol submits")
    assert groups_of(proposal) == (("@administrators",),)
    assert proposal.when("mallory approves") == "not-an-approver"
    assert proposal.when("dave approves") == "ApprovalGiven + RequestApproved"


def groups_of(proposal: Proposal) -> tuple[tuple[str, ...], ...]:
    """Who must approve, by the terms at the submission."""
    opened = proposal.story.state.find(proposal.story.request, proposal.story.resource)
    assert isinstance(opened, NeedsApproval)
    return tuple(rule.groups for terms in opened.submission.terms for rule in terms.rules)


def test_R19_change_is_released_while_its_requester_administrates_the_type(governance: Governance) -> None:
    proposal = Proposal(governance, edited(governance, 1)).given("bob submits", "mallory approves")
    force(governance, role_with("of-scripts", governance, "mallory", "dave"))
    refused = detail(proposal.story, "bob", "completes")
    assert refused == "R19: bob no longer has the role administrator for script: the change is not released."
    force(governance, role_with("of-scripts", governance, "mallory", "bob"))
    assert proposal.when("bob completes") == "ChangeReleased"


def role_with(name: str, governance: Governance, *principals: str) -> AssignRole:
    made = role_of("administrator", *principals, name=name, types=("script",))
    return msgspec.structs.replace(made, version=governance.version(f"governance/role/{name}"))


def test_change_to_governance_names_its_own_object_as_the_resource(governance: Governance) -> None:
    story = Story("access-policy/other", governance=governance)
    proposal = Proposal(governance, edited(governance, 1), story)
    assert proposal.when("bob submits") == "malformed"
    command = msgspec.structs.replace(story.command("bob", "submits"), payload=msgspec.Raw(proposal.payload))
    refused = story.send(command)
    assert isinstance(refused, Refusal)
    assert refused.detail == "The payload is a change to access-policy/scripts: name that as the resource."


def test_change_that_does_not_fit_now_is_refused_at_its_submission(governance: Governance) -> None:
    again = CreatePolicy(policy=policy(1))
    assert Proposal(governance, again).when("carol submits") == "id-taken"


@pytest.mark.parametrize("asked", [True, False])
def test_settings_say_whether_changes_to_governance_ask_for_own_signatures(
    governance: Governance, *, asked: bool
) -> None:
    settings = msgspec.structs.replace(governance.settings, governance_own_signature=asked)
    if settings != governance.settings:
        force(
            governance, ChangeSettings(settings=settings, version=governance.version("governance/settings"))
        )
    proposal = Proposal(governance, edited(governance, 1)).given("carol submits")
    opened = proposal.story.state.find(proposal.story.request, proposal.story.resource)
    assert isinstance(opened, NeedsApproval)
    assert [terms.own_signature for terms in opened.submission.terms] == [asked]


def test_R18_policies_for_changes_of_policies_ask_for_their_approvals_too(governance: Governance) -> None:
    create(governance, policy_of("of-policies", "access-policy", groups=("approvers",)))
    proposal = Proposal(governance, edited(governance, 1)).given("carol submits")
    assert groups_of(proposal) == (("@administrators/script",), ("approvers",))
    assert proposal.when("dave approves") == "ApprovalGiven"
    assert proposal.when("alice approves") == "ApprovalGiven + RequestApproved"


def test_disabled_administrator_of_a_type_closes_nothing(governance: Governance) -> None:
    story = Story(governance=governance).given("alice submits")
    disable(governance, "bob")
    assert story.when("bob closes") == "not-permitted"
