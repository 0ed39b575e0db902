"""The newest heads that writers have signed, out of all that are found. False ones are dropped."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.findings import contradiction_finding
from assent_contracts.heads import Finding, KeptHead, Place, SignedHead, decode_head, verify_head

SignedAndKept = tuple[SignedHead, KeptHead]
"""A head, decoded and as it was signed."""
Slot = tuple[Place, str, str]
"""Place, era and writer. So the heads of a stolen key do not hide those of another key."""
_Moment = tuple[Place, str, int]
_NONE: Final = -1


class Contradiction(msgspec.Struct, frozen=True):
    """Two signed heads that cannot both be true. It counts as long as both writers do."""

    one: SignedAndKept
    other: SignedAndKept
    finding: Finding


class NewestHeads:
    """The newest good head of each slot, and one contradiction for each pair of slots of a place."""

    def __init__(self) -> None:
        self._newest: dict[Place, dict[Slot, SignedAndKept]] = {}
        self._contradictions: dict[tuple[Slot, Slot], Contradiction] = {}
        self.false = 0
        """How many heads were verified that name a writer but are not signed by it."""

    def heads(self) -> list[SignedAndKept]:
        """The newest head of each slot."""
        return [each for of_place in self._newest.values() for each in of_place.values()]

    def contradictions(self) -> list[Contradiction]:
        """The contradictions that were found."""
        return list(self._contradictions.values())

    def add(self, head: SignedHead, kept: KeptHead) -> None:
        """Add a good head."""
        slot = _slot(head, kept)
        of_place = self._newest.setdefault(slot[0], {})
        for other in of_place.values():
            finding = contradiction_finding(other[0], head)
            if finding is not None:
                self._contradict(Contradiction(other, (head, kept), finding))
        if slot not in of_place or head.seq > of_place[slot][0].seq:
            of_place[slot] = (head, kept)

    def merge(self, other: "NewestHeads") -> None:
        """Add everything that another has found."""
        self.false += other.false
        for each in other.heads():
            self.add(*each)
        for found in other.contradictions():
            self._contradict(found)

    def sift(self, identity: str, found: Iterable[KeptHead], trusted: Mapping[str, bytes]) -> None:
        """Add those of these heads that count. `trusted`: the keys whose heads count, by id.

        It goes from the newest to the oldest. A head that is older than a good head of its slot is not
        verified, unless another head contradicts it at the same seq. All heads that may count are verified,
        however many are false.
        """
        claims = [
            (head, kept)
            for kept in found
            if kept.writer in trusted and (head := decode_head(kept.value.encode())) is not None
        ]
        disputed = self._disputed(claims)
        newest = {_slot(*each): each[0].seq for each in self.heads()}
        good: list[SignedAndKept] = []
        for head, kept in sorted(claims, key=lambda each: -each[0].seq):
            slot = _slot(head, kept)
            if head.seq <= newest.get(slot, _NONE) and _moment(head) not in disputed:
                continue
            if verify_head(identity, kept.value.encode(), kept.headers, trusted, verify_signature) == "good":
                newest[slot] = max(head.seq, newest.get(slot, _NONE))
                good.append((head, kept))
            else:
                self.false += 1
        # In the order in which they were signed, so that each is compared with what contradicts it.
        for each in reversed(good):
            self.add(*each)

    def _disputed(self, claims: Iterable[SignedAndKept]) -> set[_Moment]:
        """The moments for which these heads name two different records."""
        said: dict[_Moment, set[str]] = defaultdict(set)
        for head, _ in (*claims, *self.heads()):
            said[_moment(head)].add(head.sha256)
        return {moment for moment, hashes in said.items() if len(hashes) > 1}

    def _contradict(self, found: Contradiction) -> None:
        one, other = sorted((_slot(*found.one), _slot(*found.other)))
        self._contradictions.setdefault((one, other), found)


def trusted_keys(writers: Mapping[str, bytes], own: SecretKey | None = None) -> dict[str, bytes]:
    """The keys whose heads count: those that governance lists now, and a decider's own.

    A decider's own heads count for it even if governance was restored to a state before its key was listed.
    """
    return dict(writers) if own is None else {**writers, own.id: own.public_key}


def false_heads(identity: str, found: Iterable[KeptHead], writers: Mapping[str, bytes]) -> list[KeptHead]:
    """The heads that name one of these writers but are not signed by it."""
    return [
        each
        for each in found
        if verify_head(identity, each.value.encode(), each.headers, writers, verify_signature) == "bad"
    ]


def _slot(head: SignedHead, kept: KeptHead) -> Slot:
    return ((head.ledger, head.partition), head.era, kept.writer)


def _moment(head: SignedHead) -> _Moment:
    return ((head.ledger, head.partition), head.era, head.seq)
