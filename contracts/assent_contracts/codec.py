"""Bytes to commands and back: what is well-formed, and the refusal of what is not."""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, cast, get_args

import msgspec
from msgspec import UNSET

from assent_contracts import limits
from assent_contracts.change_detail_limits import bad_details, bad_version
from assent_contracts.characters import draws_nothing
from assent_contracts.commands import (
    CloseFinding,
    Command,
    CommandFields,
    ReportFinding,
    ReportOutcome,
    RequestCommand,
    SubmitChange,
)
from assent_contracts.digests import DIGEST_PATTERN
from assent_contracts.finding_limits import bad_report
from assent_contracts.form_refusals import bad_text, identifier_refusal, is_identifier, malformed, too_large
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import is_resource, is_type_name, parse_request_id

_decode_command = msgspec.json.Decoder(Command).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_DIGEST = re.compile(DIGEST_PATTERN)
_JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_OF_NUMBERS: Final = bytes(0x30 if byte in b"-+.0123456789eE" else 0 for byte in range(256))
_LONG_NUMBER: Final = b"0" * (limits.NUMBER_MAX_CHARS + 1)
_VERSIONED = re.compile(r"(assent\.[a-z-]+)\.v[0-9]+")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class _RepeatedKeyError(Exception):
    pass


def _take_members(members: list[tuple[str, object]]) -> None:
    if len(dict(members)) != len(members):
        raise _RepeatedKeyError


_read_members = json.JSONDecoder(object_pairs_hook=_take_members, parse_int=len, parse_float=len).decode


class _TypeOnly(msgspec.Struct):
    type: str | None = None


_decode_type = msgspec.json.Decoder(_TypeOnly).decode


def known_types(union: object) -> frozenset[str]:
    """The types, with their version, of the messages in a union of tagged structs."""
    members = cast("tuple[type[msgspec.Struct], ...]", union.__args__)  # type: ignore[attr-defined]
    return frozenset(str(member.__struct_config__.tag) for member in members)


_COMMANDS = known_types(Command)


def encode(message: object) -> bytes:
    """A message as UTF-8 JSON without spaces. Its fields are in the order of its type."""
    return _encode(message)


def decode_command(value: bytes | None) -> Command | Refusal:
    """The command in a Kafka value, or the refusal of its form."""
    if value is None or not value:
        return malformed("The record is empty.")
    if len(value) > limits.COMMAND_MAX_BYTES:
        return too_large("command", len(value), limits.COMMAND_MAX_BYTES, "bytes")
    shape = shape_refusal(value)
    if shape is not None:
        return shape
    try:
        command = _decode_command(value)
    except msgspec.ValidationError as error:
        return repeated_key(value) or undecodable(value, str(error), _COMMANDS)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return malformed("The record is not one JSON object.")
    return check_fields(command) or _ambiguity(command, value) or command


def shape_refusal(value: bytes) -> Refusal | None:
    """The refusal of bytes that cannot be one JSON object in UTF-8; None when they may be."""
    # The bytes are embedded in the ledger and must be readable from it unchanged. So nothing may surround the
    # object: a JSON reader would drop it. msgspec does not check that the payload is UTF-8.
    if value[0] != 0x7B or value[-1] != 0x7D:
        return malformed("The record is not one JSON object, without anything before or after it.")
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError:
            return malformed("The record is not UTF-8.")
    return None


def _ambiguity(command: Command, value: bytes) -> Refusal | None:
    """The refusal of JSON that another reader might read differently: a long number or a repeated key."""
    if encode(command) != value:
        return long_number(value) or repeated_key(value)
    # A command that encodes to the same bytes has each field once and in its shortest form. Only the payload
    # remains to be checked, because its bytes are kept as received.
    if not isinstance(command, SubmitChange):
        return None
    payload = bytes(command.payload)
    return long_number(payload) or repeated_key(payload)


def repeated_key(value: bytes) -> Refusal | None:
    """The refusal of a JSON object with a repeated key, at any depth; else None.

    Some readers use the first value and some the last. People would approve one value, and appliers would
    apply the other.
    """
    if _is_compact(value):
        return None
    try:
        _read_members(value.decode())
    except _RepeatedKeyError:
        return malformed("A key stands twice in one object.")
    except (ValueError, RecursionError):
        return None  # not JSON: not for this function to report
    return None


def _is_compact(value: bytes) -> bool:
    # Fast: decoding and encoding JSON with a repeated key makes it shorter, so unchanged JSON has none.
    try:
        return encode(_decode_any(value)) == value
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def undecodable(value: bytes | msgspec.Raw, reason: str, types: frozenset[str]) -> Refusal:
    """Why a JSON object is not a message of one of these types: another version of one, or malformed.

    Its `type` decides. `reason` is the decoder's message and for people only.
    """
    found = type_of(value)
    match = None if found is None or found in types else _VERSIONED.fullmatch(found)
    if match is not None and any(known.rpartition(".")[0] == match[1] for known in types):
        return Refusal(
            code=RefusalCode.UNKNOWN_VERSION, detail=f"This version of {match[1]} is not known here."
        )
    return malformed(reason)


def type_of(value: bytes | msgspec.Raw) -> str | None:
    """The `type` of a JSON object; None if it has none, or if this is not a JSON object."""
    try:
        return _decode_type(value).type
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def long_number(value: bytes) -> Refusal | None:
    """The refusal of JSON with a number that is too long for some readers; None if it has none.

    `value` is known to be JSON.
    """
    # Every byte of a number becomes a 0. To search for a row of zeros is five times as fast as a pattern.
    if _LONG_NUMBER not in value.translate(_OF_NUMBERS):
        return None
    if _LONG_NUMBER not in _JSON_STRING.sub(b"", value).translate(_OF_NUMBERS):
        return None
    return too_large("a number", None, limits.NUMBER_MAX_CHARS, "characters")


