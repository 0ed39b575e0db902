"""Log time: what `at` is, by which clock, and how it goes back. Each rule as verify and appliers see it."""

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given
from msgspec import UNSET

from assent.verify.finding import FindingError
from assent.verify.governance_verifier import GovernanceVerifier
from assent_contracts.client.keys import verify_signature
from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.forgotten_dates import GAPS_MAX, ForgottenDates
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.log_time import Correction, corrected, not_log_time
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.replay import replay
from assent_contracts.core.retention import RetentionQueue
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeSubmitted, LogTimeCorrected, RequestExpired
from assent_contracts.evidence.requests_evidence import RequestsEvidence
from assent_contracts.governance_changes import CorrectTime
from assent_contracts.governance_messages import TimeCorrected
from assent_contracts.ledger import LedgerRecord, decode_events, decode_record
from assent_contracts.limits import COMMAND_MEMORY_MS
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.chains import PARTITION, Chains, Release, requests_verifier
from tests.support.people import DAY_MS, START, organisation
from tests.support.stolen_writer import StolenLog, here
from tests.unit.governance.answers import fits

AHEAD = START + 40 * DAY_MS
"""Log time after a clock that ran ahead."""


def record(*, at: int, came: int | None = None, offset: int | None = None) -> LedgerRecord:
    return LedgerRecord(
        seq=1,
        prev="",
        epoch=1,
        at=at,
        input=UNSET if offset is None else offset,
        received=UNSET if came is None else came,
    )


@pytest.mark.parametrize(
    ("it", "wrong"),
    [
        (record(at=5, came=5, offset=0), None),
        (record(at=4, came=2, offset=0), None),
        (record(at=4), None),
        (record(at=9), None),
        (record(at=3), "log time goes back"),
        (record(at=3, came=3, offset=0), "log time goes back"),
        (record(at=6, came=5, offset=0), "its log time is not when its command was received"),
        (record(at=5, came=6, offset=0), "its log time is not when its command was received"),
        (record(at=5, came=5), "it has only one of `input` and `received`"),
        (record(at=5, offset=0), "it has only one of `input` and `received`"),
    ],
)
def test_possible_times_of_a_record_after_log_time_4(it: LedgerRecord, wrong: str | None) -> None:
    assert not_log_time(it, 4) == wrong


def test_correction_counts_once_for_the_first_record_that_names_it() -> None:
    corrections = (Correction(3, 50), Correction(7, 20))
    assert corrected(90, corrections, after=-1, up_to=2) == 90
    assert corrected(90, corrections, after=2, up_to=3) == 50
    assert corrected(90, corrections, after=2, up_to=9) == 20
    assert corrected(90, corrections, after=3, up_to=6) == 90
    assert corrected(10, corrections, after=-1, up_to=9) == 10


@pytest.mark.parametrize("to", [-1, START + 1])
def test_log_time_can_only_be_set_back(to: int) -> None:
    assert fits(organisation(), CorrectTime(to=to)) == "malformed"


def test_log_time_is_set_back_by_two_administrators() -> None:
    chains = Chains()
    decision = chains.change("carol", CorrectTime(to=START))
    assert isinstance(decision, Refusal)
    assert decision.code is RefusalCode.APPROVAL_REQUIRED
    assert decide_change(organisation(), CorrectTime(to=0), START) == (TimeCorrected(to=0),)


def ran_ahead() -> StolenLog:
    """Both ledgers have recorded a time that is forty days ahead, and the clocks are right again."""
    log = StolenLog()
    log.submit(here("script"))
    log.at = AHEAD
    log.submit(here("script", 1))
    correct(log)
    return log


def correct(log: StolenLog) -> None:
    """Two administrators have set log time back to a second after START; it is a minute after it now."""
    change = CorrectTime(to=START + 1_000)
    submission = log.submission(change)
    release = Release(
        request="1-0",
        released=2,
        digest=sha256_hex(submission.payload),
        as_of=len(log.history) - 1,
        submission=log.as_signed(submission),
    )
    log.carry(release)
    log.at = START + 60_000


def verified(log: StolenLog) -> int:
    """How many records of requests verify; governance's release was in another partition."""
    governance = GovernanceVerifier(log.identity, verify_signature)
    governance.take(log.governance.records)
    requests = requests_verifier(log.identity, governance.history)
    requests.take(log.requests.records)
    return requests.tally.records


def lacking(log: StolenLog, request: str) -> str | None:
    """What an open request lacks, as an applier judges it."""
    governance, _ = log.judged()
    requests = RequestsEvidence(PARTITION, governance)
    for accepted in log.requests.records:
        requests.take(accepted.record, decode_events(accepted.record))
    return requests.lacking(int(request.partition("-")[2]), confirmed=False)


