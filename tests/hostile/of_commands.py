"""Hostile records for `assent.commands`."""

from collections.abc import Iterator
from typing import Any, Final

from assent_contracts import limits
from assent_contracts.topics import COMMANDS
from tests.hostile.recipe import Hostile, Recipe, json_object, repeat
from tests.hostile.texts import FEW_VALUES, ODD_JSON, ODD_VALUES, WORDS, wrong_types

RESOURCE: Final = "script/bad.ps1"
UPSTREAM: Final = "device-config"
_ZEROS: Final = '"' + "0" * 64 + '"'
_COMMON: Final = {"id": '"@ID@"', "principal": f'"{UPSTREAM}"', "at": "@NOW@", "resource": f'"{RESOURCE}"'}
_BY_BOB: Final = {**_COMMON, "principal": '"bob"', "request": '"@HERE@-999999"'}
FIELDS: Final[dict[str, dict[str, Recipe]]] = {
    "submit-change": {**_COMMON, "operation": '"create"', "justification": '"why"', "payload": "1"},
    "approve": {**_BY_BOB, "submission": _ZEROS, "note": '"Fine."', "seen": "1"},
    "reject": {**_BY_BOB, "submission": _ZEROS, "note": '"No."'},
    "revoke": {**_BY_BOB, "note": '"Wait."'},
    "cancel": {**_COMMON, "request": '"@HERE@-999999"'},
    "complete": {**_COMMON, "request": '"@HERE@-999999"', "submission": _ZEROS},
    "close-request": {**_COMMON, "request": '"@HERE@-999999"', "reason": '"why"', "seen": "1"},
    "claim": {**_COMMON, "principal": '"applier"', "request": '"@HERE@-999999"'},
    "report-outcome": {
        **_COMMON,
        "principal": '"applier"',
        "request": '"@HERE@-999999"',
        "outcome": '"failed"',
        "message": '"It broke."',
    },
    "report-finding": {
        **_COMMON,
        "target": '"web"',
        "kind": '"unexplained"',
        "version": '"v1"',
        "seen_at": "1",
    },
    "confirm-set": {**_COMMON, "request": '"@HERE@-999999"'},
    "close-finding": {**_COMMON, "principal": '"bob"', "finding": '"@HERE@-999999"', "reason": '"why"'},
}
SIGNERS: Final = {
    "approve": "bob",
    "reject": "bob",
    "revoke": "bob",
    "claim": "applier",
    "report-outcome": "applier",
    "close-finding": "bob",
}


def command(kind: str, /, **changed: Recipe | None) -> Recipe:
    """A command as a recipe, with some fields changed; None omits a field."""
    fields = {"type": f'"assent.{kind}.v1"', **FIELDS[kind], **changed}
    return json_object(fields)


def record(name: str, value: Recipe, expect: str, **how: Any) -> Hostile:
    how = {"key": RESOURCE, "signed": UPSTREAM, **how}
    return Hostile(name=f"command: {name}", topic=COMMANDS, value=value, expect=expect, **how)


def records() -> Iterator[Hostile]:
    """All of them."""
    yield from _not_commands()
    yield from _types()
    yield from _payloads()
    yield from _sizes()


def _not_commands() -> Iterator[Hostile]:
    for name, value in ODD_VALUES.items():
        yield record(name, value, "malformed")
        if name in FEW_VALUES:
            yield record(f"{name}, unsigned", value, "bad-signature" if value else "malformed", signed=None)
    for word in WORDS:
        yield record(f"of type {word}", json_object({"type": f'"{word}"'}), "malformed")
        yield record(f"with a field {word}", command("submit-change", **{word: "1"}), "malformed")
    yield record(
        "a later version", command("approve", type='"assent.approve.v2"'), "unknown-version", signed="bob"
    )
    yield record(
        "a huge version",
        command("approve", type=f'"assent.approve.v{"9" * 40}"'),
        "unknown-version",
        signed="bob",
    )
    yield record(
        "a version of no number", command("approve", type='"assent.approve.vx"'), "malformed", signed="bob"
    )
    yield record("an unknown kind", command("approve", type='"assent.allow.v1"'), "malformed", signed="bob")
    yield record(
        "a kind in capitals", command("approve", type='"ASSENT.APPROVE.V1"'), "malformed", signed="bob"
    )
    yield record("an event", command("approve", type='"assent.approval-given.v1"'), "malformed", signed="bob")
    yield record(
        "a governance command",
        command("approve", type='"assent.change-governance.v1"'),
        "malformed",
        signed="bob",
    )
    yield record(
        "a type of 200,000 characters",
        command("approve", type=['"', repeat("x", 200_000), '"']),
        "malformed",
        signed="bob",
    )


