"""Receivers of `audit verify`: sealed records, rows of the audit table, exported files, files of heads."""

from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import msgspec

from assent.store.audit_row import row_of
from assent.verify.audit_table import compare_row
from assent.verify.expected_heads import (
    Expected,
    ExpectedHead,
    ExpectError,
    SealedHead,
    expected_known_heads,
    read_expected,
)
from assent.verify.export_verification import verify_file
from assent.verify.finding import FindingError
from assent.verify.governance_verifier import GovernanceVerifier
from assent_contracts.acceptance import Accepted
from assent_contracts.client.keys import verify_signature
from assent_contracts.digests import sha256_hex
from assent_contracts.ledger import decode_record
from assent_contracts.topics import LedgerName
from tests.fuzz.alphabet import golden
from tests.fuzz.receiver import Receiver, chances
from tests.support.chains import PARTITION, Chains, requests_verifier
from tests.support.export_file import exported

_LOG: Final = Chains()
_LOG.carry(_LOG.released())
_LOG.end_carried()
_FOLDER: Final = Path(mkdtemp())
_NOT_RECORDS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading a record's value may raise: verify receives only readable ones."""


def _accepted(value: bytes) -> Accepted:
    record = decode_record(value)
    return Accepted(0, record, value, sha256_hex(value))


def _row(value: bytes) -> object:
    accepted = _accepted(value)
    other = chances(value).choice(_LOG.requests.records)
    compare_row("ledger", PARTITION, accepted, row_of(other))
    return accepted.value_sha256


def _request(value: bytes) -> object:
    verifier = requests_verifier(_LOG.identity, _LOG.history)
    verifier.take(_before(value, _LOG.requests.records))
    verifier.take([_accepted(value)])
    return msgspec.structs.asdict(verifier.tally)


def _governance(value: bytes) -> object:
    verifier = GovernanceVerifier(_LOG.identity, verify_signature)
    verifier.take(_before(value, _LOG.governance.records))
    verifier.take([_accepted(value)])
    return msgspec.structs.asdict(verifier.tally)


def _before(value: bytes, records: list[Accepted]) -> list[Accepted]:
    """The records that this one names as its predecessors."""
    seq = decode_record(value).seq
    return records[:seq] if 0 <= seq < len(records) else records[:1]


def _file(data: bytes) -> object:
    path = _FOLDER / "export"
    path.write_bytes(data)
    found = verify_file(path, _LOG.identity, lambda _done, _all: None)
    return found.checked, found.not_checked


def _heads(data: bytes) -> object:
    path = _FOLDER / "heads"
    path.write_bytes(data)
    return expected_known_heads(read_expected(path, _LOG.identity))


def _heads_seed() -> bytes:
    last = _LOG.requests.records[-1]
    ledger: LedgerName = "ledger"
    head = ExpectedHead(ledger=ledger, partition=PARTITION, seq=last.record.seq, sha256=last.value_sha256)
    sealed = SealedHead(value=golden("signed")[0].decode(), writer="writer-1", seal="A" * 86)
    return msgspec.json.encode(Expected(identity=_LOG.identity, heads=(head,), signed=(sealed,)))


def _values(records: list[Accepted]) -> tuple[bytes, ...]:
    return tuple(each.value for each in records)


RECEIVERS: Final = (
    Receiver("audit row", _row, _values(_LOG.requests.records), (FindingError, *_NOT_RECORDS)),
    Receiver(
        "request verified again", _request, _values(_LOG.requests.records), (FindingError, *_NOT_RECORDS)
    ),
    Receiver(
        "governance verified again",
        _governance,
        _values(_LOG.governance.records),
        (FindingError, *_NOT_RECORDS),
    ),
    Receiver("whole export", _file, (exported(_LOG, _FOLDER / "seed")[0].read_bytes(),), (FindingError,)),
    Receiver("file of heads", _heads, (_heads_seed(),), (ExpectError,)),
)