def test_after_a_correction_log_time_is_the_clock_s_again_and_everything_verifies() -> None:
    log = ran_ahead()
    request, _ = log.submit(here("script", 2))
    assert log.change("carol", CorrectTime(to=START)) is not None
    assert [each.record.at for each in log.requests.records[-2:]] == [AHEAD, START + 60_000]
    assert log.governance.records[-1].record.at == START + 60_000
    assert verified(log) == len(log.requests.records)
    assert lacking(log, request) == "it was never released"


def test_idle_partition_gets_a_record_of_the_correction() -> None:
    log = ran_ahead()
    seq = log.put_request((LogTimeCorrected(since=log.record.governance.seq),))
    assert log.requests.records[seq].record.at == START + 60_000
    verified(log)


def test_correction_is_due_only_where_log_time_is_later_and_only_once() -> None:
    log = ran_ahead()
    assert log.state.correction_due(log.record.governance) == LogTimeCorrected(
        since=log.record.governance.seq
    )
    log.submit(here("script", 2))
    assert log.state.correction_due(log.record.governance) is None
    seq = log.put_request((LogTimeCorrected(since=log.record.governance.seq),))
    assert what_is_wrong(log) == (seq, "it has no command, and log time was not corrected")
    never_ahead = PartitionState(0)
    never_ahead.record(0, START, (), governance=0)
    assert never_ahead.correction_due(log.record.governance) is None


def test_log_time_that_goes_back_without_a_correction_is_named_everywhere() -> None:
    log = StolenLog()
    log.at += 9
    request, submission = log.submit(here("script"))
    log.at -= 1
    approval = log.as_signed(log.approve_of(request, submission, "bob"))
    # Our writer never does it, so this is another one's record.
    log.append(*log.approval_of(request, "bob", "p-bob"), command=approval)
    assert what_is_wrong(log) == (1, "log time goes back")
    assert lacking(log, request) == "seq 1: log time goes back"


def test_log_time_goes_back_no_further_than_it_was_corrected_to() -> None:
    log = ran_ahead()
    log.at = START + 999
    request = log.append_submission(log.submission_of(here("script", 2)), terms=True)
    assert what_is_wrong(log) == (len(log.requests.records) - 1, "log time goes back")
    assert "log time goes back" in str(lacking(log, request))


def test_command_decided_before_a_correction_is_not_decided_again_after_it() -> None:
    log = StolenLog()
    command = log.submission_of(here("script"))
    log.accepted(command)
    log.at = AHEAD
    log.submit(here("script", 1))
    correct(log)
    again = log.send(command)
    assert isinstance(again, Refusal)
    assert again.code is RefusalCode.STALE


def test_stolen_writer_s_key_cannot_reopen_a_forgotten_submission_by_backdating_it() -> None:
    """It states that the copy arrived when the first did: log time need not go back for that."""
    log = StolenLog()
    _, command = log.submit(here("script"))
    log.at += 2 * DAY_MS
    log.submit(here("script", 1))
    log.at += 1
    log.submit(here("script", 2))
    seq = log.requests.next_seq
    first = decode_events(log.requests.records[0].record)[0]
    assert isinstance(first, ChangeSubmitted)
    opened = msgspec.structs.replace(first, request=f"{PARTITION}-{seq}")
    log.requests.put(
        (opened,),
        at=log.at,
        received_at=START,
        input_offset=seq,
        governance=len(log.history) - 1,
        command=log.as_signed(command),
    )
    assert lacking(log, f"{PARTITION}-{seq}") == f"seq {seq}: its command was received before"
    assert what_is_wrong(log) == (seq, "the rules refuse its command (stale)")


def test_people_continue_after_a_correction_although_ids_of_the_wrong_time_were_forgotten() -> None:
    log = StolenLog()
    log.submit(here("script"))
    log.at = AHEAD
    log.submit(here("script", 1))
    log.at += 2 * DAY_MS
    log.submit(here("script", 2))
    assert log.state.memory.forgotten.latest >= AHEAD
    correct(log)
    for number in range(3, 6):
        log.at += 60_000
        log.submit(here("script", number))
    verified(log)


def test_ids_remembered_in_the_wrong_time_take_nothing_of_the_share_after_the_correction() -> None:
    memory = CommandMemory()
    for number in range(6):
        dated = START if number < 2 else AHEAD
        memory.remember("alice", f"c-{number}", dated=dated, seq=number, at=AHEAD, value_sha256=b"")
    memory.set_back(START + 1)
    assert memory.remembered("alice") == 2
    assert memory.next_forgotten("alice") == START + 1 + COMMAND_MEMORY_MS + 1
    memory.forget(START + DAY_MS * 2)
    assert [memory.recall("alice", f"c-{n}") is None for n in range(6)] == [True] * 2 + [False] * 4
    memory.forget(AHEAD + DAY_MS * 2)
    assert memory.remembered("alice") == 0
    assert memory.has_forgotten(AHEAD)
    assert not memory.has_forgotten(AHEAD + 1)


