"""What a reader of evidence reports about a record that proves nothing."""

import msgspec
import pytest
from msgspec import UNSET, Raw

from assent_contracts.evidence.past_governance import KEPT, PastGovernance
from assent_contracts.evidence.release_references import Confirmations, LedgerRelease, ReleaseReference
from assent_contracts.evidence.repeated_decision import Judged, judged_again
from assent_contracts.evidence.requests_evidence import RequestsEvidence
from assent_contracts.governance_changes import DisablePrincipal
from assent_contracts.governance_messages import PrincipalDisabled, ReleaseRefused
from assent_contracts.ledger import RecordedCommand, decode_events
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.writer_registry import RECOVERY as RECOVERY_NAME
from assent_contracts.writer_registry import WriterRegistry, governance_sealer
from tests.support.chains import PARTITION, RECOVERY, WRITER, Chains
from tests.support.stolen_writer import StolenLog, here


def evidence(log: StolenLog) -> RequestsEvidence:
    governance, _ = log.judged()
    requests = RequestsEvidence(PARTITION, governance)
    for accepted in log.requests.records:
        requests.take(accepted.record, decode_events(accepted.record))
    return requests


def test_request_that_was_never_submitted_lacks_everything() -> None:
    log = StolenLog()
    log.submit(here("script"))
    assert evidence(log).lacking(99, confirmed=False) == "it was never submitted"


def test_past_states_are_kept_only_for_requests_that_are_asked_about() -> None:
    chains = Chains()
    past = PastGovernance(chains.history)
    states = [past.at(seq) for seq in range(KEPT + 2)]
    assert [state.seq for state in states] == list(range(KEPT + 2))
    assert past.at(0) is not states[0]
    assert past.at(KEPT + 1) is states[-1]
    assert past.at(0).seq == 0


def test_nothing_is_judged_by_unread_governance() -> None:
    governance, _ = StolenLog().judged()
    beyond = len(governance.history)
    assert governance.lacking(beyond) == f"governance seq {beyond} is not known here"


CLAIM = ReleaseReference(seq=9, request="1-0", released=2, digest="d", as_of=3, submission_sha256=b"s")
RELEASED = LedgerRelease(seq=2, digest="d", governance=5, as_of=3, submission_sha256=b"s")


@pytest.mark.parametrize("claim_first", [True, False])
def test_claim_is_confirmed_by_its_release_whichever_is_read_first(claim_first: bool) -> None:  # noqa: FBT001
    confirmations = Confirmations()
    if claim_first:
        confirmations.add(CLAIM)
        assert confirmations.unconfirmed(9) == CLAIM
    confirmations.released(CLAIM.request, RELEASED)
    if not claim_first:
        confirmations.add(CLAIM)
    assert confirmations.unconfirmed(9) is None


def gap(log: StolenLog) -> str | None:
    """What the last record of governance lacks."""
    evidence, _ = log.judged()
    return None if evidence.gap is None else evidence.gap.lacks


@pytest.mark.parametrize(
    ("value", "lacks"),
    [
        (b'{"type":"assent.change-governance.v1"}', "its command is not well-formed"),
        (b'"\xff"', "its command is not well-formed"),
    ],
)
def test_governance_change_with_bytes_that_are_not_a_command_has_no_evidence(
    value: bytes, lacks: str
) -> None:
    log = StolenLog()
    event = PrincipalDisabled(principal="bob")
    log.append_governance(
        event, command=RecordedCommand(value=Raw(value), key="carol-key", signature="A" * 86)
    )
    assert gap(log) == lacks


def test_governance_change_that_arrived_on_no_topic_has_no_evidence() -> None:
    log = StolenLog()
    command = log.signed_change("carol", DisablePrincipal(principal="bob"))
    log.put_governance((PrincipalDisabled(principal="bob"),), command, input_offset=UNSET)
    assert gap(log) == "its command came from no topic"


def test_release_that_governance_refused_changes_nothing_and_needs_no_command() -> None:
    log = StolenLog()
    refusal = Refusal(code=RefusalCode.NOT_PERMITTED, detail="no")
    refused = ReleaseRefused(request="1-0", released=2, digest="0" * 64, as_of=0, refusal=refusal)
    log.append_governance(refused)
    assert gap(log) is None


def test_refused_copy_takes_nothing_from_a_judged_request() -> None:
    log = StolenLog()
    request, submission = log.submit(here("script"))
    stale = Refusal(code=RefusalCode.STALE, detail="late")
    late = log.as_signed(log.approve_of(request, submission, "bob"))
    log.requests.put(stale, command=late, at=log.at, governance=len(log.history) - 1, input_offset=1)
    opened, copy = (accepted.record for accepted in log.requests.records)
    governance = PastGovernance(log.history).at(len(log.history) - 1)
    judged = judged_again(None, opened, PARTITION, governance)
    assert isinstance(judged, Judged)
    assert judged_again(judged, copy, PARTITION, governance) is judged
    assert judged.spent == set()


def test_request_is_judged_again_each_time_it_is_asked_for() -> None:
    log = StolenLog()
    request, _ = log.completed(here("app"), "bob")
    requests, seq = evidence(log), int(request.partition("-")[2])
    assert [requests.lacking(seq, confirmed=False) for _ in range(2)] == [None, None]


def test_recovery_key_has_sealed_under_its_id() -> None:
    governance, _ = StolenLog().judged()
    assert governance.gap is None
    writers = WriterRegistry()
    for seq, events in enumerate(governance.history):
        writers.apply(seq, events)
    assert writers.ever_listed(RECOVERY_NAME) == RECOVERY.public_key
    assert writers.ever_listed("writer-1") == WRITER.public_key


def test_run_with_an_unreadable_record_has_no_sealer_before_its_end() -> None:
    log = StolenLog()
    writers = WriterRegistry()
    for seq, events in enumerate(log.history):
        writers.apply(seq, events)
    record = log.governance.records[-1].record
    odd = msgspec.structs.replace(record, events=Raw(b"[7]"))
    head = len(log.history) - 1
    assert governance_sealer(writers, "writer-1", head, [record, record]) == WRITER.public_key
    assert governance_sealer(writers, "writer-1", head, [odd, record]) is None


def test_record_that_keeps_no_readable_command_has_no_evidence() -> None:
    log = StolenLog()
    request, _ = log.approved(here("script"), "bob")
    governance, _ = log.judged()
    events = (PrincipalDisabled(principal="bob"),)
    record = log.governance.records[-1].record
    odd = msgspec.structs.replace(record, seq=record.seq + 1, command=Raw(b"[7]"))
    governance.take(odd, events)
    assert governance.gap is not None
    assert governance.gap.lacks == "it holds no command that can be read"

    sound, _ = log.judged()
    requests = RequestsEvidence(PARTITION, sound)
    opened, approved = (accepted.record for accepted in log.requests.records)
    requests.take(opened, decode_events(opened))
    requests.take(msgspec.structs.replace(approved, command=Raw(b"[7]")), decode_events(approved))
    seq = int(request.partition("-")[2])
    assert requests.lacking(seq, confirmed=False) == "seq 1: it holds no command that can be read"
