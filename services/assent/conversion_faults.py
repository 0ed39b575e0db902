"""Every fault of a document that does not convert to a type. msgspec itself names only the first."""

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

Hook = Callable[[type, Any], Any]
"""msgspec's `dec_hook`."""


class ConversionFault(msgspec.Struct, frozen=True):
    """One fault."""

    what: str
    path: str = "$"
    """Where it is, from the document `$`, such as `$.sources[0].name`."""

    @property
    def text(self) -> str:
        """In msgspec's words."""
        return self.what if self.path == "$" else f"{self.what} - at `{self.path}`"


def conversion_faults(document: Any, to: Any, hook: Hook | None = None) -> list[ConversionFault]:
    """The faults, with their places; none if it converts. `to`: a struct, or a type of its fields."""
    return list(_faults(document, to, "$", hook))


def _faults(value: Any, to: Any, path: str, hook: Hook | None) -> Iterator[ConversionFault]:
    try:
        msgspec.convert(value, to, dec_hook=hook)
    except msgspec.ValidationError as error:
        parts = list(_faults_of_parts(value, to, path, hook))
        if parts:
            yield from parts
            return
        what, _, inner = str(error).partition(" - at `$")
        yield ConversionFault(what, path + inner.removesuffix("`"))


def _faults_of_parts(value: Any, to: Any, path: str, hook: Hook | None) -> Iterator[ConversionFault]:
    """The faults inside the parts of a value; none where the value itself is the fault."""
    to = _plain(value, to)
    if isinstance(value, Mapping) and isinstance(to, type) and issubclass(to, msgspec.Struct):
        yield from _faults_of_fields(value, to, path, hook)
    elif isinstance(value, list) and get_origin(to) in (list, tuple):
        for index, each in enumerate(value):
            yield from _faults(each, get_args(to)[0], f"{path}[{index}]", hook)


def _faults_of_fields(
    value: Mapping[str, Any], to: type[msgspec.Struct], path: str, hook: Hook | None
) -> Iterator[ConversionFault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(to)}
    config = to.__struct_config__
    for name in value:
        if name not in fields and name != config.tag_field and config.forbid_unknown_fields:
            yield ConversionFault(f"Object contains unknown field `{name}`", path)
    for name, field in fields.items():
        if name in value:
            yield from _faults(value[name], field.type, f"{path}.{name}", hook)
        elif field.required:
            yield ConversionFault(f"Object missing required field `{name}`", path)


def _plain(value: Any, to: Any) -> Any:
    """The type without its constraints; of a union the member that `value` must be, if that is known."""
    while get_origin(to) is Annotated:
        to = get_args(to)[0]
    if get_origin(to) not in (Union, types.UnionType):
        return to
    members = [each for each in get_args(to) if each is not types.NoneType]
    if len(members) == 1:
        return _plain(value, members[0])
    for each in members:
        config = getattr(each, "__struct_config__", None)
        if config is not None and isinstance(value, Mapping) and value.get(config.tag_field) == config.tag:
            return each
    return to
