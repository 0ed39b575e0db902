"""The console's texts: all are in `en.toml`, by key, so that they can be translated in one place."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

_FILE = Path(__file__).with_name("en.toml")


def t(key: str, /, **values: object) -> str:
    """The text of a key, with its `{names}` filled in. Raises KeyError for a key that the file lacks."""
    return texts()[key].format_map(values)


def tn(key: str, count: int, /, **values: object) -> str:
    """The text for a number: from the keys `KEY.one` and `KEY.other`, with `count` besides `values`."""
    form = "one" if count == 1 else "other"
    return texts()[f"{key}.{form}"].format_map({"count": f"{count:,}", **values})


def th(key: str, /, **values: object) -> Markup:
    """A text that contains HTML markup. Values are escaped."""
    # S704: the file is our own, and Markup escapes every value.
    return Markup(texts()[key]).format_map(values)  # noqa: S704


@cache
def texts() -> Mapping[str, str]:
    """Every text by its dotted key."""
    with _FILE.open("rb") as file:
        return dict(_flat(tomllib.load(file), ""))


def _flat(table: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}.")
        else:
            assert isinstance(value, str), f"{prefix}{name} is not a text"
            found.append((prefix + name, value))
    return found
