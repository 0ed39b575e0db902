"""What a change changes, field by field: what approvers see besides its sentence. Pure."""

from collections.abc import Iterable

import msgspec


class FieldChange(msgspec.Struct, frozen=True):
    """One field before and after. None means that the field does not exist."""

    field: str
    before: str | None
    after: str | None


def changed_fields(*fields: tuple[str, str | None, str | None]) -> tuple[FieldChange, ...]:
    """The fields whose values before and after differ."""
    return tuple(FieldChange(*each) for each in fields if each[1] != each[2])


def about(what: str, changes: Iterable[FieldChange]) -> Iterable[FieldChange]:
    """The same changes, with the object's name before each field."""
    return (FieldChange(f"{what}, {each.field}", each.before, each.after) for each in changes)


def becomes(changes: Iterable[FieldChange]) -> str:
    """`quorum 1 becomes 2; name goes`, or `nothing`."""
    words: list[str] = []
    for each in changes:
        if each.before is None:
            words.append(f"{each.field} {each.after} is added")
        elif each.after is None:
            words.append(f"{each.field} {each.before} goes")
        else:
            words.append(f"{each.field} {each.before} becomes {each.after}")
    return "; ".join(words) or "nothing"
