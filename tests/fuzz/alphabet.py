"""Golden bytes, changed at random. The alphabet includes our own error messages and the limits of JSON."""

import json
import random
from pathlib import Path
from typing import Any, Final

from assent_contracts import limits

_GOLDEN: Final = Path(__file__).parents[1] / "contract" / "golden"

RAW_WORDS: Final = (
    b"$.change.type",
    b"$.change",
    b"$.type",
    b"$",
    b" - at `$.",
    b" - at `$`",
    b"`$.policies[0].-`",
    b"Object missing required field `type`",
    b"Object contains unknown field `",
    b"Expected `int`, got `str` - at `$.change.type`",
    b"Expected `object`, got `array`",
    b"Invalid value 'x' - at `$.type`",
    b"JSON is malformed: invalid character (byte 0)",
    b"Input data was truncated",
    b"malformed",
    b"unknown-version",
    b"too-large",
    b"bad-signature",
    b"The record is not one JSON object.",
    b"assent.submit-change.v1",
    b"assent.submit-change.v2",
    b"assent.change-governance.v1",
    b"assent.change-governance.v9",
    b"assent.found-log.v1",
    b"assent.close-founding.v1",
    b"assent.change.v1",
    b"governance",
    b"governance/settings",
    b"access-policy/more",
    b"script/bad.ps1",
    b"@administrators",
    b"founder",
    b"alice",
    b"carol",
    b"upstream",
    b"writer-1",
    b"0-0",
    b"9999-999999999999999999",
)
_RAW_ATOMS: Final = (
    b"0",
    b"-0",
    b"-1",
    b"1",
    b"true",
    b"false",
    b"null",
    b'""',
    b"[]",
    b"{}",
    b"[[]]",
    b'{"":{}}',
    b"1.0",
    b"0.1",
    b"1e400",
    b"-1e400",
    b"1e-400",
    b"1E+2",
    b"2147483648",
    b"9007199254740991",
    b"9007199254740992",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551616",
    b"9" * limits.NUMBER_MAX_CHARS,
    b"9" * (limits.NUMBER_MAX_CHARS + 1),
    b"1." + b"0" * 100,
    b"1e" + b"9" * 30,
    b"9" * 5_000,
    b"NaN",
    b"Infinity",
    b"01",
    b"+1",
    b".5",
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\\u0000"',
    b'"\\u202e"',
    b'"\\x"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xef\xbb\xbf"',
    b'"e\xcc\x81"',
    b'"\xf0\x9e\x82\x8f"',
    b'"\xe3\x85\xa4"',
    b'"\x7f"',
    b'"\n"',
    b'"' + b"x" * 129 + b'"',
    b'"' + b"\xc3\xa9" * 257 + b'"',
    b'"' + b"0" * 64 + b'"',
    b"[" * 64 + b"]" * 64,
    b"[" * 65 + b"]" * 65,
    b'{"a":' * 1_100 + b"1" + b"}" * 1_100,
    b'{"a":1,"a":2}',
    b'{"a":{"b":1,"\\u0062":2}}',
    b'{"type":"$.change.type"}',
)
ATOMS: Final = (*_RAW_ATOMS, *(b'"' + word + b'"' for word in RAW_WORDS))
_BYTES: Final = (
    *(bytes([byte]) for byte in b'{}[]",:\\ \t\r\n\0-+.eE0123456789`$=;&%'),
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",
    b"\xf4\x90\x80\x80",
    b"\\ud800",
    b"\\u0000",
    *RAW_WORDS,
)
_HOLE: Final = "@@HOLE@@"
_NAMES: Final = (
    *("alice", "bob", "carol", "dave", "mallory", "upstream", "applier", "founder", "carol-key", "writer-1"),
    *("approvers", "admins", "requesters", "appliers", "@administrators", "r-administrator", "r-approver"),
    *("app", "script", "free", "apps", "scripts", "governance", "access-policy", "administrator", "gateway"),
    *("human", "service", "manual", "directory", "automatic", "pass", "p-alice", "", "0-0", "3-0", "3-1"),
    *("access-policy/more", "governance/settings", "script/x", "succeeded", "unknown", "A" * 43, "0" * 64),
)
_NUMBERS: Final = (-1, 0, 1, 2, 3, 9, 17, 100, 1_000, 1_767_225_600_000, (1 << 53) - 1)
"""Of the right type but often wrong, so that the rules are reached."""


def golden(*folders: str) -> tuple[bytes, ...]:
    """The golden files of these folders, or all of them."""
    roots = [_GOLDEN / each for each in folders] or [_GOLDEN]
    return tuple(path.read_bytes() for root in roots for path in sorted(root.rglob("*.json")))


def mutate(seed: bytes, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    """One input: a seed with some changes to its JSON or its bytes, or none."""
    value = seed
    if rng.random() < 0.7:
        value = _with_other_json(value, rng)
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 6))):
        value = _with_other_bytes(value, others, rng)
    return value


def _with_other_json(value: bytes, rng: random.Random) -> bytes:
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return value
    atoms: list[bytes] = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        document = _changed(document, atoms, rng)
    encoded = json.dumps(document, separators=(",", ":"), ensure_ascii=rng.random() < 0.3).encode(
        errors="surrogatepass"
    )
    for atom in atoms:
        encoded = encoded.replace(b'"' + _HOLE.encode() + b'"', atom, 1)
    return encoded


def _changed(document: Any, atoms: list[bytes], rng: random.Random) -> Any:
    inside: Any = document
    place: Any = None
    holder: Any = None
    while isinstance(inside, dict | list) and inside and (holder is None or rng.random() < 0.7):
        holder, place = inside, rng.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
        inside = holder[place]
    if holder is None:
        return document
    how = rng.randrange(16)
    if how >= 8 and not isinstance(inside, dict | list):
        holder[place] = _other_content(inside, rng)
    elif how == 0:
        del holder[place]
    elif how == 1 and isinstance(holder, dict):
        holder[rng.choice(RAW_WORDS).decode()] = holder.pop(place)
    elif how == 2 and isinstance(holder, dict):
        holder[rng.choice((*holder, "type", "id", "change", "$.change.type"))] = inside
    elif how == 3:
        holder[place] = [inside] * rng.choice((0, 1, 2, 70))
    elif how == 4:
        holder[place] = {rng.choice(("type", "a", "$")): inside}
    else:
        holder[place] = _HOLE
        atoms.append(rng.choice(ATOMS))
    return document


def _other_content(content: Any, rng: random.Random) -> Any:
    if isinstance(content, bool) or content is None:
        return not content
    if isinstance(content, int):
        return rng.choice((*_NUMBERS, content + 1, content - 1))
    return rng.choice(_NAMES)


def _with_other_bytes(value: bytes, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    at = rng.randrange(len(value) + 1)
    upto = min(len(value), at + rng.choice((0, 1, 1, 2, 8, 64, 500)))
    how = rng.randrange(7)
    if how == 0:
        return value[:at]
    if how == 1:
        return value[:at] + value[upto:]
    if how == 2:
        return value[:upto] + value[at:]
    if how == 3 and at < len(value):
        return value[:at] + bytes([value[at] ^ (1 << rng.randrange(8))]) + value[at + 1 :]
    if how == 4:
        other = rng.choice(others)
        return value[:at] + other[rng.randrange(len(other) + 1) :]
    return value[:at] + rng.choice(_BYTES) + value[upto:]
