"""A document of dicts, lists and scalars as readable YAML: block style, in the given order."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, cast

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./()-]+)*")
_NOT_STRINGS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def to_yaml(document: dict[str, Any]) -> str:
    """The document's text. Strings that YAML could read as another type are quoted as in JSON."""
    return "\n".join(_block(document, "")) + "\n"


def _block(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, content in cast("dict[str, Any]", value).items():
            yield from _entry(f"{indent}{_scalar(key)}:", content, indent + "  ")
    elif isinstance(value, list) and value:
        for content in cast("list[Any]", value):
            first, *rest = _block(content, indent + "  ")
            yield f"{indent}- {first.strip()}"
            yield from rest
    else:
        yield f"{indent}{_scalar(value)}"


def _entry(label: str, content: Any, indent: str) -> Iterator[str]:
    if isinstance(content, dict | list) and content:
        yield label
        yield from _block(content, indent)
    else:
        yield f"{label} {_scalar(content)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_STRINGS:
        return value
    return json.dumps(value, ensure_ascii=False)