def check_fields(command: Command) -> Refusal | None:
    """Check the limits that the types alone do not state; None if all hold."""
    common = _check_common(command)
    if common is not None:
        return common
    if isinstance(command, SubmitChange):
        return _check_submission(command)
    if isinstance(command, ReportOutcome):
        bad = _check_version(command)
        if bad is not None:
            return bad
    if isinstance(command, ReportFinding):
        return bad_report(command)
    for name, check in _CHECKS[type(command)]:
        refusal = check(getattr(command, name))
        if refusal is not None:
            return refusal
    return None


def _check_common(command: CommandFields) -> Refusal | None:
    if not is_resource(command.resource):
        return malformed(
            "resource is not <type>/<id>: a type of a-z, 0-9 and -; an id of 1 to 256 characters in NFC,"
            " each one drawn and known to Unicode 14, without a space around them."
        )
    return check_sent(command.id, command.principal, command.at)


def check_sent(command_id: str, principal: str, at: int) -> Refusal | None:
    """Check the fields that every command has: its id, its principal, and its time (ms)."""
    if not is_identifier(command_id, limits.COMMAND_ID_MAX_CHARS):
        return identifier_refusal("id", command_id, limits.COMMAND_ID_MAX_CHARS)
    if not is_known_identifier(principal):
        return identifier_refusal("principal", principal, limits.NAME_MAX_CHARS)
    if not 0 <= at <= limits.FOR_EVER_MS:
        return malformed("at is not a time in milliseconds since 1970.")
    return None


def _check_submission(command: SubmitChange) -> Refusal | None:
    payload = bytes(command.payload)
    if len(payload) > limits.PAYLOAD_MAX_BYTES:
        return too_large("payload", len(payload), limits.PAYLOAD_MAX_BYTES, "bytes")
    if is_too_deep(payload):
        return too_large("payload's nesting", None, limits.PAYLOAD_MAX_DEPTH, "levels")
    if not is_type_name(command.operation):
        return malformed("operation is not a name of a-z, 0-9 and -, at most 64 characters.")
    if command.on_behalf_of is not UNSET and not is_known_identifier(command.on_behalf_of):
        return identifier_refusal("on_behalf_of", command.on_behalf_of, limits.NAME_MAX_CHARS)
    bad = bad_text("justification", command.justification, limits.JUSTIFICATION_MAX_CHARS)
    if bad is None and draws_nothing(command.justification):
        return Refusal(code=RefusalCode.JUSTIFICATION_REQUIRED, detail="The justification is empty.")
    return bad or bad_details(command)


def _check_version(command: ReportOutcome) -> Refusal | None:
    if command.version is not UNSET and command.outcome != "succeeded":
        return malformed("version is only of a change that was made: leave it out.")
    return bad_version("version", command.version)


def _check_reason(reason: str) -> Refusal | None:
    bad = bad_text("reason", reason, limits.REASON_MAX_CHARS)
    if bad is None and draws_nothing(reason):
        return malformed("The reason is empty: state why you decide so.")
    return bad


def _check_request(request: str) -> Refusal | None:
    if parse_request_id(request) is None:
        return malformed("request is not <partition>-<seq>.")
    return None


def _check_finding(finding: str) -> Refusal | None:
    if parse_request_id(finding) is None:
        return malformed("finding is not <partition>-<seq>.")
    return None


def _check_submission_hash(submission: str) -> Refusal | None:
    if _DIGEST.fullmatch(submission) is None:
        return malformed("submission is not 64 lower-case hex digits.")
    return None


_CHECKS_BY_FIELD: Final[dict[str, Callable[[str], Refusal | None]]] = {
    "request": _check_request,
    "submission": _check_submission_hash,
    "note": lambda note: bad_text("note", note, limits.NOTE_MAX_CHARS),
    "message": lambda message: bad_text("message", message, limits.OUTCOME_MESSAGE_MAX_CHARS),
    "reason": _check_reason,
    "finding": _check_finding,
}
_TYPED: Final = {*CommandFields.__struct_fields__, "outcome", "seen", "claim", "version"}
"""Fields that are limited by their types, that every command has, or that `check_fields` checks itself."""


def _checks_of(
    kind: type[RequestCommand | CloseFinding],
) -> tuple[tuple[str, Callable[[str], Refusal | None]], ...]:
    """The checks of a command's fields, in their order. Raises KeyError for a field without a check."""
    return tuple((name, _CHECKS_BY_FIELD[name]) for name in kind.__struct_fields__ if name not in _TYPED)


_CHECKS: Final = {kind: _checks_of(kind) for kind in (*get_args(RequestCommand), CloseFinding)}


@lru_cache(maxsize=4_096)
def is_known_identifier(text: str) -> bool:
    """Whether `text` can name a principal or a key. Cached, because the same few names recur."""
    return is_identifier(text, limits.NAME_MAX_CHARS)


def is_too_deep(payload: bytes) -> bool:
    """Whether a JSON text is nested deeper than PAYLOAD_MAX_DEPTH."""
    if payload.count(b"[") + payload.count(b"{") <= limits.PAYLOAD_MAX_DEPTH:
        return False
    depth = 0
    for byte in _JSON_STRING.sub(b"", payload).translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        if depth > limits.PAYLOAD_MAX_DEPTH:
            return True
    return False
