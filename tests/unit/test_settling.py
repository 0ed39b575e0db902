"""An unknown outcome is settled by an administrator with a reason, or by two where a policy asks for it."""

import msgspec
import pytest

from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.permissions import able_to_settle, possible_actions, possible_settlements
from assent_contracts.core.requests.states import Proposal, Released, Unsettled
from assent_contracts.events import ChangeReleased
from assent_contracts.governance_changes import (
    SETTINGS,
    AssignRole,
    ChangeSettings,
    RegisterKey,
    RegisterPrincipal,
    SetOperator,
)
from assent_contracts.governance_objects import Account, RoleAssignment, Settings
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import add_gateway, define, delete, disable, edit
from tests.support.people import force, key_of, organisation, policy_of
from tests.support.stories import MINUTE_MS, Story

UNKNOWN = ("alice submits", "bob approves", "carol approves", "alice completes", "applier claims")
LEASE_MS = 5 * MINUTE_MS
SETTLES = ("settles it as succeeded", "settles it as failed", "settles it by a retry")
SETTLES_OR_REPORTS = (*SETTLES, "reports success", "reports failure")


@pytest.fixture
def governance() -> Governance:
    """carol, dave and erin administer."""
    governance = organisation()
    force(governance, RegisterPrincipal(account=Account(id="erin", kind="human", person="p-erin")))
    force(governance, RegisterKey(key=key_of("erin")))
    define(governance, "admins", "carol", "dave", "erin")
    return governance


def unknown(governance: Governance) -> Story:
    """A change whose lease has ended."""
    story = Story(governance=governance).given(*UNKNOWN)
    story.at += LEASE_MS
    assert story.when("the writer looks at the clock") == "OutcomeUnknown"
    return story


@pytest.fixture
def story(governance: Governance) -> Story:
    return unknown(governance)


@pytest.fixture
def strict(governance: Governance) -> Story:
    """The same, where two administrators must agree."""
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script", 2), settlements=2))
    return unknown(governance)


def unsettled(story: Story) -> Unsettled:
    found = story.state.find(story.request, story.resource)
    assert isinstance(found, Unsettled)
    return found


def test_administrator_settles_an_unknown_outcome(governance: Governance) -> None:
    settled = {verb: unknown(governance).when(f"dave {verb}") for verb in SETTLES}
    assert list(settled.values()) == ["RequestCompleted", "RequestFailed", "ChangeReleased"]


def test_settlement_as_succeeded_or_failed_frees_the_object(story: Story) -> None:
    story.given("dave settles it as failed", "alice submits")


def test_retry_releases_the_change_again_with_a_new_deadline(story: Story) -> None:
    decision = story.send(story.command("dave", "settles it by a retry"))
    assert not isinstance(decision, Refusal)
    [event] = decision
    assert isinstance(event, ChangeReleased)
    assert event.deadline == story.at + story.governance.settings.expiry_ms
    assert story.status() == "released"
    assert story.when("alice submits") == "resource-locked"
    assert story.when("applier claims") == "ChangeClaimed"


def test_released_again_it_expires_or_is_closed_like_any_release(governance: Governance) -> None:
    closed = unknown(governance).given("dave settles it by a retry")
    assert closed.when("dave closes") == "RequestClosed"
    expired = unknown(governance).given("dave settles it by a retry", "30 days pass")
    assert expired.when("the writer looks at the clock") == "RequestExpired"


def test_retry_can_follow_a_retry(story: Story) -> None:
    story.given("dave settles it by a retry", "applier2 claims", "applier2 reports unknown")
    story.given("dave settles it by a retry", "applier claims")
    assert story.claims == sorted(set(story.claims))
    assert len(story.claims) == 3


@pytest.mark.parametrize("verb", SETTLES)
@pytest.mark.parametrize("who", ["bob", "mallory", "applier", "applier2", "upstream"])
def test_only_a_person_who_administers_the_type_settles(story: Story, who: str, verb: str) -> None:
    assert story.when(f"{who} {verb}") == "not-permitted"


