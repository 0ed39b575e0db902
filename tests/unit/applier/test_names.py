"""File names for ids: no two alike, none that escapes or has another meaning."""

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.applier.targets.file_names import NAME_MAX_BYTES, TEMPORARY_PREFIX, file_name
from assent_contracts.resources import is_resource


def _is_id(text: str) -> bool:
    return is_resource(f"script/{text}")


IDS = st.text(min_size=1, max_size=256).map(lambda text: unicodedata.normalize("NFC", text)).filter(_is_id)
NASTY = st.sampled_from(
    [".", "/", "\\", "%", "~", "a", "A", "2", "F", "E", " ", "con", "NUL", "é", "\u212a", "x" * 80]
)
NASTY_IDS = st.lists(NASTY, min_size=1, max_size=6).map("".join).filter(_is_id)
ANY_ID = IDS | NASTY_IDS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hardening/disable-smb1.ps1", "hardening%2Fdisable-smb1.ps1"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
        (".bashrc", "%2Ebashrc"),
        ("trailing.", "trailing%2E"),
        ("100%", "100%25"),
        ("a~b", "a%7Eb"),
        ("COM1.txt", "%43OM1.txt"),
        ("console", "console"),
        ("größe", "gr%C3%B6%C3%9Fe"),
    ],
)
def test_ordinary_ids_stay_readable_and_odd_ones_are_escaped(name: str, expected: str) -> None:
    assert file_name(name) == expected


@given(ANY_ID, ANY_ID)
def test_two_ids_never_share_a_name(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)


@given(NASTY_IDS, NASTY_IDS)
def test_two_ids_never_share_a_name_on_case_insensitive_file_systems(one: str, other: str) -> None:
    names = [file_name(each, case_matters=False).casefold() for each in (one, other)]
    assert (names[0] == names[1]) == (one == other)


@given(ANY_ID)
def test_name_is_safe_on_any_file_system(name: str) -> None:
    encoded = file_name(name)
    assert re.fullmatch(r"[A-Za-z0-9%_~-]([A-Za-z0-9%._~-]*[A-Za-z0-9%_~-])?", encoded)
    assert 0 < len(encoded) <= NAME_MAX_BYTES
    assert not encoded.startswith(TEMPORARY_PREFIX)
    assert encoded.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt1"}


@given(ANY_ID)
def test_name_that_is_not_too_long_contains_its_id(name: str) -> None:
    encoded = file_name(name)
    assert "~" in encoded or unquote(encoded) == name
    assert "~" not in encoded or len(encoded) == NAME_MAX_BYTES


def test_longest_ids_differ_by_their_hash() -> None:
    first, second = "é" * 255 + "a", "é" * 255 + "b"
    assert file_name(first)[:150] == file_name(second)[:150]
    assert file_name(first) != file_name(second)