_DATES = st.lists(st.integers(0, 400).map(lambda hours: hours * 3_600_000 + START), min_size=1, max_size=80)


@given(_DATES, st.integers(-50, 450))
def test_forgotten_dates_are_dropped_and_those_far_from_any_are_kept(dates: list[int], hour: int) -> None:
    forgotten = ForgottenDates()
    for dated in dates:
        forgotten.add(dated)
    assert all(dated in forgotten for dated in dates)
    asked = START + hour * 3_600_000 + 1
    if asked > dates[0] - DAY_MS:
        assert asked not in forgotten
    if asked < dates[0] - DAY_MS:
        assert asked in forgotten


def test_number_of_known_gaps_is_limited_and_commands_dated_in_an_earlier_one_are_refused() -> None:
    forgotten = ForgottenDates()
    for number in range(GAPS_MAX + 10):
        forgotten.add(START + number * DAY_MS)
    assert START + 5 * DAY_MS + 1 in forgotten
    assert START + (GAPS_MAX + 5) * DAY_MS + 1 not in forgotten


def test_remains_of_a_correction_are_forgotten_in_time() -> None:
    log = ran_ahead()
    command = log.submission_of(here("script", 2))
    log.accepted(command)
    log.at += 2 * DAY_MS
    log.submit(here("script", 3))
    assert log.state.memory.recall("alice", command.id) is None


def test_takeover_after_a_correction_reaches_the_same_state() -> None:
    log = ran_ahead()
    log.submit(here("script", 2))
    taken_over = PartitionState(log.state.partition)
    for accepted in log.requests.records:
        replay(taken_over, accepted.record)
    assert vars(taken_over.memory) == vars(log.state.memory)
    assert taken_over.at_under(log.record.governance) == log.state.at == START + 60_000


class _Kept(msgspec.Struct, frozen=True):
    until: int


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=60))
def test_aged_entries_are_forgotten_in_time_however_often_time_was_set_back(
    steps: list[tuple[int, bool]],
) -> None:
    ageing, kept, now = RetentionQueue[_Kept](), list[int](), 0
    for number, is_back in steps:
        if is_back:
            now = min(now, number)
        now += number
        ageing.add(_Kept(until=now + 10))
        kept.append(now + 10)
        gone = [each.until for each in ageing.let_go(now)]
        assert sorted(gone) == sorted(each for each in kept if each < now)
        kept = [each for each in kept if each >= now]


LATER = START + 5
_CAME = b'"received":%d' % LATER


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (_CAME, b'"received":%d' % (START + 4), None),
        (b"," + _CAME, b"", "only one of"),
        (_CAME, b'"received":null', None),
        (_CAME, b'"received":%d' % (LATER + 1), "not when its command was received"),
        (_CAME, b'"received":%d' % (START - 1), "the rules refuse its command"),
        (b'"at":%d,"governance"' % LATER, b'"at":%d,"governance"' % (LATER + 1), "not when"),
        (b'"input":1,' + _CAME + b",", b"", "names no input"),
    ],
)
def test_record_whose_times_do_not_fit_is_found_by_verify_and_lacks_evidence(
    old: bytes, new: bytes, what: str | None
) -> None:
    """The second of two records at the same log time; only what the writer added to it is changed."""
    log = StolenLog()
    log.at = LATER
    log.submit(here("script"))
    request, _ = log.submit(here("script", 1))
    honest = log.requests.records[1]
    assert honest.value.count(old) == 1
    value = honest.value.replace(old, new)
    if b"null" in new:
        with pytest.raises(msgspec.ValidationError):
            decode_record(value)
        return
    log.requests.records[1] = msgspec.structs.replace(honest, value=value, record=decode_record(value))
    if what is None:
        assert verified(log) == 2
        assert lacking(log, request) == "it was never released"
    else:
        assert what in what_is_wrong(log)[1]
        assert lacking(log, request) not in (None, "it was never released")


def test_writer_s_own_record_that_states_where_a_command_came_from_is_named() -> None:
    log = StolenLog()
    request, _ = log.submit(here("script"))
    log.at += 40 * DAY_MS
    log.requests.put(
        (RequestExpired(request=request),), at=log.at, governance=len(log.history) - 1, input_offset=5
    )
    assert "names an input and has no command" in what_is_wrong(log)[1]


def what_is_wrong(log: StolenLog) -> tuple[int, str]:
    with pytest.raises(FindingError) as found:
        verified(log)
    return found.value.seq, found.value.what


def test_times_are_written_in_their_place() -> None:
    log = StolenLog()
    log.submit(here("script"))
    fields = list(msgspec.json.decode(log.requests.records[0].value))
    assert fields[:7] == ["seq", "prev", "epoch", "input", "received", "at", "governance"]
