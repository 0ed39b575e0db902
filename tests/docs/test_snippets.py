"""Every snippet of the documentation runs, in the order in which a reader meets it, on one real stack."""

import configparser
import csv
import json
import os
import re
import signal
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
import yaml

from tests.docs.pages import DOCS, PARSED, Block, blocks_of, pages
from tests.docs.shape import differences
from tests.docs.shell import Background, Terminal


def _in_order(nav: Any) -> Iterator[str]:
    """The pages of the site's navigation, from its top."""
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from _in_order(each)


ROOT: Final = DOCS.parent
ORDER: Final = tuple(
    page
    for page in _in_order(yaml.safe_load((DOCS / "mkdocs.yml").read_text())["nav"])
    if page == "tutorial.md" or page.startswith("how-to/")
)
"""The pages whose snippets run, in the site's order: each continues with the log of the tutorial."""
_CONSOLE: Final = "http://localhost:8700"
"""As the pages name it. If this port is taken, `assent up` takes another and reports it."""
_SAID_CONSOLE: Final = re.compile(r"^Console: (\S+)$", re.MULTILINE)


class Reader:
    """A reader who follows the pages in their own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.background: list[Background] = []
        self._console = _CONSOLE
        # As in a checkout, whose files the tutorial uses.
        (folder / "infra").symlink_to(ROOT / "infra")
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
        self.environment = plain | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}",
            "TERM": "dumb",
            "COLUMNS": "110",
            "NO_COLOR": "1",
        }

    def follow(self, page: Path) -> None:
        with Terminal(self.folder, self.environment) as terminal:
            for block in blocks_of(page):
                where = f"{page.relative_to(ROOT)}:{block.line}"
                if block.language == "sh" and block.not_run is None:
                    self._run(terminal, block, where)
                elif block.language in PARSED or block.language == "python":
                    self._file(block, where)
                else:
                    assert block.not_run, f"{where}: {block.language} is not run, and nothing says why"

    def _run(self, terminal: Terminal, block: Block, where: str) -> None:
        if block.until is not None:
            self.background.append(Background(block.text, self.folder, self.environment, block.until))
            printed = self.background[-1].printed()
            said = _SAID_CONSOLE.search(printed)
            self._console = said[1] if said else self._console
        else:
            code, printed = terminal.run(block.text.replace(_CONSOLE, self._console), block.type)
            assert code == block.exit, f"{where} ended with {code}:\n{printed}"
        if block.output is not None:
            differs = differences(block.output, printed)
            assert differs is None, f"{where} printed another thing.\n{differs}\n\nAll of it:\n{printed}"

    def _file(self, block: Block, where: str) -> None:
        parse(block, where)
        if block.title is not None and block.not_run is None:
            (self.folder / block.title).write_text(block.text, encoding="utf-8")

    def stop(self) -> None:
        for each in self.background:
            if each.process.poll() is None:
                family = psutil.Process(each.process.pid).children(recursive=True)
                each.process.send_signal(signal.SIGINT)
                assert each.process.wait(60) == 0, each.printed()
                _, left = psutil.wait_procs(family, timeout=5)
                assert not left, left


def parse(block: Block, where: str) -> None:
    """Raises what the parser of the language raises."""
    parsers: dict[str, Any] = {
        "toml": tomllib.loads,
        "json": json.loads,
        "yaml": yaml.safe_load,
        "csv": lambda text: list(csv.reader(text.splitlines(), strict=True)),
        "ini": _read_unit,
        "python": lambda text: compile(text, where, "exec"),
    }
    parsers[block.language](block.text)


def _read_unit(text: str) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    # The names in a unit file are case-sensitive.
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    made = Reader(tmp_path_factory.mktemp("docs"))
    yield made
    made.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", ORDER)
def test_snippets_of_a_page_run_as_shown(reader: Reader, page: str) -> None:
    reader.follow(DOCS / page)


def test_all_pages_with_snippets_are_run() -> None:
    others = [page for page in pages() if str(page.relative_to(DOCS)) not in ORDER]
    for page in others:
        for block in blocks_of(page):
            where = f"{page.relative_to(ROOT)}:{block.line}"
            assert block.language not in ("sh", "python") or block.not_run, where
            if block.language in PARSED:
                parse(block, where)


def test_snippets_that_are_not_run_say_why_and_are_few() -> None:
    left = [block for page in pages() for block in blocks_of(page) if block.not_run is not None]
    assert all(len(block.not_run or "") > 20 for block in left)
    assert len(left) <= 12
