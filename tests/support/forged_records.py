"""Records that an attacker who can write to a ledger's topic, but is not a writer, might put there."""

import hashlib
from collections.abc import Callable

import msgspec

from assent_contracts.acceptance import Accepted
from assent_contracts.client.keys import SecretKey, seal_headers
from assent_contracts.client.publisher import now_ms
from assent_contracts.codec import encode
from assent_contracts.events import ChangeReleased
from assent_contracts.ledger import DecisionRecord
from assent_contracts.topics import GOVERNANCE
from tests.support.log import Log
from tests.support.raw_records import RawRecord, build_batch, produce_raw, raw_headers

FAR = 10**9
"""A governance seq that does not exist."""


class Place(msgspec.Struct, frozen=True):
    """A ledger partition, what is accepted on it, and the log that it belongs to."""

    log: Log
    topic: str
    partition: int
    accepted: list[Accepted]

    def next_value(self, *, resource: str = "script/forged", **changed: int) -> bytes:
        """A record that chains to the head and releases a change that nobody approved."""
        last = self.accepted[-1]
        released = ChangeReleased(
            request=f"{self.partition}-0",
            resource=resource,
            digest="0" * 64,
            deadline=now_ms() + 10**9,
        )
        fields = {"governance": last.record.governance, "epoch": last.record.epoch + 1, **changed}
        return encode(
            DecisionRecord(
                seq=last.record.seq + 1, prev=last.value_sha256, at=now_ms(), events=(released,), **fields
            )
        )

    def sealed(
        self, value: bytes, key: SecretKey, *, partition: int | None = None, identity: str | None = None
    ) -> RawRecord:
        """A value with its seal by a key."""
        seq = self.accepted[-1].record.seq + 1
        where = self.partition if partition is None else partition
        ledger = "governance" if self.topic == GOVERNANCE else "ledger"
        sha256 = hashlib.sha256(value).digest()
        sealing = seal_headers(key, identity or self.log.identity, ledger, where, seq, sha256)
        return RawRecord(value, None, raw_headers(sealing))

    async def put(self, *records: RawRecord) -> int:
        """Append them unchanged."""
        return await produce_raw(self.log.connection, self.topic, self.partition, build_batch(list(records)))


def _stranger(place: Place) -> SecretKey:
    return SecretKey("writer-2", "decider")


def _impostor(place: Place) -> SecretKey:
    return SecretKey(place.log.writer.id, "decider")


def _cut_seal(place: Place) -> RawRecord:
    good = place.sealed(place.next_value(), place.log.writer)
    (writer, name), (seal, content) = good.headers
    assert content is not None
    return RawRecord(good.value, None, [(writer, name), (seal, content[:-4])])


FORGERIES: dict[str, Callable[[Place], RawRecord]] = {
    "no seal": lambda place: RawRecord(place.next_value()),
    "a release of a change to governance": lambda place: place.sealed(
        place.next_value(resource="governance/settings"), _stranger(place)
    ),
    "the seal of other bytes": lambda place: RawRecord(
        place.next_value(), None, place.sealed(place.next_value(epoch=7), place.log.writer).headers
    ),
    "a seal cut short": _cut_seal,
    "a seal for another partition": lambda place: place.sealed(
        place.next_value(), place.log.writer, partition=place.partition + 1
    ),
    "a seal by the writer for another log": lambda place: place.sealed(
        place.next_value(), place.log.writer, identity="ab" * 32
    ),
    "a seal by a key that is no writer": lambda place: place.sealed(place.next_value(), _stranger(place)),
    "a seal by another key under the writer's name": lambda place: place.sealed(
        place.next_value(), _impostor(place)
    ),
    "a governance seq from the future": lambda place: place.sealed(
        place.next_value(governance=FAR), _stranger(place)
    ),
    "an old record again": lambda place: RawRecord(place.accepted[0].value),
    "the last record again": lambda place: place.sealed(place.accepted[-1].value, place.log.writer),
    "a gap in the numbers": lambda place: place.sealed(
        place.next_value().replace(b'{"seq":', b'{"seq":1'), place.log.writer
    ),
    "junk": lambda place: RawRecord(b"\xff\x00 junk"),
    "nothing": lambda place: RawRecord(None),
    "another record's JSON": lambda place: RawRecord(b'{"seq":[],"prev":{}}'),
    "a million brackets": lambda place: RawRecord(b"[" * 1_000_000),
    "a header without a value": lambda place: RawRecord(
        place.next_value(), None, [(b"assent-writer", None), (b"assent-seal", None)]
    ),
    "headers that are not UTF-8": lambda place: RawRecord(
        place.next_value(), None, [(b"assent-writer", b"\xff"), (b"assent-seal", b"\xfe")]
    ),
    "a header name that is not UTF-8": lambda place: RawRecord(place.next_value(), None, [(b"\xff", b"1")]),
}
"""By what is wrong with it. On the governance topic a seal by the writer itself names no other ledger."""
