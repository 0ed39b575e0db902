"""Hostile records for `assent.governance.commands`."""

import json
from collections.abc import Iterator
from typing import Any, Final

from assent_contracts import limits
from assent_contracts.topics import GOVERNANCE_COMMANDS
from tests.fuzz.alphabet import golden
from tests.hostile.recipe import Hostile, Recipe, base64_of, json_object, repeat
from tests.hostile.texts import FEW_VALUES, ODD_HEADERS, WORDS, wrong_types

_ADMIN: Final = "alice-admin"
_ACCOUNT: Final = '{"id":"s-@ID@","kind":"service"}'
_CHANGE: Final = '{"type":"assent.register-principal.v1","account":' + _ACCOUNT + "}"
_FIELDS: Final = {
    "type": '"assent.change-governance.v1"',
    "id": '"@ID@"',
    "principal": f'"{_ADMIN}"',
    "at": "@NOW@",
    "change": _CHANGE,
}
_MARK: Final = "@@"


def command(**changed: Recipe | None) -> Recipe:
    """A command as a recipe, with some fields changed; None omits a field."""
    return json_object({**_FIELDS, **changed})


def _record(name: str, value: Recipe, expect: str, **how: Any) -> Hostile:
    how = {"key": "governance", "signed": _ADMIN, **how}
    return Hostile(name=f"governance: {name}", topic=GOVERNANCE_COMMANDS, value=value, expect=expect, **how)


def records() -> Iterator[Hostile]:
    """All of them."""
    for name, value in FEW_VALUES.items():
        yield _record(name, value, "malformed")
    for word in WORDS:
        yield _record(f"of type {word}", json_object({"type": f'"{word}"'}), "malformed")
        yield _record(
            f"of type {word}, unsigned", json_object({"type": f'"{word}"'}), "bad-signature", signed=None
        )
        yield _record(f"a change of type {word}", command(change=f'{{"type":"{word}"}}'), "malformed")
    yield from _types()
    yield from _changes()
    yield from _policies()
    yield from _form()
    yield from _signatures()


def _types() -> Iterator[Hostile]:
    for field, content in _FIELDS.items():
        yield _record(f"without {field}", command(**{field: None}), "malformed")
        for odd in wrong_types(content):
            yield _record(f"{field} {odd}", command(**{field: odd}), "malformed")
    for name, kind in (
        ("a later version", "assent.change-governance.v2"),
        ("a later founding", "assent.found-log.v2"),
    ):
        yield _record(name, command(type=f'"{kind}"'), "unknown-version")
    yield _record("a later change", command(change='{"type":"assent.create-policy.v2"}'), "unknown-version")
    yield _record("an unknown change", command(change='{"type":"assent.be-root.v1"}'), "malformed")
    yield _record("a request's command", command(type='"assent.approve.v1"'), "malformed")
    yield _record(
        "a founding",
        json_object({**_FIELDS, "type": '"assent.close-founding.v1"', "change": None}),
        "not-permitted",
    )


def _changes() -> Iterator[Hostile]:
    """Each field of each change, at any depth, with another type."""
    for value in golden("governance-changes"):
        document = json.loads(value)
        kind = document["type"].removeprefix("assent.").removesuffix(".v1")
        for path in _paths(document):
            if len(path) > 2:
                continue
            odd = "[]" if isinstance(_at(document, path), str | bool | int | dict) else "7"
            text = json.dumps(_with(document, path, _MARK), separators=(",", ":"), ensure_ascii=False)
            name = ".".join(map(str, path))
            yield _record(
                f"{kind} with {name} {odd}", command(change=text.replace(f'"{_MARK}"', odd)), "malformed"
            )
        yield _record(
            f"{kind} with an unknown field",
            command(change=value.decode()[:-1] + ',"force":true}'),
            "malformed",
        )