@pytest.mark.parametrize("verb", SETTLES)
@pytest.mark.parametrize("who", ["alice", "alice2"])
def test_R9_requester_does_not_settle_from_any_account(governance: Governance, who: str, verb: str) -> None:
    define(governance, "admins", "alice", "alice2", "carol", "dave")
    assert unknown(governance).when(f"{who} {verb}") == "own-request"


@pytest.mark.parametrize("verb", SETTLES)
def test_person_whose_account_claimed_the_change_does_not_settle_it(
    governance: Governance, verb: str
) -> None:
    """They report what they know. Whether to believe it, and whether to try again, is for others."""
    operators = RoleAssignment(id="r-operators", role="applier", principals=("dave",))
    force(governance, AssignRole(assignment=operators))
    story = Story(governance=governance).given(*UNKNOWN[:-1], "dave claims", "dave reports unknown")
    assert story.when(f"dave {verb}") == "not-permitted"
    assert story.when("dave reports success") == "RequestCompleted"


@pytest.mark.parametrize("verb", SETTLES_OR_REPORTS)
def test_R25_operator_of_the_applier_does_not_settle_it(governance: Governance, verb: str) -> None:
    story = unknown(governance)
    force(governance, SetOperator(principal="applier", operator="dave"))
    assert story.when(f"dave {verb}") == "not-permitted"
    assert story.when(f"carol {verb}")[0].isupper()


def test_only_an_unknown_outcome_is_settled(governance: Governance) -> None:
    story = Story(governance=governance).given("alice submits")
    assert story.when("dave settles it as failed") == "not-pending"
    story.given("bob approves", "carol approves")
    assert story.when("dave settles it as failed") == "not-pending"
    story.given("alice completes")
    assert story.when("dave settles it by a retry") == "not-pending"
    story.given("applier claims")
    assert story.when("dave settles it by a retry") == "being-applied"
    story.given("applier reports success")
    assert story.when("dave settles it as succeeded") == "not-pending"


def test_settlement_of_an_old_claim_is_refused(story: Story) -> None:
    story.given("dave settles it by a retry", "applier2 claims", "applier2 reports unknown")
    assert story.when("dave settles the first claim as failed") == "claim-superseded"
    assert story.when("dave settles the last claim as failed") == "RequestFailed"


def test_R1_change_whose_approvals_are_not_enough_any_more_is_not_released_again(
    governance: Governance,
) -> None:
    story = unknown(governance)
    disable(governance, "bob")
    assert story.when("dave settles it by a retry") == "not-approved"
    assert story.when("dave settles it as failed") == "RequestFailed"


def test_R1_change_whose_policy_was_deleted_or_asks_for_more_is_not_released_again(
    governance: Governance,
) -> None:
    stricter = unknown(governance)
    define(governance, "approvers", "alice", "bob", "carol", "dave", "mallory")
    edit(governance, policy_of("scripts", "script", 3))
    assert stricter.when("dave settles it by a retry") == "not-approved"
    edit(governance, policy_of("scripts", "script", 2))
    assert stricter.when("dave settles it by a retry") == "ChangeReleased"
    deleted = unknown(governance)
    delete(governance, "scripts")
    assert deleted.when("dave settles it by a retry") == "not-approved"


def test_R18_unprotected_change_is_not_released_again_once_the_setting_refuses_it() -> None:
    governance = organisation(Settings(unprotected="pass"))
    story = Story("free/x", governance=governance).given("alice submits", "applier claims")
    story.given("applier reports unknown", "dave settles it by a retry")
    story.given("applier claims", "applier reports unknown")
    force(governance, ChangeSettings(settings=Settings(), version=governance.version(SETTINGS)))
    assert story.when("dave settles it by a retry") == "no-policy"
    assert story.when("dave settles it as failed") == "RequestFailed"


