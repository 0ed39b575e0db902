"""How a request is explained: each rule's approvals, what lapsed, who could approve, and why not."""

import msgspec
import pytest

from assent_contracts import governance_changes as g
from assent_contracts.access_policies import ApprovalRule
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.explain import Explanation, Lapsing, RuleStands, explain
from assent_contracts.core.requests.permissions import able_to_approve, is_possible, why_not
from assent_contracts.core.requests.states import Approved, NeedsApproval, Open
from assent_contracts.refusals import RefusalCode
from tests.support.governance_changes import PORTAL, add_gateway, create, define, delete, disable, edit
from tests.support.people import force, organisation, policy_of
from tests.support.stories import SCRIPT, Story


@pytest.fixture
def governance() -> Governance:
    """Scripts need two approvals, of which alice, bob and carol can give some."""
    return organisation()


@pytest.fixture
def story(governance: Governance) -> Story:
    return Story(governance=governance).given("alice submits")


def deciding(story: Story) -> NeedsApproval | Approved:
    found = story.state.find(story.request, SCRIPT)
    assert isinstance(found, NeedsApproval | Approved)
    return found


def explained(story: Story) -> Explanation:
    return explain(deciding(story), story.governance, story.at)


def without_key(governance: Governance, principal: str) -> None:
    force(governance, g.RevokeKey(key=f"{principal}-key"))


def test_rule_has_its_approvals_and_names_who_could_give_the_missing_ones(story: Story) -> None:
    story.given("bob approves")
    assert explained(story) == Explanation(
        rules=(
            RuleStands(
                policy="scripts",
                quorum=2,
                groups=("approvers",),
                given=("p-bob",),
                missing=1,
                can_approve=("carol",),
                people=1,
                changed_since=False,
            ),
        ),
        lapsing=(),
        has_quorum=False,
        automatic=False,
        requester_refusal=None,
        rejections=(),
        rejections_needed=1,
        deleted_policy=None,
        not_yet=None,
    )


def test_R9_accounts_of_one_person_are_counted_as_one(story: Story) -> None:
    [rule] = explained(story).rules
    assert (rule.can_approve, rule.people, rule.missing) == (("bob", "bob2", "carol"), 2, 2)


def test_rule_that_has_more_than_it_asks_for_misses_nothing(story: Story, governance: Governance) -> None:
    define(governance, "approvers", "alice", "bob", "carol", "dave")
    story.given("bob approves", "carol approves")
    edit(governance, policy_of("scripts", "script", quorum=1))
    missing = {(rule.quorum, rule.missing, len(rule.given)) for rule in explained(story).rules}
    assert missing == {(2, 0, 2), (1, 0, 2)}


def test_R21_rule_to_which_the_policy_was_changed_since_is_marked(
    story: Story, governance: Governance
) -> None:
    define(governance, "approvers", "alice", "bob", "carol", "dave", "mallory")
    edit(governance, policy_of("scripts", "script", quorum=3))
    rules = explained(story).rules
    assert {(rule.quorum, rule.changed_since) for rule in rules} == {(2, False), (3, True)}


def test_R21_approval_that_lapsed_is_named_with_its_reason(story: Story, governance: Governance) -> None:
    story.given("bob approves", "carol approves")
    assert explained(story).has_quorum
    disable(governance, "bob")
    found = explained(story)
    assert found.lapsing == (Lapsing("bob", "disabled"),)
    assert (found.has_quorum, found.rules[0].given, found.rules[0].missing) == (False, ("p-carol",), 1)


def test_R22_policy_that_was_deleted_is_named(story: Story, governance: Governance) -> None:
    delete(governance, "scripts")
    assert explained(story).deleted_policy == "scripts"


def test_R19_refusal_that_the_requester_would_get_is_explained(story: Story, governance: Governance) -> None:
    disable(governance, "alice")
    refusal = explained(story).requester_refusal
    assert refusal is not None
    assert refusal.code is RefusalCode.REQUESTER_NOT_PERMITTED


