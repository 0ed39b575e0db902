"""Compare the audit table with the ledger that it copies: every column of every row, in both directions."""

from collections.abc import Sequence
from typing import Final

import msgspec

from assent.store.audit_row import COLUMNS, AuditTableRow, row_of
from assent.store.pool import Executor
from assent.verify.finding import ColumnDifference, FindingError
from assent.verify.heads_elsewhere import ledger_places
from assent_contracts.acceptance import Accepted
from assent_contracts.digests import sha256_hex
from assent_contracts.topics import LEDGER_TOPICS, LedgerName

_ROWS: Final = f"""
select {", ".join(COLUMNS[2:])}
from audit
where ledger = $1 and partition = $2 and seq between $3 and $4
order by seq
"""  # noqa: S608  the names of our own columns
_HEAD: Final = "select seq from positions where reader = 'audit' and ledger = $1 and partition = $2"
# In one statement, and so at one moment: the table and its position change together.
_BESIDE: Final = """
(
  select seq, principal, outcome, request from audit
  where ledger = $1 and partition = $2 and seq < 0
  order by seq limit 1
) union all (
  select seq, principal, outcome, request from audit
  where ledger = $1 and partition = $2 and seq > coalesce(
    (select seq from positions where reader = 'audit' and ledger = $1 and partition = $2), -1
  )
  order by seq limit 1
)
"""
_ELSEWHERE: Final = """
select partition, seq, principal, outcome, request from audit
where ledger = $1 and (partition < 0 or partition >= $2)
order by partition, seq limit 1
"""
_CHUNK: Final = 2_000


class AuditTable:
    """R16: the table has each record of the ledger unchanged, as far as it has come, and no other rows."""

    def __init__(self, db: Executor) -> None:
        """`db` can read the audit tables."""
        self._db = db
        self._heads: dict[tuple[LedgerName, int], int] = {}

    async def compare(self, ledger: LedgerName, partition: int, accepted: Sequence[Accepted]) -> int:
        """Compare the rows of these consecutive records; returns how many exist yet.

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

    async def has_nothing_beside(self, partitions: int) -> None:
        """Raises FindingError for a row without a record: beyond the table's position, or in no partition.

        Rows up to the position are compared record by record.
        """
        for ledger, partition in ledger_places(partitions):
            for row in await self._db.fetch(_BESIDE, LEDGER_TOPICS[ledger], partition):
                raise FindingError(ledger, partition, row["seq"], _of_no_record(dict(row)))
        counts: tuple[tuple[LedgerName, int], ...] = (("governance", 1), ("ledger", partitions))
        for ledger, count in counts:
            for row in await self._db.fetch(_ELSEWHERE, LEDGER_TOPICS[ledger], count):
                raise FindingError(ledger, row["partition"], row["seq"], _of_no_record(dict(row)))

    async def _head(self, ledger: LedgerName, partition: int) -> int:
        # Read once: the table may be behind the ledger, and what it does not have yet is not missing.
        place = (ledger, partition)
        if place not in self._heads:
            head = await self._db.fetchval(_HEAD, LEDGER_TOPICS[ledger], partition)
            self._heads[place] = -1 if head is None else head
        return self._heads[place]

    async def _compare(self, ledger: LedgerName, partition: int, accepted: Sequence[Accepted]) -> None:
        first, last = accepted[0].record.seq, accepted[-1].record.seq
        found = await self._db.fetch(_ROWS, LEDGER_TOPICS[ledger], partition, first, last)
        rows = {row["seq"]: AuditTableRow(**{**row, "record": bytes(row["record"])}) for row in found}
        for each in accepted:
            compare_row(ledger, partition, each, rows.get(each.record.seq))


def compare_row(ledger: LedgerName, partition: int, accepted: Accepted, row: AuditTableRow | None) -> None:
    """R16: compare a row with its record. Raises FindingError where they differ."""
    seq = accepted.record.seq
    if row is None:
        raise FindingError(ledger, partition, seq, "the audit table does not have it")
    try:
        must = row_of(accepted)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FindingError(ledger, partition, seq, f"no row can be derived from it: {error}") from error
    if row == must:
        return
    difference = _first_difference(must, row)
    what = (
        f"the audit table has {difference.column} = {_shown(difference.table)},"
        f" the record has {_shown(difference.record)}"
    )
    raise FindingError(ledger, partition, seq, what, difference=difference)


def _first_difference(must: AuditTableRow, row: AuditTableRow) -> ColumnDifference:
    column = next(
        name for name in AuditTableRow.__struct_fields__ if getattr(must, name) != getattr(row, name)
    )
    wanted, there = getattr(must, column), getattr(row, column)
    if isinstance(wanted, bytes):
        wanted, there = sha256_hex(wanted), sha256_hex(there)
    return ColumnDifference(column=column, record=wanted, table=there)


def _of_no_record(row: dict[str, object]) -> str:
    says = " ".join(f"{name} = {_shown(row[name])}" for name in ("principal", "outcome", "request"))
    return f"the audit table has a row that no record has: {says}"


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)
