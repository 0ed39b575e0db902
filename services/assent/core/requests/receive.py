"""A Kafka record to a command with its sender's signature, or the refusal of its shape."""

import hashlib
from collections.abc import Sequence

import msgspec

from assent_contracts import cloudevents, limits
from assent_contracts.codec import decode_command, is_identifier, malformed
from assent_contracts.commands import Command, command_type
from assent_contracts.digests import from_base64url
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal
from assent_contracts.signing import KEY_HEADER, SIGNATURE_BYTES, SIGNATURE_HEADER

_NO_SIGNATURE = b""


class Received(msgspec.Struct, frozen=True, gc=False):
    """A well-formed command as it came; whether the signature is good is still to be seen."""

    command: Command
    value: bytes
    value_sha256: bytes
    key_id: str
    signature_text: str
    signature: bytes
    """64 bytes, or none if the header held something else."""


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
    key_id, signature_text = signer
    return Received(command, body, digest, key_id, signature_text, signature_bytes(signature_text))


def received_again(recorded: RecordedCommand) -> Received | Refusal:
    """A command out of the ledger, as it was received."""
    value = bytes(recorded.value)
    command = decode_command(value)
    if isinstance(command, Refusal):
        return command
    return Received(
        command,
        value,
        hashlib.sha256(value).digest(),
        recorded.key,
        recorded.signature,
        signature_bytes(recorded.signature),
    )


def _signer(headers: Sequence[tuple[str, bytes]], command: Command) -> tuple[str, str] | Refusal:
    key_id = signature = ""
    try:
        for name, content in headers:
            text = content.decode()
            if name == KEY_HEADER:
                key_id = text
            elif name == SIGNATURE_HEADER:
                signature = text
            elif (name == cloudevents.ID and text != command.id) or (
                name == cloudevents.TYPE and text != command_type(command)
            ):
                return malformed(f"The header {name} does not say what the body says.")
    except (UnicodeDecodeError, AttributeError):
        return malformed("A header is not UTF-8.")
    if len(signature) > limits.NAME_MAX_CHARS or not (
        key_id == "" or is_identifier(key_id, limits.NAME_MAX_CHARS)
    ):
        return malformed(f"The header {KEY_HEADER} or {SIGNATURE_HEADER} is not what the contracts describe.")
    return key_id, signature


def signature_bytes(text: str) -> bytes:
    """The 64 bytes of a signature header; none if it holds anything else."""
    try:
        signature = from_base64url(text)
    except ValueError:
        return _NO_SIGNATURE
    return signature if len(signature) == SIGNATURE_BYTES else _NO_SIGNATURE
