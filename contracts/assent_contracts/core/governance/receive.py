"""A record of `assent.governance.commands` to a command, or the refusal of its form."""

import hashlib

from assent_contracts.codec import malformed
from assent_contracts.commands import command_type
from assent_contracts.core.received import (
    Envelope,
    Omitted,
    Received,
    ReceivedHeaders,
    header_contradiction,
    omitted,
    open_envelope,
)
from assent_contracts.governance_codec import decode_governance_command
from assent_contracts.governance_messages import GOVERNANCE_KEY, GovernanceCommand
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal


def read_governance_command(envelope: Envelope) -> Received[GovernanceCommand] | Refusal:
    """The command in an envelope. Parsing is expensive, so the signature has been checked before."""
    command = decode_governance_command(envelope.value)
    if isinstance(command, Refusal):
        return command
    if envelope.kafka_key != GOVERNANCE_KEY:
        return malformed(f"Set the record's key to {GOVERNANCE_KEY.decode()}.")
    other = header_contradiction(envelope, command.id, command_type(command).encode())
    if other is not None:
        return other
    return Received(command, envelope.value, envelope.value_sha256, envelope.key_id, envelope.signature)


def receive_governance(
    value: bytes | None, key: bytes | None, headers: ReceivedHeaders
) -> Received[GovernanceCommand] | Omitted:
    """Both steps together, for a record whose signature is checked elsewhere."""
    envelope = open_envelope(value, key, headers)
    if isinstance(envelope, Omitted):
        return envelope
    command = read_governance_command(envelope)
    return omitted(envelope.value, command) if isinstance(command, Refusal) else command


def governance_received_again(recorded: RecordedCommand) -> Received[GovernanceCommand] | Refusal:
    """A command from the governance ledger, as it was received."""
    value = bytes(recorded.value)
    command = decode_governance_command(value)
    if isinstance(command, Refusal):
        return command
    return Received(command, value, hashlib.sha256(value).digest(), recorded.key, recorded.signature)
