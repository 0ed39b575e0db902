"""A fresh small log to spoil, with ways to write what its rules would never decide."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from assent_contracts.client.keys import SecretKey, seal_headers
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeReleased, WritersChanged
from assent_contracts.governance_messages import LossAccepted, WriterAdded, WriterRetired
from assent_contracts.governance_objects import LedgerEnd, Loss, Writer
from assent_contracts.ledger import DecisionRecord, decode_record
from assent_contracts.vectors.vector_forms import Entry, Filler
from assent_contracts.vectors.vector_log import AT, PARTITION, WRITER, VectorLog, named_governance_seq

Entries = Sequence[Entry | Filler]
SECOND: Final = SecretKey("writer-2", "decider", bytes(range(128, 160)))
STRANGER: Final = SecretKey("writer-1", "decider", bytes(range(160, 192)))
"""Another key under the id of the writer's."""
ERA: Final = "loss-1"


class Ledgers(msgspec.Struct, frozen=True):
    """What is on both topics of a log."""

    governance: Entries
    requests: Entries


Spoil = Callable[["Spoiled"], Ledgers]
Cases = dict[str, tuple[str, Spoil]]
"""By name: what the case is about, and what makes its ledgers."""


class Spoiled:
    """A log with one released change, before it is spoiled."""

    def __init__(self) -> None:
        """The honest log."""
        self.log = VectorLog()
        self.log.released()
        self.requests = self.log.requests
        self.governance = self.log.governance
        self.seen: Final = len(self.log.history) - 1
        """The last governance seq of the honest log, which its records of requests name."""

    @property
    def values(self) -> list[bytes]:
        """The honest records of requests."""
        return [each.value for each in self.requests.accepted]

    @property
    def honest(self) -> list[Entry]:
        """The same as they are there, each sealed."""
        return list(self.requests.entries)

    def ledgers(self, *requests: Entry | Filler) -> Ledgers:
        """The honest requests with these behind them, and governance as it is now."""
        return self.only(*self.honest, *requests)

    def only(self, *requests: Entry | Filler) -> Ledgers:
        """These records of requests alone."""
        return Ledgers(self.governance.entries, requests)

    def next(self, after: bytes | None = None, **fields: Any) -> bytes:
        """A record that follows another one of the requests: a release without approval."""
        before = after or self.values[-1]
        last = decode_record(before)
        released = ChangeReleased(
            request=f"{PARTITION}-0", resource="app/forged", digest="0" * 64, deadline=AT + 10**9
        )
        usual: dict[str, Any] = {
            "seq": last.seq + 1,
            "prev": sha256_hex(before),
            "epoch": 1,
            "at": last.at,
            "governance": named_governance_seq(last),
            "events": (released,),
        }
        return encode(DecisionRecord(**(usual | fields)))

    def sealed(self, value: bytes, key: SecretKey = WRITER, *, era: str = "") -> Entry:
        """A record of requests with its seal."""
        return self.requests.seal(value, key, era=era)

    def sealed_as(self, value: bytes, seq: int) -> Entry:
        """Any bytes with the seal that a record of this seq would have."""
        digest = bytes.fromhex(sha256_hex(value))
        return Entry(value, seal_headers(WRITER, self.log.identity, "ledger", PARTITION, seq, digest))

    def govern(self, *events: Any, key: SecretKey | None = WRITER) -> None:
        """Append a record with these events to governance. `key` seals it, if any does."""
        value = self.governance.chain.link(None, events, at=AT).value
        self.governance.entries.append(Entry(value) if key is None else self.governance.seal(value, key))

    def changed_writers(self) -> bytes:
        """The next record of requests, which ends what a retired writer could add."""
        since = self.governance.chain.seq
        return self.next(governance=since, events=(WritersChanged(since=since),))

    def loss(self, era: str, seq: int) -> LossAccepted:
        """A loss that gives up what comes after record `seq` of the requests."""
        kept, chain = self.requests.accepted[seq], self.governance.chain
        governance = LedgerEnd(
            ledger="governance",
            partition=0,
            seq=chain.seq,
            sha256=chain.value_sha256,
            next_offset=chain.seq + 1,
            topic_end=chain.seq + 1,
            next_input=0,
        )
        requests = LedgerEnd(
            ledger="ledger",
            partition=PARTITION,
            seq=seq,
            sha256=kept.value_sha256,
            next_offset=seq + 1,
            topic_end=len(self.values),
            next_input=seq + 1,
        )
        return LossAccepted(loss=Loss(era=era, ends=(governance, requests)))


def added(key: SecretKey) -> WriterAdded:
    """The event that lists a writer."""
    return WriterAdded(writer=Writer(id=key.id, public_key=key.public))


def retired(key: SecretKey) -> WriterRetired:
    """The event that retires it."""
    return WriterRetired(writer=key.id)
