"""Governance as it was at any seq, for records of the request ledger that name that seq."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to
from assent_contracts.governance_messages import GovernanceEvent

KEPT: Final = 8
"""How many states are kept. Few are needed often: governance seldom changes, and most requests are recent."""


class PastGovernance:
    """Read-only states of governance, computed from a growing history."""

    def __init__(self, history: Sequence[tuple[GovernanceEvent, ...]]) -> None:
        self._history = history
        self._states: OrderedDict[int, Governance] = OrderedDict()

    def at(self, seq: int) -> Governance:
        """The state at `seq`, which must be in the history. The object is shared: do not change it."""
        state = self._states.get(seq)
        if state is None:
            state = self._from_before(seq)
            self._states[seq] = state
            if len(self._states) > KEPT:
                self._states.popitem(last=False)
        self._states.move_to_end(seq)
        return state

    def _from_before(self, seq: int) -> Governance:
        before = max((each for each in self._states if each < seq), default=None)
        state = Governance() if before is None else self._states[before].after(self._history[before + 1])
        advance_to(state, self._history, seq)
        return state
