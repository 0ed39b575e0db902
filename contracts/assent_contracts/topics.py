"""The topics, and who may write each: see infra/topics.yaml for their settings."""

from typing import Final, Literal

COMMANDS: Final = "assent.commands"
"""Intents, signed by their sender. Written by upstreams, gateways and appliers."""
LEDGER: Final = "assent.ledger"
"""Decisions on requests, chained and sealed. Written by the decider only."""
GOVERNANCE_COMMANDS: Final = "assent.governance.commands"
"""Intents to change permissions."""
GOVERNANCE: Final = "assent.governance"
"""Decisions on governance, chained and sealed. Written by the decider only."""
CHANGES: Final = "assent.changes"
"""Released changes for appliers. Written by dispatch only."""

HEADS: Final = "assent.heads"
"""How far each ledger partition was, signed. Written by the decider only."""

LedgerName = Literal["ledger", "governance"]
"""A ledger's logical name, which seals bind: it stays, whatever the topic is called."""
LEDGER_TOPICS: Final[dict[LedgerName, str]] = {"ledger": LEDGER, "governance": GOVERNANCE}


def ledger_of(topic: str) -> LedgerName:
    """The ledger that one of LEDGER_TOPICS holds."""
    return "governance" if topic == GOVERNANCE else "ledger"
