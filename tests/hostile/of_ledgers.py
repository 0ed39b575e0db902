"""Hostile records for both ledgers, and for `assent.changes`."""

from collections.abc import Iterator
from typing import Any, Final

from assent_contracts import limits
from assent_contracts.topics import CHANGES, GOVERNANCE, LEDGER
from tests.hostile.recipe import Hostile, Recipe, base64_of, json_object, repeat
from tests.hostile.texts import FEW_VALUES, WORDS

_RELEASE: Final = (
    '[{"type":"assent.change-released.v1","request":"@HERE@-0","resource":"script/forged","digest":"'
    + "0" * 64
    + '","deadline":@NOW+999999999@}]'
)
_EMPTY: Final = "[]"
_CHANGE: Final = {
    "type": '"assent.change.v1"',
    "request": '"@HERE@-999999"',
    "resource": '"script/x"',
    "operation": '"edit"',
    "requester": '"alice"',
    "justification": '"why"',
    "digest": '"' + "0" * 64 + '"',
    "submission": '"' + "0" * 64 + '"',
    "released": "1",
    "at": "@NOW@",
    "payload": "1",
}


def _next(ledger: str, **changed: Recipe | None) -> Recipe:
    """A record that chains to the accepted head."""
    fields: dict[str, Recipe | None] = {
        "seq": "@SEQ+1@",
        "prev": '"@PREV@"',
        "epoch": "@EPOCH+1@",
        "at": "@NOW@",
        "governance": "@GOVERNANCE@" if ledger == LEDGER else None,
        "events": _RELEASE if ledger == LEDGER else _EMPTY,
        **changed,
    }
    return json_object(fields)


def records() -> Iterator[Hostile]:
    """All of them."""
    for ledger in (LEDGER, GOVERNANCE):
        yield from _of_ledger(ledger)
    yield from _changes()


def _of_ledger(ledger: str) -> Iterator[Hostile]:
    def record(name: str, value: Recipe, **how: Any) -> Hostile:
        return Hostile(name=f"{ledger}: {name}", topic=ledger, value=value, expect="quarantined", **how)

    for seal in (
        "unsigned",
        "stranger",
        "impostor",
        "spoiled",
        "short",
        "not base64",
        "another log",
        "another partition",
        "another seq",
        "another command",
        "command",
        "null",
        "not UTF-8",
        "empty",
        "reader",
    ):
        yield record(f"seal: {seal}", _next(ledger), signed=seal)
    yield record("the last record again, sealed", {"accepted": -1}, signed="writer")
    yield record("an old record again", {"accepted": 0}, signed="writer")
    for name, changed in {
        "seq too high": {"seq": "@SEQ+2@"},
        "seq too low": {"seq": "@SEQ@"},
        "seq -1": {"seq": "-1"},
        "seq a text": {"seq": '"1"'},
        "seq huge": {"seq": repeat("9", 5_000)},
        "seq a fraction": {"seq": "1.5"},
        "seq 2^64": {"seq": "18446744073709551616"},
        "prev of another": {"prev": '"' + "0" * 64 + '"'},
        "prev in capitals": {"prev": '"' + "A" * 64 + '"'},
        "prev a number": {"prev": "1"},
        "no prev": {"prev": None},
        "no seq": {"seq": None},
        "at a text": {"at": '"now"'},
        "epoch null": {"epoch": "null"},
    }.items():
        yield record(f"by the writer, {name}", _next(ledger, **changed), signed="writer")
    if ledger == LEDGER:
        for name, seq in (
            ("from the future", "1000000000"),
            ("of the past", "0"),
            ("negative", "-1"),
            ("a text", '"1"'),
            ("missing", None),
        ):
            yield record(f"by the writer, governance {name}", _next(ledger, governance=seq), signed="writer")
    for name, value in FEW_VALUES.items():
        yield record(name, value, signed="writer")
    for word in WORDS[:3]:
        yield record(f"of {word}", json_object({"type": f'"{word}"', "seq": f'"{word}"'}), signed="stranger")
    yield record(
        "events of brackets",
        _next(ledger, events=[repeat("[", 100_000), repeat("]", 100_000)]),
        signed="stranger",
    )
    yield record(
        "of more than a record may have",
        _next(ledger, x=['"', repeat("x", limits.RECORD_MAX_BYTES), '"']),
        signed="writer",
    )
    yield record("300 headers", _next(ledger), headers=[["h", "1", 300]])
    yield record("a header's name that is not UTF-8", _next(ledger), headers=[[base64_of(b"\xff"), "1"]])


def _changes() -> Iterator[Hostile]:
    def record(name: str, value: Recipe, expect: str, **how: Any) -> Hostile:
        return Hostile(
            name=f"change: {name}", topic=CHANGES, value=value, key="script/x", expect=expect, **how
        )

    for name, value in FEW_VALUES.items():
        yield record(name, value, "unreadable")
    for word in WORDS[:5]:
        yield record(f"of type {word}", json_object({**_CHANGE, "type": f'"{word}"'}), "unreadable")
        yield record(f"a request {word}", json_object({**_CHANGE, "request": f'"{word}"'}), "not-open")
    for field in _CHANGE:
        yield record(
            f"without {field}",
            json_object({**_CHANGE, field: None}),
            "not-open" if field == "type" else "unreadable",
        )
        if field != "payload":
            yield record(f"{field} is an array", json_object({**_CHANGE, field: "[]"}), "unreadable")
    for request in ("", "0", "9999-0", "@HERE@-999999999999999999", "00-0", "99999-0"):
        yield record(
            f"a request {request!r}", json_object({**_CHANGE, "request": f'"{request}"'}), "not-open"
        )
    for field, text in (
        ("released", "-1"),
        ("released", "9223372036854775807"),
        ("at", "-1"),
        ("digest", '""'),
    ):
        yield record(f"{field} {text}", json_object({**_CHANGE, field: text}), "not-open")
    for field, text in (
        ("payload", '"evil"'),
        ("operation", '"delete"'),
        ("resource", '"script/other"'),
        ("digest", '"' + "0" * 64 + '"'),
        ("requester", '"mallory"'),
        ("released", "1152921504606846976"),
        ("justification", '"no"'),
    ):
        yield record(f"a copy of a release with another {field}", {"release": {field: text}}, "forged")
    yield record(
        "300 headers", json_object(_CHANGE), "not-open", headers=[["assent-position", "9" * 30, 300]]
    )
    yield record(
        "a name that is not UTF-8", json_object(_CHANGE), "not-open", headers=[[base64_of(b"\xff"), "1"]]
    )
    yield record("a later version", json_object({**_CHANGE, "type": '"assent.change.v2"'}), "unreadable")
