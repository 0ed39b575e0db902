"""A gateway signs on behalf of people: whom it may act for, about what, and that the record says so."""

import pytest

from assent_contracts.codec import encode
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import ApprovalGiven
from assent_contracts.governance_changes import (
    SETTINGS,
    AssignRole,
    ChangeSettings,
    DefineGroup,
    DisablePrincipal,
    GovernanceChange,
    RegisterPrincipal,
    RevokeKey,
    WithdrawRole,
    object_of,
    role_object,
)
from assent_contracts.governance_objects import Account, Group, RoleAssignment, Settings
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import PORTAL, add_gateway, create, disable
from tests.support.people import force, organisation, policy_of
from tests.support.stories import Story
from tests.unit.governance.answers import at_once

APP = "app/x"


def with_gateway(*resource_types: str) -> Governance:
    governance = organisation()
    add_gateway(governance, *resource_types)
    return governance


@pytest.fixture
def story() -> Story:
    """alice has submitted a change to an app with her own key."""
    return Story(APP, governance=with_gateway()).given("alice submits")


def test_gateway_signs_for_a_human_and_the_approval_says_so(story: Story) -> None:
    decision = story.send(story.command("bob", "approves"), signer=PORTAL)
    assert not isinstance(decision, Refusal)
    given = decision[0]
    assert isinstance(given, ApprovalGiven)
    assert (given.approver, given.through) == ("bob", PORTAL)


def test_approval_with_the_approver_s_own_key_names_no_gateway(story: Story) -> None:
    story.given("bob approves")
    assert b'"through"' not in story.records[-1]


def test_gateway_can_sign_every_command_of_a_human(story: Story) -> None:
    assert story.when("alice cancels via portal") == "RequestCanceled"
    assert story.when("alice submits via portal") == "ChangeSubmitted"
    assert story.when("carol rejects via portal") == "RejectionGiven + RequestRejected"


def test_R9_gateway_gives_nobody_more_permissions_than_they_have(story: Story) -> None:
    assert story.when("alice approves via portal") == "own-request"
    assert story.when("alice2 approves via portal") == "own-request"
    assert story.when("mallory approves via portal") == "not-an-approver"
    assert story.when("bob completes via portal") == "not-requester"


def test_R9_one_person_s_approvals_count_once_whoever_has_signed() -> None:
    story = Story(governance=with_gateway()).given("alice submits", "bob approves")
    assert story.when("bob approves via portal") == "already-decided"
    assert story.when("bob2 approves via portal") == "already-decided"


def test_gateway_signs_an_upstream_s_commands_for_a_service() -> None:
    story = Story(APP, governance=with_gateway())
    assert story.when("upstream submits via portal") == "ChangeSubmitted"
    assert story.when("upstream cancels via portal") == "RequestCanceled"
    assert story.when("upstream submits via portal") == "ChangeSubmitted"
    story.given("bob approves")
    assert story.when("upstream completes via portal") == "ChangeReleased"


def test_R4_service_cannot_approve_through_a_gateway_either(story: Story) -> None:
    assert story.when("upstream approves via portal") == "unknown-key"
    assert story.when("upstream rejects via portal") == "unknown-key"
    assert story.when("upstream revokes via portal") == "unknown-key"


def test_gateway_does_not_sign_for_an_applier(story: Story) -> None:
    """A false claim would keep the change from the applier; a false report would misstate the result."""
    story.given("bob approves", "alice completes")
    assert story.when("applier claims via portal") == "unknown-key"
    story.given("applier claims")
    assert story.when("applier reports success via portal") == "unknown-key"


def test_gateway_decides_nothing_in_its_own_name(story: Story) -> None:
    assert story.when("portal approves") == "not-an-approver"
    assert story.when("portal cancels") == "not-requester"


def test_gateway_cannot_sign_for_an_unknown_account(story: Story) -> None:
    assert story.when("nobody approves via portal") == "unknown-key"


def test_gateway_signs_only_for_the_types_of_its_assignment() -> None:
    governance = with_gateway("script")
    assert Story(APP, governance=governance).when("alice submits via portal") == "unknown-key"
    assert Story(governance=governance).when("alice submits via portal") == "ChangeSubmitted"


def test_disabled_gateway_cannot_sign_for_anybody(story: Story) -> None:
    disable(story.governance, PORTAL)
    assert story.when("bob approves via portal") == "unknown-key"


def test_gateway_whose_key_is_revoked_cannot_sign_for_anybody(story: Story) -> None:
    force(story.governance, RevokeKey(key="portal-key"))
    assert story.when("bob approves via portal") == "unknown-key"


