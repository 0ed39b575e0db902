"""Compare what is verified with what other sources know of where the ledgers ended. Pure.

A chain proves order, but not that nothing is missing at its end. For that, a source must have seen its end.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

import msgspec

from assent.verify.finding import FindingError
from assent_contracts.acceptance import Accepted
from assent_contracts.heads import NOTHING, Found, KnownHead, Place, compare
from assent_contracts.topics import LedgerName


def ledger_places(partitions: int) -> list[Place]:
    """Every place of a log with this many request partitions."""
    requests: list[Place] = [("ledger", number) for number in range(partitions)]
    governance: Place = ("governance", 0)
    return [governance, *requests]


class HeadElsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """A head, and the source that knows it: `the audit table`, `the file of --expect`."""

    source: str
    head: KnownHead


class HeadsElsewhere:
    """The heads known from sources other than the ledger that is verified."""

    def __init__(self, known: Sequence[HeadElsewhere] = ()) -> None:
        self._known: dict[Place, list[HeadElsewhere]] = defaultdict(list)
        self._there: dict[tuple[LedgerName, int, int], str] = {}
        """(ledger, partition, seq) -> the SHA-256 of the record there."""
        self._read: dict[Place, _Read] = {}
        self.add(known)

    def add(self, known: Sequence[HeadElsewhere]) -> None:
        """Add these heads; check those of partitions that have been read already. Raises FindingError."""
        for each in known:
            place = (each.head.ledger, each.head.partition)
            if each.head.seq >= 0:
                self._known[place].append(each)
                self._there.setdefault((*place, each.head.seq), NOTHING)
                if place in self._read:
                    self._hold(each, self._read[place])

    def sources(self) -> dict[Place, list[str]]:
        """The sources that know something of each partition."""
        return {place: [each.source for each in known] for place, known in self._known.items()}

    def take(self, ledger: LedgerName, partition: int, accepted: Sequence[Accepted]) -> None:
        """Look at records of the chain, in their order."""
        # All records of governance are noted: its writers' own heads count only once it has been read.
        every = ledger == "governance"
        if every or (ledger, partition) in self._known:
            for each in accepted:
                place = (ledger, partition, each.record.seq)
                if every or place in self._there:
                    self._there[place] = each.value_sha256

    def must_be_in(self, places: Collection[Place]) -> None:
        """Raises FindingError for a head in a partition that is not among the verified ones."""
        for (ledger, partition), known in self._known.items():
            if (ledger, partition) not in places:
                head = known[0].head
                what = f"{known[0].source} knows seq {head.seq} of this partition, and it is not there at all"
                raise FindingError(ledger, partition, head.seq, what)

    def hold(
        self, ledger: LedgerName, partition: int, *, last_seq: int, offsets: tuple[int, int] | None = None
    ) -> None:
        """End a partition that was read. Raises FindingError if it has less than is known, or other records.

        `offsets`: where it begins and ends on Kafka; None for a file.
        """
        read = self._read[ledger, partition] = _Read(last_seq, offsets)
        for each in self._known.get((ledger, partition), ()):
            self._hold(each, read)

    def _hold(self, known: HeadElsewhere, read: "_Read") -> None:
        head = known.head
        sha256 = self._there[head.ledger, head.partition, head.seq]
        todo = ""
        if read.offsets is not None:
            beginning, end = read.offsets
            found = compare(head, Found(beginning=beginning, end=end, sha256=sha256))
            todo = "" if found is None else found.todo
            is_other, why = found is not None, "" if found is None else f". {found.why.rstrip('.')}"
        else:
            is_other, why = sha256 != head.sha256, ""
        if not is_other:
            return
        if sha256 == NOTHING:
            what = f"{known.source} knows it, and seq {read.last_seq} is the last that is there"
        else:
            what = f"{known.source} knows another record here, of SHA-256 {head.sha256}"
        raise FindingError(head.ledger, head.partition, head.seq, what + why, todo=todo)


class _Read(msgspec.Struct, frozen=True):
    """A partition that was read to its end."""

    last_seq: int
    offsets: tuple[int, int] | None
