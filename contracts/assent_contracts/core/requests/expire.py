"""What log time alone decides: a request without progress expires, and a lease ends (R14)."""

from typing import assert_never

from assent_contracts.core.requests.states import Applying, Approved, NeedsApproval, Released, Timed
from assent_contracts.events import OutcomeUnknown, RequestEvent, RequestExpired


def decide_expiry(request_id: str, request: Timed) -> RequestEvent:
    """The event of a request whose deadline has been reached by log time."""
    match request:
        case NeedsApproval() | Approved() | Released():
            return RequestExpired(request=request_id)
        case Applying():
            return OutcomeUnknown(request=request_id, cause="lease-ended")
        case _:
            assert_never(request)
