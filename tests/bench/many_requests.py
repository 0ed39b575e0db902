"""A table of many requests, as a large organisation's lists would read it, written straight into Postgres."""

import random
from collections.abc import Iterator
from typing import Any, Final

import asyncpg
import msgspec

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.client.publisher import now_ms
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from tests.bench.child import Told

SPREAD_MS: Final = 29 * 24 * 60 * 60 * 1_000
"""R14: all of them are still listed."""
ALICE: Final = "alice.miller"
"""The person of the demo's account alice."""
_PEOPLE: Final = 10_000
_OF_ALICE: Final = 0.01
_BATCH: Final = 50_000
_JSONB: Final = b"\x01"
"""The version comes before the text."""
_KINDS: Final = (("script", "endpoint-admins", 0.89), ("app", "security", 0.01), ("report", "auditors", 0.1))
"""(type, group, share): erin receives one in a hundred."""
_ENDS: Final = (
    ("completed", 0.9), ("rejected", 0.04), ("canceled", 0.03), ("needs_approval", 0.02), ("approved", 0.01),
)  # fmt: skip
_COLUMNS: Final = (
    "partition", "seq", "resource", "operation", "requester", "person", "justification", "submission",
    "digest", "terms", "status", "approvals", "rejections", "proposals", "submitted_at", "changed_at",
    "last_seq",
)  # fmt: skip


async def fill(dsn: str, rows: int, told: Told) -> int:
    """COPY this many requests into the table; returns when the newest changed (ms)."""
    newest = now_ms()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=_JSONB.__add__, decoder=bytes, format="binary"
        )
        for start in range(0, rows, _BATCH):
            records = _rows(start, min(rows, start + _BATCH), rows, newest)
            await connection.copy_records_to_table("requests", records=records, columns=_COLUMNS)
            told(start + _BATCH, rows)
        await connection.execute("vacuum analyze requests")
    finally:
        await connection.close()
    return newest


def _rows(start: int, stop: int, of: int, newest: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(start)
    shares = [share for _, _, share in _KINDS]
    terms = {kind: encode([_terms(kind, group)]) for kind, group, _ in _KINDS}
    digest = sha256_hex(b"x")
    for seq in range(start, stop):
        kind = chance.choices(_KINDS, shares)[0][0]
        number = chance.randrange(_PEOPLE)
        of_alice = chance.random() < _OF_ALICE
        requester, person = ("alice", ALICE) if of_alice else (f"person-{number}", f"person-{number}")
        status = chance.choices([each for each, _ in _ENDS], [share for _, share in _ENDS])[0]
        changed = newest - SPREAD_MS + SPREAD_MS * seq // of
        yield (
            0, seq, f"{kind}/object-{seq}", "edit", requester, person, "It is needed for the release.",
            sha256_hex(b"%d" % seq), digest, terms[kind], status, b"[]", b"[]", b"[]",
            changed - 60_000, changed, seq,
        )  # fmt: skip


def _terms(kind: str, group: str) -> PolicyTerms:
    return msgspec.convert(
        {"policy": f"{kind}s", "since": 0, "rules": [{"quorum": 1, "groups": [group]}]}, PolicyTerms
    )
