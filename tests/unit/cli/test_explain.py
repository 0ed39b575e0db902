"""The reasons for a request's current status, by the rules that decide on it."""

import msgspec
import pytest

from assent.reading.explanations import next_step
from assent_contracts.core.requests.explain import explain
from assent_contracts.core.requests.permissions import able_to_approve, why_not
from assent_contracts.core.requests.states import Approval, NeedsApproval, Rejection, Submission
from assent_contracts.governance_messages import (
    GroupDefined,
    KeyRegistered,
    KeyRevoked,
    PolicyDeleted,
    PolicyEdited,
    PrincipalDisabled,
    PrincipalRegistered,
    RoleAssigned,
)
from assent_contracts.governance_objects import Account, Group, RoleAssignment
from tests.unit.cli.organisation import APPS, AT, key, organisation


def waiting(*approvers: str, requester: str = "alice", rejecters: tuple[str, ...] = ()) -> NeedsApproval:
    terms = organisation().terms_for("app")
    submission = Submission(7, "app/x", requester, f"{requester}.p", "0" * 64, "0" * 64, terms)
    approvals = tuple(Approval(name, f"{name}.p") for name in approvers)
    return NeedsApproval(
        submission, approvals, tuple(Rejection(name, f"{name}.p") for name in rejecters), AT + 1
    )


def test_R4_R9_possible_approvers_are_those_whom_the_rules_accept() -> None:
    assert able_to_approve(waiting(), organisation(), AT) == ("bob", "carol", "dave", "erin")
    assert able_to_approve(waiting("bob"), organisation(), AT) == ("carol", "dave", "erin")


def test_each_rule_states_what_is_missing() -> None:
    """One person counts in two rules if they are in both."""
    security, owners = explain(waiting("dave"), organisation(), AT).rules
    assert (security.given, security.missing, security.can_approve) == (("dave.p",), 1, ("bob", "carol"))
    assert (owners.given, owners.missing, owners.can_approve) == (("dave.p",), 0, ("erin",))
    whole = explain(waiting("dave", "bob"), organisation(), AT)
    assert whole.has_quorum
    assert [rule.missing for rule in whole.rules] == [0, 0]


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        ("alice", "own-request"),
        ("robot", "not-an-approver"),
        ("bob", "already-decided"),
        ("carol", "already-decided"),
        ("mallory", "unknown-object"),
        ("erin", None),
    ],
)
def test_reason_against_an_approver_is_the_refusal_that_they_would_get(
    principal: str, code: str | None
) -> None:
    refusal = why_not(waiting("bob", rejecters=("carol",)), principal, organisation(), AT)
    assert (None if refusal is None else refusal.code) == code


def test_approval_of_a_disabled_account_or_former_member_no_longer_counts() -> None:
    changed = organisation(
        PrincipalDisabled(principal="bob"),
        GroupDefined(group=Group(id="security", members=("alice", "carol"))),
    )
    explained = explain(waiting("bob", "dave"), changed, AT)
    assert [(each.approver, each.reason) for each in explained.lapsing] == [("bob", "disabled")]
    assert explained.rules[0].missing == 2
    refusal = why_not(waiting(), "bob", changed, AT)
    assert refusal is not None
    assert refusal.detail == "bob is disabled."


def test_changed_policy_adds_its_rules_and_a_deleted_one_is_named() -> None:
    stricter = msgspec.structs.replace(APPS, own_signature=True)
    both = explain(waiting(), organisation(PolicyEdited(policy=stricter)), AT)
    assert [rule.changed_since for rule in both.rules] == [False, False, True, True]
    gone = explain(waiting("bob", "dave"), organisation(PolicyDeleted(policy="apps")), AT)
    assert (gone.deleted_policy, gone.has_quorum) == ("apps", False)


def test_account_that_cannot_sign_cannot_approve() -> None:
    """Without their own key only a gateway could sign for them, if the policy permits it."""
    keyless = [KeyRevoked(key=f"{name}-1") for name in ("bob", "erin")]
    without = organisation(*keyless)
    assert able_to_approve(waiting(), without, AT) == ("carol", "dave")
    refusal = why_not(waiting(), "bob", without, AT)
    assert refusal is not None
    assert (refusal.code, "no gateway could sign" in refusal.detail) == ("unknown-key", True)

    gate = [
        PrincipalRegistered(account=Account(id="gate", kind="service")),
        KeyRegistered(key=key("gate", 99)),
        RoleAssigned(assignment=RoleAssignment(id="gates", role="gateway", principals=("gate",))),
    ]
    assert able_to_approve(waiting(), organisation(*keyless, *gate), AT) == ("bob", "carol", "dave", "erin")
    own = PolicyEdited(policy=msgspec.structs.replace(APPS, own_signature=True))
    refusal = why_not(waiting(), "bob", organisation(*keyless, *gate, own), AT)
    assert refusal is not None
    assert refusal.code == "own-signature-required"


def test_missing_approvals_are_counted_by_people_not_accounts() -> None:
    """bob's two accounts are one person: a person who rejected leaves too few."""
    second = [
        PrincipalRegistered(account=Account(id="bob2", kind="human", person="bob.p")),
        KeyRegistered(key=key("bob2", 98)),
        GroupDefined(group=Group(id="security", members=("alice", "bob", "bob2", "carol"))),
    ]
    explained = explain(waiting(rejecters=("carol",)), organisation(*second), AT)
    assert (explained.rules[0].can_approve, explained.rules[0].people) == (("bob", "bob2"), 1)
    assert next_step(explained) == "add-approvers"


def test_request_of_a_disabled_requester_waits_for_an_administrator() -> None:
    approved = waiting("bob", "dave")
    assert next_step(explain(approved, organisation(), AT)) == "complete"
    disabled = organisation(PrincipalDisabled(principal="alice"))
    assert next_step(explain(approved, disabled, AT)) == "permit-requester"
