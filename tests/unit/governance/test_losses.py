"""A loss is accepted by the recovery key alone, and names where every ledger ends."""

from typing import Final

import msgspec
from msgspec import UNSET

from assent_contracts.client.keys import SecretKey, verify
from assent_contracts.codec import encode
from assent_contracts.core.governance.judge import Record, judge_recovery
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Received
from assent_contracts.digests import sha256_hex
from assent_contracts.evidence.losses import accepted_loss
from assent_contracts.evidence.signed import Signatures
from assent_contracts.governance import AcceptLoss, GovernanceEvent, LossAccepted
from assent_contracts.governed import LedgerEnd, Loss
from assent_contracts.refusals import Refusal
from assent_contracts.topics import LedgerName
from tests.support.chains import RECOVERY, WRITER, Chains, signed
from tests.support.people import START, organisation

_HASH: Final = "ab" * 32


def end(ledger: LedgerName, partition: int, seq: int) -> LedgerEnd:
    return LedgerEnd(
        ledger=ledger, partition=partition, seq=seq, sha256=_HASH, next_offset=seq + 1, next_input=0
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
    record = Record()
    record.governance = governance
    value = encode(command)
    received = Received(command, value, bytes.fromhex(sha256_hex(value)), "recovery", "sig")
    decision = judge_recovery(record, received, signature_good=good)
    return decision.code.value if isinstance(decision, Refusal) else decision  # type: ignore[return-value]


def test_the_recovery_key_accepts_a_loss_and_a_new_era_begins() -> None:
    governance = organisation()
    command = accept(governance, *ends(governance))
    loss = Loss(era="loss-1", ends=command.ends)
    assert decided(governance, command) == (LossAccepted(loss=loss),)
    governance.evolve(governance.seq + 1, (LossAccepted(loss=loss),))
    assert governance.losses == (loss,)
    assert decided(governance, accept(governance, *ends(governance))) == "id-reused"


def test_a_loss_names_every_ledger_once_and_governance_where_it_ends() -> None:
    governance = organisation()
    all_ends = ends(governance)
    assert decided(governance, accept(governance)) == "malformed"
    assert decided(governance, accept(governance, *all_ends[:-1])) == "malformed"
    assert decided(governance, accept(governance, *all_ends[1:], all_ends[0])) == "malformed"
    elsewhere = end("governance", 0, governance.seq - 1)
    assert decided(governance, accept(governance, elsewhere, *all_ends[1:])) == "outdated"


def test_nobody_else_accepts_a_loss() -> None:
    governance = organisation()
    command = accept(governance, *ends(governance))
    assert decided(governance, command, good=False) == "bad-signature"
    assert decided(governance, accept(governance, *command.ends, principal="carol")) == "unknown-key"


def recorded(key: SecretKey, *, behind: str | None = None, given_up: tuple[str, ...] = ()) -> Loss | None:
    """What a reader takes out of the accepted record of a loss that this key signed.

    `behind`: the hash that the command names of the record before, if not the right one. `given_up`: what the
    event says of that, of which the command says nothing.
    """
    chains = Chains()
    last = chains.governance.records[-1]
    before = end("governance", 0, last.record.seq)
    ends = (msgspec.structs.replace(before, sha256=behind or last.value_sha256),)
    command = AcceptLoss(**chains.about("recovery"), ends=ends)
    events = (LossAccepted(loss=Loss(era=command.id, ends=ends, given_up=given_up)),)
    chains.put_governance(events, signed(encode(command), key, chains.identity), input_offset=UNSET)
    record = chains.governance.records[-1].record
    recovery = RECOVERY.public_key
    return accepted_loss(record, events, recovery, Signatures(chains.identity, verify))


def test_a_loss_counts_when_the_recovery_key_signed_it_whoever_sealed_it() -> None:
    """A stolen writer's key could seal the event: it would void what is known outside."""
    assert recorded(RECOVERY) is not None
    assert recorded(WRITER) is None
    assert recorded(SecretKey("recovery", "recovery", bytes([9]) * 32)) is None


def test_an_acceptance_counts_behind_the_record_that_it_names_alone() -> None:
    """Where governance was put back and has that seq again, a writer's key could seal the old one."""
    assert recorded(RECOVERY, behind=_HASH) is None


def test_an_acceptance_says_what_its_command_says() -> None:
    """A writer's key could seal another loss around a command that the recovery key has signed."""
    assert recorded(RECOVERY, given_up=("loss-2",)) is None
