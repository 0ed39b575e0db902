"""A Kafka record to a command with its sender's signature, or the refusal of its shape."""

import hashlib
from collections.abc import Sequence
from typing import get_args

import msgspec

from assent_contracts import cloudevents, limits
from assent_contracts.codec import decode_command, is_known_identifier, malformed
from assent_contracts.commands import Command, command_type
from assent_contracts.digests import from_base64url
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal
from assent_contracts.signing import KEY_HEADER, SIGNATURE_BYTES, SIGNATURE_HEADER

_TYPES: dict[type[Command], bytes] = {each: command_type(each).encode() for each in get_args(Command)}


class Received(msgspec.Struct, frozen=True, gc=False):
    """A well-formed command as it came; whether the signature is good is still to be seen."""

    command: Command
    value: bytes
    value_sha256: bytes
    key_id: str
    signature: str
    """As it came: `signature_bytes` reads it."""


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """What came was no command: only its hash and size are kept."""

    refusal: Refusal
    value_sha256: bytes
    size: int


def receive(
    value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, bytes]]
) -> Received | Unreadable:
    """Read one Kafka record of `assent.commands`."""
    body = value or b""
    digest = hashlib.sha256(body).digest()
    command = decode_command(value)
    if isinstance(command, Refusal):
        return Unreadable(command, digest, len(body))
    if key != command.resource.encode():
        detail = "The record has no key." if key is None else "The record's key is not its resource."
        return Unreadable(malformed(f"{detail} Set the key to <type>/<id>."), digest, len(body))
    signer = _signer(headers, command)
    if isinstance(signer, Refusal):
        return Unreadable(signer, digest, len(body))
    key_id, signature = signer
    return Received(command, body, digest, key_id, signature)


def received_again(recorded: RecordedCommand) -> Received | Refusal:
    """A command out of the ledger, as it was received."""
    value = bytes(recorded.value)
    command = decode_command(value)
    if isinstance(command, Refusal):
        return command
    return Received(command, value, hashlib.sha256(value).digest(), recorded.key, recorded.signature)


def _signer(headers: Sequence[tuple[str, bytes]], command: Command) -> tuple[str, str] | Refusal:
    said = dict(headers)
    try:
        if not b"".join(said.values()).isascii():
            for content in said.values():
                content.decode()
        event_id, event_type = said.get(cloudevents.ID), said.get(cloudevents.TYPE)
        key_id, signature = said.get(KEY_HEADER, b"").decode(), said.get(SIGNATURE_HEADER, b"").decode()
    except (UnicodeDecodeError, TypeError):
        return malformed("A header is not UTF-8.")
    if event_id is not None and event_id != command.id.encode():
        return malformed(f"The header {cloudevents.ID} does not say what the body says.")
    if event_type is not None and event_type != _TYPES[type(command)]:
        return malformed(f"The header {cloudevents.TYPE} does not say what the body says.")
    if len(signature) > limits.NAME_MAX_CHARS or not (key_id == "" or is_known_identifier(key_id)):
        return malformed(f"The header {KEY_HEADER} or {SIGNATURE_HEADER} is not what the contracts describe.")
    return key_id, signature


def signature_bytes(received: Received) -> bytes | None:
    """The 64 bytes of a signature; None if its text is anything else."""
    try:
        signature = from_base64url(received.signature)
    except ValueError:
        return None
    return signature if len(signature) == SIGNATURE_BYTES else None
