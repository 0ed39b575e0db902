"""Syntax highlighting of payloads. The time for any text is bounded, even a hostile one."""

import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from markupsafe import Markup
from pygments import format as formatted
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

COLOURED: Final = frozenset(
    {"bat", "javascript", "json", "powershell", "python", "sh", "sql", "toml", "xml", "yaml"}
)
"""Lexers that are safe for hostile texts: unlike in `registry`'s, no single pattern takes long."""
COLOURED_MAX_CHARS: Final = 20_000
LINE_MAX_CHARS: Final = 2_000
_WITHIN_S: Final = 0.25
"""Processor time for one text: many short matches can add up to a long time."""


class _TooSlowError(Exception):
    """The text takes its lexer too long."""


def is_coloured(language: str) -> bool:
    """Whether texts of this language get colours at all."""
    return language in COLOURED


@lru_cache(maxsize=64)
def coloured(text: str, language: str) -> tuple[Markup, ...] | None:
    """The lines of the text as HTML; None if it is too long or takes too much time. Cached for live pages."""
    if not text:
        return (Markup(),)
    if len(text) > COLOURED_MAX_CHARS or any(len(line) > LINE_MAX_CHARS for line in text.split("\n")):
        return None
    tokens = get_lexer_by_name(language, stripnl=False, ensurenl=False).get_tokens(text)
    try:
        html = formatted(_in_time(tokens), HtmlFormatter(nowrap=True, classprefix="tok-"))
    except _TooSlowError:
        return None
    lines = html.split("\n")
    if lines[-1] == "" and not text.endswith("\n"):
        lines = lines[:-1]
    # If a lexer changes the lines, the original text counts.
    if len(lines) != text.count("\n") + 1:
        return None
    # S704: Pygments has escaped it, and a test checks that with HTML.
    return tuple(Markup(line) for line in lines)  # noqa: S704


def _in_time(tokens: Iterator[tuple[Any, str]]) -> Iterator[tuple[Any, str]]:
    # The thread's own time, so that a text does not lose its colours on a busy machine.
    until = time.thread_time() + _WITHIN_S
    for token in tokens:
        if time.thread_time() > until:
            raise _TooSlowError
        yield token
