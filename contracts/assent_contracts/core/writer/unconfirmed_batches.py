"""The batches that a writer has sent and that are not confirmed as accepted yet: the pure half of appending.

If an acknowledged offset is not the expected one, other records are in between, and these are read. If they
are all junk, the batch is accepted. If they have another writer's run, this writer has lost.
"""

from collections import deque

import msgspec

from assent_contracts.acceptance import Head
from assent_contracts.core.writer.batch import Batch


class OffsetsToRead(msgspec.Struct, frozen=True):
    """Offsets that must be read with the acceptance rule, from the confirmed head on."""

    start: int
    end: int
    """The offset after the last one."""


class UnconfirmedBatches:
    """The batches in flight, in the order in which they were sent. It has one owner."""

    def __init__(self, confirmed: Head) -> None:
        """`confirmed`: the accepted head to append to. Its next_offset is the end of the partition."""
        self.confirmed = confirmed
        """The head up to which everything is acknowledged and accepted."""
        self._sent: deque[tuple[int, Head]] = deque()

    def __len__(self) -> int:
        """How many batches are in flight."""
        return len(self._sent)

    def sent(self, batch: Batch) -> None:
        """Note a batch that follows everything sent before."""
        self._sent.append((len(batch.links), batch.head))

    def acknowledged(self, offset: int) -> OffsetsToRead | None:
        """What to read before the oldest batch, which is at `offset`, can be confirmed; None for nothing."""
        start = self.confirmed.next_offset
        return None if offset == start else OffsetsToRead(start, offset + self._sent[0][0])

    def is_accepted(self, read: Head) -> bool:
        """Whether a reader of the records in between has arrived at the oldest batch's head."""
        return read.value_sha256 == self._sent[0][1].value_sha256

    def confirm(self, offset: int, read: Head | None = None) -> None:
        """Note that the oldest batch, which is at `offset`, is accepted.

        `read`: the head of a reader of the records in between. Another writer may have appended the same
        records earlier. Then the first copy is the one that every reader accepts.
        """
        records, head = self._sent.popleft()
        self.confirmed = read or msgspec.structs.replace(head, next_offset=offset + records)

    @property
    def oldest_seq(self) -> int:
        """The seq at which the oldest batch ends."""
        return self._sent[0][1].seq
