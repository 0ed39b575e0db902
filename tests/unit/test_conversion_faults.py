"""A document that does not convert has each fault named with its place."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from assent.conversion_faults import conversion_faults


class _Part(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1)]
    size: int = 0


class _Red(msgspec.Struct, tag_field="kind", tag="red", kw_only=True, forbid_unknown_fields=True):
    depth: int


class _Blue(msgspec.Struct, tag_field="kind", tag="blue", kw_only=True, forbid_unknown_fields=True):
    parts: Annotated[tuple[_Part, ...], Meta(min_length=1)]


class _Document(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    colours: list[_Red | _Blue]
    part: _Part | None = None
    ports: dict[str, int] = {}


def _texts(document: Any) -> list[str]:
    return [each.text for each in conversion_faults(document, _Document)]


def test_document_that_converts_has_no_faults() -> None:
    assert _texts({"colours": [{"kind": "red", "depth": 1}], "part": {"name": "a"}}) == []


def test_every_fault_is_named_once_with_its_place() -> None:
    document = {
        "colours": [
            {"kind": "red", "depth": "deep", "width": 1},
            {"kind": "blue", "parts": [{"name": ""}, {"size": "large"}]},
            {"kind": "green"},
        ],
        "part": {"name": 7},
        "ports": {"http": "x"},
        "typo": 1,
    }
    assert _texts(document) == [
        "Object contains unknown field `typo`",
        "Object contains unknown field `width` - at `$.colours[0]`",
        "Expected `int`, got `str` - at `$.colours[0].depth`",
        "Expected `str` of length >= 1 - at `$.colours[1].parts[0].name`",
        "Object missing required field `name` - at `$.colours[1].parts[1]`",
        "Expected `int`, got `str` - at `$.colours[1].parts[1].size`",
        "Invalid value 'green' - at `$.colours[2].kind`",
        "Expected `str`, got `int` - at `$.part.name`",
        "Expected `int`, got `str` - at `$.ports[...]`",
    ]


@pytest.mark.parametrize("document", [[], 7, None, "text"])
def test_document_of_another_kind_is_one_fault(document: Any) -> None:
    [fault] = conversion_faults(document, _Document)
    assert (fault.path, fault.what.partition(",")[0]) == ("$", "Expected `object`")


def test_hook_converts_what_the_document_cannot_contain() -> None:
    class Named(msgspec.Struct):
        file: Path
        other: int

    def hook(kind: type, value: Any) -> Any:
        return Path(value)

    [fault] = conversion_faults({"file": "a", "other": "b"}, Named, hook)
    assert fault.text == "Expected `int`, got `str` - at `$.other`"
