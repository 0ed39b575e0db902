"""What a verification found wrong."""

import msgspec

from assent_contracts.topics import LEDGER_TOPICS, LedgerName


class ColumnDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the audit table that differs from the record that it is derived from."""

    column: str
    record: int | str | None
    """What the column must be; for a whole record, its SHA-256."""
    table: int | str | None


class FindingError(Exception):
    """The first fault that was found: where it is, and what is wrong."""

    def __init__(
        self,
        ledger: LedgerName,
        partition: int,
        seq: int,
        what: str,
        *,
        difference: ColumnDifference | None = None,
        todo: str = "",
    ) -> None:
        """`seq`: the one that the record has, or should have by its place. `todo`: what to do about it."""
        self.ledger = LEDGER_TOPICS[ledger]
        super().__init__(f"{self.ledger}, partition {partition}, seq {seq}: {what}")
        self.partition = partition
        self.seq = seq
        self.what = what
        self.difference = difference
        self.todo = todo


class Tally(msgspec.Struct):
    """What was verified of one partition."""

    records: int = 0
    commands: int = 0
    refusals: int = 0
    signatures: int = 0
    unreadable: int = 0
    """Refusals of bytes that the ledger does not keep, so that their decision cannot be repeated."""
    carried: int = 0
    """Releases of the request ledger that governance has handled."""
    given_up: int = 0
    """Of these, the ones whose release was given up with an accepted loss and cannot be confirmed."""
    quarantined: int = 0
    first_quarantined: int | None = None
    """The offset of the first record on the topic that does not count: forged, late or altered."""
    audited: int | None = None
    """Compared rows of the audit table; None without a table, as for a file."""
    head: str = ""
    """The SHA-256 of the last accepted record's value."""
