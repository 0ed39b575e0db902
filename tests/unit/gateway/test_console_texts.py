"""The console's English is in one file: every key that is used exists, and every existing key is used."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from assent.gateway import console
from assent.gateway.console.text import t, texts, th, tn
from assent.gateway.problems import STATUS

_FOLDER: Final = Path(next(iter(console.__path__)))
_CALL: Final = re.compile(r"""\b(t|tn|th)\(\s*f?["']([a-z_.\-{}]+)["']""")
_BEGUN: Final = re.compile(r"""\b(?:t|tn|th)\(\s*["']([a-z_.]+\.)["']\s*~|\bt\(f["']([a-z_.]+\.)\{""")


def sources() -> str:
    files = [*_FOLDER.glob("*.py"), *(_FOLDER / "templates").glob("*.html")]
    return "\n".join(path.read_text() for path in files)


def used() -> tuple[set[str], set[str]]:
    """(whole keys, prefixes of keys that are built from a value)"""
    text = sources()
    begun = {one or other for one, other in _BEGUN.findall(text)}
    whole: set[str] = set()
    for kind, key in _CALL.findall(text):
        if "{" in key or key.endswith("."):
            continue
        whole |= {f"{key}.one", f"{key}.other"} if kind == "tn" else {key}
    return whole, begun


def test_every_text_that_is_used_exists() -> None:
    whole, begun = used()
    assert whole - texts().keys() == set()
    assert {start for start in begun if not any(key.startswith(start) for key in texts())} == set()


def test_every_text_that_exists_is_used() -> None:
    whole, begun = used()
    unused = {key for key in texts() if key not in whole and not key.startswith((*begun, "problem."))}
    assert unused == set()


def test_templates_contain_no_text_of_their_own() -> None:
    """What is left of a template without its tags, comments, calls and attributes that nobody reads."""
    found = {}
    for path in sorted((_FOLDER / "templates").glob("*.html")):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
        read = re.findall(r'(?:title|alt|placeholder|aria-label)="([^"]*)"', text)
        left = re.sub(r"<[^>]*>|[a-z-]+=\"[^\"]*\"", " ", text)
        if said := [each for each in (*read, left) if re.search("[A-Za-z]", each)]:
            found[path.name] = said
    assert found == {}


def test_code_of_the_console_contains_no_text_of_its_own() -> None:
    """Apart from docstrings and assertions, no string contains two words in a row."""
    found = []
    for path in sorted(_FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text())
        unsaid = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        unsaid |= {id(each.msg) for each in ast.walk(tree) if isinstance(each, ast.Assert)}
        for each in ast.walk(tree):
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in unsaid:
                words = re.sub(r"<[^>]*>?", "", each.value)
                found += [(path.name, words)] if re.search(r"[a-z] [a-z]", words) else []
    assert found == [
        ("notifications.py", "target of yours"),
        ("request_lists.py", "list of all requests"),
    ], "names of what is not found, which the page does not say"


def test_titles_of_problems_are_for_existing_codes() -> None:
    own = {
        "other",
        "not-found",
        "not-signed-in",
        "cross-site",
        "too-many-requests",
        "log-unreachable",
        "log-incomplete",
        "late",
    }
    own |= {
        "lagging",
        "changed-since",
        "failed",
        "reopened",
        "tables-unreachable",
        "local-token",
        "reason-required",
        "not-on-this-machine",
    }
    named = {key.split(".")[1] for key in texts() if key.startswith("problem.") and key.count(".") == 2}
    codes = {str(code) for code in STATUS} | {"already-decided", "not-pending", "id-taken"}
    assert named - codes - own == set()


def test_values_are_escaped_in_a_text_with_markup() -> None:
    assert str(th("request.by", who="<b>x</b>")) == "requested by <b>&lt;b&gt;x&lt;/b&gt;</b>"


@pytest.mark.parametrize(("count", "said"), [(1, "1 person"), (0, "0 people"), (1234, "1,234 people")])
def test_number_selects_the_plural_form(count: int, said: str) -> None:
    assert tn("people", count) == said


def test_missing_text_is_an_error_and_not_an_empty_place() -> None:
    with pytest.raises(KeyError):
        t("no.such.key")
