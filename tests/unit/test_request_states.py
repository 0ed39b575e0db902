"""An event that does not fit a request's state is a fault. Offered actions are those that are permitted."""

from typing import Any

import pytest

from assent_contracts import events as e
from assent_contracts.access_policies import PolicyTerms
from assent_contracts.commands import ACTIONS
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.requests.evolve import ImpossibleEventError, evolve
from assent_contracts.core.requests.permissions import is_possible, possible_actions
from assent_contracts.core.requests.states import Closed, Open, open_state, status_of
from assent_contracts.governance_changes import (
    CreatePolicy,
    DefineGroup,
    DeletePolicy,
    DisablePrincipal,
    policy_object,
)
from assent_contracts.governance_objects import Group
from tests.support.people import START, force, organisation, policy_of
from tests.support.stories import Story

REACHED: dict[str, tuple[str, ...]] = {
    "needs approval": ("alice submits",),
    "approved": ("alice submits", "bob approves", "carol approves"),
    "released": ("alice submits", "bob approves", "carol approves", "alice completes"),
    "applying": ("alice submits", "bob approves", "carol approves", "alice completes", "applier claims"),
    "outcome unknown": (
        *("alice submits", "bob approves", "carol approves", "alice completes"),
        *("applier claims", "applier reports unknown"),
    ),
}
NEVER: dict[str, set[str]] = {
    "needs approval": {"ChangeSubmitted", "RequestReopened", "ChangeClaimed", "OutcomeUnknown"},
    "approved": {
        "LeaseRenewed",
        "SettlementProposed",
        "RequestApproved",
        "ApprovalGiven",
        "RejectionGiven",
        "ChangeClaimed",
    },
    "released": {
        "LeaseRenewed",
        "SettlementProposed",
        "ApprovalGiven",
        "ApprovalRevoked",
        "ApprovalLapsed",
        "ChangeReleased",
        "RejectionGiven",
    },
    "applying": {
        "SettlementProposed",
        "RequestApproved",
        "RequestReopened",
        "ChangeClaimed",
        "ChangeReleased",
        "RequestExpired",
    },
    "outcome unknown": {
        "LeaseRenewed",
        "OutcomeUnknown",
        "ApprovalRevoked",
        "RequestCanceled",
        "ChangeClaimed",
    },
}


def request_in(story: Story) -> Open:
    found = story.state.find(story.request, story.resource)
    assert found is not None
    assert not isinstance(found, Closed)
    return found


def event_named(name: str, story: Story) -> Any:
    about = {"request": story.request, "approver": "bob", "person": "p-bob", "deadline": START}
    more = {"applier": "applier", "resource": story.resource, "digest": "0" * 64, "cause": "", "reason": ""}
    more |= {"administrator": "dave", "outcome": "retry"}
    kind = getattr(e, name)
    if kind is e.ChangeSubmitted:
        return e.ChangeSubmitted(
            request=story.request,
            resource=story.resource,
            operation="edit",
            requester="alice",
            person="p-alice",
            submission="0" * 64,
            digest="0" * 64,
            terms=(PolicyTerms(policy="scripts", rules=()),),
            deadline=START,
        )
    return kind(
        **{field: value for field, value in (about | more).items() if field in kind.__struct_fields__}
    )


@pytest.mark.parametrize(
    ("status", "name"), [(status, each) for status in NEVER for each in sorted(NEVER[status])]
)
def test_event_that_does_not_fit_the_state_is_a_fault(status: str, name: str) -> None:
    story = Story().given(*REACHED[status])
    assert story.status().startswith(status)
    with pytest.raises(ImpossibleEventError, match=name):
        evolve(request_in(story), event_named(name, story), START, 9)


@pytest.mark.parametrize(
    ("request_id", "what"), [("nothing", "which is not a request"), ("0-77", "which is not open")]
)
def test_event_on_a_request_that_is_not_open_is_a_fault(request_id: str, what: str) -> None:
    story = Story()
    event = e.RequestApproved(request=request_id)
    with pytest.raises(ImpossibleEventError, match=what):
        story.state.record(0, START, (event,), governance=0)


def account(story: Story, name: str) -> Principal:
    return story.governance.principals[name]


def test_actions_offered_to_an_account_are_those_that_its_command_would_be_permitted() -> None:
    story = Story(governance=organisation()).given("alice submits")
    can = {
        name: possible_actions(
            request_in(story), story.governance, account(story, name), story.at, through=None
        )
        for name in ("alice", "bob", "carol", "mallory")
    }
    assert can == {
        "alice": {"cancel"},
        "bob": {"approve", "reject"},
        "carol": {"approve", "reject", "close"},
        "mallory": set(),
    }


def test_disabled_account_can_do_nothing() -> None:
    story = Story(governance=organisation()).given("alice submits")
    force(story.governance, DisablePrincipal(principal="bob"))
    for action in ACTIONS:
        assert not is_possible(
            action, request_in(story), story.governance, account(story, "bob"), story.at, through=None
        )


def test_R12_completion_that_would_only_reopen_is_not_offered() -> None:
    story = Story(governance=organisation()).given("alice submits", "bob approves", "carol approves")

    def offered() -> bool:
        request, alice = request_in(story), account(story, "alice")
        return is_possible("complete", request, story.governance, alice, story.at, through=None)

    assert offered()
    force(story.governance, DisablePrincipal(principal="bob"))
    assert not offered()


def test_R1_completion_after_governance_came_to_permit_it_needs_no_further_approval() -> None:
    story = Story(governance=organisation())
    story.given("alice submits")
    force(story.governance, DefineGroup(group=Group(id="owners", members=("dave", "mallory"))))
    force(story.governance, CreatePolicy(policy=policy_of("both", "script", 1, ("owners",))))
    story.given("bob approves", "carol approves")
    assert story.status() == "needs approval, has 2"
    version = story.governance.version(policy_object("both"))
    assert version is not None
    force(story.governance, DeletePolicy(policy="both", version=version))
    assert story.when("alice completes") == "RequestApproved + ChangeReleased"


@pytest.mark.parametrize("verb", ["rejects", "completes"])
def test_R23_rejection_and_completion_name_what_was_seen(verb: str) -> None:
    story = Story().given("alice submits")
    story.submission = "0" * 64
    assert story.when(f"{'bob' if verb == 'rejects' else 'alice'} {verb}") == "digest-mismatch"


@pytest.mark.parametrize("status", REACHED)
def test_R13_open_request_is_determined_by_its_status_and_progress(status: str) -> None:
    request = request_in(Story().given(*REACHED[status]))
    parts = {name: getattr(request, name, ()) for name in ("approvals", "rejections")}
    more: dict[str, Any] = {
        "deadline": getattr(request, "deadline", 0),
        "applier": getattr(request, "applier", ""),
        "claim": getattr(request, "claim", -1),
        "claimed_at": getattr(request, "since", 0),
        "proposals": getattr(request, "proposals", ()),
    }
    assert open_state(*status_of(request), request.submission, **parts, **more) == request
    assert open_state("completed", None, request.submission, **parts, **more) is None
