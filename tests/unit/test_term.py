"""What a takeover records of the commands that its ledger has decided, to compare them with the topic."""

from assent.decider.term import Term, TermReading
from assent_contracts.acceptance import Acceptance
from assent_contracts.digests import sha256_hex
from assent_contracts.ledger import OmittedCommand
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support import simulated_log as sim
from tests.support.chains import Written

REFUSED = Refusal(code=RefusalCode.MALFORMED, detail="It is no command.")


def command(offset: int) -> OmittedCommand:
    """What the ledger keeps of bytes that are not a command."""
    return OmittedCommand(sha256=sha256_hex(b"%d" % offset), size=2)


def read(*offsets: int) -> Term:
    """A ledger that has decided the commands at these offsets, in this order."""
    written, reading = Written(sim.START), TermReading(None)
    for offset in offsets:
        reading.note(written.put(REFUSED, at=0, input_offset=offset, command=command(offset)))
    acceptance: Acceptance = sim.reader()
    return reading.term(acceptance, len(offsets))


def test_latest_decided_commands_are_recorded_with_their_hashes() -> None:
    term = read(*range(100))
    assert term.last.input == term.last.seq == 99
    assert term.decided_at() == {at: command(at).sha256 for at in range(36, 100)}


def test_commands_decided_before_an_accepted_loss_are_expected_nowhere_after_it() -> None:
    assert set(read(0, 1, 2, 3, 1, 2).decided_at()) == {1, 2}
    assert set(read(0, 1, 2, 2).decided_at()) == {2}


def test_ledger_that_has_decided_nothing_knows_of_no_command() -> None:
    term = read()
    assert term.decided_at() == {}
    assert (term.last.seq, term.next_input) == (-1, 0)


def test_gap_between_decided_commands_hides_none_of_them() -> None:
    """A transaction's marker has an offset and is not a command."""
    assert set(read(0, 1, 5).decided_at()) == {0, 1, 5}
