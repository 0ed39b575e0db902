"""R29: hostile sets and members for `assent.commands`. Nothing is decided on a set here."""

from collections.abc import Iterator
from typing import Any, Final

from assent_contracts import limits
from tests.hostile.of_commands import RESOURCE, command, record
from tests.hostile.recipe import Hostile, Recipe, json_object, repeat

_OWN: Final[dict[str, Any]] = {"key": "script/@ID@", "partition": -1}
_OWN_OBJECT: Final = '"script/@ID@"'
_ENDS: Final = "@NOW+3600000@"
_DIGEST: Final = '"' + "0" * 64 + '"'
_MEMBER: Final[dict[str, Recipe | None]] = {
    "resource": '"script/of-a-set"',
    "operation": '"edit"',
    "digest": _DIGEST,
}


def records() -> Iterator[Hostile]:
    """All of them."""
    yield from _counts()
    yield from _windows()
    yield from _payloads()
    yield from _members()
    yield from _parts()
    yield from _confirmations()


def _listed(*members: Recipe) -> Recipe:
    parts: list[Recipe] = ['{"members":[']
    for number, each in enumerate(members):
        parts += ["," if number else "", each]
    return [*parts, "]}"]


def _member(**changed: Recipe | None) -> Recipe:
    return json_object({**_MEMBER, **changed})


def _set(payload: Recipe, members: Recipe = "1", **changed: Recipe | None) -> Recipe:
    return command("submit-change", payload=payload, members=members, **{"not_after": _ENDS, **changed})


def _bad(name: str, payload: Recipe, expect: str = "set-invalid", /, **changed: Recipe | None) -> Hostile:
    return record(f"a set {name}", _set(payload, **changed), expect)


def _counts() -> Iterator[Hostile]:
    one = _listed(_member())
    for count in ("0", "-1", "2", "1001", "9007199254740993", "9" * 20):
        yield _bad(f"of {count} members that lists one", one, members=count)
    for odd in ("1.5", "true", '"1"', "[]", "null", "1e400"):
        yield _bad(f"of {odd} members", one, "malformed", members=odd)
    names = [_member(resource=f'"script/of-a-set-{number}"') for number in range(limits.SET_MEMBERS_MAX + 1)]
    yield _bad("with one member too many", _listed(*names), members=str(len(names)))
    yield record(
        "a set with as many members as it may have",
        _set(_listed(*names[:-1]), str(len(names) - 1), resource=_OWN_OBJECT),
        "decided",
        **_OWN,
    )


def _windows() -> Iterator[Hostile]:
    one = _listed(_member())
    yield _bad("without an end", one, not_after=None)
    yield _bad("that ends in a year", one, not_after="@NOW+31536000000@")
    yield _bad("that has ended", one, "window-over", not_after="@NOW-1@")
    yield _bad("that ends before 1970", one, "malformed", not_after="-1")
    yield _bad("that begins when it ends", one, "malformed", not_before=_ENDS)


def _payloads() -> Iterator[Hostile]:
    for name, payload in {
        "of a number": "1",
        "of a text": '"members"',
        "of nothing": "{}",
        "of null": "null",
        "with members that are null": '{"members":null}',
        "with members that are an object": '{"members":{}}',
        "with no members": '{"members":[]}',
        "with a member that is a text": '{"members":["script/x"]}',
        "with an unknown field": ['{"members":[', _member(), '],"more":1}'],
        "of 60,000 empty members": ['{"members":[{}', repeat(",{}", 60_000), "]}"],
    }.items():
        yield _bad(name, payload)
    twice: Recipe = ['{"members":[],"members":[', _member(), ",", _member(), "]}"]
    yield _bad("with members twice", twice, "malformed")
    deep: Recipe = ['{"members":[', repeat("[", 50_000), repeat("]", 50_000), "]}"]
    yield _bad("of 50,000 open brackets as a member", deep, "malformed")


def _members() -> Iterator[Hostile]:
    one = _member()
    yield _bad("with a member twice", _listed(one, one), members="2")
    yield _bad("with itself as a member", _listed(_member(resource=f'"{RESOURCE}"')))
    yield _bad("with a member of another type", _listed(_member(resource='"app/x"')))
    yield _bad("with a member without a type", _listed(_member(resource='"x"')))
    yield _bad("with a policy as a member", _listed(_member(resource='"access-policy/x"')))
    yield _bad("with a base of its own", _listed(one), base='"v1"')
    for field in _MEMBER:
        yield _bad(f"with a member without {field}", _listed(_member(**{field: None})))
    yield _bad("with a member with an unknown field", _listed(_member(more="1")))
    for name, field, value in (
        ("an empty object", "resource", '"script/"'),
        ("an object with a line break", "resource", '"script/a\\nb"'),
        ("an object that turns its text around", "resource", '"script/\\u202ea"'),
        ("an object of 5,000 characters", "resource", ['"script/', repeat("x", 5_000), '"']),
        ("an operation in capitals", "operation", '"EDIT"'),
        ("an operation of 5,000 characters", "operation", ['"', repeat("x", 5_000), '"']),
        ("a digest in capitals", "digest", '"' + "A" * 64 + '"'),
        ("a digest of 63 digits", "digest", '"' + "0" * 63 + '"'),
        ("a base with a space", "base", '"a b"'),
        ("an empty base", "base", '""'),
    ):
        changed: dict[str, Recipe | None] = {field: value}
        yield _bad(f"with a member with {name}", _listed(_member(**changed)), "malformed")


def _parts() -> Iterator[Hostile]:
    def part(name: str, of: Recipe, expect: str, **changed: Recipe | None) -> Hostile:
        fields: dict[str, Recipe | None] = {"part_of": of, "not_after": _ENDS, **changed}
        return record(f"a member {name}", command("submit-change", **fields), expect)

    here = '"@HERE@-999999"'
    for name, of in {
        "of nothing": '""',
        "of a word": '"x"',
        "of a negative place": '"-1-2"',
        "of a partition that there is not": '"9999-1"',
        "of a place with a zero before": '"00-1"',
        "of a place in Arabic digits": '"\u0660-\u0661"',
        "of a place with 5,000 digits": ['"0-', repeat("9", 5_000), '"'],
        "of a place beyond 64 bits": '"0-99999999999999999999"',
        "of a place with a line break": '"0-1\\n"',
    }.items():
        yield part(name, of, "set-invalid")
    for odd in ("1", "null", "[]", "true"):
        yield part(f"of {odd}", odd, "malformed")
    yield part("without an end", here, "set-invalid", not_after=None)
    yield part("that is a set too", here, "set-invalid", members="1", payload=_listed(_member()))
    for field, content in {"impact": '"Large."', "tickets": '["CHG-1"]', "expected": '"It runs."'}.items():
        yield part(f"with {field} of its own", here, "set-invalid", **{field: content})
    for name, of in {"of a set that is not there": here, "of a request that is no set": '"@HERE@-0"'}.items():
        fields: dict[str, Recipe | None] = {"part_of": of, "not_after": _ENDS, "resource": _OWN_OBJECT}
        yield record(f"a member {name}", command("submit-change", **fields), "decided", **_OWN)


def _confirmations() -> Iterator[Hostile]:
    yield record("a confirmation of a request that is not there", command("confirm-set"), "unknown-request")
    yield record("a confirmation with a submission", command("confirm-set", submission=_DIGEST), "malformed")
