"""A log as one file, as `audit export` writes it."""

from pathlib import Path

import msgspec

from assent.verify.export_file import ExportLine, Manifest
from assent_contracts.acceptance import Accepted
from assent_contracts.client.keys import seal_headers
from assent_contracts.topics import LedgerName
from tests.support.chains import PARTITION, WRITER, Chains
from tests.support.people import PARTITIONS


def _line(identity: str, ledger: LedgerName, partition: int, accepted: Accepted) -> bytes:
    (_, writer), (_, seal) = seal_headers(
        WRITER, identity, ledger, partition, accepted.record.seq, bytes.fromhex(accepted.value_sha256)
    )
    return msgspec.json.encode(
        ExportLine(
            ledger=ledger,
            partition=partition,
            value=accepted.value.decode(),
            writer=writer.decode(),
            seal=seal.decode(),
        )
    )


def exported(chains: Chains, path: Path, *, partitions: int = PARTITIONS) -> tuple[Path, str]:
    """Both ledgers as a file, with each record sealed, and the log's identity."""
    identity = chains.governance.records[0].value_sha256
    parts: list[tuple[LedgerName, int, list[Accepted]]] = [("governance", 0, chains.governance.records)]
    here = {PARTITION: chains.requests.records}
    parts.extend(("ledger", number, here.get(number, [])) for number in range(partitions))
    counts: tuple[tuple[LedgerName, int, int], ...] = tuple(
        (ledger, partition, len(records)) for ledger, partition, records in parts
    )
    lines = [msgspec.json.encode(Manifest(identity=identity, parts=counts))]
    for ledger, partition, records in parts:
        lines += [_line(identity, ledger, partition, each) for each in records]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path, identity
