"""Advance a Governance state along a history of governance events, up to any seq."""

from collections.abc import Sequence

from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_messages import GovernanceEvent


def advance_to(governance: Governance, history: Sequence[tuple[GovernanceEvent, ...]], seq: int) -> None:
    """Advance `governance` to `seq`, never back. `history[n]` has the events of governance seq n."""
    while governance.seq < seq:
        following = governance.seq + 1
        governance.evolve(following, history[following])
