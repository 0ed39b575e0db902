"""A rule of the matrix of request commands: which cells it applies to, and the answer there."""

from collections.abc import Callable
from typing import NamedTuple

from tests.unit.authorization.request_cells import Cell


class Rule(NamedTuple):
    """A rule's id, its text, the cells it applies to (of those without an earlier rule), and the answer."""

    id: str
    sentence: str
    applies: Callable[[Cell], bool]
    answer: str | Callable[[Cell], str]


def on(*commands: str) -> Callable[[Callable[[Cell], bool]], Callable[[Cell], bool]]:
    """Narrows a condition to the cells of these commands."""

    def narrowed(applies: Callable[[Cell], bool]) -> Callable[[Cell], bool]:
        return lambda cell: cell.command in commands and applies(cell)

    return narrowed
