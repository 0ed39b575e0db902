"""The events that end a request are one set: every reader that forgets a request goes by it."""

from typing import get_args

import pytest

from assent_contracts.client.keys import verify
from assent_contracts.client.open_requests import OpenRequests
from assent_contracts.core.requests.evolve import _ENDS, evolve
from assent_contracts.core.requests.states import Closed, NeedsApproval, Submission
from assent_contracts.events import (
    RequestCanceled,
    RequestClosed,
    RequestCompleted,
    RequestEnd,
    RequestExpired,
    RequestFailed,
    RequestRejected,
)
from assent_contracts.evidence.governance import GovernanceEvidence

REQUEST = "0-0"
ENDS = (
    RequestRejected(request=REQUEST, approver="bob"),
    RequestCanceled(request=REQUEST),
    RequestClosed(request=REQUEST, closed_by="dave"),
    RequestExpired(request=REQUEST),
    RequestCompleted(request=REQUEST, reporter="applier"),
    RequestFailed(request=REQUEST, reporter="applier"),
)


def test_each_of_them_has_a_status_and_an_example_here() -> None:
    assert set(_ENDS) == set(get_args(RequestEnd)) == {type(end) for end in ENDS}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
def test_what_dispatch_and_appliers_know_of_a_request_ends_with_each(end: RequestEnd) -> None:
    """A request that they took for open would be handed over, or its claim believed."""
    known = OpenRequests(0, GovernanceEvidence("0" * 64, verify))
    known._open[0] = object()  # type: ignore[assignment]
    known._end(end)
    assert len(known) == 0


@pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
def test_no_event_ends_a_request_in_a_state_that_it_does_not_fit(end: RequestEnd) -> None:
    submitted = Submission(0, "script/x", "alice", "p-alice", "", "", ())
    status, states = _ENDS[type(end)]
    if NeedsApproval in states:
        after = evolve(NeedsApproval(submitted, (), (), 9), end, 5)
        assert isinstance(after, Closed)
        assert after.status == status
