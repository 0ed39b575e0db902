"""Links of the pages lead to files of the repository, so that they work on a forge; the site has its own."""

import posixpath
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from infra.docs.links import linked, page_of_source
from tests.docs.pages import DOCS

ROOT: Final = DOCS.parent
_LINK: Final = re.compile(r"""(?:\]\(|(?:src|href)=")(?P<target>[^)\s"#]+)""")
_CODE: Final = re.compile(r"^( *)```.*?^\1```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
PAGES: Final = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("contracts/*.md"),
        *DOCS.rglob("*.md"),
        *ROOT.glob("infra/**/*.md"),
    )
)


def _committed() -> set[str]:
    """Every file of the repository, and every folder that has one."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = listed.stdout.splitlines()
    return {*files, *(parent.as_posix() for file in files for parent in Path(file).parents)}


COMMITTED: Final = _committed()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_of_the_repository(page: str) -> None:
    text = _CODE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    targets = [each for each in _LINK.findall(text) if not re.match(r"[a-z]+:", each)]
    led = {each: posixpath.normpath(posixpath.join(posixpath.dirname(page), each)) for each in targets}
    assert {each: path for each, path in led.items() if path not in COMMITTED} == {}


def test_a_link_to_a_source_leads_to_its_page_on_the_site() -> None:
    text = "[R9](../rules.toml#r9), [why](../../infra/decisions/), [out](https://a.example/x), [here](#x)"
    assert linked(text, "docs/how-to/decide.md", "how-to/decide.md", page_of_source()) == (
        "[R9](../reference/rules.md#r9), [why](../decisions/index.md), [out](https://a.example/x), [here](#x)"
    )


def test_every_page_that_the_site_makes_from_a_source_has_one() -> None:
    for source in page_of_source():
        assert source in COMMITTED or source.startswith("docs/"), source
