"""What a decision may use besides the request and the command."""

import msgspec

from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import Governance


class Context(msgspec.Struct, gc=False):
    """The context of one decision. Everything in it is determined by the ledger record."""

    partition: int
    seq: int
    """The seq that the decision will have."""
    at: int
    """Log time, ms."""
    governance: Governance
    principal: Principal
    """The verified sender of the command."""
    value_sha256: bytes
    """SHA-256 of the command's bytes."""
    through: str | None = None
    """The gateway that signed on the principal's behalf, if any."""
