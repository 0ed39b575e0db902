"""Whether a claim is the current one of its request. A claim's number is the ledger seq of its record."""

from typing import assert_never

from msgspec import UNSET, UnsetType

from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Request,
    Unsettled,
)
from assent_contracts.refusals import Refusal, RefusalCode


def superseded(request: Request, claim: int | UnsetType) -> Refusal | None:
    """The refusal of a command under an old claim; None for the current claim, or if it names none.

    This holds after the request has ended too, when the current claim is the one that it ended with.
    """
    if claim is UNSET or claim == _current(request):
        return None
    return refuse(RefusalCode.CLAIM_SUPERSEDED, f"Claim {claim} is not the request's current claim.")


def _current(request: Request) -> int | None:
    match request:
        case NeedsApproval() | Approved() | Released():
            return None
        case Applying() | Unsettled() | Closed():
            return request.claim
        case _:
            assert_never(request)
