"""The example programs are those of the pages, which `test_snippets` runs, and they are short."""

import pytest

from tests.docs.pages import DOCS, blocks_of

EXAMPLES = DOCS.parent / "contracts" / "examples"


@pytest.mark.parametrize(("name", "page"), [("publish.py", "publish.md"), ("dns_applier.py", "apply.md")])
def test_example_is_the_program_of_its_page_and_has_fewer_than_20_lines(name: str, page: str) -> None:
    [block] = [block for block in blocks_of(DOCS / "how-to" / page) if block.title == name]
    text = (EXAMPLES / name).read_text()
    assert block.text == text
    assert len(text.splitlines()) < 20


def test_every_example_has_a_page() -> None:
    assert sorted(each.name for each in EXAMPLES.glob("*.py")) == ["dns_applier.py", "publish.py"]
