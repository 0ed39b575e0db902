"""The optional parts.

`pip install assent[gateway,notify,upstream]` in production, `assent[local]` on one machine.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution, requires
from typing import Final, Literal

Extra = Literal["applier", "gateway", "mcp", "notify", "upstream", "local"]
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class MissingExtraError(Exception):
    """An optional part of Assent is not installed; the message contains the command to install it."""


def need_extra(extra: Extra) -> None:
    """Return if everything that this part needs is installed. Raises MissingExtraError."""
    missing = [name for name in _needed(extra) if not _is_installed(name)]
    if missing:
        raise MissingExtraError(
            f"This needs packages that are not installed here: {', '.join(missing)}."
            f" Install them with: pip install 'assent[{extra}]'"
        )


def _needed(extra: Extra) -> list[str]:
    marker = re.compile(rf"extra\s*==\s*['\"]{extra}['\"]")
    wanted = [text for text in requires("assent") or () if marker.search(text)]
    names = [match[0] for text in wanted if (match := _NAME.match(text)) is not None]
    return [name for name in names if name != "assent"]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
