"""Where a batch of records ends. A batch is appended as a whole, and its last record is sealed."""

from typing import Final

import msgspec

from assent_contracts import limits
from assent_contracts.acceptance import Head
from assent_contracts.core.writer.chain import Link

BATCH_MAX_RECORDS: Final = 2_000
RECORD_OVERHEAD_BYTES: Final = 512
"""More than Kafka's framing of one record and the headers of its seal need."""
_LARGEST_BYTES: Final = limits.RECORD_MAX_BYTES + limits.KEY_MAX_BYTES + RECORD_OVERHEAD_BYTES
BATCH_MAX_BYTES: Final = limits.PRODUCE_MAX_BYTES - _LARGEST_BYTES - RECORD_OVERHEAD_BYTES
"""A batch up to this size has room for one more record of any size."""


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Records to be appended together. The last one is sealed."""

    links: list[Link]
    head: Head
    """The head of a reader once the batch is accepted, except for its `next_offset`."""
    at: int
    """Log time of the last record, ms."""
    next_input: int = 0
    """The offset of the first command that is not yet decided then."""
    input_sha256: str | None = None
    """SHA-256 (hex) of the command before that one; None if it is not known."""


def has_room(records: int, size: int) -> bool:
    """Whether a batch of that many records and bytes has room for one more of any size."""
    return records < BATCH_MAX_RECORDS and size <= BATCH_MAX_BYTES


def link_size(link: Link) -> int:
    """The most bytes that a link takes in a batch."""
    return len(link.value) + len(link.key or b"") + RECORD_OVERHEAD_BYTES
