"""What a writer does if its records would not be accepted, and what it keeps in memory."""

import pytest

from assent_contracts import limits
from assent_contracts.acceptance import Head
from assent_contracts.codec import encode
from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.governance.decide import decide_founding
from assent_contracts.core.governance.handle import GovernanceLedgerState, handle_governance
from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.core.received import Received
from assent_contracts.core.remember_record import remember_record
from assent_contracts.core.requests.affected_person import affects_person
from assent_contracts.core.requests.handle import apply_decision
from assent_contracts.core.requests.receive import received_again
from assent_contracts.core.requests.release_outcome import release_outcomes_due
from assent_contracts.core.writer.batch import BATCH_MAX_BYTES, BATCH_MAX_RECORDS, Batch, has_room
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.unconfirmed_batches import UnconfirmedBatches
from assent_contracts.governance_changes import role_object
from assent_contracts.governance_messages import ReleaseCarriedOut
from assent_contracts.heads import nothing_known
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command, decode_refusal
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.chains import Chains, key_of, signed
from tests.support.people import START, open_founding, organisation
from tests.unit.governance.test_losses import accept, ends
from tests.unit.test_writer import a_writer, submission


def test_batch_ends_where_another_record_of_any_size_would_not_fit() -> None:
    assert has_room(BATCH_MAX_RECORDS - 1, BATCH_MAX_BYTES)
    assert not has_room(BATCH_MAX_RECORDS, 0)
    assert not has_room(0, BATCH_MAX_BYTES + 1)


def test_writer_that_has_linked_little_is_not_full() -> None:
    chains = Chains()
    writer = a_writer(chains)
    writer.decide(submission(chains, key_of("carol")))
    assert not writer.is_full


def test_record_that_readers_would_refuse_is_a_refusal_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    chains = Chains()
    writer = a_writer(chains)
    it = submission(chains, key_of("carol"))
    whole = a_writer(chains)
    whole.decide(it)
    batch = whole.take_batch()
    assert batch is not None
    monkeypatch.setattr(limits, "RECORD_MAX_BYTES", len(batch.links[0].value) - 1)
    decided = writer.decide(it)
    assert decided.refusal is not None
    assert decided.refusal.code == "too-large"
    shorter = writer.take_batch()
    assert shorter is not None
    assert decode_refusal(decode_record(shorter.links[0].value)) == decided.refusal
    assert writer.seq == 0


def test_bytes_on_which_reading_fails_are_refused_and_the_failure_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chains = Chains()
    writer = a_writer(chains)

    def fails(_desk: RequestsDesk, _envelope: object) -> Received[object]:
        raise RecursionError

    monkeypatch.setattr(RequestsDesk, "read", fails)
    decided = writer.decide(submission(chains, key_of("carol")))
    assert isinstance(decided.unreadable, RecursionError)
    assert decided.refusal is not None
    assert decided.refusal.code == "malformed"
    assert decided.omitted is not None


def test_oldest_batch_is_known_by_where_it_ends() -> None:
    waiting = UnconfirmedBatches(Head(3, "a" * 64, 0, 4))
    waiting.sent(Batch([], Head(5, "b" * 64, 0, 0), START))
    assert waiting.oldest_seq == 5


def test_partition_of_which_nothing_is_known_begins_at_its_beginning() -> None:
    known = nothing_known("ledger", 2)
    assert (known.partition, known.seq, known.next_offset) == (2, -1, 0)


def test_release_that_names_no_request_ends_none() -> None:
    governance = organisation()
    release = ReleaseCarriedOut(request="nothing", released=1, digest="0" * 64, as_of=0)
    governance.evolve(governance.seq + 1, (release,))
    assert list(release_outcomes_due(RequestsDesk(0).state, governance)) == []


def test_R22_unknown_role_assignment_concerns_nobody() -> None:
    assert not affects_person(organisation(), role_object("none"), "p-bob")
    assert affects_person(organisation(), role_object("r-administrator"), "p-carol")


def test_founder_cannot_accept_a_loss() -> None:
    governance = open_founding()
    decision = decide_founding(governance, accept(governance, *ends(governance)), START)
    assert isinstance(decision, Refusal)
    assert decision.detail == "Only the recovery key signs this."


def test_founding_command_that_the_founder_has_not_signed_is_refused() -> None:
    record = GovernanceLedgerState()
    record.governance = open_founding()
    recorded = decode_recorded_command(Chains().governance.records[1].record)
    assert isinstance(recorded, RecordedCommand)
    received = governance_received_again(recorded)
    assert isinstance(received, Received)
    decision = handle_governance(record, received, signature_good=False, at=START, received_at=START)
    assert isinstance(decision, Refusal)
    assert decision.code == "bad-signature"


def test_unsigned_command_uses_up_no_id_although_a_record_keeps_it() -> None:
    chains = Chains()
    command = chains.submission()
    kept = signed(encode(command), key_of("carol"), chains.identity)
    refusal = Refusal(code=RefusalCode.BAD_SIGNATURE, detail="no")
    record = chains.requests.put(refusal, command=kept, at=START, governance=0, input_offset=0).record
    memory = CommandMemory()
    remember_record(memory, record)
    received = received_again(kept)
    assert isinstance(received, Received)
    apply_decision(chains.state, received, refusal, seq=0, at=START, governance=0)
    for each in (memory, chains.state.memory):
        assert each.recall("carol", command.id) is None
