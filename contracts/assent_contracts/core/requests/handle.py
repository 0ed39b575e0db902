"""From a received command to its decision: its sender, whether it is repeated, and its rule.

The decider runs this once for each command. `assent audit verify` runs it again over the ledger.
"""

from assent_contracts.commands import Cancel, Command, Complete, SubmitChange
from assent_contracts.core.command_rates import too_many, too_many_copies
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Received
from assent_contracts.core.requests.decide import RequestDecision, decide
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.sender import (
    Sender,
    came_before,
    counts,
    disabled,
    identify,
    is_copy,
    takes_its_id,
)
from assent_contracts.refusals import Refusal

_OF_UPSTREAMS = (SubmitChange, Cancel, Complete)
"""What services can send over HTTP, where a gateway signs for them. Appliers sign themselves."""


def sender_of(
    received: Received[Command], *, signature_good: bool, received_at: int, governance: Governance
) -> Sender | Refusal:
    """The sender of a command that the broker appended at `received_at` (ms)."""
    command = received.command
    return identify(
        governance,
        command.principal,
        received.key_id,
        signed=bool(received.signature),
        good=signature_good,
        received_at=received_at,
        resource=command.resource,
        of_upstreams=isinstance(command, _OF_UPSTREAMS),
    )


def handle(
    state: PartitionState,
    received: Received[Command],
    *,
    signature_good: bool,
    seq: int,
    at: int,
    received_at: int,
    governance: Governance,
) -> RequestDecision:
    """Decide one command for `seq` at log time `at`. The broker appended it at `received_at`.

    Both times are in ms.
    """
    command, memory, settings = received.command, state.memory, governance.settings
    sender = sender_of(
        received, signature_good=signature_good, received_at=received_at, governance=governance
    )
    if isinstance(sender, Refusal):
        return sender
    decision: RequestDecision | None = came_before(memory, received, received_at)
    if decision is None:
        context = Context(
            state.partition, seq, at, governance, sender.principal, received.value_sha256, sender.through
        )
        decision = decide(state, command, context)
    # Copies are handled first, because they do not count for what the principal can send.
    if is_copy(decision):
        return too_many_copies(memory, settings, command.principal, at) or decision
    return too_many(memory, settings, command.principal, at) or disabled(sender) or decision


def apply_decision(
    state: PartitionState,
    received: Received[Command],
    decision: RequestDecision,
    *,
    seq: int,
    at: int,
    governance: int,
) -> None:
    """Advance the partition's state past a decision. Its record names the governance seq `governance`."""
    command, sha256 = received.command, received.value_sha256
    if takes_its_id(decision):
        # The usual case: the command counts and is not a copy.
        state.memory.count(command.principal, at, copy=False)
        state.memory.remember(
            command.principal, command.id, dated=command.at, seq=seq, at=at, value_sha256=sha256
        )
    elif counts(decision):
        state.memory.count(command.principal, at, copy=is_copy(decision))
    events = () if isinstance(decision, Refusal) else decision
    state.record(seq, at, events, governance=governance)
