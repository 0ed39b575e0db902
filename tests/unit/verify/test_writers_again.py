"""`audit verify` decides changes of writers again, and knows when a partition has to name one."""

import pytest
from msgspec import UNSET

from assent.verify.finding import FindingError
from assent_contracts.client.keys import SecretKey
from assent_contracts.codec import encode
from assent_contracts.events import WritersChanged
from assent_contracts.governance_messages import RecoverWriters, WriterAdded, WriterRetired
from assent_contracts.governance_objects import Writer
from assent_contracts.ledger import RecordedCommand
from tests.support.chains import RECOVERY, Chains, key_of, signed

SECOND = Writer(id="writer-2", public_key=SecretKey("writer-2", "decider", bytes([7]) * 32).public)


def recover(chains: Chains) -> RecoverWriters:
    return RecoverWriters(**chains.about("recovery"), add=(SECOND,), retire=("writer-1",))


def recovered() -> Chains:
    """A log whose writers were replaced with the recovery key."""
    chains = Chains()
    put(chains, signed(encode(recover(chains)), RECOVERY, chains.identity))
    return chains


def put(chains: Chains, command: RecordedCommand, **fields: object) -> int:
    """The record of a recovery, which no decider has made; returns its seq."""
    events = (WriterAdded(writer=SECOND), WriterRetired(writer="writer-1"))
    return chains.put_governance(events, command, **{"input_offset": UNSET, **fields})


def test_recovery_is_decided_again_the_same_way() -> None:
    chains = recovered()
    assert chains.verified()[0].tally.records == chains.governance.next_seq


def test_recovery_signed_with_another_key_is_named() -> None:
    chains = Chains()
    thief = SecretKey("recovery", "recovery", bytes([9]) * 32)
    put(chains, signed(encode(recover(chains)), thief, chains.identity))
    with pytest.raises(FindingError, match="bad-signature"):
        chains.verified()


@pytest.mark.parametrize("sender", ["carol", "recovery"])
def test_recovery_that_a_decider_made_of_a_command_is_named(sender: str) -> None:
    """The recovery key's command counts in a record without input, and on no topic of commands."""
    chains = Chains()
    key = RECOVERY if sender == "recovery" else key_of(sender)
    command = signed(encode(recover(chains)), key, chains.identity)
    put(chains, command, input_offset=chains.governance.next_seq)
    with pytest.raises(FindingError, match=r"the rules refuse its command"):
        chains.verified()


def test_partition_names_a_change_of_writers_once() -> None:
    chains = recovered()
    since = chains.governance.next_seq - 1
    chains.put_request((WritersChanged(since=since),))
    assert chains.verified()[1].tally.records == 1
    chains.put_request((WritersChanged(since=since),))
    with pytest.raises(FindingError, match="the writers have not changed"):
        chains.verified()


@pytest.mark.parametrize("since", [0, 1])
def test_partition_that_names_a_nonexistent_change_of_writers_is_named(since: int) -> None:
    chains = Chains()
    chains.put_request((WritersChanged(since=since),))
    with pytest.raises(FindingError, match="the writers have not changed"):
        chains.verified()
    chains = recovered()
    chains.put_request((WritersChanged(since=since),))
    with pytest.raises(FindingError, match="something else was due"):
        chains.verified()
