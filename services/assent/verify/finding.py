"""What a verification found wrong."""

import msgspec

from assent_contracts.topics import LEDGER_TOPICS, LedgerName


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the audit table that says something else than the record that it is derived from."""

    column: str
    record: int | str | None
    """What the column must be; of a whole record its SHA-256."""
    table: int | str | None


class FindingError(Exception):
    """The first bad thing: where it stands, and what is wrong with it."""

    def __init__(
        self,
        ledger: LedgerName,
        partition: int,
        seq: int,
        what: str,
        *,
        difference: Difference | None = None,
        todo: str = "",
    ) -> None:
        """`seq` is the one that the record has, or should have by its place. `todo`: what to do about it."""
        self.ledger = LEDGER_TOPICS[ledger]
        super().__init__(f"{self.ledger}, partition {partition}, seq {seq}: {what}")
        self.partition = partition
        self.seq = seq
        self.what = what
        self.difference = difference
        self.todo = todo


class Tally(msgspec.Struct):
    """What was verified, of one partition."""

    records: int = 0
    commands: int = 0
    refusals: int = 0
    signatures: int = 0
    unreadable: int = 0
    """Refusals of bytes that the ledger does not keep: their decision cannot be made again."""
    carried: int = 0
    """Releases of the request ledger that governance has dealt with."""
    given_up: int = 0
    """Of these, the ones whose release was given up with an accepted loss: nobody can confirm them."""
    quarantined: int = 0
    first_quarantined: int | None = None
    """The offset of the first record on the topic that does not count: forged, late or altered."""
    audited: int | None = None
    """Rows of the audit table that were compared; None where there is no table to compare, as with a file."""
    head: str = ""
    """SHA-256 of the last accepted record's value."""
