"""A record from Kafka: first an envelope, without parsing, then a command, or the refusal of either."""

import hashlib
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from assent_contracts import cloudevents, limits
from assent_contracts.codec import is_known_identifier, malformed, too_large
from assent_contracts.digests import from_base64url
from assent_contracts.refusals import Refusal
from assent_contracts.signing import KEY_HEADER, SIGNATURE_BYTES, SIGNATURE_HEADER

C = TypeVar("C")

ReceivedHeaders = Sequence[tuple[str, bytes | None]]
"""Kafka's headers. A header may have no content, and most may not be Assent's."""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A record whose value has not been parsed yet, because its signature is checked first."""

    value: bytes
    value_sha256: bytes
    kafka_key: bytes | None
    key_id: str
    signature: str
    """As received: `signature_bytes` decodes it."""
    event_id: bytes | None
    event_type: bytes | None


class Received(msgspec.Struct, Generic[C], frozen=True, gc=False):
    """A well-formed command as it was received."""

    command: C
    value: bytes
    value_sha256: bytes
    key_id: str
    signature: str


class Omitted(msgspec.Struct, frozen=True, gc=False):
    """A record of which only hash and size are kept: it is not a command, or its sender is not known."""

    refusal: Refusal
    value_sha256: bytes
    size: int


def omitted(value: bytes, refusal: Refusal) -> Omitted:
    """What is kept of these bytes, with their refusal."""
    return Omitted(refusal, hashlib.sha256(value).digest(), len(value))


def open_envelope(value: bytes | None, key: bytes | None, headers: ReceivedHeaders) -> Envelope | Omitted:
    """Read a record without parsing its value. Headers that are not Assent's are ignored."""
    if not value:
        return omitted(b"", malformed("The record is empty."))
    if len(value) > limits.COMMAND_MAX_BYTES:
        return omitted(value, too_large("command", len(value), limits.COMMAND_MAX_BYTES, "bytes"))
    said = dict(headers)
    try:
        key_id = (said.get(KEY_HEADER) or b"").decode()
        signature = (said.get(SIGNATURE_HEADER) or b"").decode()
    except UnicodeDecodeError:
        return omitted(value, _bad_proof())
    if len(signature) > limits.NAME_MAX_CHARS or not (key_id == "" or is_known_identifier(key_id)):
        return omitted(value, _bad_proof())
    return Envelope(
        value,
        hashlib.sha256(value).digest(),
        key,
        key_id,
        signature,
        said.get(cloudevents.ID),
        said.get(cloudevents.TYPE),
    )


def _bad_proof() -> Refusal:
    return malformed(f"The header {KEY_HEADER} or {SIGNATURE_HEADER} is not what the contracts describe.")


def header_contradiction(envelope: Envelope, command_id: str, command_type: bytes) -> Refusal | None:
    """The refusal of headers that contradict the body; None if they agree or are absent."""
    if envelope.event_id is not None and envelope.event_id != command_id.encode():
        return malformed(f"The header {cloudevents.ID} is not the id in the body.")
    if envelope.event_type is not None and envelope.event_type != command_type:
        return malformed(f"The header {cloudevents.TYPE} is not the type in the body.")
    return None


def signature_bytes(it: Envelope | Received[C]) -> bytes | None:
    """The 64 bytes of a signature; None if its text is not one."""
    try:
        signature = from_base64url(it.signature)
    except ValueError:
        return None
    return signature if len(signature) == SIGNATURE_BYTES else None
