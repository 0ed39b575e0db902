"""SECURITY.md promises what tests hold: each test that it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_security_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    defined: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        defined |= set(re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8")))
    assert len(named) > 30
    assert sorted(named - defined) == []


def test_every_promise_of_the_security_page_names_a_test() -> None:
    rows = re.findall(r"^\| .* \| (.*) \|$", (ROOT / "SECURITY.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert all("`test_" in row or row in ("cannot", "") for row in rows)
