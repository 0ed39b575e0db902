"""Receivers of records on a ledger's topic or on `assent.changes`, and of Kafka's batches."""

import hashlib
import random
import re
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError

from assent.status.row_fold import MissingRowError
from assent.status.row_fold import take_record as take_row
from assent.store.audit_row import columns_of
from assent.verify.export_file import ExportLine, Manifest
from assent.verify.export_verification import verify_file
from assent.verify.finding import FindingError
from assent_contracts.acceptance import Acceptance, Accepted, Head, Headers
from assent_contracts.client.keys import seal_headers, verify_signature
from assent_contracts.client.open_requests import OpenRequests, submitted_payload
from assent_contracts.client.record_batches import read_batches
from assent_contracts.core.requests.evolve import ImpossibleEventError
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.ledger import (
    IncoherentRecordError,
    decode_events,
    decode_governance_events,
    decode_record,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.released_change import decode_change
from assent_contracts.topics import LedgerName
from assent_contracts.writer_registry import WriterRegistry
from tests.fuzz.alphabet import golden
from tests.fuzz.receiver import Receiver, chances
from tests.support.chains import PARTITION, WRITER, Chains
from tests.support.people import PARTITIONS
from tests.support.raw_records import CODECS, RawRecord, build_batch

_LOG: Final = Chains()
_LOG.released()
_FILE: Final = Path(mkdtemp()) / "export"
_SEQ: Final = re.compile(rb'"seq":([0-9]{1,9})[,}]')
_NOT_RECORDS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading one part of a sealed record may raise."""


def _registry() -> WriterRegistry:
    writers = WriterRegistry()
    for seq, events in enumerate(_LOG.history):
        writers.apply(seq, events)
    return writers


_WRITERS: Final = _registry()


def _evidence() -> GovernanceEvidence:
    evidence = GovernanceEvidence(_LOG.identity, verify_signature)
    for accepted, events in zip(_LOG.governance.records, _LOG.history, strict=True):
        evidence.take(accepted.record, events)
    return evidence


_EVIDENCE: Final = _evidence()


def _offer(ledger: LedgerName, value: bytes) -> object:
    rng = chances(value)
    records = _LOG.governance.records if ledger == "governance" else _LOG.requests.records
    partition = 0 if ledger == "governance" else PARTITION
    head = None if rng.random() < 0.1 else _head_before(value, records, rng)
    acceptance = Acceptance(
        ledger, partition, identity=_LOG.identity, writers=_WRITERS, verify=verify_signature, head=head
    )
    accepted = list(acceptance.offer(5, value, _seal(ledger, partition, value, rng)))
    for each in accepted:
        _read_on(ledger, each)
    return [each.value_sha256 for each in accepted], acceptance.quarantined


def _head_before(value: bytes, records: list[Accepted], rng: random.Random) -> Head | None:
    """The head that this value names as its predecessor, in most cases."""
    said = _SEQ.search(value)
    seq = int(said[1]) - 1 if said is not None and rng.random() < 0.9 else rng.randrange(len(records))
    if not 0 <= seq < len(records):
        return None
    before = records[seq]
    named = before.record.governance
    return Head(seq, before.value_sha256, named if isinstance(named, int) else -1, 5)


def _seal(ledger: LedgerName, partition: int, value: bytes, rng: random.Random) -> Headers:
    if rng.random() < 0.2:
        names = ("assent-writer", "assent-seal", "x")
        contents = (None, b"", b"\xff", b"writer-1", b"A" * 86, b"A" * 85 + b"\n", b"!" * 86)
        return [(rng.choice(names), rng.choice(contents)) for _ in range(rng.randrange(4))]
    try:
        seq = decode_record(value).seq
    except _NOT_RECORDS:
        seq = 0
    if not 0 <= seq < 1 << 64:
        seq = 0
    sealing = seal_headers(WRITER, _LOG.identity, ledger, partition, seq, hashlib.sha256(value).digest())
    return [(name, content) for name, content in sealing]


def _read_on(ledger: LedgerName, accepted: Accepted) -> None:
    """What readers do with a sealed record: each part may be unreadable, with a named error."""
    record = accepted.record
    for part in (decode_refusal, decode_recorded_command):
        try:
            part(record)
        except _NOT_RECORDS:
            return
    try:
        columns_of(accepted)
        if ledger == "governance":
            decode_governance_events(record)
            return
        events = decode_events(record)
        OpenRequests(PARTITION, _EVIDENCE).take(accepted)
        take_row({}, record, events)
        submitted_payload(accepted.value)
    except (*_NOT_RECORDS, IncoherentRecordError, ImpossibleEventError, MissingRowError, KeyError):
        return


def _change(value: bytes) -> object:
    change = decode_change(value)
    requests = OpenRequests(PARTITION, _EVIDENCE)
    for accepted in _LOG.requests.records:
        requests.take(accepted)
    found = requests.find(change.request)
    return change, found is not None and found.is_release(change)


def _batch(data: bytes) -> object:
    place = TopicPartition("assent.commands", 0)
    return [(batch.records, batch.next_offset) for batch in read_batches(place, data)]


def _file(data: bytes) -> object:
    _FILE.write_bytes(data)
    return {
        part: msgspec.structs.asdict(tally)
        for part, tally in verify_file(_FILE, _LOG.identity, lambda _done, _all: None).partitions.items()
    }


def _values(records: list[Accepted]) -> tuple[bytes, ...]:
    return tuple(each.value for each in records)


def _export_seeds() -> tuple[bytes, ...]:
    governance = _LOG.governance.records
    empty: list[tuple[LedgerName, int, int]] = [("ledger", number, 0) for number in range(PARTITIONS)]
    parts: tuple[tuple[LedgerName, int, int], ...] = (("governance", 0, len(governance)), *empty)
    manifest = Manifest(identity=_LOG.identity, parts=parts)
    lines = [msgspec.json.encode(manifest)]
    for each in governance:
        name, seal = seal_headers(
            WRITER, _LOG.identity, "governance", 0, each.record.seq, bytes.fromhex(each.value_sha256)
        )
        lines.append(
            msgspec.json.encode(
                ExportLine(
                    ledger="governance",
                    partition=0,
                    value=each.value.decode(),
                    writer=name[1].decode(),
                    seal=seal[1].decode(),
                )
            )
        )
    whole = b"\n".join(lines) + b"\n"
    one = msgspec.json.encode(Manifest(identity=_LOG.identity, parts=(("governance", 0, 1),)))
    return whole, *(b"\n".join((one, line)) + b"\n" for line in lines[1:4])


def _batch_seeds() -> tuple[bytes, ...]:
    records = [
        RawRecord(b"{}", b"script/x", [(b"assent-key", b"k"), (b"\xff", None)]),
        RawRecord(None, None, []),
    ]
    return tuple(build_batch(records, codec) for codec in (None, *CODECS))


RECEIVERS: Final = (
    Receiver(
        "request ledger",
        lambda value: _offer("ledger", value),
        (*_values(_LOG.requests.records), *golden("records")),
        weight=3,
    ),
    Receiver(
        "governance ledger",
        lambda value: _offer("governance", value),
        (*_values(_LOG.governance.records), *golden("records")),
        weight=3,
    ),
    Receiver("change", _change, golden("changes"), _NOT_RECORDS),
    Receiver("batch", _batch, _batch_seeds(), (CorruptRecordException, UnsupportedCodecError), weight=2),
    Receiver("export file", _file, _export_seeds(), (FindingError,)),
)
