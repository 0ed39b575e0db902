"""Payloads as slices of exact command bytes: what is accepted with which digest, and what is refused."""

from typing import Any, Final

import msgspec

from assent_contracts import limits
from assent_contracts.change_details import details_of
from assent_contracts.codec import decode_command
from assent_contracts.commands import SubmitChange
from assent_contracts.digests import sha256_hex
from assent_contracts.refusals import Refusal
from assent_contracts.vectors.vector_forms import base64_of

_WRITTEN_MAX_BYTES: Final = 10_000
_BEFORE: Final = (
    b'{"type":"assent.submit-change.v1","id":"c-1","principal":"alice","at":1767225600000,'
    b'"resource":"app/payroll","operation":"edit","justification":"New rates.","payload":'
)


def _with(payload: bytes) -> bytes:
    return _BEFORE + payload + b"}"


def _and(fields: bytes) -> bytes:
    return _BEFORE + b"1," + fields + b"}"


def _tests(count: int) -> bytes:
    return b'"tested":[' + b",".join(b'{"what":"CI","sha256":"%064d"}' % n for n in range(count)) + b"]"


_DEEP: Final = limits.PAYLOAD_MAX_DEPTH
_LONG: Final = limits.NUMBER_MAX_CHARS

_CASES: Final[dict[str, bytes]] = {
    "an object": _with(b'{"version":2}'),
    "spaces and escapes inside": _with('{"version": 2,  "name":"L\\u00f6hne ✓"}'.encode()),
    "spaces around the payload do not belong to it": _BEFORE + b' \t\n {"a": 1} \r\n }',
    "the fields in another order": (
        b'{"payload":[1, 2],"justification":"New rates.","operation":"edit","resource":"app/payroll",'
        b'"at":1767225600000,"principal":"alice","id":"c-1","type":"assent.submit-change.v1"}'
    ),
    "spaces between the fields": _with(b"1").replace(b'","', b'" ,\n "'),
    "a member named payload inside the payload": _with(b'{"payload":{"payload":"x"}}'),
    "a text with braces, quotes and a backslash at its end": _with(rb'"}{][\",\"payload\":1 \\"'),
    "an escaped slash": _with(rb'"a\/b"'),
    "characters that some encoders escape": _with('"<&>\u2028\u2029\'\x7f"'.encode()),
    "a byte order mark inside a text": _with('"\ufeffx"'.encode()),
    "a character beyond the basic plane": _with('"\U0001f600"'.encode()),
    "the same as a pair of escapes": _with(rb'"\ud83d\ude00"'),
    "an escaped null character": _with(rb'"\u0000"'),
    "null": _with(b"null"),
    "true": _with(b"true"),
    "an empty object": _with(b"{}"),
    "an empty array": _with(b"[]"),
    "an empty name": _with(b'{"":1}'),
    "a huge number": _with(b'{"rate":1e400}'),
    "a tiny number": _with(b"-1E-400"),
    "minus zero": _with(b"-0"),
    "a number with zeros at its end": _with(b"0.1000"),
    "an integer that no float has": _with(b"9007199254740993"),
    "a number of the longest length": _with(b"1" * _LONG),
    "a number that is too long": _with(b"1" * (_LONG + 1)),
    "a long number inside a text": _with(b'"' + b"1" * (_LONG + 1) + b'"'),
    "names that differ in case only": _with(b'{"a":1,"A":2}'),
    "the same name in two objects": _with(b'[{"a":1},{"a":1}]'),
    "the same name twice in the payload": _with(b'{"a":1,"a":2}'),
    "the same name twice, one of them escaped": _with(rb'{"a":1,"\u0061":2}'),
    "the same name twice, far inside": _with(b'{"a":[{"b":{"c":1,"d":2,"c":3}}]}'),
    "the payload twice": _with(b'1,"payload":2'),
    "the payload twice, once escaped": _with(rb'1,"payloa\u0064":2'),
    "the payload's name escaped": _with(b"1").replace(b'"payload"', rb'"payloa\u0064"'),
    "a name in another case": _with(b"1").replace(b'"payload"', b'"Payload"'),
    "no payload": _with(b"1").replace(b',"payload":1', b""),
    "a field that no command has": _with(b'1,"extra":1'),
    "nested as deep as may be": _with(b"[" * _DEEP + b"]" * _DEEP),
    "nested too deep": _with(b"[" * (_DEEP + 1) + b"]" * (_DEEP + 1)),
    "a payload of the largest size": _with(b'"' + b"x" * (limits.PAYLOAD_MAX_BYTES - 2) + b'"'),
    "a payload that is too large": _with(b'"' + b"x" * (limits.PAYLOAD_MAX_BYTES - 1) + b'"'),
    "a lone high surrogate": _with(rb'"\ud83d"'),
    "a lone low surrogate": _with(rb'"\ude00"'),
    "surrogates in the wrong order": _with(rb'"\ude00\ud83d"'),
    "a lone surrogate in a name": _with(rb'{"\ud83d":1}'),
    "bytes that are not UTF-8": _with(b'"\xff"'),
    "an encoded surrogate": _with(b'"\xed\xa0\xbd"'),
    "an overlong encoding": _with(b'"\xc0\xaf"'),
    "NaN": _with(b"NaN"),
    "Infinity": _with(b"-Infinity"),
    "a zero before a number": _with(b"01"),
    "a plus before a number": _with(b"+1"),
    "a point without digits": _with(b"1."),
    "a hexadecimal number": _with(b"0x10"),
    "a comma at the end": _with(b"[1,]"),
    "a comment": _with(b"1/**/"),
    "single quotes": _with(b"'a'"),
    "a raw line break in a text": _with(b'"a\nb"'),
    "an unknown escape": _with(rb'"\x41"'),
    "an escape that is cut short": _with(rb'"\u004"'),
    "a byte order mark in front": b"\xef\xbb\xbf" + _with(b"1"),
    "a space in front": b" " + _with(b"1"),
    "a line break at the end": _with(b"1") + b"\n",
    "two objects": _with(b"1") + _with(b"1"),
    "nothing": b"",
    "an array": b"[" + _with(b"1") + b"]",
    "an unknown version": _with(b"1").replace(b"change.v1", b"change.v99"),
    "every optional field": _and(
        b'"impact":"Payroll is slow for a minute.","fallback":"Apply version 1 again.",'
        b'"tested":[{"what":"CI run 17","uri":"https://ci.example/17","sha256":"' + b"ab" * 32 + b'"},'
        b'{"sha256":"' + b"cd" * 32 + b'","what":"Screenshot"}],"expected":"New rates on the page.",'
        b'"emergency":false,"tickets":["CHG-1","#2"],"base":"W/\\"17\\"",'
        b'"not_before":1767225700000,"not_after":1767229300000'
    ),
    "a set": _and(b'"members":2,"not_after":1767229300000'),
    "a member of a set": _and(b'"base":"v1","not_after":1767229300000,"part_of":"2-17"'),
    "members that are a text": _and(b'"members":"2"'),
    "a member of a number": _and(b'"part_of":2'),
    "an impact of the longest length": _and(b'"impact":"' + "\U0001f600".encode() * 1_024 + b'"'),
    "an expectation with a line break": _and(rb'"expected":"a\n\tb"'),
    "an expectation that is too long": _and(b'"expected":"' + b"e" * 1_025 + b'"'),
    "a fallback that is a number": _and(b'"fallback":1'),
    "an emergency that is null": _and(b'"emergency":null'),
    "as many tests as may be": _and(_tests(16)),
    "too many tests": _and(_tests(17)),
    "a test of the longest texts": _and(
        b'"tested":[{"what":"'
        + b"w" * 256
        + b'","uri":"'
        + b"u" * 1_024
        + b'","sha256":"'
        + b"ab" * 32
        + b'"}]'
    ),
    "a test with a name that is too long": _and(
        b'"tested":[{"what":"' + b"w" * 257 + b'","sha256":"' + b"ab" * 32 + b'"}]'
    ),
    "a test at an address that is too long": _and(
        b'"tested":[{"what":"CI","uri":"' + b"u" * 1_025 + b'","sha256":"' + b"ab" * 32 + b'"}]'
    ),
    "a test whose hash is too short": _and(b'"tested":[{"what":"CI","sha256":"' + b"ab" * 31 + b'"}]'),
    "a test that is a text": _and(b'"tested":["CI"]'),
    "as many tickets as may be, of the longest length": _and(
        b'"tickets":[' + b",".join(b'"' + b"t" * 62 + b'%02d"' % n for n in range(16)) + b"]"
    ),
    "a ticket that is too long": _and(b'"tickets":["' + b"t" * 65 + b'"]'),
    "an empty ticket": _and(b'"tickets":[""]'),
    "no tickets": _and(b'"tickets":[]'),
    "a base of the longest length": _and(b'"base":"' + b"v" * 256 + b'"'),
    "a base that is too long": _and(b'"base":"' + b"v" * 257 + b'"'),
    "an empty base": _and(b'"base":""'),
    "a base that is not ASCII": _and('"base":"v\u00e9"'.encode()),
    "a window that begins as late as may be": _and(b'"not_before":1798848000000'),
    "a window that ends as late as may be": _and(b'"not_after":4920825600000'),
    "a window that ends too late": _and(b'"not_after":4920825600001'),
    "a window with a fraction": _and(b'"not_before":1767225700000.5'),
    "an empty impact": _and(b'"impact":" "'),
    "an impact that is too long": _and(b'"impact":"' + b"i" * 1_025 + b'"'),
    "a fallback with a control character": _and(rb'"fallback":"a\u0007"'),
    "an emergency that is a text": _and(b'"emergency":"true"'),
    "no tests": _and(b'"tested":[]'),
    "a test without a hash": _and(b'"tested":[{"what":"CI"}]'),
    "a test with another field": _and(
        b'"tested":[{"what":"CI","sha256":"' + b"ab" * 32 + b'","result":"green"}]'
    ),
    "a test in two lines": _and(rb'"tested":[{"what":"a\nb","sha256":"' + b"ab" * 32 + b'"}]'),
    "a test whose hash is in capitals": _and(b'"tested":[{"what":"CI","sha256":"' + b"AB" * 32 + b'"}]'),
    "a test at an address with a space": _and(
        b'"tested":[{"what":"CI","uri":"a b","sha256":"' + b"ab" * 32 + b'"}]'
    ),
    "too many tickets": _and(b'"tickets":[' + b",".join(b'"t%d"' % n for n in range(17)) + b"]"),
    "the same ticket twice": _and(b'"tickets":["a","a"]'),
    "a ticket that is a number": _and(b'"tickets":[1]'),
    "a ticket with a space": _and(b'"tickets":["a b"]'),
    "a base with a space": _and(b'"base":"a b"'),
    "a window that ends when it begins": _and(b'"not_before":1767225700000,"not_after":1767225700000'),
    "a window more than a year ahead": _and(b'"not_before":1798848000001'),
    "a window that is a text": _and(b'"not_after":"2026-01-01"'),
    "a window that ends in two hundred years": _and(b'"not_after":8078832000000'),
    "a window before 1970": _and(b'"not_after":-1'),
    "an optional field that is null": _and(b'"expected":null'),
    "a justification of spaces": _with(b"1").replace(b'"New rates."', b'"  "'),
}


def vectors() -> dict[str, Any]:
    """The content of `payloads.json`."""
    return {"section": "payloads", "commands": [_case(name, value) for name, value in _CASES.items()]}


def _case(name: str, value: bytes) -> dict[str, Any]:
    case: dict[str, Any] = {"name": name, **_written(value)}
    decoded = decode_command(value)
    if isinstance(decoded, Refusal):
        return case | {"refused": str(decoded.code.value)}
    assert isinstance(decoded, SubmitChange)
    payload = bytes(decoded.payload)
    digests: dict[str, Any] = {"digest": sha256_hex(payload), "submission": sha256_hex(value)}
    details = msgspec.to_builtins(details_of(decoded))
    if details:
        digests["details"] = details
    return case | ({"payload": base64_of(payload)} if "value" in case else {}) | digests


def _written(value: bytes) -> dict[str, Any]:
    """The bytes, or a rule for those that are too many to write down."""
    if len(value) <= _WRITTEN_MAX_BYTES:
        return {"value": base64_of(value)}
    start, end = value.index(b"xx"), value.rindex(b"xx") + 2
    assert value[start:end] == b"x" * (end - start)
    return {"rule": {"before": base64_of(value[:start]), "x": end - start, "after": base64_of(value[end:])}}