def _types() -> Iterator[Hostile]:
    for kind, fields in FIELDS.items():
        for field, content in fields.items():
            if field == "payload" or (
                kind not in ("submit-change", "approve") and field in FIELDS["approve"]
            ):
                continue
            for odd in wrong_types(str(content)):
                yield record(
                    f"{kind} with {field} {odd}",
                    command(kind, **{field: odd}),
                    "malformed",
                    signed=SIGNERS.get(kind, UPSTREAM),
                )
            if field not in ("note", "message", "justification", "seen"):
                yield record(
                    f"{kind} without {field}",
                    command(kind, **{field: None}),
                    "malformed",
                    signed=SIGNERS.get(kind, UPSTREAM),
                )
        yield record(
            f"{kind} with a field twice",
            command(kind).removesuffix("}") + ',"id":"2"}',
            "malformed",
            signed=SIGNERS.get(kind, UPSTREAM),
        )


def _payloads() -> Iterator[Hostile]:
    for name, (text, expect) in ODD_JSON.items():
        yield record(
            f"a payload with {name}",
            command("submit-change", payload=text, resource='"script/@ID@"'),
            expect,
            key="script/@ID@",
            partition=-1,
        )


def _sizes() -> Iterator[Hostile]:
    long = limits.COMMAND_MAX_BYTES
    yield record("as large as it may be, of nothing", ["{", repeat(" ", long - 2), "}"], "malformed")
    yield record("a byte too large", ["{", repeat(" ", long - 1), "}"], "too-large")
    yield record("a byte too large, unsigned", ["{", repeat(" ", long - 1), "}"], "too-large", signed=None)
    yield record("of 900 KB", ["{", repeat("x", 900_000), "}"], "too-large", signed=None)
    texts = {
        "justification": ("submit-change", limits.JUSTIFICATION_MAX_CHARS),
        "note": ("approve", limits.NOTE_MAX_CHARS),
        "message": ("report-outcome", limits.OUTCOME_MESSAGE_MAX_CHARS),
    }
    for field, (kind, most) in texts.items():
        signed = SIGNERS.get(kind, UPSTREAM)
        fits = "unknown-request" if kind != "submit-change" else "decided"
        where: dict[str, Any] = {"key": "script/@ID@", "partition": -1} if kind == "submit-change" else {}
        about = {"resource": '"script/@ID@"'} if where else {}
        for char, name in (("x", "ASCII"), ("é", "two bytes each"), ("😀", "four bytes each")):
            yield record(
                f"{field} at its limit, {name}",
                command(kind, **{field: ['"', repeat(char, most), '"']}, **about),
                fits,
                signed=signed,
                **where,
            )
            yield record(
                f"{field} one over, {name}",
                command(kind, **{field: ['"', repeat(char, most + 1), '"']}),
                "too-large",
                signed=signed,
            )
        yield record(
            f"{field} with a control character",
            command(kind, **{field: '"a\\u0007b"'}),
            "malformed",
            signed=signed,
        )
    most = limits.PAYLOAD_MAX_BYTES
    yield record(
        "a payload at its limit",
        command("submit-change", payload=['"', repeat("x", most - 2), '"'], resource='"script/@ID@"'),
        "decided",
        key="script/@ID@",
        partition=-1,
    )
    yield record(
        "a payload one over", command("submit-change", payload=['"', repeat("x", most - 1), '"']), "too-large"
    )
    yield record(
        "an empty justification", command("submit-change", justification='""'), "justification-required"
    )
    yield record(
        "a blank justification", command("submit-change", justification='" \\t"'), "justification-required"
    )
