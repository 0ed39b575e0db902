"""What an id may contain: the same on every Python, and nothing that a reader does not see."""

import hashlib
import random
import unicodedata

import pytest

from assent_contracts.characters import draws_all, draws_nothing, is_id_text
from assent_contracts.resources import is_resource
from assent_contracts.unicode_14 import DRAWN, EMOJI, MARKS, RIGHT_TO_LEFT

UNDRAWN = {
    "Hangul filler": "\u3164",
    "Hangul choseong filler": "\u115f",
    "halfwidth Hangul filler": "\uffa0",
    "blank braille": "\u2800",
    "combining grapheme joiner": "\u034f",
    "Mongolian variation selector": "\u180b",
    "Mongolian variation selector of Unicode 14": "\u180f",
    "variation selector": "\ufe0f",
    "variation selector beyond the first plane": "\U000e0100",
    "tag": "\U000e0041",
    "reserved and ignorable": "\u2065",
    "soft hyphen": "\u00ad",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "right-to-left override": "\u202e",
    "right-to-left isolate": "\u2067",
    "Arabic letter mark": "\u061c",
    "no-break space": "\u00a0",
    "ideographic space": "\u3000",
    "line separator": "\u2028",
    "NUL": "\0",
    "carriage return": "\r",
    "escape": "\x1b",
    "C1": "\x9b",
    "private use": "\ue000",
    "no character": "\uffff",
    "assigned in Unicode 15": "\U0001e08f",
    "assigned in Unicode 16": "\U00010d40",
    "musical null notehead": "\U0001d159",
    "Khitan filler": "\U00016fe4",
}


def members(ranges: str) -> set[int]:
    found = set[int]()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return found


@pytest.mark.parametrize("name", UNDRAWN)
def test_id_with_an_invisible_character_is_refused(name: str) -> None:
    hidden = UNDRAWN[name]
    assert not is_resource(f"script/a{hidden}.sh")
    assert not is_resource(f"script/é{hidden}")
    assert not is_resource(f"script/{hidden}a.sh")
    assert not draws_all(hidden)
    assert draws_nothing(f"{hidden} {hidden}")


@pytest.mark.parametrize("name", [" a", "a ", " ", "é ", " é", "", "\u3164", "e\u0301", "x" * 257])
def test_id_without_text_or_with_surrounding_spaces_is_refused(name: str) -> None:
    assert not is_resource(f"script/{name}")


@pytest.mark.parametrize("name", ["a b", "été.sh", "漢字", "😀", "भारत", "שלום", "a/b", "~!", "x" * 256])
def test_id_in_any_visible_script_is_accepted(name: str) -> None:
    assert is_resource(f"script/{name}")


def test_id_with_unicode_15_is_malformed_on_every_python() -> None:
    # Python 3.11 has it in NFC, 3.13 does not: its tables know that the second mark goes first.
    assert not is_resource("script/x\U0001e08f\u0323.sh")


def test_tables_are_those_of_unicode_14() -> None:
    drawn = members(DRAWN)
    assert members(MARKS) | members(EMOJI) | members(RIGHT_TO_LEFT) <= drawn
    if unicodedata.unidata_version == "14.0.0":
        undrawn = {point for point in range(0x110000) if unicodedata.category(chr(point))[0] in "CZ"} - {0x20}
        left_out = set(range(0x110000)) - undrawn - drawn
        # Ignorable letters and marks, and the seven that are drawn as nothing.
        assert len(left_out) == 274
        assert not drawn & undrawn
    else:
        # Assigned characters stay assigned.
        assert not any(unicodedata.category(chr(point)) == "Cn" for point in drawn)


def test_every_python_gives_the_same_answers() -> None:
    # Compared with Unicode 14, 15 and 15.1: this Python, whichever it is, must give their answers.
    assert sum(is_id_text(chr(point)) for point in members(DRAWN)) == 143_123
    chosen = random.Random(7)
    marks, letters, newer = (
        sorted(members(MARKS)),
        "aक\u1100\u1161\u11a8가é\u1e9b\u2126",
        "\U0001e08f\U00010efd",
    )
    answers = bytearray()
    for _ in range(20_000):
        parts = (
            chosen.choice(letters),
            *(chr(chosen.choice(marks)) for _ in range(3)),
            chosen.choice(letters),
        )
        text = "".join(parts) + (chosen.choice(newer) if chosen.random() < 0.05 else "")
        answers.append(is_id_text(text))
    assert hashlib.sha256(answers).hexdigest()[:16] == "8a6a49652a08b9b3"
