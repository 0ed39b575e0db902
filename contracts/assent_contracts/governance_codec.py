"""Bytes to governance commands and changes, or the refusal of their form.

The limits on fields beyond their types are left to the rules, which refuse with a more specific code.
"""

import msgspec

from assent_contracts import limits
from assent_contracts.codec import (
    check_sent,
    is_too_deep,
    known_types,
    long_number,
    malformed,
    repeated_key,
    shape_refusal,
    too_large,
    type_of,
    undecodable,
)
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_messages import GovernanceCommand
from assent_contracts.refusals import Refusal

_decode_command = msgspec.json.Decoder(GovernanceCommand).decode
_decode_change = msgspec.json.Decoder(GovernanceChange).decode
_COMMANDS = known_types(GovernanceCommand)
_CHANGES = known_types(GovernanceChange)


def decode_governance_command(value: bytes | None) -> GovernanceCommand | Refusal:
    """The command in a value of `assent.governance.commands`, or the refusal of its form."""
    if value is None or not value:
        return malformed("The record is empty.")
    if len(value) > limits.GOVERNANCE_COMMAND_MAX_BYTES:
        return too_large("command", len(value), limits.GOVERNANCE_COMMAND_MAX_BYTES, "bytes")
    form = _form_refusal(value)
    if form is not None:
        return form
    try:
        command = _decode_command(value)
    except msgspec.ValidationError as error:
        return _undecodable(value, str(error))
    return check_sent(command.id, command.principal, command.at) or command


def decode_governance_change(payload: bytes) -> GovernanceChange | Refusal:
    """The change to governance in a request's payload, or the refusal of its form."""
    if not payload:
        return malformed("There is no change.")
    form = _form_refusal(payload)
    if form is not None:
        return form
    try:
        return _decode_change(payload)
    except msgspec.ValidationError as error:
        return undecodable(payload, str(error), _CHANGES)


class _Changing(msgspec.Struct):
    change: msgspec.Raw = msgspec.Raw(b"null")


_decode_changing = msgspec.json.Decoder(_Changing).decode


def _undecodable(value: bytes, reason: str) -> Refusal:
    if type_of(value) not in _COMMANDS:
        return undecodable(value, reason, _COMMANDS)
    return undecodable(_decode_changing(value).change, reason, _CHANGES)


def _form_refusal(value: bytes) -> Refusal | None:
    shape = shape_refusal(value)
    if shape is not None:
        return shape
    try:
        msgspec.json.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return malformed("This is not one JSON object.")
    if is_too_deep(value):
        return too_large("the nesting", None, limits.PAYLOAD_MAX_DEPTH, "levels")
    return long_number(value) or repeated_key(value)
