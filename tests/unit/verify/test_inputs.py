"""Each command is decided once, in the order in which it arrived: what `input` may be."""

import pytest
from msgspec import UNSET, UnsetType

from assent.verify.decided_inputs import InputGap, Inputs
from assent.verify.finding import FindingError
from assent_contracts.codec import encode
from assent_contracts.governance_changes import DisablePrincipal
from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.ledger import LedgerRecord
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.chains import PARTITION, Chains, key_of, signed

REFUSAL = Refusal(code=RefusalCode.NOT_PERMITTED, detail="")
DISABLE = DisablePrincipal(principal="bob")


@pytest.fixture
def chains() -> Chains:
    chains = Chains()
    chains.released()
    return chains


def finding(chains: Chains) -> tuple[int, str]:
    """The seq and the text of the finding."""
    with pytest.raises(FindingError) as found:
        chains.verified()
    return found.value.seq, found.value.what


def record(seq: int, input_offset: int | UnsetType) -> LedgerRecord:
    return LedgerRecord(seq=seq, prev="", epoch=1, input=input_offset, at=0)


def test_consecutive_commands_with_the_writer_s_own_records_between_leave_no_gap() -> None:
    chains = Chains()
    chains.carry(chains.released())
    chains.end_carried()
    governance, requests = chains.verified()
    assert governance.inputs.gaps == requests.inputs.gaps == []


def test_skipped_commands_are_a_gap(chains: Chains) -> None:
    chains.requests.next_input += 5
    seq = chains.requests.next_seq
    chains.send(chains.submission())
    _, requests = chains.verified()
    assert requests.inputs.gaps == [InputGap(seq, 3, 8)]
    assert str(requests.inputs.gaps[0]) == "there is no decision for input 3 to 7"


def test_log_whose_first_command_was_not_the_topic_s_first_has_a_gap_before_it() -> None:
    chains = Chains()
    chains.requests.next_input = 1
    chains.submitted()
    _, requests = chains.verified()
    assert requests.inputs.gaps == [InputGap(0, 0, 1)]


def test_gap_in_governance_is_one_too(chains: Chains) -> None:
    chains.governance.next_input += 1
    chains.change("dave", DISABLE)
    governance, _ = chains.verified()
    assert [(gap.first, gap.end) for gap in governance.inputs.gaps] == [(0, 1)]


@pytest.mark.parametrize("again", [0, 2])
def test_input_that_starts_again_or_is_repeated_is_named(chains: Chains, again: int) -> None:
    chains.requests.next_input = again
    seq = chains.requests.next_seq
    chains.send(chains.submission())
    assert finding(chains) == (seq, f"its input is {again}, and commands up to 2 are decided already")


def test_decision_on_a_command_that_names_no_input_is_named(chains: Chains) -> None:
    command = signed(encode(chains.submission()), key_of("carol"), chains.identity)
    chains.requests.put(REFUSAL, at=chains.at, governance=len(chains.history) - 1, command=command)
    assert finding(chains) == (chains.requests.next_seq - 1, "it names no input for its command")


def test_change_to_governance_that_names_no_input_is_named(chains: Chains) -> None:
    command = signed(encode(chains.changing("mallory", DISABLE)), key_of("mallory"), chains.identity)
    chains.put_governance(REFUSAL, command, input_offset=UNSET)
    assert finding(chains)[0] == chains.governance.next_seq - 1


def test_writer_s_own_record_that_names_an_input_is_named(chains: Chains) -> None:
    chains.requests.put((), at=chains.at, governance=len(chains.history) - 1, input_offset=3)
    assert finding(chains) == (chains.requests.next_seq - 1, "it names an input and has no command")


def test_input_starts_again_where_governance_has_accepted_a_loss_and_only_once() -> None:
    end = LedgerEnd(
        ledger="ledger", partition=PARTITION, seq=1, sha256="0" * 64, next_offset=2, topic_end=2, next_input=0
    )
    losses = (Loss(era="loss-1", ends=(end,)),)
    inputs = Inputs("ledger", PARTITION)
    assert inputs.take(record(0, 0), ()) is None
    assert inputs.take(record(1, 1), ()) is None
    assert inputs.take(record(2, UNSET), losses) is None
    assert inputs.take(record(3, 0), losses) is None
    assert inputs.take(record(4, 1), losses) is None
    assert inputs.take(record(5, 0), losses) == "its input is 0, and commands up to 1 are decided already"
    assert inputs.gaps == []


def test_loss_of_another_partition_does_not_let_input_start_again() -> None:
    end = LedgerEnd(
        ledger="ledger", partition=0, seq=1, sha256="0" * 64, next_offset=2, topic_end=2, next_input=0
    )
    inputs = Inputs("ledger", 1)
    assert inputs.take(record(0, 0), ()) is None
    assert inputs.take(record(1, 0), (Loss(era="loss-1", ends=(end,)),)) is not None
