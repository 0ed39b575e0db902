"""What people read of a payload, and of its difference from the previous one."""

import time

import pytest

from assent.reading.payload_diff import LINES_MAX, DiffLine, payload_diff
from assent.reading.payloads import ShownPayload, shown_payload
from assent.reading.visible_text import visible


def text(content: str) -> ShownPayload:
    return ShownPayload("text", "text", content)


def marks(before: str | None, after: str) -> str:
    return "".join(line.mark for line in payload_diff(None if before is None else text(before), text(after)))


@pytest.mark.parametrize(
    ("resource", "language"),
    [
        ("script/disk.ps1", "powershell"),
        ("script/disk.PS1", "powershell"),
        ("script/a.b/run.sh", "sh"),
        ("script/tool.yml", "yaml"),
        ("script/keys.reg", "registry"),
        ("script/no-suffix", "text"),
        ("script/ps1", "text"),
        ("script/odd.xyz", "text"),
    ],
)
def test_json_string_is_a_text_of_the_language_of_its_name(resource: str, language: str) -> None:
    shown = shown_payload(rb'"echo \"hi\"\r\n\u0000"', resource)
    assert (shown.kind, shown.language, shown.text) == ("text", language, 'echo "hi"\r\n\0')


@pytest.mark.parametrize("suffix", [".ps1", ".sh", ".py", ".bat", ".sql", ".yaml", ".yml", ".xml"])
def test_every_language_is_known_to_the_highlighter(suffix: str) -> None:
    from pygments.lexers import get_lexer_by_name

    assert get_lexer_by_name(shown_payload(b'""', f"script/x{suffix}").language)


def test_anything_else_is_json_whatever_its_name() -> None:
    shown = shown_payload(b'{"n":1e400,"b":[true]}', "script/x.ps1")
    assert shown == ShownPayload("json", "json", '{\n  "n": 1e400,\n  "b": [\n    true\n  ]\n}')
    assert shown_payload(b"null", "app/x").text == "null"


def test_first_version_is_all_new() -> None:
    assert payload_diff(None, text("a\nb")) == [DiffLine("+", "a"), DiffLine("+", "b")]


def test_lines_are_shown_as_removed_added_or_kept_in_order() -> None:
    found = payload_diff(text("a\nb\nc"), text("a\nB\nc\nd"))
    assert [(line.mark, line.text) for line in found] == [
        (" ", "a"),
        ("-", "b"),
        ("+", "B"),
        (" ", "c"),
        ("+", "d"),
    ]


def test_end_of_the_last_line_is_part_of_the_difference() -> None:
    assert marks("a", "a\n") == " +"


def test_differing_line_ends_are_reported_and_equal_ones_are_not() -> None:
    changed = payload_diff(text("a\nb"), text("a\r\nb"))
    assert changed[:2] == [DiffLine("-", "a"), DiffLine("+", "a\r")]
    assert payload_diff(text("a\r\nb"), text("a\r\nc"))[0] == DiffLine(" ", "a")


def test_lines_beyond_the_limit_are_counted_not_silently_left_out() -> None:
    long = "\n".join(map(str, range(LINES_MAX + 1_500)))
    found = payload_diff(text("x"), text(long))
    assert [line.mark for line in found[-2:]] == ["+", "…"]
    assert len(found) == 1 + LINES_MAX + 1
    assert found[-1].text == "1,500 more lines of this version not compared"
    both = payload_diff(text(long), text(long + "\nlast"))
    assert [line.text for line in both[LINES_MAX:]] == [
        "1,500 more lines of the previous version not compared",
        "1,501 more lines of this version not compared",
    ]


def test_exactly_the_limit_is_shown_whole() -> None:
    assert marks(None, "\n" * (LINES_MAX - 1)) == "+" * LINES_MAX


def test_crafted_payload_does_not_delay_its_reader() -> None:
    before = "\n".join(str(number % 100) for number in range(LINES_MAX))
    after = "\n".join(str(number * 7 % 100) for number in range(LINES_MAX))
    started = time.process_time()
    payload_diff(text(before), text(after))
    assert time.process_time() - started < 5


def test_characters_that_a_screen_would_hide_or_reverse_are_shown_by_their_numbers() -> None:
    assert visible("rm \u202ecod.exe\r") == "rm ⟨U+202E⟩cod.exe⟨U+000D⟩"
    assert visible("Grüße\t", also="\t") == "Grüße\t"
