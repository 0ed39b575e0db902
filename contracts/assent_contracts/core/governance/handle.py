"""From a received governance command to its decision: its sender, whether it is repeated, and its rule."""

from typing import cast

from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.command_rates import too_many, too_many_copies
from assent_contracts.core.governance.decide import (
    GovernanceDecision,
    decide_at_once,
    decide_founding,
    decide_recovery,
)
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Received
from assent_contracts.core.sender import (
    came_before,
    counts,
    disabled,
    identify,
    is_copy,
    taken,
    takes_its_id,
)
from assent_contracts.governance_changes import SETTINGS
from assent_contracts.governance_messages import (
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
    RecoveryCommand,
    TimeCorrected,
)
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.writer_registry import RECOVERY


class GovernanceLedgerState:
    """Governance as computed from its ledger, with the remembered commands. It has one owner."""

    def __init__(self) -> None:
        self.governance = Governance()
        self.memory = CommandMemory()
        self.at = 0
        """The log time of the last record, ms, including corrections up to it."""

    def take(self, seq: int, at: int, events: tuple[GovernanceEvent, ...]) -> None:
        """Consume the record `seq`, decided at log time `at`."""
        self.governance.evolve(seq, events)
        if at > self.at:
            self.at = at
            self.memory.forget(at)
        for event in events:
            if isinstance(event, TimeCorrected) and event.to < self.at:
                self.at = event.to
                self.memory.set_back(event.to)


def handle_governance(
    record: GovernanceLedgerState,
    received: Received[GovernanceCommand],
    *,
    signature_good: bool,
    at: int,
    received_at: int,
) -> GovernanceDecision:
    """Decide one command at log time `at` that the broker appended at `received_at` (both in ms)."""
    command, governance = received.command, record.governance
    if governance.founder is not None or (governance.seq == -1 and isinstance(command, FoundLog)):
        if not signature_good:
            return refuse(RefusalCode.BAD_SIGNATURE, "The signature is not the founder's over these bytes.")
        return decide_founding(governance, command, at)
    sender = identify(
        governance,
        command.principal,
        received.key_id,
        signed=bool(received.signature),
        good=signature_good,
        received_at=received_at,
        resource=SETTINGS,
    )
    if isinstance(sender, Refusal):
        return sender
    memory, settings = record.memory, governance.settings
    before = came_before(memory, received, received_at)
    if before is not None:
        return too_many_copies(memory, settings, command.principal, at) or cast("GovernanceDecision", before)
    return (
        too_many(memory, settings, command.principal, at)
        or disabled(sender)
        or decide_at_once(governance, command, at, through=sender.through)
    )


def handle_recovery(
    record: GovernanceLedgerState, received: Received[GovernanceCommand], *, signature_good: bool
) -> GovernanceDecision:
    """Decide a command of the recovery key.

    Its record was made without a decider, by the holder of that key. `signature_good`: whether the recovery
    key has signed these bytes, whichever key the command names.
    """
    command = received.command
    if not isinstance(command, RecoveryCommand):
        return refuse(
            RefusalCode.NOT_PERMITTED,
            "The recovery key adds and retires writers and accepts a loss, no more.",
        )
    if command.principal != RECOVERY:
        return refuse(RefusalCode.UNKNOWN_KEY, f"The principal of this command is {RECOVERY}.")
    if not signature_good:
        return refuse(RefusalCode.BAD_SIGNATURE, "The signature is not the recovery key's over these bytes.")
    before = taken(record.memory, received)
    if before is not None:
        return cast("GovernanceDecision", before)
    # Its date is not checked. The key seals the record itself, so no one else can send it again. And the
    # thief of a writer's key could have set log time to any value.
    return decide_recovery(record.governance, command)


def apply_governance_decision(
    record: GovernanceLedgerState,
    received: Received[GovernanceCommand],
    decision: GovernanceDecision,
    *,
    seq: int,
    at: int,
    by_topic: bool = True,
) -> None:
    """Advance the state past a decision. `by_topic`: whether the command came by the topic, as most do."""
    command = received.command
    if by_topic and counts(decision):
        record.memory.count(command.principal, at, copy=is_copy(decision))
    # During the founding ids are not checked, so one could appear twice.
    if takes_its_id(decision) and record.memory.recall(command.principal, command.id) is None:
        sha256 = received.value_sha256
        record.memory.remember(
            command.principal, command.id, dated=command.at, seq=seq, at=at, value_sha256=sha256
        )
    record.take(seq, at, () if isinstance(decision, Refusal) else decision)
