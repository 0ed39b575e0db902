"""Tables that several commands print."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from assent.cli import output
from assent.cli.formatting import table
from assent.reading.visible_text import visible
from assent_contracts.core.governance.field_changes import FieldChange


def difference_table(lines: Iterable[FieldChange]) -> Table:
    """The fields that would change, with a sign, before and after. Colour is never the only mark."""
    made = table("", "field", "before", "after")
    for line in lines:
        sign, style = ("+", "green") if line.before is None else ("-", "red")
        if line.before is not None and line.after is not None:
            sign, style = "~", "yellow"
        cells = (sign, line.field, line.before or "", line.after or "")
        made.add_row(*(Text(visible(cell), style=style) for cell in cells))
    return made


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print rows under their columns, or `empty` where there is none."""
    made = table(*columns)
    made.columns[0].no_wrap = True
    for row in rows:
        made.add_row(*(Text(visible(cell), overflow="fold") for cell in row))
    if made.row_count:
        output.print_block(made)
    else:
        output.print_line(empty)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values, one to a line."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in facts:
        made.add_row(Text(name, style="dim"), Text(visible(value)))
    output.print_block(made)
