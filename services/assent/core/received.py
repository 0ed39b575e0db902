"""What came over Kafka: a well-formed command with its sender's signature, or the refusal of its form."""

import hashlib
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from assent_contracts import cloudevents, limits
from assent_contracts.codec import is_known_identifier, malformed
from assent_contracts.digests import from_base64url
from assent_contracts.refusals import Refusal
from assent_contracts.signing import KEY_HEADER, SIGNATURE_BYTES, SIGNATURE_HEADER

C = TypeVar("C")


class Received(msgspec.Struct, Generic[C], frozen=True, gc=False):
    """A well-formed command as it came; whether the signature is good is still to be seen."""

    command: C
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


def unreadable(value: bytes, refusal: Refusal) -> Unreadable:
    """What is kept of these bytes."""
    return Unreadable(refusal, hashlib.sha256(value).digest(), len(value))


def read_signer(
    headers: Sequence[tuple[str, bytes]], command_id: str, command_type: bytes
) -> tuple[str, str] | Refusal:
    """(key id, signature) out of the headers, which must not contradict the body."""
    said = dict(headers)
    try:
        if not b"".join(said.values()).isascii():
            for content in said.values():
                content.decode()
        event_id, event_type = said.get(cloudevents.ID), said.get(cloudevents.TYPE)
        key_id, signature = said.get(KEY_HEADER, b"").decode(), said.get(SIGNATURE_HEADER, b"").decode()
    except (UnicodeDecodeError, TypeError):
        return malformed("A header is not UTF-8.")
    if event_id is not None and event_id != command_id.encode():
        return malformed(f"The header {cloudevents.ID} does not say what the body says.")
    if event_type is not None and event_type != command_type:
        return malformed(f"The header {cloudevents.TYPE} does not say what the body says.")
    if len(signature) > limits.NAME_MAX_CHARS or not (key_id == "" or is_known_identifier(key_id)):
        return malformed(f"The header {KEY_HEADER} or {SIGNATURE_HEADER} is not what the contracts describe.")
    return key_id, signature


def signature_bytes(received: Received[C]) -> bytes | None:
    """The 64 bytes of a signature; None if its text is anything else."""
    try:
        signature = from_base64url(received.signature)
    except ValueError:
        return None
    return signature if len(signature) == SIGNATURE_BYTES else None
