"""Write the pages into a folder and build the site there, strictly: a broken link is an error."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.docs import (
    appliers,
    cli,
    decisions,
    http,
    metrics,
    python_api,
    reconcilers,
    refusals,
    rights,
    rules,
    settings,
    tables,
    topics,
)
from infra.docs.links import linked, page_of_source
from infra.docs.places import DOCS, ROOT

GENERATED: Final[dict[str, Callable[[], str]]] = {
    "rules": rules.page,
    "refusals": refusals.page,
    "settings": settings.page,
    "appliers": appliers.page,
    "reconcilers": reconcilers.page,
    "topics": topics.page,
    "rights": rights.page,
    "tables": tables.page,
    "metrics": metrics.page,
    "cli": cli.page,
    "http": http.page,
    "python": python_api.page,
}
"""The pages of reference/ that are made from the code."""


class SiteError(Exception):
    """The site could not be built; the message is the generator's own."""


def build(folder: Path) -> Path:
    """Build the site below `folder`, replacing what was there; returns its folder. Raises SiteError."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("*.toml", "*.yml"))
    shutil.copy(DOCS / "mkdocs.yml", folder / "mkdocs.yml")
    shutil.copy(ROOT / "infra" / "pictures" / "console.png", pages / "pictures" / "console.png")
    for name, page in GENERATED.items():
        _write(pages / "reference" / f"{name}.md", page())
    for name, text in decisions.pages().items():
        _write(pages / "decisions" / name, text)
    protocol = (ROOT / "contracts" / "README.md").read_text(encoding="utf-8")
    # What is beside it in the repository is not part of the site.
    protocol = re.sub(r"\[([^]]+)\]\((?:go|java|vectors)/README\.md\)", r"\1", protocol)
    _write(pages / "reference" / "protocol.md", protocol)
    _link(pages)
    _run(folder)
    return folder / "site"


def _link(pages: Path) -> None:
    """Let the pages that are files of the repository link to what the site has."""
    page_of = page_of_source()
    for source, page in page_of.items():
        path = pages / page
        if source.endswith(".md") and source != "README.md" and path.is_file():
            _write(path, linked(path.read_text(encoding="utf-8"), source, page, page_of))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _run(folder: Path) -> None:
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run(  # noqa: S603  the generator that infra/requirements/docs.txt pins
        [program, "build", "--strict", "--clean", "--config-file", folder / "mkdocs.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SiteError(f"{done.stdout}{done.stderr}")
