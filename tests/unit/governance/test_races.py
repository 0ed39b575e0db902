"""Two administrators who want to change the same object, in every possible order."""

from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    CreatePolicy,
    DeletePolicy,
    EditPolicy,
    policy_object,
)
from assent_contracts.governance_messages import PolicyEdited, ReleaseRefused
from tests.support.people import force, organisation
from tests.support.stories import Story
from tests.unit.governance.answers import app_policy, at_once, fits, group_of, role_of
from tests.unit.governance.proposals import Proposal


def seen_of(governance: Governance) -> int:
    version = governance.version(policy_object("apps"))
    assert isinstance(version, int)
    return version


def test_R10_second_request_for_one_policy_is_refused_while_the_first_is_open() -> None:
    governance = organisation()
    seen = seen_of(governance)
    first = Proposal(governance, EditPolicy(policy=app_policy("apps", 2), version=seen))
    first.given("carol submits")
    for second in (
        EditPolicy(policy=app_policy("apps", 1, "admins"), version=seen),
        DeletePolicy(policy="apps", version=seen),
    ):
        assert Proposal(governance, second, first.story).when("dave submits") == "resource-locked"
    first.given("dave approves", "carol completes")
    late = Proposal(governance, DeletePolicy(policy="apps", version=seen), first.story)
    assert late.when("dave submits") == "resource-locked", "until governance has carried it out"


def test_request_on_an_outdated_version_is_refused_at_the_submission() -> None:
    governance = organisation()
    outdated = EditPolicy(policy=app_policy("apps", 2), version=seen_of(governance))
    renamed = app_policy("apps", 1, "admins")
    force(governance, EditPolicy(policy=renamed, version=seen_of(governance)))
    assert Proposal(governance, outdated).when("carol submits") == "outdated"


def test_release_on_an_outdated_version_is_refused_when_it_is_carried_out() -> None:
    """A change made without having seen what came in between does not undo it."""
    governance = organisation()
    seen = seen_of(governance)
    late = Proposal(governance, EditPolicy(policy=app_policy("apps", 2), version=seen))
    late.given("carol submits", "dave approves", "carol completes")
    between = app_policy("apps", 1, "admins")
    force(governance, EditPolicy(policy=between, version=seen))
    (refused,) = late.carry_out()
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code == "outdated"
    assert governance.policies["apps"] == between


def test_two_concurrent_changes_do_not_overwrite_each_other() -> None:
    governance = organisation()
    carols = group_of(governance, "requesters", "alice")
    daves = group_of(governance, "requesters", "bob")
    assert at_once(governance, "carol", carols) == ""
    assert at_once(governance, "dave", daves) == "outdated"
    assert governance.members("requesters") == {"alice"}


def test_two_concurrent_creations_do_not_overwrite_each_other() -> None:
    governance = organisation()
    assert at_once(governance, "carol", role_of("auditor", "alice")) == ""
    assert at_once(governance, "dave", role_of("auditor", "bob")) == "id-taken"
    first = Proposal(governance, CreatePolicy(policy=app_policy()))
    first.given("carol submits", "dave approves", "carol completes")
    first.carry_out()
    assert fits(governance, CreatePolicy(policy=app_policy("new", 2))) == "id-taken"


def test_direct_change_outdates_the_waiting_request() -> None:
    """carol proposes an approver; in the meantime dave withdraws the role under the same assignment."""
    governance = organisation()
    force(governance, role_of("auditor", "alice"))
    version = governance.version("governance/role/new-role")
    wanted = role_of("administrator", "mallory")
    wanted = type(wanted)(assignment=wanted.assignment, version=version)
    waiting = Proposal(governance, wanted).given("carol submits", "dave approves")
    again = role_of("auditor", "bob")
    assert at_once(governance, "dave", type(again)(assignment=again.assignment, version=version)) == ""
    waiting.given("carol completes")
    (refused,) = waiting.carry_out()
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code == "outdated"


def test_policy_edited_in_the_meantime_governs_its_open_requests() -> None:
    """Not the change itself, but what waits under the policy: the stricter of then and now."""
    governance = organisation()
    story = Story("app/web", governance=governance).given("alice submits", "bob approves")
    assert story.status() == "approved"
    edit = EditPolicy(policy=app_policy("apps", 2), version=seen_of(governance))
    proposal = Proposal(governance, edit).given("carol submits", "dave approves", "carol completes")
    assert isinstance(proposal.carry_out()[0], PolicyEdited)
    assert story.when("alice completes") == "RequestReopened"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"
