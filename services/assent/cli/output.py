"""What commands print, for people or (with --json) for scripts, and how they exit."""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

DECIDED, FAILED, REFUSED, NOT_DECIDED = 0, 1, 2, 3
"""Exit codes: a decision, a failure before one, a refusal, no decision in time."""
NOT_VERIFIED = 2
"""Exit code of a verification that found something wrong; one that could not be made is FAILED."""
INTERRUPTED, PIPE_CLOSED = 130, 141

_WIDE = 10_000
_consoles: dict[bool, "Console"] = {}


def prepare() -> None:
    """Print the number of a character that the terminal cannot encode, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def console(*, stderr: bool = False) -> "Console":
    """Where to print for people. Files and pipes get no wrapped lines, unless COLUMNS is set."""
    if stderr not in _consoles:
        from rich.console import Console

        stream = sys.stderr if stderr else sys.stdout
        width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDE

        class OurConsole(Console):
            def on_broken_pipe(self) -> None:
                raise BrokenPipeError

        _consoles[stderr] = OurConsole(stderr=stderr, highlight=False, width=width, emoji=False)
    return _consoles[stderr]


@contextmanager
def printing_above_live_table() -> Iterator[None]:
    """On a terminal, print through the console that redraws the table; files are printed to as ever."""
    if sys.stdout.isatty():
        _consoles[False] = console(stderr=True)
    try:
        yield
    finally:
        _consoles.pop(False, None)


def print_block(what: "RenderableType") -> None:
    """Print a table or a text that brings its own style, fitted to the width."""
    console().print(what, markup=False)


def print_line(line: str = "", style: str | None = None) -> None:
    """Print a line for people, without cutting or wrapping it."""
    console().print(_visible(line), style=style, markup=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Print one JSON document on standard output."""
    import msgspec

    _write(_escaped(msgspec.json.format(msgspec.json.encode(value), indent=2)) + b"\n")


def print_json_line(value: object) -> None:
    """Print one line of JSON on standard output, for streams."""
    import msgspec

    _write(_escaped(msgspec.json.encode(value)) + b"\n")


def _escaped(document: bytes) -> bytes:
    """The same JSON, with each character that a terminal would obey or not draw escaped."""
    if document.isascii():
        return document
    from assent.reading.visible_text import hidden_places

    text = document.decode()
    made: list[str] = []
    done = 0
    for at in hidden_places(text, also="\n"):
        made += (text[done:at], json.dumps(text[at])[1:-1])
        done = at + 1
    return "".join((*made, text[done:])).encode()


def _visible(line: str, *, also: str = "") -> str:
    # Imported here: `--help` does not need it.
    from assent.reading.visible_text import visible

    return visible(line, also=also)


def write_bytes(content: bytes) -> None:
    """Write bytes to standard output, unchanged."""
    _write(content)


def _write(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def print_progress(line: str) -> None:
    """Print progress for people, on standard error, so that scripts do not read it."""
    console(stderr=True).print(_visible(line), style="dim", markup=False, soft_wrap=True)


def print_problem(line: str, style: str = "red") -> None:
    """Print what is wrong for people, on standard error."""
    console(stderr=True).print(_visible(line, also="\n"), style=style, markup=False, soft_wrap=True)


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Print what is wrong and what to do, and exit."""
    print_problem(message)
    sys.exit(code)
