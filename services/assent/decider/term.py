"""Where a writer starts from."""

import msgspec

from assent_contracts.acceptance import Head


class Term(msgspec.Struct, kw_only=True):
    """One writer's term over one partition, as it begins."""

    head: Head
    """The accepted head; its next_offset is the end of the ledger partition."""
    epoch: int
    next_input: int
    """The offset of the first command that is not decided yet."""
