"""An accepted loss: the log continues from where it ends, by the recovery key alone."""

from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_messages import AcceptLoss, GovernanceEvent, LossAccepted
from assent_contracts.governance_objects import Loss
from assent_contracts.refusals import Refusal, RefusalCode


def accept_loss(governance: Governance, command: AcceptLoss) -> tuple[GovernanceEvent, ...] | Refusal:
    """Accept a loss. The ends name governance as it is before this record, and every partition once."""
    wanted = [("governance", 0), *(("ledger", partition) for partition in range(governance.partitions))]
    if [(end.ledger, end.partition) for end in command.ends] != wanted:
        return refuse(
            RefusalCode.MALFORMED,
            f"Name an end of governance, then of each of the {governance.partitions} partitions in order.",
        )
    if command.ends[0].seq != governance.seq:
        return refuse(
            RefusalCode.OUTDATED, f"Governance ends at seq {governance.seq}, not at {command.ends[0].seq}."
        )
    if any(loss.era == command.id for loss in governance.losses):
        return refuse(RefusalCode.ID_REUSED, "A loss was accepted under this id before.")
    return (LossAccepted(loss=Loss(era=command.id, ends=command.ends, given_up=command.given_up)),)