def test_automatic_completion_and_the_rejections_that_end_it_are_explained(governance: Governance) -> None:
    wanted = msgspec.structs.replace(policy_of("scripts", "script"), completion="automatic", rejections=2)
    edit(governance, wanted)
    story = Story(governance=governance).given("alice submits", "carol rejects")
    found = explained(story)
    assert (found.automatic, found.rejections_needed, len(found.rejections)) == (True, 2, 1)


def test_only_those_who_are_asked_about_are_named(story: Story, governance: Governance) -> None:
    request = deciding(story)
    assert able_to_approve(request, governance, story.at) == ("bob", "bob2", "carol")
    assert able_to_approve(request, governance, story.at, frozenset({"carol", "dave"})) == ("carol",)
    assert able_to_approve(request, governance, story.at, frozenset()) == ()


def refusal_of(story: Story, principal: str) -> tuple[RefusalCode, str] | None:
    found = why_not(deciding(story), principal, story.governance, story.at)
    return None if found is None else (found.code, found.detail)


def test_why_an_account_cannot_approve_is_the_refusal_that_it_would_get(
    story: Story, governance: Governance
) -> None:
    assert refusal_of(story, "bob") is None
    long = "x" * 129
    assert refusal_of(story, long) == (RefusalCode.UNKNOWN_OBJECT, f"There is no principal {long[:128]!r}.")
    own = refusal_of(story, "alice")
    assert own is not None
    assert own[0] is RefusalCode.OWN_REQUEST
    stranger = refusal_of(story, "mallory")
    assert stranger is not None
    assert stranger[0] is RefusalCode.NOT_AN_APPROVER
    disable(governance, "bob")
    disabled = refusal_of(story, "bob")
    assert disabled is not None
    assert disabled[0] is RefusalCode.NOT_PERMITTED


def test_account_without_a_key_approves_through_a_gateway_or_not_at_all(
    story: Story, governance: Governance
) -> None:
    without_key(governance, "bob")
    assert refusal_of(story, "bob") == (
        RefusalCode.UNKNOWN_KEY,
        "bob has no key that is valid now, and no gateway could sign for them.",
    )
    add_gateway(governance, "app")
    assert able_to_approve(deciding(story), governance, story.at) == ("bob2", "carol")
    assert story.when(f"bob approves via {PORTAL}") == "unknown-key"


def test_gateway_of_the_type_signs_for_an_account_without_a_key(story: Story, governance: Governance) -> None:
    without_key(governance, "bob")
    add_gateway(governance, "script")
    assert refusal_of(story, "bob") is None
    assert story.when(f"bob approves via {PORTAL}") == "ApprovalGiven"


def test_own_signature_that_a_policy_asks_for_cannot_come_through_a_gateway(governance: Governance) -> None:
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script"), own_signature=True))
    add_gateway(governance, "script")
    without_key(governance, "bob")
    story = Story(governance=governance).given("alice submits")
    found = refusal_of(story, "bob")
    assert found is not None
    assert found[0] is RefusalCode.OWN_SIGNATURE_REQUIRED
    carol = governance.principals["carol"]
    request: Open = deciding(story)
    assert is_possible("approve", request, governance, carol, story.at, through=None)
    assert not is_possible("approve", request, governance, carol, story.at, through=PORTAL)


def test_request_without_any_policy_left_needs_one_rejection_to_end(governance: Governance) -> None:
    create(governance, policy_of("reports", "report"))
    story = Story("report/q", governance=governance).given("alice submits")
    found = story.state.find(story.request, "report/q")
    assert isinstance(found, NeedsApproval)
    delete(governance, "reports")
    assert explain(found, governance, story.at).rejections_needed == 1


def test_each_rule_of_a_policy_stands_for_itself(governance: Governance) -> None:
    rules = (ApprovalRule(quorum=1, groups=("approvers",)), ApprovalRule(quorum=1, groups=("admins",)))
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script"), approvals=rules))
    story = Story(governance=governance).given("alice submits", "bob approves")
    first, second = explained(story).rules
    assert (first.groups, first.given, first.missing) == (("approvers",), ("p-bob",), 0)
    assert (second.groups, second.given, second.missing) == (("admins",), (), 1)
    assert second.can_approve == ("carol", "dave")
