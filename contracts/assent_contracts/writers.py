"""Which keys may seal the ledger, as of each seq of the governance ledger."""

from typing import Protocol

from assent_contracts.digests import from_base64url
from assent_contracts.governance import GovernanceEvent, LogFounded


class WriterKeys(Protocol):
    """What the acceptance rule asks about a writer."""

    def public_key(self, key_id: str, governance_seq: int) -> bytes | None:
        """The 32 bytes of the key, or None if it is no writer's at that governance seq."""
        ...


class WriterRegistry:
    """The writers that the governance ledger lists, from which seq on."""

    def __init__(self) -> None:
        self._listed: dict[str, tuple[int, bytes]] = {}
        self.head = -1
        """The last governance seq that has been taken in."""

    def apply(self, seq: int, events: tuple[GovernanceEvent, ...]) -> None:
        """Take in the accepted governance record `seq`. Records come in order."""
        assert seq == self.head + 1, f"governance seq {seq} after {self.head}"
        for event in events:
            if isinstance(event, LogFounded):
                for key_id, public_key in event.founding.writers.items():
                    self._listed[key_id] = (seq, from_base64url(public_key))
        self.head = seq

    def public_key(self, key_id: str, governance_seq: int) -> bytes | None:
        """The 32 bytes of the key, or None if it is no writer's at that governance seq."""
        since, public_key = self._listed.get(key_id, (0, None))
        return public_key if since <= governance_seq <= self.head else None

    def public_keys(self) -> dict[str, bytes]:
        """Every writer's key now."""
        return {key_id: public_key for key_id, (_, public_key) in self._listed.items()}
