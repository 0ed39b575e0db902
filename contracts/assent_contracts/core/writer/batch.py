"""Where a batch of records ends: each is appended whole, and its last record is sealed."""

from typing import Final

import msgspec

from assent_contracts import limits
from assent_contracts.acceptance import Head
from assent_contracts.core.writer.chain import Link

BATCH_MAX_RECORDS: Final = 2_000
RECORD_OVERHEAD_BYTES: Final = 512
"""More than Kafka's own framing of one record, and the headers of its seal."""
_LARGEST_BYTES: Final = limits.RECORD_MAX_BYTES + limits.KEY_MAX_BYTES + RECORD_OVERHEAD_BYTES
BATCH_MAX_BYTES: Final = limits.PRODUCE_MAX_BYTES - _LARGEST_BYTES - RECORD_OVERHEAD_BYTES
"""A batch that is no larger has room for one more record of any size."""


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Records to be appended together. The seal goes on the last one."""

    links: list[Link]
    head: Head
    """The head that a reader has once the batch is accepted, but for its `next_offset`."""
    at: int
    """Log time of the last record, ms."""
    next_input: int = 0
    """The offset of the first command that is not decided by then."""
    input_sha256: str | None = None
    """Of the command before that one, hex; None where it is not known."""


def has_room(records: int, size: int) -> bool:
    """Whether a batch of that many records and bytes has room for one more of any size."""
    return records < BATCH_MAX_RECORDS and size <= BATCH_MAX_BYTES


def link_size(link: Link) -> int:
    """The bytes that a link takes in a batch, at most."""
    return len(link.value) + len(link.key or b"") + RECORD_OVERHEAD_BYTES
