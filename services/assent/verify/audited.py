"""Compare the audit table with the ledger that it is a copy of."""

from collections.abc import Sequence
from typing import Final

from assent.store.pool import Executor
from assent.verify.finding import FindingError
from assent_contracts.acceptance import Accepted
from assent_contracts.topics import LEDGER_TOPICS, LedgerName

_ROWS: Final = """
select seq, value_sha256, record
from audit
where ledger = $1 and partition = $2 and seq between $3 and $4
order by seq
"""
_HEAD: Final = "select seq from positions where reader = 'audit' and ledger = $1 and partition = $2"
_CHUNK: Final = 2_000


class AuditTable:
    """R16: every record of the ledger is in the table, byte for byte, as far as the table has come."""

    def __init__(self, db: Executor) -> None:
        """`db` reads the audit tables."""
        self._db = db
        self._heads: dict[tuple[LedgerName, int], int] = {}

    async def compare(self, ledger: LedgerName, partition: int, accepted: Sequence[Accepted]) -> int:
        """Compare the rows of these records, which follow one another; returns how many there are yet.

        Raises FindingError.
        """
        rows = 0
        head = await self._head(ledger, partition)
        for start in range(0, len(accepted), _CHUNK):
            chunk = [each for each in accepted[start : start + _CHUNK] if each.record.seq <= head]
            if chunk:
                await self._compare(ledger, partition, chunk)
            rows += len(chunk)
        return rows

    async def _head(self, ledger: LedgerName, partition: int) -> int:
        # Once: the table may be behind the ledger, and what it has not taken in yet is not missing.
        place = (ledger, partition)
        if place not in self._heads:
            head = await self._db.fetchval(_HEAD, LEDGER_TOPICS[ledger], partition)
            self._heads[place] = -1 if head is None else head
        return self._heads[place]

    async def _compare(self, ledger: LedgerName, partition: int, accepted: Sequence[Accepted]) -> None:
        first, last = accepted[0].record.seq, accepted[-1].record.seq
        found = await self._db.fetch(_ROWS, LEDGER_TOPICS[ledger], partition, first, last)
        rows = {row["seq"]: row for row in found}
        for each in accepted:
            row = rows.get(each.record.seq)
            if row is None:
                raise FindingError(ledger, partition, each.record.seq, "the audit table does not have it")
            if bytes(row["record"]) != each.value or row["value_sha256"] != each.value_sha256:
                raise FindingError(
                    ledger, partition, each.record.seq, "the audit table has something else in its place"
                )
