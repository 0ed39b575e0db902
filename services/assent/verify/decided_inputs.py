"""Each command is decided once and in order: checks the `input` of a partition's records. Pure."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from assent_contracts.governance_objects import Loss
from assent_contracts.heads import next_input
from assent_contracts.ledger import LedgerRecord
from assent_contracts.topics import LedgerName


class InputGap(msgspec.Struct, frozen=True):
    """Offsets of the command topic between two decided commands that have no decision."""

    seq: int
    """The record after the gap."""
    first: int
    end: int
    """The offset after its last one."""

    def __str__(self) -> str:
        last = self.end - 1
        which = f"{self.first}" if last == self.first else f"{self.first} to {last}"
        return f"there is no decision for input {which}"


class Inputs:
    """The commands of one partition, as named by its records."""

    def __init__(self, ledger: LedgerName, partition: int) -> None:
        self.gaps: list[InputGap] = []
        """Only the markers of a transaction may be there, which the command topic can show."""
        self._ledger: LedgerName = ledger
        self._partition = partition
        self._next = 0
        self._decided = -1

    def take(self, record: LedgerRecord, losses: Sequence[Loss]) -> str | None:
        """Consume the next record. Returns what is wrong with its input, if anything is.

        `losses`: what governance had accepted as lost as of this record. Only a loss lets input start again.
        """
        if record.input is UNSET:
            return None
        expected = self._next
        if losses:
            expected = next_input(
                self._ledger,
                self._partition,
                losses,
                read=self._next,
                decided=self._decided,
                last=record.seq - 1,
            )
        if record.input < expected:
            return f"its input is {record.input}, and commands up to {expected - 1} are decided already"
        if record.input > expected:
            self.gaps.append(InputGap(record.seq, expected, record.input))
        self._next, self._decided = record.input + 1, record.seq
        return None