def test_gateway_that_lost_its_role_cannot_sign_for_anybody(story: Story) -> None:
    version = story.governance.version(role_object("r-gateway"))
    assert version is not None
    force(story.governance, WithdrawRole(assignment="r-gateway", version=version))
    assert story.when("bob approves via portal") == "unknown-key"


def test_disabled_human_does_nothing_through_a_gateway(story: Story) -> None:
    disable(story.governance, "bob")
    assert story.when("bob approves via portal") == "not-permitted"


@pytest.mark.parametrize("who", ["carol", "upstream", "applier"])
def test_key_without_the_gateway_role_cannot_sign_for_others(story: Story, who: str) -> None:
    """Neither an administrator's nor another service's: the role gateway determines who acts for people."""
    assert story.when(f"bob approves via {who}") == "unknown-key"


def test_bad_signature_of_a_gateway_does_not_count(story: Story) -> None:
    decision = story.send(story.command("bob", "approves"), signer=PORTAL, signature_good=False)
    assert isinstance(decision, Refusal)
    assert decision.code == "bad-signature"


ENROL = DefineGroup(group=Group(id="interns", members=("mallory",)))


def governed(governance: Governance) -> Story:
    """A change to governance that a thief of the gateway's key submits as carol."""
    story = Story(object_of(ENROL), governance=governance, payload=encode(ENROL))
    return story.given("carol submits via portal")


def trusting() -> Governance:
    """An organisation whose settings let gateways approve changes to governance, with one gateway."""
    governance = organisation(Settings(governance_own_signature=False))
    add_gateway(governance)
    return governance


def test_R3_key_of_a_gateway_alone_changes_no_governance() -> None:
    story = governed(with_gateway())
    assert story.when("dave approves via portal") == "own-signature-required"
    assert story.when("dave approves") == "ApprovalGiven + RequestApproved"


@pytest.mark.parametrize(
    "wanted",
    [
        DefineGroup(group=Group(id="newcomers", members=("alice",))),
        AssignRole(assignment=RoleAssignment(id="more", role="applier", principals=("alice",))),
        RegisterPrincipal(account=Account(id="frank", kind="human", person="p-frank")),
    ],
    ids=lambda wanted: type(wanted).__name__,
)
def test_R3_key_of_a_gateway_gives_nobody_anything_at_once(wanted: GovernanceChange) -> None:
    """A change that only takes away works at once; one that gives requires administrators' own signatures."""
    assert at_once(with_gateway(), "carol", wanted, through="portal") == "approval-required"
    assert at_once(with_gateway(), "carol", wanted) == ""
    assert at_once(trusting(), "carol", wanted, through="portal") == ""
    assert at_once(with_gateway(), "carol", DisablePrincipal(principal="alice"), through="portal") == ""


def test_key_of_a_gateway_approves_governance_where_the_settings_allow_it() -> None:
    assert governed(trusting()).when("dave approves via portal") == "ApprovalGiven + RequestApproved"


def test_gateway_s_approval_no_longer_counts_once_own_signatures_are_required() -> None:
    """The stricter of the settings at the submission and now."""
    story = governed(trusting()).given("dave approves via portal")
    _ask_for_own_signatures(story.governance)
    assert story.when("carol completes") == "ApprovalLapsed + RequestReopened"
    assert story.when("dave approves") == "ApprovalGiven + RequestApproved"


def test_submission_records_that_own_signatures_were_required() -> None:
    story = governed(with_gateway())
    settings = Settings(governance_own_signature=False)
    force(story.governance, ChangeSettings(settings=settings, version=story.governance.version(SETTINGS)))
    assert story.when("dave approves via portal") == "own-signature-required"


@pytest.mark.parametrize("early", [True, False])
def test_policy_of_a_built_in_type_requires_own_signatures_too(*, early: bool) -> None:
    """bob is in its group but not an administrator: what he approves through a gateway counts for nothing."""
    governance = trusting()
    create(governance, policy_of("governed", "governance", 1, ("approvers",)))
    if early:
        _ask_for_own_signatures(governance)
    story = governed(governance).given("dave approves")
    if not early:
        _ask_for_own_signatures(governance)
    assert story.when("bob approves via portal") == "own-signature-required"
    assert story.when("bob approves") == "ApprovalGiven + RequestApproved"


def _ask_for_own_signatures(governance: Governance) -> None:
    version = governance.version(SETTINGS)
    force(governance, ChangeSettings(settings=Settings(), version=version))
