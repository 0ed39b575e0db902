"""The order of a request's records in both ledgers. Pure."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from assent_contracts.topics import LEDGER


class _Record(Protocol):
    @property
    def ledger(self) -> str: ...
    @property
    def at(self) -> int: ...
    @property
    def principal(self) -> str | None: ...
    @property
    def seq(self) -> int: ...
    @property
    def outcome(self) -> str: ...


_R = TypeVar("_R", bound=_Record)


def in_causal_order(rows: Sequence[_R]) -> list[_R]:
    """The request ledger's records by seq, with governance's placed after the release that it carried out.

    Log time belongs to one partition. That of governance may be a little behind, so it does not show which
    came first. Governance carries out only what was released, and the writer records the result afterwards.
    """
    ordered = sorted((row for row in rows if row.ledger == LEDGER), key=lambda row: row.seq)
    for row in sorted((row for row in rows if row.ledger != LEDGER), key=lambda row: row.seq):
        place = next(
            (index + 1 for index, each in enumerate(ordered) if "change-released" in each.outcome),
            len(ordered),
        )
        while place < len(ordered) and ordered[place].principal is not None and ordered[place].at <= row.at:
            place += 1
        ordered.insert(place, row)
    return ordered
