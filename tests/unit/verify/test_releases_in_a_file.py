"""`audit verify FILE` has both ledgers, and so looks there too whether each release was one (R18)."""

from pathlib import Path

import msgspec
import pytest

from assent.verify.export import ExportedRecord, Manifest
from assent.verify.file import verify_file
from assent.verify.finding import FindingError
from assent_contracts.acceptance import Accepted
from assent_contracts.client.keys import seal_headers
from assent_contracts.topics import GOVERNANCE, LedgerName
from tests.support.chains import PARTITION, WRITER, Chains
from tests.support.people import PARTITIONS


@pytest.fixture
def chains() -> Chains:
    return Chains()


def _line(identity: str, ledger: LedgerName, partition: int, accepted: Accepted) -> bytes:
    (_, writer), (_, seal) = seal_headers(
        WRITER, identity, ledger, partition, accepted.record.seq, bytes.fromhex(accepted.value_sha256)
    )
    return msgspec.json.encode(
        ExportedRecord(
            ledger=ledger,
            partition=partition,
            value=accepted.value.decode(),
            writer=writer.decode(),
            seal=seal.decode(),
        )
    )


def exported(chains: Chains, path: Path) -> tuple[Path, str]:
    """Both ledgers as a file, each record sealed; and the log's identity."""
    identity = chains.governance.records[0].value_sha256
    parts: list[tuple[LedgerName, int, list[Accepted]]] = [("governance", 0, chains.governance.records)]
    parts += [
        ("ledger", number, chains.requests.records if number == PARTITION else [])
        for number in range(PARTITIONS)
    ]
    counts: tuple[tuple[LedgerName, int, int], ...] = tuple(
        (ledger, partition, len(records)) for ledger, partition, records in parts
    )
    lines = [msgspec.json.encode(Manifest(identity=identity, parts=counts))]
    for ledger, partition, records in parts:
        lines += [_line(identity, ledger, partition, each) for each in records]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path, identity


def _quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def test_file_with_a_release_that_was_carried_out_is_proved(chains: Chains, tmp_path: Path) -> None:
    chains.carry(chains.released())
    chains.end_carried()
    tallies = verify_file(*exported(chains, tmp_path / "ledger.jsonl"), _quiet)
    assert tallies["governance"].carried == 1


def test_file_in_which_a_release_is_missing_is_named(chains: Chains, tmp_path: Path) -> None:
    seq = chains.carry(chains.submitted())
    with pytest.raises(FindingError) as found:
        verify_file(*exported(chains, tmp_path / "ledger.jsonl"), _quiet)
    assert (found.value.ledger, found.value.seq) == (GOVERNANCE, seq)
