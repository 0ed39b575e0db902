"""Kafka as far as it matters here: a topic is a list of records, and a batch is appended as a whole."""

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

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker
        self.entries: list[Entry] = []

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return len(self.entries)

    def append(self, batch: list[Entry]) -> int:
        """The offset of the batch's first record. The broker dates each by its own clock."""
        offset, skew_ms = len(self.entries), self._broker.skew_ms
        if skew_ms:
            batch = [msgspec.structs.replace(each, at=each.at + skew_ms) for each in batch]
        self.entries += batch
        return offset


Copy = list[tuple[Topic, list[Entry]]]
"""Data of some topics."""


class Broker:
    """All topics, and the one clock that dates what is appended."""

    def __init__(self) -> None:
        self.skew_ms = 0
        self.restores = 0
        """How often its data was replaced with another copy."""
        self.commands = Topic(self)
        self.ledger = Topic(self)
        self.governance_commands = Topic(self)
        self.governance = Topic(self)
        self.changes = Topic(self)

    @property
    def topics(self) -> tuple[Topic, ...]:
        """All of them."""
        return (self.commands, self.ledger, self.governance_commands, self.governance, self.changes)

    def copied(self) -> Copy:
        """A copy of its current data."""
        return [(topic, topic.entries.copy()) for topic in self.topics]

    def restore(self, copy: Copy) -> None:
        """Some topics' data is replaced."""
        self.restores += 1
        for topic, entries in copy:
            topic.entries = entries.copy()
