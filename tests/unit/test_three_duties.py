"""R25: requester, approvers and the applier's operator are different people, where a policy wants that."""

from typing import Any

import msgspec
import pytest

from assent_contracts.access_policies import Policy
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.policies import policy_sentence, terms_text
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import CreatePolicy, RegisterPrincipal, SetOperator
from assent_contracts.governance_objects import Account
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import create, edit
from tests.support.people import START, change, force, organisation, policy_of
from tests.support.stories import Story

APP = "app/x"
APART: Policy = msgspec.structs.replace(policy_of("apps", "app"), separate_operator=True)


@pytest.fixture
def governance() -> Governance:
    made = organisation()
    edit(made, APART)
    return made


def operate(governance: Governance, service: str, operator: str | None) -> None:
    force(governance, SetOperator(principal=service, operator=operator))


def released(governance: Governance) -> Story:
    return Story(APP, governance=governance).given("alice submits", "bob approves", "alice completes")


@pytest.mark.parametrize(
    ("operator", "answer"),
    [
        (None, "operator-unknown"),
        ("alice", "operator-involved"),
        ("alice2", "operator-involved"),
        ("bob", "operator-involved"),
        ("bob2", "operator-involved"),
        ("carol", "ChangeClaimed"),
        ("dave", "ChangeClaimed"),
    ],
)
def test_R25_claim_is_only_for_an_applier_of_a_third_person(
    governance: Governance, operator: str | None, answer: str
) -> None:
    if operator is not None:
        operate(governance, "applier", operator)
    story = released(governance)
    assert story.when("applier claims") == answer
    assert story.status() == ("applying" if answer == "ChangeClaimed" else "released")


def test_R25_operators_and_policies_of_the_present_count(governance: Governance) -> None:
    operate(governance, "applier", "bob")
    operate(governance, "applier2", "carol")
    story = released(governance)
    assert story.when("applier claims") == "operator-involved"
    operate(governance, "applier", "dave")
    operate(governance, "applier2", "alice2")
    assert story.when("applier2 claims") == "operator-involved"
    assert story.when("applier claims") == "ChangeClaimed"


def test_R25_policy_that_separates_after_the_release_binds_the_claim() -> None:
    governance = organisation()
    story = released(governance)
    edit(governance, APART)
    operate(governance, "applier", "bob")
    assert story.when("applier claims") == "operator-involved"


def test_R25_policy_that_separated_at_the_submission_binds_the_claim(governance: Governance) -> None:
    story = released(governance)
    edit(governance, policy_of("apps", "app"))
    assert story.when("applier claims") == "operator-unknown"


def test_R25_one_policy_of_the_type_is_enough() -> None:
    governance = organisation()
    create(governance, msgspec.structs.replace(APART, id="more"))
    assert released(governance).when("applier claims") == "operator-unknown"


def test_R25_without_the_switch_nobody_asks_for_an_operator() -> None:
    assert released(organisation()).when("applier claims") == "ChangeClaimed"


def test_R25_person_on_whose_behalf_a_service_submits_is_the_requester(governance: Governance) -> None:
    operate(governance, "applier", "bob2")
    story = Story(APP, governance=governance)
    story.given("upstream submits for bob", "carol approves", "upstream completes")
    assert story.when("applier claims") == "operator-involved"


def test_R25_operator_of_a_service_that_names_nobody_is_the_requester(governance: Governance) -> None:
    assert Story(APP, governance=governance).when("upstream submits") == "on-behalf-of-required"
    operate(governance, "upstream", "dave")
    operate(governance, "applier", "dave")
    story = Story(APP, governance=governance)
    story.given("upstream submits", "carol approves", "upstream completes")
    assert story.when("applier claims") == "operator-involved"
    operate(governance, "upstream", None)
    assert story.when("applier claims") == "operator-unknown"


