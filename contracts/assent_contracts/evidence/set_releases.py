"""R29: the released sets for which the request ledger has evidence, so that their members can be applied."""

from typing import Final

import msgspec

UNCONFIRMED: Final = "the request ledger has no release of the set {} with this change in it"


class _ReleasedSet(msgspec.Struct):
    governance: int
    """The governance seq that the record of the release names."""
    waiting: set[bytes]
    """What the set's payload lists, each with `hash_of_member`, but for released members that have ended."""


class SetReleases:
    """The sets of all partitions, until all their members have ended. Each partition adds what it reads."""

    def __init__(self) -> None:
        self._released: dict[str, _ReleasedSet] = {}
        self._ended_before: dict[str, set[bytes]] = {}
        """Members that ended before the release of their set was read, which is in another partition."""

    def released(self, request: str, governance: int, hashes: frozenset[bytes]) -> None:
        """Add a released set that signed commands have led to."""
        waiting = set(hashes - self._ended_before.pop(request, set()))
        if waiting:
            self._released[request] = _ReleasedSet(governance, waiting)

    def member_ended(self, request: str, member: bytes) -> None:
        """A released member of this set has ended. The set allows each change once."""
        found = self._released.get(request)
        if found is None:
            self._ended_before.setdefault(request, set()).add(member)
            return
        found.waiting.discard(member)
        if not found.waiting:
            del self._released[request]

    def governance_of(self, request: str, member: bytes) -> int | None:
        """The governance seq of the release of the set that lists this member; None if there is none."""
        found = self._released.get(request)
        return None if found is None or member not in found.waiting else found.governance
