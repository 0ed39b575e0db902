"""A record of `assent.commands` to a command, or the refusal of its form."""

import hashlib
from collections.abc import Sequence
from typing import get_args

from assent.core.received import Received, Unreadable, read_signer, unreadable
from assent_contracts.codec import decode_command, malformed
from assent_contracts.commands import Command, command_type
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal

_TYPES: dict[type[Command], bytes] = {each: command_type(each).encode() for each in get_args(Command)}


def receive(
    value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, bytes]]
) -> Received[Command] | Unreadable:
    """Read one Kafka record of `assent.commands`."""
    body = value or b""
    command = decode_command(value)
    if isinstance(command, Refusal):
        return unreadable(body, command)
    if key != command.resource.encode():
        detail = "The record has no key." if key is None else "The record's key is not its resource."
        return unreadable(body, malformed(f"{detail} Set the key to <type>/<id>."))
    signer = read_signer(headers, command.id, _TYPES[type(command)])
    if isinstance(signer, Refusal):
        return unreadable(body, signer)
    key_id, signature = signer
    return Received(command, body, hashlib.sha256(body).digest(), key_id, signature)


def received_again(recorded: RecordedCommand) -> Received[Command] | Refusal:
    """A command out of the ledger, as it was received."""
    value = bytes(recorded.value)
    command = decode_command(value)
    if isinstance(command, Refusal):
        return command
    return Received(command, value, hashlib.sha256(value).digest(), recorded.key, recorded.signature)