def test_R19_change_is_not_released_again_for_a_requester_who_was_disabled(governance: Governance) -> None:
    story = unknown(governance)
    disable(governance, "alice")
    assert story.when("dave settles it by a retry") == "requester-not-permitted"


def test_R27_change_is_not_released_again_once_its_window_is_over(governance: Governance) -> None:
    story = Story(governance=governance)
    submission = story.command("alice", "submits")
    story.send(msgspec.structs.replace(submission, not_after=story.at + LEASE_MS))
    story.given(*UNKNOWN[1:], "applier reports unknown")
    story.at += LEASE_MS
    assert story.when("dave settles it by a retry") == "window-over"
    assert story.status() == "outcome unknown"


def test_where_two_settle_the_first_is_a_proposal_and_another_person_must_agree(strict: Story) -> None:
    assert strict.when("dave settles it as succeeded") == "SettlementProposed"
    assert strict.status() == "outcome unknown"
    assert unsettled(strict).proposals == (Proposal("dave", "p-dave", "succeeded"),)
    assert strict.when("dave settles it as succeeded") == "already-decided"
    assert strict.when("carol settles it as succeeded") == "RequestCompleted"


def test_where_two_settle_a_person_with_two_accounts_is_one(governance: Governance) -> None:
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script", 2), settlements=2))
    define(governance, "admins", "bob", "bob2", "carol", "dave")
    story = unknown(governance)
    assert story.when("bob settles it as failed") == "SettlementProposed"
    assert story.when("bob2 settles it as failed") == "already-decided"
    assert story.when("dave settles it as failed") == "RequestFailed"


def test_contrary_settlement_replaces_the_proposal_before_it(strict: Story) -> None:
    strict.given("dave settles it by a retry")
    assert strict.when("carol settles it as succeeded") == "SettlementProposed"
    assert unsettled(strict).proposals == (Proposal("carol", "p-carol", "succeeded"),)
    # dave's proposal is gone: erin alone does not release it again.
    assert strict.when("erin settles it by a retry") == "SettlementProposed"
    assert strict.when("dave settles it by a retry") == "ChangeReleased"


def test_proposal_can_be_changed_by_its_own_person(strict: Story) -> None:
    strict.given("dave settles it by a retry")
    assert strict.when("dave settles it as failed") == "SettlementProposed"
    assert strict.when("carol settles it as failed") == "RequestFailed"


@pytest.mark.parametrize("lost", ["role", "account"])
def test_proposal_of_somebody_who_could_not_settle_any_more_does_not_count(
    governance: Governance, strict: Story, lost: str
) -> None:
    strict.given("erin settles it as succeeded")
    if lost == "role":
        define(governance, "admins", "carol", "dave")
    else:
        disable(governance, "erin")
    assert strict.when("dave settles it as succeeded") == "SettlementProposed"
    assert strict.when("carol settles it as succeeded") == "RequestCompleted"


def test_proposal_that_does_not_count_any_more_can_be_made_again_from_another_account(
    governance: Governance,
) -> None:
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script", 2), settlements=2))
    define(governance, "admins", "bob", "bob2", "carol", "dave")
    story = unknown(governance).given("bob settles it as failed")
    define(governance, "admins", "bob2", "carol", "dave")
    assert story.when("bob2 settles it as failed") == "SettlementProposed"
    assert unsettled(story).proposals == (Proposal("bob2", "p-bob", "failed"),)
    assert story.when("dave settles it as failed") == "RequestFailed"


def test_proposals_do_not_outlive_a_retry(strict: Story) -> None:
    strict.given("dave settles it by a retry", "carol settles it by a retry", "applier claims")
    strict.given("applier reports unknown")
    assert unsettled(strict).proposals == ()


def test_more_settlements_count_from_the_submission_and_from_now(governance: Governance) -> None:
    story = unknown(governance)
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script", 2), settlements=2))
    assert story.when("dave settles it as failed") == "SettlementProposed"
    edit(governance, policy_of("scripts", "script", 2))
    assert story.when("dave settles it as failed") == "RequestFailed"
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script", 2), settlements=2))
    strict = unknown(governance)
    edit(governance, policy_of("scripts", "script", 2))
    assert strict.when("dave settles it as failed") == "SettlementProposed"


