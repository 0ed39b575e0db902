"""Forms of a schema that client generators understand, in place of those that some of them take wrongly.

- An integer without a format becomes an `int` of 32 bits in Java and others, so every `at` would overflow.
- `anyOf` of a type and null makes some generators invent a type; a list of types means the same.
- `enum` without a type becomes any value.
- An object as the default of a reference becomes an initializer that does not compile. Without it, absence
  means the same.
- Litestar writes bounds of integers as floats.
"""

from typing import Any, Final, cast

_INT32_MAX: Final = (1 << 31) - 1
_INT64_MAX: Final = (1 << 63) - 1
_BOUNDS: Final = ("minimum", "maximum")
_KIND_OF: Final = {str: "string", int: "integer"}
_NULL: Final = {"type": "null"}
_VALUES: Final = frozenset({"default", "enum", "example", "examples", "const"})
"""Keys whose values are data and no schemas."""


def for_generators(part: Any) -> Any:
    """A part of an OpenAPI document, with every schema in it in these forms."""
    if isinstance(part, list):
        return [for_generators(each) for each in cast("list[Any]", part)]
    if not isinstance(part, dict):
        return part
    known = cast("dict[str, Any]", part)
    made = {key: value if key in _VALUES else for_generators(value) for key, value in known.items()}
    if "$ref" in made and isinstance(made.get("default"), dict):
        del made["default"]
    return _integer(_or_null(_typed_enum(made)))


def _typed_enum(schema: dict[str, Any]) -> dict[str, Any]:
    values = schema.get("enum")
    if "type" in schema or not isinstance(values, list):
        return schema
    [kind] = {type(value) for value in cast("list[Any]", values)}
    return {"type": _KIND_OF[kind], **schema}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """`type: [X, null]` for `anyOf: [X, null]`. A reference stays: it has no type here."""
    members = schema.get("anyOf")
    if not isinstance(members, list):
        return schema
    named = [each for each in cast("list[dict[str, Any]]", members) if each != _NULL]
    if len(named) != 1 or len(named) == len(cast("list[Any]", members)) or "type" not in named[0]:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    made = {**named[0], **rest, "type": [named[0]["type"], "null"]}
    if "enum" in made:
        made["enum"] = [*made["enum"], None]
    return made


def _integer(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if kinds != "integer" and not (isinstance(kinds, list) and "integer" in kinds):
        return schema
    whole = {bound: min(int(schema[bound]), _INT64_MAX) for bound in _BOUNDS if bound in schema}
    largest = whole.get("maximum", max((each for each in schema.get("enum", ()) if each), default=_INT64_MAX))
    size = "int32" if largest <= _INT32_MAX else "int64"
    return {**schema, **whole, "format": size}
