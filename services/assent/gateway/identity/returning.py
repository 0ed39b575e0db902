"""Where a sign-in goes on: a path of this gateway, never another site (open redirect)."""

import re
from typing import Final

HOME: Final = "/"
_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")


def safe_return(path: str) -> str:
    """The path, if it is one of this site; else the first page."""
    return path if _PATH.fullmatch(path) else HOME
