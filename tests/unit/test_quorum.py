"""Approvals are counted by person, and again at the release: who has lost the right counts no more."""

import msgspec
import pytest

from assent.core.governance.state import Governance
from assent.core.requests.approvers import has_quorum
from assent.core.requests.states import Approval, Submission
from assent_contracts import governance as g
from assent_contracts.events import PolicyTerms
from tests.support.given import SCRIPT, Story
from tests.support.people import HUMANS, START, govern, open_founding, organisation

TWO = PolicyTerms("scripts", 2, ("approvers",))
ADMINS = PolicyTerms("admins", 1, ("admins",))


def counts(
    *approvers: str, terms: tuple[PolicyTerms, ...] = (TWO,), governance: Governance | None = None
) -> bool:
    submission = Submission(0, SCRIPT, "alice", "p-alice", "", terms)
    approvals = tuple(Approval(approver, HUMANS[approver]) for approver in approvers)
    return has_quorum(submission, approvals, governance or organisation())


@pytest.mark.parametrize(
    ("approvers", "enough"),
    [
        ((), False),
        (("bob",), False),
        (("bob", "carol"), True),
        (("bob", "bob2"), False),
        (("bob", "bob2", "carol"), True),
        (("bob", "alice2"), False),
        (("bob", "dave"), False),
    ],
)
def test_quorum_is_of_distinct_people_other_than_the_requester(
    approvers: tuple[str, ...], *, enough: bool
) -> None:
    """Whatever let an approval in: accounts of one person, the requester's, and outsiders add nothing."""
    assert counts(*approvers) == enough


def test_every_policy_must_have_its_quorum() -> None:
    assert not counts("bob", "dave", terms=(TWO, ADMINS))
    assert not counts("bob", "bob2", terms=(TWO, ADMINS))
    assert counts("bob", "carol", terms=(TWO, ADMINS))


def test_disabled_approver_counts_no_more() -> None:
    governance = organisation()
    carol = governance.principals["carol"]
    governance.principals["carol"] = msgspec.structs.replace(carol, enabled=False)
    assert not counts("bob", "carol", governance=governance)


def test_R4_approver_who_left_the_group_counts_no_more() -> None:
    """The approvals were enough when they were given; the release looks again."""
    story = Story(governance=open_founding()).given("alice submits", "bob approves", "carol approves")
    without_carol = g.Group(id="approvers", members=("alice", "bob", "bob2"))
    define = g.DefineGroup(id="g", principal="founder", at=START, group=without_carol)
    assert govern(story.governance, define) is None
    assert story.when("alice completes") == "not-approved"
    assert story.when("carol approves") == "not-an-approver"
    assert story.when("carol revokes") == "ApprovalRevoked"


def test_disabled_principal_is_refused_whatever_they_send() -> None:
    story = Story(governance=organisation()).given("alice submits")
    bob = story.governance.principals["bob"]
    story.governance.principals["bob"] = msgspec.structs.replace(bob, enabled=False)
    assert story.when("bob approves") == "not-permitted"
    assert story.when("bob2 approves") == "ApprovalGiven"