@pytest.mark.parametrize("verb", ["submits", "submits for bob"])
@pytest.mark.parametrize("who", ["alice", "alice2"])
def test_R25_operator_of_the_service_that_submits_does_not_approve(
    governance: Governance, verb: str, who: str
) -> None:
    operate(governance, "upstream", "alice")
    operate(governance, "applier", "dave")
    story = Story(APP, governance=governance).given(f"upstream {verb}")
    assert story.when(f"{who} approves") == "own-request"
    assert story.when(f"{who} rejects") == "RejectionGiven + RequestRejected"
    story.given(f"upstream {verb}", "carol approves", "upstream completes", "applier claims")


@pytest.mark.parametrize("verb", ["submits", "submits for bob"])
def test_R25_approver_who_is_later_known_to_operate_the_submitter_blocks_the_claim(
    governance: Governance, verb: str
) -> None:
    operate(governance, "upstream", "dave")
    operate(governance, "applier", "dave" if verb == "submits for bob" else "mallory")
    story = Story(APP, governance=governance)
    story.given(f"upstream {verb}", "carol approves", "upstream completes")
    operate(governance, "upstream", "carol")
    assert story.when("applier claims") == "operator-involved"


def test_R25_without_the_switch_the_operator_of_a_service_approves() -> None:
    governance = organisation()
    operate(governance, "upstream", "carol")
    Story(APP, governance=governance).given("upstream submits", "carol approves")


def test_R25_approver_who_revoked_may_operate(governance: Governance) -> None:
    operate(governance, "applier", "bob")
    story = Story(APP, governance=governance)
    story.given("alice submits", "bob approves", "bob revokes", "carol approves", "alice completes")
    assert story.when("applier claims") == "ChangeClaimed"


def test_R25_last_approver_of_an_automatic_release_counts(governance: Governance) -> None:
    edit(governance, msgspec.structs.replace(APART, completion="automatic"))
    operate(governance, "applier", "bob")
    story = Story(APP, governance=governance).given("alice submits", "bob approves")
    assert story.when("applier claims") == "operator-involved"


BAD: dict[str, tuple[Any, str]] = {
    "nobody": (SetOperator(principal="applier", operator="nobody"), "unknown-object"),
    "of nobody": (SetOperator(principal="nobody", operator="bob"), "unknown-object"),
    "a service": (SetOperator(principal="applier", operator="upstream"), "wrong-kind"),
    "of a human": (SetOperator(principal="bob", operator="carol"), "wrong-kind"),
    "as before": (SetOperator(principal="applier"), "already-so"),
    "new, nobody": (
        RegisterPrincipal(account=Account(id="s", kind="service", operator="nobody")),
        "unknown-object",
    ),
    "new, a service": (
        RegisterPrincipal(account=Account(id="s", kind="service", operator="applier")),
        "wrong-kind",
    ),
    "new, of a human": (
        RegisterPrincipal(account=Account(id="s", kind="human", person="p-s", operator="bob")),
        "malformed",
    ),
    "for governance": (
        CreatePolicy(policy=msgspec.structs.replace(APART, id="own", resource_type="access-policy")),
        "policy-invalid",
    ),
}


@pytest.mark.parametrize(("asked", "code"), BAD.values(), ids=list(BAD))
def test_R25_operator_is_the_account_of_a_human_and_of_a_service(
    governance: Governance, asked: Any, code: str
) -> None:
    refusal = decide_change(governance, asked, START)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code


def test_R25_operator_of_a_new_service_is_registered_with_it(governance: Governance) -> None:
    force(governance, RegisterPrincipal(account=Account(id="s", kind="service", operator="bob")))
    assert governance.principals["s"].account.operator == "bob"


def test_R25_administrator_alone_does_not_set_an_operator(governance: Governance) -> None:
    refusal = change(governance, "carol", SetOperator(principal="applier", operator="dave"))
    assert refusal is not None
    assert refusal.code == "approval-required"


def test_R25_policy_and_terms_say_it_in_words(governance: Governance) -> None:
    said = "Requester, approvers and the applier's operator must be different people."
    assert said in policy_sentence(APART, governance)
    assert said not in policy_sentence(policy_of("apps", "app"), governance)
    [terms] = governance.terms_for("app")
    assert terms_text(terms).endswith("; its operator is apart")
