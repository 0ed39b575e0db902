"""What a command may look like on the wire, at each limit and one beyond it."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_contracts import limits
from assent_contracts.codec import decode_command
from assent_contracts.commands import SubmitChange
from assent_contracts.refusals import Refusal

SUBMIT = {
    "type": "assent.submit-change.v1",
    "id": "c-1",
    "principal": "alice",
    "at": 1,
    "resource": "app/payroll",
    "operation": "edit",
    "justification": "why",
}
APPROVE = {
    "type": "assent.approve.v1",
    "id": "c-1",
    "principal": "bob",
    "at": 1,
    "resource": "app/payroll",
    "request": "0-0",
    "submission": "0" * 64,
}
REPORT = {k: v for k, v in APPROVE.items() if k != "submission"} | {
    "type": "assent.report-outcome.v1",
    "outcome": "failed",
}


def submit(payload: bytes = b"1", **fields: object) -> bytes:
    """A submission with the given payload bytes."""
    return json.dumps(SUBMIT | fields).encode()[:-1] + b', "payload":' + payload + b"}"


def other(base: Mapping[str, object], **fields: object) -> bytes:
    return json.dumps({**base, **fields}).encode()


def outcome(value: bytes | None) -> str | None:
    """The refusal's code, or None for a valid command."""
    decoded = decode_command(value)
    return decoded.code.value if isinstance(decoded, Refusal) else None


def padded(size: int) -> bytes:
    """A valid command of exactly `size` bytes."""
    value = submit(b'"' + b"x" * (limits.PAYLOAD_MAX_BYTES - 2) + b'"')
    return b"{" + b" " * (size - len(value)) + value[1:]


def string_of(size: int) -> bytes:
    return b'"' + b"x" * (size - 2) + b'"'


DEEP = limits.PAYLOAD_MAX_DEPTH
LIMITS = [
    ("command bytes", padded(limits.COMMAND_MAX_BYTES), padded(limits.COMMAND_MAX_BYTES + 1), "too-large"),
    (
        "payload bytes",
        submit(string_of(limits.PAYLOAD_MAX_BYTES)),
        submit(string_of(limits.PAYLOAD_MAX_BYTES + 1)),
        "too-large",
    ),
    ("arrays deep", submit(b"[" * DEEP + b"]" * DEEP), submit(b"[" * 65 + b"]" * 65), "too-large"),
    (
        "objects deep",
        submit(b'{"a":' * DEEP + b"1" + b"}" * DEEP),
        submit(b'{"a":' * (DEEP + 1) + b"1" + b"}" * (DEEP + 1)),
        "too-large",
    ),
    ("justification", submit(justification="ä" * 1_024), submit(justification="ä" * 1_025), "too-large"),
    ("no justification", submit(justification="."), submit(justification=""), "justification-required"),
    (
        "blank justification",
        submit(justification=" ."),
        submit(justification=" \n\t "),
        "justification-required",
    ),
    ("note", other(APPROVE, note="n" * 1_024), other(APPROVE, note="n" * 1_025), "too-large"),
    ("message", other(REPORT, message="m" * 4_096), other(REPORT, message="m" * 4_097), "too-large"),
    ("id", submit(id="i" * 128), submit(id="i" * 129), "too-large"),
    ("empty id", submit(id="i"), submit(id=""), "malformed"),
    ("principal", submit(principal="p" * 128), submit(principal="p" * 129), "too-large"),
    ("resource id", submit(resource="app/" + "x" * 256), submit(resource="app/" + "x" * 257), "malformed"),
    ("empty resource id", submit(resource="app/x"), submit(resource="app/"), "malformed"),
    ("resource type", submit(resource="a" * 64 + "/x"), submit(resource="a" * 65 + "/x"), "malformed"),
    ("operation", submit(operation="a" * 64), submit(operation="a" * 65), "malformed"),
    ("at", submit(at=(1 << 53) - 1), submit(at=1 << 53), "malformed"),
    ("at 0", submit(at=0), submit(at=-1), "malformed"),
    ("partition digits", other(APPROVE, request="9999-0"), other(APPROVE, request="10000-0"), "malformed"),
    (
        "seq digits",
        other(APPROVE, request=f"0-{'9' * 18}"),
        other(APPROVE, request=f"0-{'9' * 19}"),
        "malformed",
    ),
    ("submission", other(APPROVE, submission="a" * 64), other(APPROVE, submission="a" * 65), "malformed"),
]