def _paths(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    if isinstance(document, dict):
        for name, inner in document.items():
            yield from _paths(inner, (*at, name))
    elif isinstance(document, list) and document:
        yield from _paths(document[0], (*at, 0))


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _with(document: Any, path: tuple[Any, ...], content: Any) -> Any:
    copy = json.loads(json.dumps(document))
    _at(copy, path[:-1])[path[-1]] = content
    return copy


def _policy(**changed: Recipe | None) -> Recipe:
    fields = {
        "id": '"p-@ID@"',
        "name": '"p"',
        "resource_type": '"other"',
        "approvals": '[{"quorum":1,"groups":["security"]}]',
        **changed,
    }
    policy = json_object(fields)
    parts = policy if isinstance(policy, list) else [policy]
    return command(change=['{"type":"assent.create-policy.v1","policy":', *parts, "}"])


def _policies() -> Iterator[Hostile]:
    quorums = {
        "0": "policy-unsatisfiable",
        "5": "policy-unsatisfiable",
        "100": "policy-unsatisfiable",
        "101": "malformed",
        "-1": "malformed",
        "1.5": "malformed",
        "true": "malformed",
        '"1"': "malformed",
        "null": "malformed",
        "1e400": "malformed",
        "9" * 30: "malformed",
        "[]": "malformed",
    }
    for quorum, expect in quorums.items():
        yield _record(
            f"a quorum of {quorum}",
            _policy(approvals=f'[{{"quorum":{quorum},"groups":["security"]}}]'),
            expect,
        )
    approvals = {
        "no rules": ("[]", "policy-invalid"),
        "no groups": ('[{"groups":[]}]', "policy-invalid"),
        "an unknown group": ('[{"groups":["none"]}]', "policy-invalid"),
        "a group twice": ('[{"groups":["security","security"]}]', "policy-invalid"),
        "a reserved group": ('[{"groups":["@administrators"]}]', "policy-invalid"),
        "17 rules": (
            ["[", repeat('{"groups":["security"]},', 16), '{"groups":["security"]}]'],
            "policy-invalid",
        ),
        "100,000 rules": (["[", repeat('{"groups":[]},', 15_000), '{"groups":[]}]'], "policy-invalid"),
    }
    for name, (text, expect) in approvals.items():
        yield _record(f"a policy with {name}", _policy(approvals=text), expect)
    for field, text, expect in (
        ("rejections", "0", "policy-unsatisfiable"),
        ("rejections", "101", "malformed"),
        ("expiry_ms", "1", "malformed"),
        ("expiry_ms", "1e400", "malformed"),
        ("id", '"@administrators"', "policy-invalid"),
        ("id", '"a b"', "policy-invalid"),
        ("id", ['"', repeat("x", 200_000), '"'], "policy-invalid"),
        ("name", '""', "policy-invalid"),
        ("name", '"a\\u0000b"', "policy-invalid"),
        ("name", ['"', repeat("x", 200_000), '"'], "policy-invalid"),
        ("description", ['"', repeat("x", 1_025), '"'], "policy-invalid"),
        ("resource_type", '"A"', "policy-invalid"),
        ("resource_type", '""', "policy-invalid"),
        ("completion", '"never"', "malformed"),
        ("own_signature", "1", "malformed"),
        ("excluded_groups", '["security"]', "policy-invalid"),
    ):
        yield _record(
            f"a policy with {field} {text if isinstance(text, str) else 'too long'}",
            _policy(**{field: text}),
            expect,
        )


def _form() -> Iterator[Hostile]:
    long = limits.GOVERNANCE_COMMAND_MAX_BYTES
    yield _record("a byte too large", ["{", repeat(" ", long - 1), "}"], "too-large")
    yield _record("as large as it may be, of nothing", ["{", repeat(" ", long - 2), "}"], "malformed")
    yield _record("65 levels", command(change=[repeat("[", 65), repeat("]", 65)]), "too-large")
    yield _record("100,000 levels", command(change=[repeat("[", 100_000), repeat("]", 100_000)]), "malformed")
    yield _record("a long number", command(at=repeat("9", 65)), "too-large")
    yield _record("a key twice", command().removesuffix("}") + ',"principal":"bob"}', "malformed")
    yield _record(
        "a key twice in the change", command(change=_CHANGE.replace('"kind"', '"id":"x","kind"')), "malformed"
    )
    yield _record("a lone surrogate in the id", command(id='"\\ud800"'), "malformed")
    day = 24 * 60 * 60 * 1_000
    for at, expect in (
        (f"@NOW-{day + 60_000}@", "stale"),
        ("@NOW+600000@", "stale"),
        ("-1", "malformed"),
        ("9007199254740991", "stale"),
        ("9007199254740992", "malformed"),
    ):
        yield _record(f"dated {at}", command(at=at), expect)
    for name, text in (
        ("empty", ""),
        ("with a space", "a b"),
        ("with NUL", "a\\u0000"),
        ("not ASCII", "é"),
        ("reserved", "@a"),
        ("overlong", "x" * 129),
    ):
        yield _record(f"an account's id {name}", command(change=_CHANGE.replace("s-@ID@", text)), "malformed")
    for name, key in (
        ("no", None),
        ("an empty", ""),
        ("another", "script/x"),
        ("a binary", base64_of(b"\xff")),
        ("a 500 KB", repeat("k", 500_000)),
    ):
        yield _record(f"{name} key", command(), "malformed", key=key)
    for name, headers in ODD_HEADERS.items():
        yield _record(f"headers: {name}", command(), "decided", headers=headers)
    yield _record("ce_id of another", command(), "malformed", headers=[["ce_id", "2"]])
    yield _record("ce_type of another", command(), "malformed", headers=[["ce_type", "assent.found-log.v1"]])
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        yield _record(f"in {codec}", command(), "decided", codec=codec)


def _signatures() -> Iterator[Hostile]:
    ways = {
        "unsigned": "bad-signature",
        "spoiled": "bad-signature",
        "another command": "bad-signature",
        "another log": "bad-signature",
        "short": "bad-signature",
        "not base64": "bad-signature",
        "stranger": "unknown-key",
        "impostor": "bad-signature",
        "expired": "unknown-key",
        "early": "unknown-key",
        "revoked": "unknown-key",
        "writer": "unknown-key",
        "bob": "unknown-key",
        "founder": "unknown-key",
        "key of 129": "malformed",
        "key not UTF-8": "malformed",
    }
    for way, expect in ways.items():
        yield _record(f"signature: {way}", command(), expect, signed=way)
    yield _record("by no administrator", command(principal='"dave"'), "not-permitted", signed="dave")
    yield _record(
        "a second administrator",
        command(change='{"type":"assent.delete-policy.v1","policy":"scripts","version":1}'),
        "outdated",
    )
