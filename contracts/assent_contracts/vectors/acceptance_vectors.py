"""Which records of a ledger count: named ledgers, each with the records that a reader accepts."""

from collections.abc import Iterator
from typing import Any

from assent_contracts.acceptance import Acceptance, Headers
from assent_contracts.client.keys import verify_signature
from assent_contracts.ledger import decode_governance_events
from assent_contracts.vectors.governance_ledgers import CASES as OF_GOVERNANCE
from assent_contracts.vectors.odd_records import CASES as OF_ODD_RECORDS
from assent_contracts.vectors.request_ledgers import CASES as OF_REQUESTS
from assent_contracts.vectors.spoiled_log import Entries, Spoiled
from assent_contracts.vectors.vector_forms import Entry, written
from assent_contracts.vectors.vector_log import PARTITION
from assent_contracts.writer_registry import WriterRegistry


def vectors() -> dict[str, Any]:
    """The content of `acceptance.json`. The honest governance is in it once."""
    honest = Spoiled()
    shared = honest.governance.entries
    ledgers: list[dict[str, Any]] = []
    for name, (why, spoil) in (OF_REQUESTS | OF_ODD_RECORDS | OF_GOVERNANCE).items():
        made = spoil(Spoiled())
        case: dict[str, Any] = {"name": name, "why": why}
        if list(made.governance[: len(shared)]) == shared:
            case["governance"] = written(made.governance[len(shared) :], len(shared))
        else:
            case |= {"shared": False, "governance": written(made.governance)}
        case["ledger"] = written(made.requests)
        ledgers.append(case | accepted(honest.log.identity, made.governance, made.requests))
    return {
        "section": "acceptance",
        "identity": honest.log.identity,
        "partition": PARTITION,
        "governance": written(shared),
        "ledgers": ledgers,
    }


def accepted(identity: str, governance: Entries, requests: Entries) -> dict[str, Any]:
    """What a reader accepts of both, that has read all of governance first."""
    writers = WriterRegistry()
    rule = Acceptance("governance", 0, identity=identity, writers=writers, verify=verify_signature)
    of_governance: list[int] = []
    for offset, (value, headers) in enumerate(_each(governance)):
        for each in rule.offer(offset, value, headers):
            writers.apply(each.record.seq, decode_governance_events(each.record))
            of_governance.append(each.offset)
    reader = Acceptance("ledger", PARTITION, identity=identity, writers=writers, verify=verify_signature)
    of_requests = [
        each.offset
        for offset, (value, headers) in enumerate(_each(requests))
        for each in reader.offer(offset, value, headers)
    ]
    head = reader.head
    return {
        "accepted_governance": ranges(of_governance),
        "accepted": ranges(of_requests),
        "head": {"seq": head.seq, "sha256": head.value_sha256, "next_offset": head.next_offset},
    }


def _each(entries: Entries) -> Iterator[tuple[bytes | None, Headers]]:
    for entry in entries:
        if isinstance(entry, Entry):
            yield entry.value, entry.headers
        else:
            yield from ((value, ()) for value in entry.values())


def ranges(offsets: list[int]) -> list[list[int]]:
    """Offsets in order, as pairs of the first and the last of those without a gap."""
    found: list[list[int]] = []
    for offset in offsets:
        if found and found[-1][1] == offset - 1:
            found[-1][1] = offset
        else:
            found.append([offset, offset])
    return found
