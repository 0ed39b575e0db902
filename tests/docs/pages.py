"""The fenced blocks of a documentation page, in order, with the page's directions for each.

A comment before a block directs the test. Readers do not see it:

- `<!-- exit 2 -->`: the exit code of the block of shell commands, if not 0.
- `<!-- type y -->`: what the reader types when a command asks.
- `<!-- until Up. -->`: it keeps running in its own terminal; the page continues once it has printed this.
- `<!-- not run: REASON -->`: the block is not run, or only parsed.
"""

import re
from pathlib import Path
from typing import Any, Final

import msgspec

DOCS: Final = Path(__file__).parents[2] / "docs"
_FENCE: Final = re.compile(
    r"(?:^ *<!-- (?P<said>[^\n]+) -->\n+)?"
    r'^(?P<indent> *)```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^(?P=indent)```$',
    re.DOTALL | re.MULTILINE,
)
PARSED: Final = frozenset({"toml", "json", "yaml", "csv", "ini"})
"""Languages of files. A block with a title is written to that file; all are parsed."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One fenced block."""

    language: str
    text: str
    line: int
    title: str | None = None
    exit: int = 0
    type: str | None = None
    until: str | None = None
    not_run: str | None = None
    output: str | None = None
    """The output that the page shows."""


def pages() -> list[Path]:
    """Every page that is written by hand."""
    return sorted(DOCS.rglob("*.md"))


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page; an `output` block belongs to the block before it."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        shown = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        if match["language"] == "output":
            found[-1] = msgspec.structs.replace(found[-1], output=shown)
            continue
        found.append(
            Block(
                language=match["language"],
                text=shown,
                line=line,
                title=match["title"],
                **_directed(match["said"]),
            )
        )
    return found


def _directed(said: str | None) -> dict[str, Any]:
    if said is None:
        return {}
    word, _, rest = said.partition(" ")
    if word == "exit":
        return {"exit": int(rest)}
    if word in ("type", "until"):
        return {word: rest}
    if said.startswith("not run: "):
        return {"not_run": said.removeprefix("not run: ")}
    return {}