@pytest.mark.parametrize(("name", "at_the_limit", "beyond", "code"), LIMITS, ids=[row[0] for row in LIMITS])
def test_limits_are_exact(name: str, at_the_limit: bytes, beyond: bytes, code: str) -> None:
    assert outcome(at_the_limit) is None
    assert outcome(beyond) == code


def test_what_is_nested_too_deeply_is_named() -> None:
    found = decode_command(submit(b"[" * 65 + b"]" * 65))
    assert isinstance(found, Refusal)
    assert found.detail == "payload's nesting has too many levels: at most 64 levels are taken."


REFUSED = {
    "nothing": (None, "malformed"),
    "no bytes": (b"", "malformed"),
    "not JSON": (b"{hello}", "malformed"),
    "an array": (b"[1]", "malformed"),
    "byte order mark": (b"\xef\xbb\xbf" + submit(), "malformed"),
    "space before": (b" " + submit(), "malformed"),
    "newline after": (submit() + b"\n", "malformed"),
    "two objects": (submit() + submit(), "malformed"),
    "UTF-16": (submit().decode().encode("utf-16"), "malformed"),
    "not UTF-8 in the payload": (submit(b'"\xff"'), "malformed"),
    "overlong UTF-8 in the payload": (submit(b'"\xc0\xaf"'), "malformed"),
    "surrogate in UTF-8": (submit(b'"\xed\xa0\x80"'), "malformed"),
    "lone surrogate, escaped, in the payload": (submit(b'"\\ud800"'), "malformed"),
    "lone surrogate, escaped, in the resource": (submit(resource="app/\ud800"), "malformed"),
    "bad escape in the payload": (submit(b'"\\x41"'), "malformed"),
    "control character in the payload": (submit(b'"a\x00b"'), "malformed"),
    "NaN": (submit(b"NaN"), "malformed"),
    "Infinity": (submit(b"[-Infinity]"), "malformed"),
    "leading zero": (submit(b"[01]"), "malformed"),
    "no payload": (other(SUBMIT), "malformed"),
    "trailing comma": (submit(b"[1,]"), "malformed"),
    "unended array": (b'{"payload":[1}', "malformed"),
    "100,000 arrays deep": (submit(b"[" * 100_000 + b"]" * 100_000), "malformed"),
    "100,000 arrays, unended": (submit(b"[" * 100_000), "malformed"),
    "the payload twice": (submit(b'1, "payload": 2'), "malformed"),
    "a key twice, once escaped": (submit(b'1, "i\\u0064": "c-2"'), "malformed"),
    "the type twice": (submit(b'1, "type": "assent.submit-change.v1"'), "malformed"),
    "two types": (submit(b'1, "type": "assent.cancel.v1"'), "malformed"),
    "a key twice in the payload": (submit(b'{"a": {"b": 1, "b": 1}}'), "malformed"),
    "unknown field": (submit(extra=1), "malformed"),
    "field of another type": (submit(at="1"), "malformed"),
    "null for text": (submit(justification=None), "malformed"),
    "fraction for time": (submit(at=1.5), "malformed"),
    "unknown type": (submit(type="assent.destroy.v1"), "malformed"),
    "type of a later version": (submit(type="assent.submit-change.v2"), "unknown-version"),
    "type without version": (submit(type="assent.submit-change"), "malformed"),
    "no type": (b"{}", "malformed"),
    "type of a governance command": (submit(type="assent.create-policy.v1"), "malformed"),
    "type that is no text": (submit(type=1), "malformed"),
    "space in the id": (submit(id="c 1"), "malformed"),
    "newline in the id": (submit(id="c\n"), "malformed"),
    "id beyond ASCII": (submit(id="é"), "malformed"),
    "resource without type": (submit(resource="payroll"), "malformed"),
    "resource type in capitals": (submit(resource="App/x"), "malformed"),
    "resource id not in NFC": (submit(resource="app/e\u0301"), "malformed"),
    "control character in the resource id": (submit(resource="app/a\x07"), "malformed"),
    "C1 control character in the resource id": (submit(resource="app/a\x85"), "malformed"),
    "operation in capitals": (submit(operation="Edit"), "malformed"),
    "control character in the justification": (submit(justification="a\x1b[2J"), "malformed"),
    "control character in the note": (other(APPROVE, note="\x00"), "malformed"),
    "a number of 65 digits": (submit(b"9" * 65), "too-large"),
    "a number of 65 characters": (submit(b"[1." + b"0" * 59 + b"e-10]"), "too-large"),
    "a long number beside a text": (submit(b'{"-----":' + b"1" * 65 + b"}"), "too-large"),
    "submission in capitals": (other(APPROVE, submission="A" * 64), "malformed"),
    "submission with newline": (other(APPROVE, submission="a" * 64 + "\n"), "malformed"),
    "request without partition": (other(APPROVE, request="7"), "malformed"),
    "request with leading zero": (other(APPROVE, request="01-7"), "malformed"),
    "request with newline": (other(APPROVE, request="1-7\n"), "malformed"),
    "outcome of another name": (other(REPORT, outcome="fine"), "malformed"),
}
TAKEN = {
    "plain": submit(),
    "space inside": submit(b"  {  }  "),
    "a number too large for a float": submit(b"1e999"),
    "an integer of 64 digits": submit(b"9" * 64),
    "a text of 5,000 digits": submit(b'"' + b"9" * 5_000 + b'"'),
    "minus zero": submit(b"-0"),
    "escaped surrogate pair": submit(b'"\\ud83d\\ude00"'),
    "escaped NUL in the payload": submit(b'"\\u0000"'),
    "brackets in strings, whatever their number": submit(b'["' + b"[" * 1_000 + b'\\""]'),
    "many brackets, not deep": submit(b"[" + b",".join([b"[]"] * 1_000) + b"]"),
    "the same key in two objects": submit(b'[{"a": 1}, {"a": 2}]'),
    "newline and tab in the justification": submit(justification="a\n\tb\r\n"),
    "slash in the resource id": submit(resource="app/a/b"),
    "resource id in NFC": submit(resource="app/\u00e9"),
    "operation of one's own": submit(operation="reticulate-splines"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_command_is_refused_with_its_code(name: str) -> None:
    value, code = REFUSED[name]
    assert outcome(value) == code


@pytest.mark.parametrize("name", TAKEN)
def test_well_formed_command_is_accepted(name: str) -> None:
    assert outcome(TAKEN[name]) is None


def test_payload_bytes_are_kept_as_received() -> None:
    payload = b'{ "b":1.00 ,"a":"\\u00e9\xc3\xa9" }'
    command = decode_command(submit(payload))
    assert isinstance(command, SubmitChange)
    assert bytes(command.payload) == payload


@given(st.binary(max_size=300))
def test_any_input_gets_an_answer(value: bytes) -> None:
    assert outcome(value) == "malformed"


@given(st.data())
def test_mutated_command_gets_an_answer(data: st.DataObject) -> None:
    value = bytearray(submit(b'{"a":["\xc3\xa9",1.5e3,{"b":null}]}'))
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    decoded = decode_command(bytes(value))
    if not isinstance(decoded, Refusal):
        json.loads(bytes(value))  # what is accepted is JSON that others can read too
