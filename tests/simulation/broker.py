"""Kafka as far as it matters here: a topic is a list of records, and a batch is appended whole."""

import msgspec

from assent_contracts.acceptance import Headers


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One record on a topic of one partition."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    at: int
    """When it was appended, by the broker's clock, in ms."""


class Topic:
    """One partition."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return len(self.entries)

    def append(self, batch: list[Entry]) -> int:
        """The offset of the batch's first record."""
        offset = len(self.entries)
        self.entries += batch
        return offset


class Broker:
    """All topics."""

    def __init__(self) -> None:
        self.commands = Topic()
        self.ledger = Topic()
        self.governance_commands = Topic()
        self.governance = Topic()
        self.changes = Topic()
