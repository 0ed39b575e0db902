"""A ledger partition in memory, and writers that run the algorithm of the decider on it.

Nothing waits and nothing is parallel: a test decides which batch is appended when, twice or never. A batch
here is like a produce batch of Kafka: appended as a whole, and in order as long as its producer lives.
"""

import hashlib
from collections import deque
from typing import Final

import msgspec

from assent_contracts import governance_objects, seal
from assent_contracts.acceptance import Acceptance, Accepted, Head, Headers, first_head
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.eras import FIRST_ERA
from assent_contracts.events import CommandRepeated
from assent_contracts.governance_messages import GovernanceEvent, LogFounded, WriterAdded
from assent_contracts.ledger import DecisionRecord
from assent_contracts.writer_registry import WriterRegistry

IDENTITY: Final = "1d" * 32
START: Final = first_head("ledger", IDENTITY)
PARTITION: Final = 2
GOVERNANCE_HEAD: Final = 9
WRITERS: Final = {"writer-0": 0, "writer-1": 0, "writer-2": 5}
"""Key id to the governance seq from which it is listed."""

Entry = tuple[bytes | None, Headers]


def public_key(key_id: str) -> bytes:
    """A stand-in for an Ed25519 key, 32 bytes."""
    return hashlib.sha256(key_id.encode()).digest()


def sign(key_id: str, message: bytes) -> bytes:
    """A stand-in for a signature: it states who signed what, and takes a fraction of the time."""
    return hashlib.sha512(public_key(key_id) + message).digest()


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `sign` made this."""
    return hashlib.sha512(key + message).digest() == signature


def registry() -> WriterRegistry:
    """The writers as governance lists them."""
    writers = WriterRegistry()
    for seq in range(GOVERNANCE_HEAD + 1):
        listed = {
            key_id: to_base64url(public_key(key_id)) for key_id, since in WRITERS.items() if since == seq
        }
        writers.apply(seq, _founded(listed) if seq == 0 else _added(listed))
    return writers


def _founded(listed: dict[str, str]) -> tuple[GovernanceEvent, ...]:
    founding = governance_objects.Founding(
        founder=to_base64url(bytes(32)),
        recovery=to_base64url(public_key("recovery")),
        writers=listed,
        partitions=4,
    )
    return (LogFounded(founding=founding),)


def _added(listed: dict[str, str]) -> tuple[GovernanceEvent, ...]:
    return tuple(
        WriterAdded(writer=governance_objects.Writer(id=each, public_key=key)) for each, key in listed.items()
    )


REGISTRY: Final = registry()


def reader(head: Head | None = None) -> Acceptance:
    """A reader of the simulated partition, from a checkpoint or from its start."""
    return Acceptance("ledger", PARTITION, identity=IDENTITY, writers=REGISTRY, verify=verify, head=head)


def sealed(
    key_id: str, seq: int, value: bytes, *, signer: str | None = None, era: str = FIRST_ERA
) -> Headers:
    """The two headers of a seal, in the name of `key_id`; `signer` is the key that made it, if another."""
    message = seal.seal_message_of(IDENTITY, "ledger", PARTITION, seq, value, era)
    signature = to_base64url(sign(signer or key_id, message))
    return [(seal.WRITER_HEADER, key_id.encode()), (seal.SEAL_HEADER, signature.encode())]


def record(head: Head, *, epoch: int, input_offset: int, governance: int) -> bytes:
    """The record after `head`, for one command. What it decides does not matter here."""
    return encode(
        DecisionRecord(
            seq=head.seq + 1,
            prev=head.value_sha256,
            epoch=epoch,
            input=input_offset,
            at=0,
            governance=governance,
            events=(CommandRepeated(decided=0),),
        )
    )


class Log:
    """The partition: entries at offsets."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, batch: list[Entry]) -> int:
        """Append a batch as a whole; returns the offset of its first record."""
        self.entries += batch
        return len(self.entries) - len(batch)

    def read(self, acceptance: Acceptance, start: int, end: int | None = None) -> list[Accepted]:
        """What a reader accepts of the offsets from `start` to before `end`."""
        accepted: list[Accepted] = []
        for offset in range(start, len(self.entries) if end is None else end):
            accepted += acceptance.offer(offset, *self.entries[offset])
        return accepted


class Writer:
    """The decider's writer: reads to the end, sends batches ahead, and gives up when another writer won."""

    def __init__(self, key_id: str, log: Log) -> None:
        self.key_id = key_id
        self.in_flight: deque[list[Entry]] = deque()
        """Sent, not acknowledged, in order."""
        self.terms = 0
        self._log = log
        self._accepted: Acceptance | None = None
        self._planned = START
        self._next_input = 0
        self._expected = 0

    def start(self) -> None:
        """Read the ledger through the acceptance rule: the head, and the next command."""
        self._accepted = reader()
        records = self._log.read(self._accepted, 0)
        self._planned = self._accepted.head
        self._next_input = _next_input(records)
        self._expected = len(self._log.entries)
        self.terms += 1

    def send(self, size: int, governance: int) -> None:
        """Decide the next `size` commands and send them as one batch, the last record sealed."""
        if self._accepted is None:
            self.start()
        batch: list[Entry] = []
        for left in range(size - 1, -1, -1):
            governance = max(governance, self._planned.governance, WRITERS[self.key_id])
            value = record(
                self._planned, epoch=self.terms, input_offset=self._next_input, governance=governance
            )
            self._planned = Head(self._planned.seq + 1, sha256_hex(value), governance)
            self._next_input += 1
            batch.append((value, () if left else sealed(self.key_id, self._planned.seq, value)))
        self.in_flight.append(batch)

    def acknowledged(self, offset: int) -> None:
        """The oldest batch in flight was appended at `offset`. An accepted run before it means: lost."""
        assert self._accepted is not None
        batch = self.in_flight[0]
        if self._log.read(self._accepted, self._expected, offset):
            self.stop()
            return
        self.in_flight.popleft()
        self._expected = offset + len(batch)
        mine = self._log.read(self._accepted, offset, self._expected)
        assert [each.value for each in mine] == [value for value, _ in batch], "not accepted, and not noticed"

    def stop(self) -> list[list[Entry]]:
        """Crash, send error, timeout or loss: drop everything. What was in flight may still be appended."""
        self._accepted = None
        on_the_way, self.in_flight = list(self.in_flight), deque()
        return on_the_way


def _next_input(records: list[Accepted]) -> int:
    inputs = [each.record.input for each in records if each.record.input is not msgspec.UNSET]
    return inputs[-1] + 1 if inputs else 0
