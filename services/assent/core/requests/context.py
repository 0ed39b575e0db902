"""What a decision may know beside the request and the command."""

import msgspec

from assent.core.governance.state import Governance, Principal
from assent_contracts.refusals import Refusal, RefusalCode


class Context(msgspec.Struct, gc=False):
    """One decision's surroundings; everything here comes in through the ledger record."""

    partition: int
    seq: int
    """The seq that the decision will have."""
    at: int
    """Log time, ms."""
    governance: Governance
    principal: Principal
    """Who signed: verified."""


def refuse(code: RefusalCode, detail: str) -> Refusal:
    """A refusal without further fields."""
    return Refusal(code=code, detail=detail)
