"""The threat model promises what tests check: each row names a test, and each named test exists."""

import re
from typing import Final

from tests.docs.pages import DOCS

PAGE: Final = (DOCS / "explanation" / "threat-model.md").read_text(encoding="utf-8")


def test_every_test_named_in_the_threat_model_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    defined: set[str] = set()
    for path in (DOCS.parent / "tests").rglob("test_*.py"):
        defined |= set(re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8")))
    assert len(named) > 60
    assert sorted(named - defined) == []


def test_every_promise_of_the_threat_model_names_a_test() -> None:
    rows = re.findall(r"^\| .* \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(rows) > 50
    assert all("`test_" in row or row in ("what stops it", "---") for row in rows)


def test_every_party_lists_what_is_still_possible() -> None:
    parties = [part for part in PAGE.split("\n## ")[1:] if "\n| --- |" in part]
    assert len(parties) == 13
    assert all("\nStill possible: " in part for part in parties)
