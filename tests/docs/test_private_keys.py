"""What the pages tell a reader to make in a checkout, private keys among it, is never committed."""

import re
import subprocess
from typing import Final

from tests.docs.pages import DOCS, pages

ROOT: Final = DOCS.parent
_FOLDER: Final = re.compile(r"(?:--data |ASSENT_DATA=)(?P<folder>[\w./-]+)")


def test_every_data_folder_of_the_pages_is_ignored_by_git() -> None:
    named = [ROOT / "README.md", ROOT / "Makefile", *pages()]
    folders = {each for page in named for each in _FOLDER.findall(page.read_text(encoding="utf-8"))}
    assert {"my-data", ".data/demo"} <= folders
    relative = [f"{folder}/keys/bob.key" for folder in folders if not folder.startswith("/")]
    asked = subprocess.run(
        ["git", "check-ignore", *relative], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert sorted(asked.stdout.split()) == sorted(relative)
