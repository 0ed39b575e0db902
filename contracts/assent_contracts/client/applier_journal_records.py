"""The records of an applier's journal, as MessagePack. Those that were written stay readable."""

from typing import Final, Literal

import msgspec

from assent_contracts.heads import HeadInEra

_NOTHING: Final = ""


class Position(msgspec.Struct, frozen=True):
    """Where to continue in a partition of `assent.changes`."""

    offset: int = 0
    sha256: str = _NOTHING
    """SHA-256 (hex) of the previous record's value; empty if it is not known."""


class Begun(msgspec.Struct, frozen=True, tag="change"):
    """A change is in progress. `change` is its encoding."""

    request: str
    change: bytes


class Part(msgspec.Struct, frozen=True, tag="part"):
    """A claim or report was made; without a value, it does not count any more."""

    request: str
    part: Literal["claim", "report"]
    value: bytes | None


class Dropped(msgspec.Struct, frozen=True, tag="done"):
    """A change is done."""

    request: str


class Heads(msgspec.Struct, frozen=True, tag="heads"):
    """How far the ledger was read and acted on."""

    heads: dict[int, HeadInEra]


class PositionKept(msgspec.Struct, frozen=True, tag="position"):
    """Every change before this position is in progress or done."""

    partition: int
    position: Position


JournalRecord = Begun | Part | Dropped | Heads | PositionKept
encode_journal_record: Final = msgspec.msgpack.Encoder().encode
decode_journal_record: Final = msgspec.msgpack.Decoder(JournalRecord).decode
