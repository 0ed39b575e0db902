"""The newest heads that writers have signed, out of all that is found; what is false is dropped at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.findings import contradiction_finding
from assent_contracts.heads import Finding, KeptHead, Place, SignedHead, decode_head, verify_head

SignedAndKept = tuple[SignedHead, KeptHead]
"""A head, and the same as it was signed."""
Slot = tuple[Place, str, str]
"""Place, era and writer: what a stolen key has signed hides nothing of another's."""
_Moment = tuple[Place, str, int]
_NONE: Final = -1


class Contradiction(msgspec.Struct, frozen=True):
    """Two signed heads that cannot both be. It counts as long as both writers do."""

    one: SignedAndKept
    other: SignedAndKept
    finding: Finding


class NewestHeads:
    """The newest good head of each slot, and one contradiction for each two slots of a place."""

    def __init__(self) -> None:
        self._newest: dict[Place, dict[Slot, SignedAndKept]] = {}
        self._contradictions: dict[tuple[Slot, Slot], Contradiction] = {}
        self.false = 0
        """How many were tried that name a writer who has not signed them."""

    def heads(self) -> list[SignedAndKept]:
        """The newest of each slot."""
        return [each for of_place in self._newest.values() for each in of_place.values()]

    def contradictions(self) -> list[Contradiction]:
        """What cannot be."""
        return list(self._contradictions.values())

    def add(self, head: SignedHead, kept: KeptHead) -> None:
        """Take in a good head."""
        slot = _slot(head, kept)
        of_place = self._newest.setdefault(slot[0], {})
        for other in of_place.values():
            finding = contradiction_finding(other[0], head)
            if finding is not None:
                self._contradict(Contradiction(other, (head, kept), finding))
        if slot not in of_place or head.seq > of_place[slot][0].seq:
            of_place[slot] = (head, kept)

    def merge(self, other: "NewestHeads") -> None:
        """Take in all that another has found."""
        self.false += other.false
        for each in other.heads():
            self.add(*each)
        for found in other.contradictions():
            self._contradict(found)

    def sift(self, identity: str, found: Iterable[KeptHead], trusted: Mapping[str, bytes]) -> None:
        """Take in what counts of these. `trusted`: the keys whose heads do, by id.

        From the newest down: what is older than a good head of its slot costs no verification, unless
        somebody says otherwise of the same seq. However many are false, all that may count are tried.
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
        # In the order in which they were signed: so each meets what contradicts it.
        for each in reversed(good):
            self.add(*each)

    def _disputed(self, claims: Iterable[SignedAndKept]) -> set[_Moment]:
        """Where two different records are said to stand."""
        said: dict[_Moment, set[str]] = defaultdict(set)
        for head, _ in (*claims, *self.heads()):
            said[_moment(head)].add(head.sha256)
        return {moment for moment, hashes in said.items() if len(hashes) > 1}

    def _contradict(self, found: Contradiction) -> None:
        one, other = sorted((_slot(*found.one), _slot(*found.other)))
        self._contradictions.setdefault((one, other), found)


def trusted_keys(writers: Mapping[str, bytes], own: SecretKey | None = None) -> dict[str, bytes]:
    """The keys whose heads count: those that governance lists now, and a decider's own.

    What a decider has signed itself counts for it where governance was put back to before its key was listed.
    """
    return dict(writers) if own is None else {**writers, own.id: own.public_key}


def false_heads(identity: str, found: Iterable[KeptHead], writers: Mapping[str, bytes]) -> list[KeptHead]:
    """Those that name one of these writers, who has not signed them."""
    return [
        each
        for each in found
        if verify_head(identity, each.value.encode(), each.headers, writers, verify_signature) == "bad"
    ]


def _slot(head: SignedHead, kept: KeptHead) -> Slot:
    return ((head.ledger, head.partition), head.era, kept.writer)


def _moment(head: SignedHead) -> _Moment:
    return ((head.ledger, head.partition), head.era, head.seq)
