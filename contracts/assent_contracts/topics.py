"""The topics and their writers. infra/topics.yaml has their settings."""

from typing import Final, Literal

COMMANDS: Final = "assent.commands"
"""Commands, signed by their senders. Written by upstream systems, gateways and appliers."""
LEDGER: Final = "assent.ledger"
"""Decisions on requests, chained and sealed. Written by the decider only."""
GOVERNANCE_COMMANDS: Final = "assent.governance.commands"
"""Commands to change permissions."""
GOVERNANCE: Final = "assent.governance"
"""Decisions on governance, chained and sealed. Written by the decider only."""
CHANGES: Final = "assent.changes"
"""Released changes for appliers. Written by dispatch only."""

HEADS: Final = "assent.heads"
"""Signed heads: how far each ledger partition goes. Written by the decider only."""

SNAPSHOTS: Final = "assent.snapshots"
"""Snapshots of what the request partitions lead to, so that a takeover is quick. Written by the decider only.
Anything may be missing there.
"""

LedgerName = Literal["ledger", "governance"]
"""A ledger's logical name, which seals bind. It does not depend on the topic's name."""
LEDGER_TOPICS: Final[dict[LedgerName, str]] = {"ledger": LEDGER, "governance": GOVERNANCE}


def ledger_of(topic: str) -> LedgerName:
    """The ledger in one of LEDGER_TOPICS."""
    return "governance" if topic == GOVERNANCE else "ledger"
