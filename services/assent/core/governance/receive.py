"""A record of `assent.governance.commands` to a command, or the refusal of its form."""

import hashlib
from collections.abc import Sequence

from assent.core.received import Received, Unreadable, read_signer, unreadable
from assent_contracts.codec import malformed
from assent_contracts.commands import command_type
from assent_contracts.governance import GOVERNANCE_KEY, GovernanceCommand
from assent_contracts.governance_codec import decode_governance_command
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal


def receive_governance(
    value: bytes | None, key: bytes | None, headers: Sequence[tuple[str, bytes]]
) -> Received[GovernanceCommand] | Unreadable:
    """Read one Kafka record of `assent.governance.commands`."""
    body = value or b""
    command = decode_governance_command(value)
    if isinstance(command, Refusal):
        return unreadable(body, command)
    if key != GOVERNANCE_KEY:
        return unreadable(body, malformed(f"Set the record's key to {GOVERNANCE_KEY.decode()}."))
    signer = read_signer(headers, command.id, command_type(command).encode())
    if isinstance(signer, Refusal):
        return unreadable(body, signer)
    key_id, signature = signer
    return Received(command, body, hashlib.sha256(body).digest(), key_id, signature)


def governance_received_again(recorded: RecordedCommand) -> Received[GovernanceCommand] | Refusal:
    """A command out of the governance ledger, as it was received."""
    value = bytes(recorded.value)
    command = decode_governance_command(value)
    if isinstance(command, Refusal):
        return command
    return Received(command, value, hashlib.sha256(value).digest(), recorded.key, recorded.signature)
