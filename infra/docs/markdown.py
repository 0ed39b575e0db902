"""Pieces of Markdown that several reference pages use."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a line break in a cell becomes a space, and a bar is escaped."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def code(text: str) -> str:
    """Inline code; empty for nothing."""
    return f"`{text}`" if text else ""


def folded(title: str, body: str) -> str:
    """A section that a reader opens with a click."""
    indented = "\n".join(f"    {line}".rstrip() for line in body.strip().splitlines())
    return f'??? note "{title}"\n\n{indented}\n'


def one_line(text: str | None) -> str:
    """The text on one line."""
    return " ".join((text or "").split())
