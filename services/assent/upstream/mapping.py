"""The mapping of an event to a submission: templates with places that are JSON pointers. Pure.

A template is text with places: `script/{/body/name}`. A place is a JSON pointer into the event's document,
and must lead to a text, a number or a boolean. `{/body/note?}` is empty if there is nothing. `{{` and `}}`
are braces. In a payload, a template that is one place and nothing else is the value there, byte for byte.

What is missing is an error with a name: the event becomes a dead letter.
"""

import re
from collections.abc import Mapping as Table
from typing import Any, Final

import msgspec

from assent.upstream.raw_json import PointerError, json_array, json_object, parse_pointer, text_of, value_at
from assent_contracts.limits import JUSTIFICATION_MAX_CHARS

_PLACE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_TEMPLATES: Final = (
    "resource",
    "operation",
    "justification",
    "on_behalf_of",
    "impact",
    "fallback",
    "expected",
    "base",
)
_WHOLE: Final = re.compile(r"\{(/[^{}]*|)\}")
_encode = msgspec.json.Encoder().encode

PayloadTemplate = str | int | float | bool | list[Any] | dict[str, Any]
"""A template, or an array or table of them. Numbers and booleans stay what they are."""


class MappingError(Exception):
    """An event has not what the mapping asks for; the message names it."""


class TemplateError(ValueError):
    """A template of the configuration is wrong; the message says where."""


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an event becomes a submission."""

    resource: str
    """The object, `<type>/<id>`."""
    operation: str
    """The operation, such as `edit`."""
    justification: str
    """Why. What is longer than 1,024 characters is cut, and ends with `…`."""
    payload: PayloadTemplate = "{}"
    """The payload. By default the whole document of the event."""
    on_behalf_of: str | None = None
    """R20: the account of the person on whose behalf it is submitted."""
    impact: str | None = None
    """What the change affects. This and the next five are left out if they are empty."""
    fallback: str | None = None
    """How the change is taken back."""
    expected: str | None = None
    """What should be observed once it is applied."""
    base: str | None = None
    """R26: the version of the object from which the change was made, such as a blob or a commit."""
    emergency: bool | None = None
    """Whether it cannot wait."""
    tickets: list[str] = []
    """Ids of tickets."""
    when: dict[str, list[str]] = {}
    """Pointers, each with the texts of which it must lead to one. Any other event is skipped."""
    translate: dict[str, dict[str, str]] = {}
    """Pointers, each with a table: the text that is found becomes another. One that is not in the table is an
    error, so that nobody is submitted for by chance."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be submitted."""

    resource: str
    operation: str
    justification: str
    payload: bytes
    on_behalf_of: str | None = None
    impact: str | None = None
    fallback: str | None = None
    expected: str | None = None
    base: str | None = None
    emergency: bool | None = None
    tickets: tuple[str, ...] = ()


def check_mapping(mapping: Mapping) -> None:
    """Raises TemplateError, which names the field."""
    for name in _TEMPLATES:
        template = getattr(mapping, name)
        if template is not None:
            _check(name, template)
    for number, template in enumerate(mapping.tickets):
        _check(f"tickets[{number}]", template)
    _check_payload("payload", mapping.payload)
    for field in ("when", "translate"):
        for pointer in getattr(mapping, field):
            try:
                parse_pointer(pointer)
            except PointerError as error:
                raise TemplateError(f"{field}: {error}") from error


def is_wanted(mapping: Mapping, document: bytes) -> bool:
    """Whether the event is one that the mapping is for."""
    for pointer, wanted in mapping.when.items():
        found = value_at(document, pointer)
        if found is None or text_of(found) not in wanted:
            return False
    return True


def submission_of(mapping: Mapping, document: bytes) -> Submission:
    """The submission for an event. Raises MappingError."""

    def filled(template: str) -> str:
        return fill(template, document, mapping.translate)

    def optional(template: str | None) -> str | None:
        return None if template is None else filled(template) or None

    return Submission(
        resource=filled(mapping.resource),
        operation=filled(mapping.operation),
        justification=_cut(filled(mapping.justification)),
        payload=_payload(mapping.payload, document, mapping.translate),
        on_behalf_of=None if mapping.on_behalf_of is None else filled(mapping.on_behalf_of),
        impact=optional(mapping.impact),
        fallback=optional(mapping.fallback),
        expected=optional(mapping.expected),
        base=optional(mapping.base),
        emergency=mapping.emergency,
        tickets=tuple(each for each in map(filled, mapping.tickets) if each),
    )


def fill(template: str, document: bytes, translate: Table[str, Table[str, str]]) -> str:
    """The text of a template. Raises MappingError."""

    def place(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        pointer = match[1].removesuffix("?")
        return _text_at(document, pointer, translate, optional=match[1].endswith("?"))

    return _PLACE.sub(place, template)


def _text_at(document: bytes, pointer: str, translate: Table[str, Table[str, str]], *, optional: bool) -> str:
    value = value_at(document, pointer)
    if value is None:
        if optional:
            return ""
        raise MappingError(f"The event has nothing at {pointer}.")
    text = text_of(value)
    if text is None:
        raise MappingError(f"At {pointer} is an object or an array, which does not fit into a text.")
    table = translate.get(pointer)
    if table is None:
        return text
    if text not in table:
        raise MappingError(f"The mapping translates {pointer} and has nothing for {text[:80]!r}.")
    return table[text]


def _payload(template: PayloadTemplate, document: bytes, translate: Table[str, Table[str, str]]) -> bytes:
    match template:
        case dict():
            return json_object({name: _payload(each, document, translate) for name, each in template.items()})
        case list():
            return json_array([_payload(each, document, translate) for each in template])
        case str():
            whole = _WHOLE.fullmatch(template)
            if whole is None or whole[1].removesuffix("?") in translate:
                return _encode(fill(template, document, translate))
            value = value_at(document, whole[1].removesuffix("?"))
            if value is not None:
                return value
            if whole[1].endswith("?"):
                return b"null"
            raise MappingError(f"The event has nothing at {whole[1]}.")
        case _:
            return _encode(template)


def _cut(text: str) -> str:
    return text if len(text) <= JUSTIFICATION_MAX_CHARS else text[: JUSTIFICATION_MAX_CHARS - 1] + "…"


def _check(name: str, template: str) -> None:
    for match in _PLACE.finditer(template):
        if match[0] in ("{{", "}}"):
            continue
        if match[1] is None:
            raise TemplateError(f"{name}: a brace without its other one; write {{{{ for a brace.")
        try:
            parse_pointer(match[1].removesuffix("?"))
        except PointerError as error:
            raise TemplateError(f"{name}: {error}") from error


def _check_payload(name: str, template: Any) -> None:
    match template:
        case dict():
            for key, each in template.items():
                _check_payload(f"{name}.{key}", each)
        case list():
            for number, each in enumerate(template):
                _check_payload(f"{name}[{number}]", each)
        case str():
            _check(name, template)
        case bool() | int() | float():
            return
        case _:
            raise TemplateError(f"{name}: {type(template).__name__} is not JSON.")
