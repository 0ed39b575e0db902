"""The rules R1 to R23: their sentences from docs/rules.toml, their code and tests from the checkout."""

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Final

import msgspec

from infra.docs.markdown import folded
from infra.docs.places import CORE, DOCS, PACKAGES, ROOT, TESTS

_ID: Final = re.compile(r"(?<![A-Za-z0-9])R([1-9][0-9]?)(?![0-9])")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of the product."""

    id: str
    title: str
    text: str


def read_rules() -> list[Rule]:
    """The rules, in order."""
    document = tomllib.loads((DOCS / "rules.toml").read_text(encoding="utf-8"))
    return msgspec.convert(document["rules"], list[Rule])


def named_tests() -> dict[str, dict[str, list[str]]]:
    """Rule → test file → its tests of that rule, whose names or first lines have the rule's id."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for rule in _rules_of(node):
                    found[rule][str(path.relative_to(ROOT))].append(node.name)
    return found


def _rules_of(test: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    named = _ID.findall(test.name.replace("_", " ") + " " + (ast.get_docstring(test) or ""))
    return {f"R{number}" for number in named}


def code_of_rules() -> dict[str, list[str]]:
    """Rule → the modules of the core that name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(CORE.rglob("*.py")):
        for number in dict.fromkeys(_ID.findall(path.read_text(encoding="utf-8"))):
            found[f"R{number}"].append(_shown(path))
    return found


def _shown(path: Path) -> str:
    return str(path.relative_to(PACKAGES[0] / "assent_contracts"))


def page() -> str:
    """The reference page."""
    tests, code = named_tests(), code_of_rules()
    parts = [
        "# Rules",
        (
            "These are the rules that Assent enforces. The code that decides names the rule, and so do the"
            ' tests. `make test ARGS="-k R9_"` runs the tests of rule R9.'
        ),
    ]
    for rule in read_rules():
        parts.append(f"## {rule.id} {rule.title} {{ #{rule.id.lower()} }}")
        parts.append(rule.text.strip())
        if code[rule.id]:
            parts.append("Named in: " + ", ".join(f"`{each}`" for each in code[rule.id]) + ".")
        files = tests[rule.id]
        count = sum(map(len, files.values()))
        listed = "\n".join(
            f"- `{file}`\n" + "".join(f"    - `{name}`\n" for name in names) for file, names in files.items()
        )
        parts.append(folded(f"{count} tests", listed))
    return "\n\n".join(parts) + "\n"
