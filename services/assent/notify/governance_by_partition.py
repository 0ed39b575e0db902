"""Governance as it was when a record was decided."""

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to


class GovernanceByPartition:
    """One state for each ledger partition, because within a partition the governance seq never decreases."""

    def __init__(self, follower: GovernanceFollower) -> None:
        """`follower` must have been started."""
        self._follower = follower
        self._states: dict[int, Governance] = {}

    async def at(self, partition: int, seq: int) -> Governance:
        """The state at governance seq `seq`, valid until the partition's next call. Raises KafkaError."""
        if len(self._follower.history) <= seq:
            await self._follower.catch_up()
        state = self._states.get(partition)
        if state is None or state.seq > seq:
            # After a rollback, records are read again, and a state cannot be rewound.
            state = self._states[partition] = Governance()
        advance_to(state, self._follower.history, seq)
        return state
