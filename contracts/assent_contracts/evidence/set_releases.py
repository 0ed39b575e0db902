"""R29: the released sets for which the request ledger has evidence, so that their members can be applied."""

from typing import Final

import msgspec

UNCONFIRMED: Final = "the request ledger has no release of the set {} with this change in it"
APPLIED_BEFORE: Final = "request {} has the release of this change, which the set {} lists once"


class _Members(msgspec.Struct):
    """What is known of the members of one set."""

    governance: int | None = None
    """The governance seq that the record of the set's release names; None until that was read."""
    hashes: frozenset[bytes] = frozenset()
    """What the released set's payload lists, each with `hash_of_member`."""
    requests: dict[bytes, str] = msgspec.field(default_factory=dict[bytes, str])
    """The first request that released what the set lists, by its hash."""
    ended: set[bytes] = msgspec.field(default_factory=set[bytes])
    """The listed members that were released and have ended."""


class SetReleases:
    """The sets of all partitions, until all their members have ended. Each partition adds what it reads.

    A set lists each change once, so it allows one release of it. Otherwise its requester could submit a
    member again while another one is open, and have a change made again that was approved once (R1).
    """

    def __init__(self) -> None:
        self._sets: dict[str, _Members] = {}

    def released(self, request: str, governance: int, hashes: frozenset[bytes]) -> None:
        """Add a released set that signed commands have led to."""
        found = self._set(request)
        found.governance, found.hashes = governance, hashes
        self._forget_if_over(request, found)

    def member_released(self, part_of: str, member: bytes, request: str) -> None:
        """A member of this set was released, as signed commands have led to. Members in their log order."""
        self._set(part_of).requests.setdefault(member, request)

    def member_ended(self, part_of: str, member: bytes, request: str) -> None:
        """A released member of this set has ended."""
        found = self._sets.get(part_of)
        if found is not None and found.requests.get(member) == request:
            found.ended.add(member)
            self._forget_if_over(part_of, found)

    def lacking(self, part_of: str, member: bytes, request: str) -> int | str:
        """The governance seq of the release of the set that allows this one, or why there is none."""
        found = self._sets.get(part_of)
        if found is None or found.governance is None or member not in found.hashes:
            return UNCONFIRMED.format(part_of)
        first = found.requests.get(member, request)
        return found.governance if first == request else APPLIED_BEFORE.format(first, part_of)

    def _set(self, request: str) -> _Members:
        return self._sets.setdefault(request, _Members())

    def _forget_if_over(self, request: str, found: _Members) -> None:
        if found.governance is not None and found.ended >= found.hashes:
            del self._sets[request]
