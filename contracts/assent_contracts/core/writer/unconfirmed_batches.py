"""What a writer has sent and does not yet know to be accepted: the pure half of appending.

An acknowledged offset that is not the expected one means that something came between. Then what lies
between is read: only junk, and the batch is accepted; another writer's run, and this writer has lost.
"""

from collections import deque

import msgspec

from assent_contracts.acceptance import Head
from assent_contracts.core.writer.batch import Batch


class OffsetsToRead(msgspec.Struct, frozen=True):
    """Offsets that have to be read through the acceptance rule, from the confirmed head on."""

    start: int
    end: int
    """The offset after the last one."""


class UnconfirmedBatches:
    """The batches in flight, in the order in which they were sent. It has one owner."""

    def __init__(self, confirmed: Head) -> None:
        """`confirmed`: the accepted head to append to; its next_offset is the end of the partition."""
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
        """What to read before the oldest batch, which is at `offset`, can be confirmed; None: nothing."""
        start = self.confirmed.next_offset
        return None if offset == start else OffsetsToRead(start, offset + self._sent[0][0])

    def is_accepted(self, read: Head) -> bool:
        """Whether a reader of what lies between has come to the oldest batch's head."""
        return read.value_sha256 == self._sent[0][1].value_sha256

    def confirm(self, offset: int, read: Head | None = None) -> None:
        """The oldest batch, which is at `offset`, is accepted.

        `read`: the head of a reader of what lay between. Another writer may have appended the same records
        before: then they stand where every reader finds them first.
        """
        records, head = self._sent.popleft()
        self.confirmed = read or msgspec.structs.replace(head, next_offset=offset + records)

    @property
    def oldest_seq(self) -> int:
        """The seq at which the oldest batch ends."""
        return self._sent[0][1].seq
