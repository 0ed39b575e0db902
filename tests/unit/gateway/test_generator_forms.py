"""The OpenAPI document has no form that a client generator takes wrongly, anywhere in it."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from assent.gateway.api.description import describe
from assent.gateway.api.generator_forms import for_generators
from assent.gateway.api.routes import API

NULL: Final = {"type": "null"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe(API, cookie="assent-session")


def places(part: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a document with the path to it."""
    if isinstance(part, dict):
        yield path, part
        for key, value in part.items():
            yield from places(value, f"{path}/{key}")
    elif isinstance(part, list):
        for number, each in enumerate(part):
            yield from places(each, f"{path}/{number}")


def kinds(schema: dict[str, Any]) -> list[Any]:
    named = schema.get("type")
    return named if isinstance(named, list) else [named]


def test_every_integer_has_its_size(document: dict[str, Any]) -> None:
    """Without a format Java and others take 32 bits, and every time in ms overflows."""
    integers = [(path, each) for path, each in places(document) if "integer" in kinds(each)]
    assert len(integers) > 80
    for path, each in integers:
        largest = each.get("maximum", max(each.get("enum", ()), default=None))
        small = isinstance(largest, int) and largest < 1 << 31
        assert each.get("format") == ("int32" if small else "int64"), path
        for bound in ("minimum", "maximum"):
            if bound in each:
                assert isinstance(each[bound], int), path
                assert each[bound] < 1 << 63, path


def test_null_is_a_type_beside_another_one(document: dict[str, Any]) -> None:
    """In `anyOf` only a reference is beside null: it can have no type of its own there."""
    optional = 0
    for path, each in places(document):
        members = each.get("anyOf")
        if isinstance(members, list) and NULL in members:
            assert [set(member) for member in members if member != NULL] == [{"$ref"}], path
        optional += "null" in kinds(each)
    assert optional > 50


def test_every_list_of_values_has_a_type(document: dict[str, Any]) -> None:
    lists = [(path, each) for path, each in places(document) if isinstance(each.get("enum"), list)]
    assert len(lists) > 20
    for path, each in lists:
        assert {"string", "integer"} & set(kinds(each)), path
        assert (None in each["enum"]) == ("null" in kinds(each)), path


def test_reference_has_no_object_as_its_default(document: dict[str, Any]) -> None:
    references = [(path, each) for path, each in places(document) if "$ref" in each]
    assert len(references) > 50
    for path, each in references:
        assert not isinstance(each.get("default"), dict), path


def test_signed_command_is_bytes(document: dict[str, Any]) -> None:
    """The signature is over the bytes, so nothing may encode them again."""
    content = document["paths"]["/api/v1/commands"]["post"]["requestBody"]["content"]
    assert content == {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def test_data_in_a_document_is_left_as_it_is() -> None:
    """A default or an example that looks like a schema is none."""
    schema = {"type": "object", "default": {"type": "integer"}, "examples": [{"anyOf": [NULL, {}]}]}
    assert for_generators(schema) == schema