def test_report_of_an_administrator_settles_it_only_where_one_settles(story: Story, strict: Story) -> None:
    # Both have the same governance, which asks for two by now.
    assert strict.when("dave reports success") == "settlement-required"
    assert strict.when("applier reports success") == "RequestCompleted"


def test_report_of_an_administrator_settles_it_where_one_settles(story: Story) -> None:
    assert story.when("dave reports success") == "RequestCompleted"


def test_settling_is_offered_to_those_whose_command_would_be_accepted(story: Story) -> None:
    can = {
        name: possible_actions(
            unsettled(story), story.governance, story.governance.principals[name], story.at, through=None
        )
        for name in ("alice", "bob", "dave", "applier", "mallory")
    }
    assert can == {"alice": set(), "bob": set(), "dave": {"settle"}, "applier": set(), "mallory": set()}


def test_outcomes_that_are_offered_are_those_that_would_be_accepted(strict: Story) -> None:
    def offered(name: str) -> tuple[str, ...]:
        account = strict.governance.principals[name]
        return possible_settlements(unsettled(strict), strict.governance, account, strict.at, through=None)

    assert offered("dave") == ("succeeded", "failed", "retry")
    strict.given("dave settles it as failed")
    assert offered("dave") == ("succeeded", "retry")
    assert offered("carol") == ("succeeded", "failed", "retry")
    disable(strict.governance, "bob")
    assert offered("carol") == ("succeeded", "failed")


def test_R17_those_who_can_settle_are_people_with_a_way_to_sign(story: Story) -> None:
    def able() -> tuple[str, ...]:
        return able_to_settle(unsettled(story), story.governance, story.at)

    assert able() == ("carol", "dave", "erin")
    assert able_to_settle(unsettled(story), story.governance, story.at, frozenset({"dave", "bob"})) == (
        "dave",
    )
    force(story.governance, RegisterPrincipal(account=Account(id="finn", kind="human", person="p-finn")))
    define(story.governance, "admins", "carol", "dave", "erin", "finn")
    assert able() == ("carol", "dave", "erin")
    add_gateway(story.governance, "script")
    assert able() == ("carol", "dave", "erin", "finn")
    disable(story.governance, "dave")
    assert able() == ("carol", "erin", "finn")


def test_claimed_change_keeps_the_approvals_that_released_it(story: Story) -> None:
    people = {each.person for each in unsettled(story).approvals}
    assert people == {"p-bob", "p-carol"}
    story.given("dave settles it by a retry")
    released = story.state.find(story.request, story.resource)
    assert isinstance(released, Released)
    assert {each.person for each in released.approvals} == people


@pytest.mark.parametrize("verb", ["reports success", "reports failure"])
def test_report_of_an_administrator_that_a_gateway_signed_is_refused_where_own_signatures_are_required(
    governance: Governance, verb: str
) -> None:
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script", 2), own_signature=True))
    story = unknown(governance)
    add_gateway(story.governance, "script")
    assert story.when(f"dave {verb} via portal") == "own-signature-required"
    assert story.when(f"dave {verb}")[0].isupper()


@pytest.mark.parametrize("verb", SETTLES)
def test_settlement_that_a_gateway_signed_is_refused_where_own_signatures_are_required(
    governance: Governance, verb: str
) -> None:
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script", 2), own_signature=True))
    story = unknown(governance)
    add_gateway(story.governance, "script")
    assert story.when(f"dave {verb} via portal") == "own-signature-required"
    account = governance.principals["dave"]
    assert possible_settlements(unsettled(story), governance, account, story.at, through="portal") == ()
    assert "dave" in able_to_settle(unsettled(story), governance, story.at)
    assert story.when(f"dave {verb}") != "own-signature-required"
