"""Approvals are counted by person, and again at the release: people who lost the right no longer count."""

import pytest

from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import has_quorum, standing_terms
from assent_contracts.core.requests.states import Approval, Submission
from assent_contracts.governance_changes import CreatePolicy, DisablePrincipal
from tests.support.people import HUMANS, change, force, organisation, policy_of
from tests.support.stories import ORGANISATION, SCRIPT, Story

[TWO] = ORGANISATION.terms_for("script")
ADMINS = policy_of("admins", "script", groups=("admins",))


def counts(*approvers: str, governance: Governance = ORGANISATION) -> bool:
    submission = Submission(0, SCRIPT, "alice", "p-alice", "", "", (TWO,))
    approvals = tuple(Approval(approver, HUMANS[approver]) for approver in approvers)
    return has_quorum(submission, standing_terms(submission, governance), approvals, governance)


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
    governance = organisation()
    force(governance, CreatePolicy(policy=ADMINS))
    assert not counts("bob", "dave", governance=governance)
    assert not counts("bob", "bob2", governance=governance)
    assert counts("bob", "carol", governance=governance)


def test_disabled_principal_is_refused_whatever_they_send() -> None:
    story = Story(governance=organisation()).given("alice submits")
    assert change(story.governance, "dave", DisablePrincipal(principal="bob")) is None
    assert story.when("bob approves") == "not-permitted"
    assert story.when("bob2 approves") == "ApprovalGiven"
