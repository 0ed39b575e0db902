"""Links between pages.

On a forge and in a checkout, only files of the repository exist. So a page links to the file from which a
generated page is made, and the site turns that link into one to the page.
"""

import posixpath
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from infra.docs.places import DECISIONS, DOCS, ROOT

_LINK: Final = re.compile(r"\]\((?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")
_REFERENCE: Final = {
    "rules": "docs/rules.toml",
    "refusals": "contracts/assent_contracts/refusals.py",
    "settings": "services/assent/process_settings.py",
    "appliers": "services/assent/applier/configuration.py",
    "reconcilers": "services/assent/reconcile/configuration.py",
    "topics": "infra/topics.yaml",
    "rights": "infra/acls.yaml",
    "tables": "infra/migrations",
    "metrics": "services/assent/observe/metrics.py",
    "cli": "services/assent/cli/commands",
    "http": "services/assent/gateway/api",
    "python": "contracts/assent_contracts/client",
    "protocol": "contracts/README.md",
}


def page_of_source() -> dict[str, str]:
    """Each file or folder of the repository from which the site has a page, and the page: both as paths."""
    pages = {
        path.relative_to(ROOT).as_posix(): path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.*")
    }
    pages |= {source: f"reference/{name}.md" for name, source in _REFERENCE.items()}
    pages |= {path.relative_to(ROOT).as_posix(): f"decisions/{path.name}" for path in DECISIONS.glob("*.md")}
    return pages | {
        "infra/decisions": "decisions/index.md",
        "infra/pictures/console.png": "pictures/console.png",
        "README.md": "index.md",
    }


def linked(text: str, source: str, page: str, pages: Mapping[str, str]) -> str:
    """The text of `source`, a path from the repository, with the links that it needs as the site's `page`.

    What leads to nothing on the site is left: the strict build names it.
    """

    def replaced(match: re.Match[str]) -> str:
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["target"]))
        if wanted not in pages:
            return match[0]
        target = posixpath.relpath(pages[wanted], PurePosixPath(page).parent)
        return f"]({target}{match['anchor'] or ''})"

    return _LINK.sub(replaced, text)
