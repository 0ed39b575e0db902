"""A record of `assent.commands` to a command, or the refusal of its form."""

import hashlib
from typing import get_args

from assent_contracts.codec import decode_command, malformed
from assent_contracts.commands import Command, command_type
from assent_contracts.core.received import (
    Envelope,
    Omitted,
    Received,
    ReceivedHeaders,
    header_contradiction,
    omitted,
    open_envelope,
)
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal

_TYPES: dict[type[Command], bytes] = {each: command_type(each).encode() for each in get_args(Command)}


def read_command(envelope: Envelope) -> Received[Command] | Refusal:
    """The command in an envelope. Parsing is expensive, so the signature has been checked before."""
    command = decode_command(envelope.value)
    if isinstance(command, Refusal):
        return command
    if envelope.kafka_key != command.resource.encode():
        what = "no key" if envelope.kafka_key is None else "a key that is not its resource"
        return malformed(f"The record has {what}. Set the key to <type>/<id>.")
    other = header_contradiction(envelope, command.id, _TYPES[type(command)])
    if other is not None:
        return other
    return Received(command, envelope.value, envelope.value_sha256, envelope.key_id, envelope.signature)


def receive(value: bytes | None, key: bytes | None, headers: ReceivedHeaders) -> Received[Command] | Omitted:
    """Both steps together, for a record whose signature is checked elsewhere."""
    envelope = open_envelope(value, key, headers)
    if isinstance(envelope, Omitted):
        return envelope
    command = read_command(envelope)
    return omitted(envelope.value, command) if isinstance(command, Refusal) else command


def received_again(recorded: RecordedCommand) -> Received[Command] | Refusal:
    """A command from the ledger, as it was received."""
    value = bytes(recorded.value)
    command = decode_command(value)
    if isinstance(command, Refusal):
        return command
    return Received(command, value, hashlib.sha256(value).digest(), recorded.key, recorded.signature)
