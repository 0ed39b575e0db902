"""Projectors: rows and their position in one table, several crashing instances, and restored copies."""

from copy import copy

import msgspec

from assent.status.row_fold import RequestRow, take_record
from assent_contracts.acceptance import Accepted, Head, first_head
from assent_contracts.ledger import decode_events
from tests.simulation.broker import Broker
from tests.simulation.known_heads import Outside
from tests.simulation.ledger_readers import Following, LedgerReading
from tests.simulation.organisation import Founded


class Table(msgspec.Struct):
    """What a projector has in Postgres: it changes atomically or not at all."""

    head: Head
    rows: dict[int, RequestRow]

    def copied(self) -> "Table":
        """As it is in a backup."""
        return Table(self.head, {seq: copy(row) for seq, row in self.rows.items()})


class Projector:
    """One instance over a table that others may write too."""

    def __init__(self, log: Founded, broker: Broker, table: Table, outside: Outside) -> None:
        self._log = log
        self._outside = outside
        self._following = Following(log, broker)
        self._broker = broker
        self.table = table
        self._reading: LedgerReading | None = None
        self._taken: list[Accepted] = []

    def crash(self) -> None:
        """Everything that is only in memory is lost."""
        self._reading = None

    def restart(self) -> None:
        """It reads governance again, too."""
        self.crash()
        self._following = Following(self._log, self._broker)

    def work(self, records: int, *, commits: bool) -> None:
        """Read on, and write the accepted records in one transaction, unless it fails or another won."""
        if self._reading is None:
            self._durable = self.table.head
            self._taken = []
            self._reading = LedgerReading(
                self._following, self._broker, self._taken.append, self._durable, self._outside
            )
        reading = self._reading
        if not reading.read(records):
            return
        if not commits or self.table.head != self._durable:
            self.crash()
            return
        rows = self.table.copied().rows
        for accepted in self._taken:
            take_record(rows, accepted.record, decode_events(accepted.record))
        self._taken.clear()
        self.table.rows, self.table.head = rows, reading.acceptance.head
        self._durable = reading.acceptance.head


def empty_table(log: Founded) -> Table:
    """Before the first record."""
    return Table(first_head("ledger", log.identity), {})
