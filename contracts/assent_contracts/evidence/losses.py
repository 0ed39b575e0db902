"""Accepted losses, held to the recovery key: a stolen writer's key could seal the event of one."""

import msgspec

from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.evidence.signed import Signatures, signed
from assent_contracts.governance import AcceptLoss, GovernanceEvent, LossAccepted
from assent_contracts.governed import Loss
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command
from assent_contracts.refusals import Refusal


def accepted_loss(
    record: LedgerRecord,
    events: tuple[GovernanceEvent, ...],
    recovery: bytes | None,
    signatures: Signatures,
) -> Loss | None:
    """The loss that an accepted governance record accepts, if the recovery key signed that; else None.

    It has to stand right behind the record that its command names by seq and hash: in a governance ledger
    that was put back, a writer's key could seal an older acceptance again at the same seq.
    `recovery`: the 32 bytes of that key, as record 0 names it.
    """
    match events:
        case (LossAccepted(loss=loss),):
            pass
        case _:
            return None
    try:
        recorded = decode_recorded_command(record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(recorded, RecordedCommand):
        return None
    received = governance_received_again(recorded)
    if isinstance(received, Refusal) or not isinstance(received.command, AcceptLoss):
        return None
    if not signatures.is_good(signed(received, recovery)):
        return None
    command = received.command
    said = Loss(era=command.id, ends=command.ends, given_up=command.given_up)
    behind = (command.ends[0].seq, command.ends[0].sha256)
    return loss if loss == said and behind == (record.seq - 1, record.prev) else None
