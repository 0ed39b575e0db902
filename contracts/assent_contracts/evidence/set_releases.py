"""R29: the released sets for which the request ledger has evidence, so that their members can be applied."""

from typing import Final

import msgspec

UNCONFIRMED: Final = "the request ledger has no release of the set {} with this change in it"


class _ReleasedSet(msgspec.Struct):
    governance: int
    """The governance seq that the record of the release names."""
    hashes: frozenset[bytes]
    """What the set's payload lists, each with `hash_of_member`."""
    left: int
    """How many of its members have not ended, as far as the ledger was read."""


class SetReleases:
    """The sets of all partitions, until all their members have ended. Each partition adds what it reads."""

    def __init__(self) -> None:
        self._released: dict[str, _ReleasedSet] = {}
        self._ended_before: dict[str, int] = {}
        """Members that ended before the release of their set was read, which is in another partition."""

    def released(self, request: str, governance: int, hashes: frozenset[bytes]) -> None:
        """Add a released set that signed commands have led to."""
        left = len(hashes) - self._ended_before.pop(request, 0)
        if left > 0:
            self._released[request] = _ReleasedSet(governance, hashes, left)

    def member_ended(self, request: str) -> None:
        """A released member of this set has ended."""
        found = self._released.get(request)
        if found is None:
            self._ended_before[request] = self._ended_before.get(request, 0) + 1
            return
        found.left -= 1
        if found.left == 0:
            del self._released[request]

    def governance_of(self, request: str, member: bytes) -> int | None:
        """The governance seq of the release of the set that lists this member; None if there is none."""
        found = self._released.get(request)
        return None if found is None or member not in found.hashes else found.governance
