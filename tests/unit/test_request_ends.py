"""The events that end a request are one set: every reader that forgets ended requests uses it."""

from typing import get_args

import pytest

from assent_contracts.acceptance import Accepted
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.open_requests import OpenRequest, OpenRequests
from assent_contracts.core.requests.evolve import _ENDS, ImpossibleEventError, evolve
from assent_contracts.core.requests.states import Applying, Closed, NeedsApproval, Submission
from assent_contracts.events import (
    RequestCanceled,
    RequestClosed,
    RequestCompleted,
    RequestEnd,
    RequestExpired,
    RequestFailed,
    RequestRejected,
)
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.ledger import LedgerRecord

REQUEST = "0-0"
SUBMITTED = Submission(0, "script/x", "alice", "p-alice", "", "", ())
NEEDS_APPROVAL = NeedsApproval(SUBMITTED, (), (), 9)
APPLYING = Applying(SUBMITTED, "applier", 9, claim=3, since=1)
ENDS = (
    RequestRejected(request=REQUEST, approver="bob"),
    RequestCanceled(request=REQUEST),
    RequestClosed(request=REQUEST, closed_by="dave"),
    RequestExpired(request=REQUEST),
    RequestCompleted(request=REQUEST, reporter="applier"),
    RequestFailed(request=REQUEST, reporter="applier"),
)


def test_each_event_that_ends_a_request_has_a_status_and_an_example_here() -> None:
    assert set(_ENDS) == set(get_args(RequestEnd)) == {type(end) for end in ENDS}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
def test_dispatch_and_appliers_forget_a_request_with_each_of_them(end: RequestEnd) -> None:
    """A request that they regarded as open would be passed to an applier, or its claim believed."""
    for state in (NEEDS_APPROVAL, APPLYING):
        known = OpenRequests(0, GovernanceEvidence("0" * 64, verify_signature))
        known._open[0] = OpenRequest(REQUEST, 0, "script/x", "edit", "alice", "", "", "", state=state)
        known._advance(end, accepted_at(1))
        assert len(known) == (0 if isinstance(state, _ENDS[type(end)].out_of) else 1)


def accepted_at(seq: int) -> Accepted:
    """An accepted record, of which only the place and the time matter."""
    return Accepted(seq, LedgerRecord(seq=seq, prev="", epoch=0, at=5), b"", "")


@pytest.mark.parametrize("end", ENDS, ids=lambda end: type(end).__name__)
def test_no_event_ends_a_request_in_a_state_that_it_does_not_fit(end: RequestEnd) -> None:
    for state in (NEEDS_APPROVAL, APPLYING):
        if isinstance(state, _ENDS[type(end)].out_of):
            after = evolve(state, end, 5, 7)
            assert isinstance(after, Closed)
            assert after.status == _ENDS[type(end)].status
        else:
            with pytest.raises(ImpossibleEventError):
                evolve(state, end, 5, 7)
