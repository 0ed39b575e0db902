"""One hostile record as a line of the file, and the bytes that its recipes make."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

FILE: Final = Path(__file__).with_name("records.jsonl")
Recipe = Any
"""None, a text in UTF-8, {"base64": text}, {"repeat": [recipe, times]}, or a list of recipes to concatenate.

In a text, @NAME@ is a value known only at the time of sending, and @NAME+n@ or @NAME-n@ is a sum.
"""
_NAMED: Final = re.compile(rb"@([A-Z]+)([+-][0-9]+)?@")


class Hostile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record that an attacker may send."""

    name: str
    topic: str
    value: Recipe = None
    key: Recipe = None
    signed: str | None = None
    """Whose key signs it, or how the signature is wrong: `tests/hostile/signing.py` lists the ways."""
    headers: list[list[Recipe]] = []
    """For each: its name, its content, and how often it occurs, if not once."""
    partition: int | None = None
    codec: str | None = None
    expect: str
    """A refusal's code, `decided`, `quarantined`, or an applier's answer to a change."""


def made(recipe: Recipe, known: Mapping[str, str | int]) -> bytes | None:
    """The bytes of a recipe; `known`: the values of the names in it."""
    match recipe:
        case None:
            return None
        case str():
            return _NAMED.sub(lambda found: _named(found, known), recipe.encode())
        case {"base64": text}:
            return base64.b64decode(text)
        case {"repeat": [inner, times]}:
            return (made(inner, known) or b"") * times
        case list():
            return b"".join(made(each, known) or b"" for each in recipe)
        case _:
            raise ValueError(recipe)


def _named(found: re.Match[bytes], known: Mapping[str, str | int]) -> bytes:
    what = known[found[1].decode()]
    return str(what if isinstance(what, str) else what + int(found[2] or 0)).encode()


def read_file() -> list[Hostile]:
    """Every record of the file."""
    decode = msgspec.json.Decoder(Hostile).decode
    return [decode(line) for line in FILE.read_bytes().splitlines()]


def base64_of(data: bytes) -> dict[str, str]:
    """The recipe of any bytes."""
    return {"base64": base64.b64encode(data).decode()}


def repeat(recipe: Recipe, times: int) -> dict[str, Any]:
    """The recipe of many repetitions."""
    return {"repeat": [recipe, times]}


def json_object(fields: Mapping[str, Recipe | None]) -> Recipe:
    """The recipe of a JSON object whose members are JSON texts, or recipes of them; None omits a member."""
    parts: list[Recipe] = []
    for name, content in fields.items():
        if content is not None:
            parts += [
                ("," if parts else "{") + f'"{name}":',
                *(content if isinstance(content, list) else [content]),
            ]
    parts.append("}" if parts else "{}")
    return _joined(parts)


def _joined(parts: list[Recipe]) -> Recipe:
    row: list[Recipe] = []
    for part in parts:
        if isinstance(part, str) and row and isinstance(row[-1], str):
            row[-1] += part
        else:
            row.append(part)
    return row[0] if len(row) == 1 else row
