"""The page on alerts has each alert of the rules once, in their order, with what to do."""

import re

from tests.docs.pages import DOCS
from tests.unit.observe.test_alerts import alerts

_SECTION = re.compile(r"^### (\w+)\n\n(.+?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
PAGE = DOCS / "how-to/alerts.md"


def test_page_describes_exactly_the_alerts_of_the_rules() -> None:
    sections = dict(_SECTION.findall(PAGE.read_text(encoding="utf-8")))
    assert list(sections) == list(alerts())
    for name, text in sections.items():
        # What it means, and what to do.
        assert text.count(". ") + text.count(".\n") >= 2, name
