"""Both ledgers as one file: a manifest, then a line of JSON for each accepted record, with its seal if any.

The file contains only what is proved: the value and the seal. It does not contain the broker's offsets, keys
and times.

The governance ledger is read first. Each partition of the request ledger is then read as far as it refers to
that. Everything that governance refers to is then in the file too, because it was in the request ledger
before.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec
from aiokafka import ConsumerRecord, TopicPartition
from msgspec import Meta

from assent.verify.expected_heads import ExpectedHead
from assent.verify.finding import FindingError
from assent.verify.heads_elsewhere import HeadsElsewhere, ledger_places
from assent.verify.partition_reading import ledger_contents
from assent_contracts import seal
from assent_contracts.acceptance import Acceptance, Accepted, Headers
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.ledger_reader import acceptance_of
from assent_contracts.ledger import decode_governance_events
from assent_contracts.topics import LEDGER_TOPICS, LedgerName
from assent_contracts.writer_registry import WriterRegistry

Progress = Callable[[int, int], None]
_Count = Annotated[int, Meta(ge=0, lt=1 << 53)]


class ExportLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of an exported file. `value` is the record's exact text."""

    ledger: LedgerName
    partition: int
    value: str
    writer: str | None = None
    seal: str | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line: how many records of which ledger partition follow, in this order."""

    assent_export: Literal[1] = 1
    identity: str
    parts: tuple[tuple[LedgerName, _Count, _Count], ...]
    """(ledger, partition, records)"""


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was written."""

    records: int
    heads: tuple[ExpectedHead, ...]
    """The last record of each partition that has one."""


async def export_ledgers(
    connection: Connection,
    identity: str,
    follower: GovernanceFollower,
    partitions: int,
    path: Path,
    progress: Progress,
    known: HeadsElsewhere | None = None,
) -> Exported:
    """Write `path`, which must not exist. Nothing is left there when an error is raised.

    `known`: where the ledgers were known to end before. Raises FindingError when they have less than that or
    do not begin at their beginning; also FileExistsError, KafkaError.
    """
    known = HeadsElsewhere() if known is None else known
    with path.open("xb") as file:
        try:
            with tempfile.TemporaryFile(dir=path.parent) as body:
                parts = await _export_parts(connection, identity, follower, partitions, body, progress, known)
                counts = tuple((*part.place, part.records) for part in parts)
                file.write(msgspec.json.encode(Manifest(identity=identity, parts=counts)) + b"\n")
                body.seek(0)
                shutil.copyfileobj(body, file)
        except BaseException:
            _remove(path)
            raise
    return Exported(
        records=sum(part.records for part in parts),
        heads=tuple(part.head for part in parts if part.head is not None),
    )


def _remove(path: Path) -> None:
    path.unlink()


async def _export_parts(
    connection: Connection,
    identity: str,
    follower: GovernanceFollower,
    partitions: int,
    body: BinaryIO,
    progress: Progress,
    known: HeadsElsewhere,
) -> "list[ExportPart]":
    known.must_be_in(ledger_places(partitions))
    governance = GovernancePart(identity, body)
    await _export(connection, governance, progress, known)
    if not governance.records:
        raise FindingError("governance", 0, 0, "it is not the record that the identity names")
    parts: list[ExportPart] = [governance]
    for partition in range(partitions):
        part = RequestsPart(partition, follower, body, last_governance=governance.records - 1)
        await _export(connection, part, progress, known)
        parts.append(part)
    return parts


async def _export(
    connection: Connection, part: "ExportPart", progress: Progress, known: HeadsElsewhere
) -> None:
    place = TopicPartition(LEDGER_TOPICS[part.acceptance.ledger], part.acceptance.partition)
    async with ledger_contents(connection, place, part.acceptance) as contents:
        async for records in contents:
            await part.learn(records)
            for record in records:
                known.take(*part.place, part.take(record))
            progress(contents.read_to, contents.end)
            if part.ended:
                break
    known.hold(*part.place, last_seq=part.records - 1, offsets=(contents.beginning, contents.end))


class ExportPart:
    """The lines of one ledger partition, as far as they have been written."""

    def __init__(self, acceptance: Acceptance, file: BinaryIO) -> None:
        self.acceptance = acceptance
        self.records = 0
        self.head: ExpectedHead | None = None
        """The last record that was written."""
        self.ended = False
        """Whether the rest does not go into the file."""
        self._file = file
        # A run is accepted as a whole, at its seal. Until then only its headers have to be kept.
        self._pending: dict[int, Headers] = {}

    @property
    def place(self) -> tuple[LedgerName, int]:
        """(ledger, partition)"""
        return self.acceptance.ledger, self.acceptance.partition

    async def learn(self, records: Sequence[ConsumerRecord]) -> None:
        """Find out what must be known before these records are taken. Raises KafkaError."""

    def accepted(self, run: Sequence[Accepted]) -> None:
        """Look at the next accepted run."""

    def take(self, record: ConsumerRecord) -> Sequence[Accepted]:
        """Write the run that this record ends, if it ends one; returns what was written."""
        if record.headers:
            self._pending[record.offset] = record.headers
        run = self.acceptance.offer(record.offset, record.value, record.headers)
        if not run:
            return ()
        self.accepted(run)
        if self.ended:
            return ()
        for accepted in run:
            self._write(accepted)
        self.records += len(run)
        ledger, partition = self.place
        last = run[-1]
        self.head = ExpectedHead(
            ledger=ledger, partition=partition, seq=last.record.seq, sha256=last.value_sha256
        )
        self._pending.clear()
        return run

    def _write(self, accepted: Accepted) -> None:
        headers = dict(self._pending.get(accepted.offset, ()))
        writer, signature = headers.get(seal.WRITER_HEADER), headers.get(seal.SEAL_HEADER)
        line = ExportLine(
            ledger=self.acceptance.ledger,
            partition=self.acceptance.partition,
            value=accepted.value.decode(),
            writer=None if writer is None else writer.decode(),
            seal=None if signature is None else signature.decode(),
        )
        self._file.write(msgspec.json.encode(line) + b"\n")


class GovernancePart(ExportPart):
    """The governance ledger, whose own records list its writers."""

    def __init__(self, identity: str, file: BinaryIO) -> None:
        self._writers = WriterRegistry()
        super().__init__(
            Acceptance("governance", 0, identity=identity, writers=self._writers, verify=verify_signature),
            file,
        )

    def accepted(self, run: Sequence[Accepted]) -> None:
        """Note the writers that the run lists."""
        for accepted in run:
            self._writers.apply(accepted.record.seq, decode_governance_events(accepted.record))


class RequestsPart(ExportPart):
    """A partition of the request ledger, up to the first run that refers to something not in the file."""

    def __init__(
        self, partition: int, follower: GovernanceFollower, file: BinaryIO, *, last_governance: int
    ) -> None:
        super().__init__(acceptance_of(partition, follower), file)
        self._follower = follower
        self._last_governance = last_governance

    async def learn(self, records: Sequence[ConsumerRecord]) -> None:
        """Follow governance as far as sealed records name it."""
        await self._follower.know(record.value for record in records if record.headers)

    def accepted(self, run: Sequence[Accepted]) -> None:
        """End before what was decided under governance that the file does not contain."""
        named = run[-1].record.governance
        self.ended = self.ended or (isinstance(named, int) and named > self._last_governance)
