"""What a decision may know beside the request and the command."""

import msgspec

from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import Governance


class Context(msgspec.Struct, gc=False):
    """One decision's surroundings; everything here comes in through the ledger record."""

    partition: int
    seq: int
    """The seq that the decision will have."""
    at: int
    """Log time, ms."""
    governance: Governance
    principal: Principal
    """Whose command it is: verified."""
    value_sha256: bytes
    """Of the command's bytes."""
    through: str | None = None
    """The gateway that signed on the principal's behalf, if one did."""
