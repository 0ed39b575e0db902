"""A loss is accepted by the recovery key alone, and names where every ledger ends."""

from typing import Final

from assent_contracts.codec import encode
from assent_contracts.core.governance.handle import GovernanceLedgerState, handle_recovery
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Received
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_messages import (
    AcceptLoss,
    GovernanceCommand,
    GovernanceEvent,
    LossAccepted,
    ReleaseCarriedOut,
)
from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.refusals import Refusal
from assent_contracts.topics import LedgerName
from tests.support.people import START, organisation

_HASH: Final = "ab" * 32


def end(ledger: LedgerName, partition: int, seq: int) -> LedgerEnd:
    return LedgerEnd(
        ledger=ledger,
        partition=partition,
        seq=seq,
        sha256=_HASH,
        next_offset=seq + 1,
        topic_end=seq + 1,
        next_input=0,
    )


def ends(governance: Governance) -> tuple[LedgerEnd, ...]:
    return (
        end("governance", 0, governance.seq),
        *(end("ledger", partition, 7) for partition in range(governance.partitions)),
    )


def accept(governance: Governance, *ends: LedgerEnd, principal: str = "recovery") -> AcceptLoss:
    return AcceptLoss(id="loss-1", principal=principal, at=START, ends=ends)


def decided(
    governance: Governance, command: AcceptLoss, *, good: bool = True
) -> tuple[GovernanceEvent, ...] | str:
    record = GovernanceLedgerState()
    record.governance = governance
    value = encode(command)
    received = Received[GovernanceCommand](
        command, value, bytes.fromhex(sha256_hex(value)), "recovery", "sig"
    )
    decision = handle_recovery(record, received, signature_good=good)
    return decision.code.value if isinstance(decision, Refusal) else decision


def test_recovery_key_accepts_a_loss_and_a_new_era_begins() -> None:
    governance = organisation()
    command = accept(governance, *ends(governance))
    loss = Loss(era="loss-1", ends=command.ends)
    assert decided(governance, command) == (LossAccepted(loss=loss),)
    governance.evolve(governance.seq + 1, (LossAccepted(loss=loss),))
    assert governance.losses == (loss,)
    assert decided(governance, accept(governance, *ends(governance))) == "id-reused"


def test_R18_request_with_the_id_of_a_given_up_one_is_carried_out() -> None:
    """Governance was whole and the request ledger was not: the ledger assigns that id once more."""
    governance = organisation()
    for request, released in (("0-5", 7), ("0-6", 8)):
        carried = ReleaseCarriedOut(request=request, released=released, digest=_HASH, as_of=0)
        governance.evolve(governance.seq + 1, (carried,))
    loss = Loss(era="loss-1", ends=ends(governance))
    governance.evolve(governance.seq + 1, (LossAccepted(loss=loss),))
    assert set(governance.release_outcomes) == {"0-5"}


def test_loss_names_every_ledger_once_and_where_governance_ends() -> None:
    governance = organisation()
    all_ends = ends(governance)
    assert decided(governance, accept(governance)) == "malformed"
    assert decided(governance, accept(governance, *all_ends[:-1])) == "malformed"
    assert decided(governance, accept(governance, *all_ends[1:], all_ends[0])) == "malformed"
    elsewhere = end("governance", 0, governance.seq - 1)
    assert decided(governance, accept(governance, elsewhere, *all_ends[1:])) == "outdated"


def test_no_other_key_accepts_a_loss() -> None:
    governance = organisation()
    command = accept(governance, *ends(governance))
    assert decided(governance, command, good=False) == "bad-signature"
    assert decided(governance, accept(governance, *command.ends, principal="carol")) == "unknown-key"
