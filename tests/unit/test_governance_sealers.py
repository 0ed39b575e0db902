"""Whose seal counts on the governance ledger: writers change; the recovery key only replaces them."""

import msgspec
import pytest
from msgspec import UNSET

from assent_contracts.acceptance import Acceptance, Accepted
from assent_contracts.client.keys import SecretKey, seal_headers, verify_signature
from assent_contracts.governance_messages import (
    GovernanceEvent,
    KeysRevoked,
    LogFounded,
    LossAccepted,
    PrincipalRegistered,
    WriterAdded,
    WriterRetired,
)
from assent_contracts.governance_objects import Account, Founding, Loss, Writer
from assent_contracts.ledger import decode_governance_events
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.writer_registry import WriterRegistry
from tests.support.chains import RECOVERY, WRITER, Chains
from tests.support.people import organisation

SECOND = SecretKey("writer-2", "decider", bytes([7]) * 32)
ADDED = WriterAdded(writer=Writer(id=SECOND.id, public_key=SECOND.public))
LOSS = LossAccepted(loss=Loss(era="loss-1", ends=()))
RETIRED = WriterRetired(writer=WRITER.id)
Batch = tuple[list[tuple[GovernanceEvent, ...]], SecretKey]
"""The events of some records, and the key that seals them."""
NEWCOMER = PrincipalRegistered(account=Account(id="erin", kind="human", person="p-erin"))


class Ledger:
    """The governance ledger of a founded log, and a reader of it by the acceptance rule."""

    def __init__(self, *history: Batch) -> None:
        """`history`: batches that were accepted, after the founding."""
        self._history = history
        self.chains = Chains()
        self.writers = WriterRegistry()
        self.reader = Acceptance(
            "governance", 0, identity=self.chains.identity, writers=self.writers, verify=verify_signature
        )
        self._offset = 0
        self._read = 0
        assert self.accepts(WRITER) > 0
        for run, sealer in history:
            for events in run:
                self.put(*events)
            assert self.accepts(sealer) == len(run)

    def put(self, *events: GovernanceEvent) -> None:
        """The next record, not sealed yet."""
        self.chains.governance.put(events, at=self.chains.at)

    def accepts(self, sealer: SecretKey) -> int:
        """How many records are accepted once all new ones are appended as one batch with this seal.

        Records that are not accepted are removed, so that another batch can be tried in their place.
        """
        new = self.chains.governance.records[self._read :]
        run: list[Accepted] = []
        for each in new:
            digest = bytes.fromhex(each.value_sha256)
            headers = seal_headers(sealer, self.chains.identity, "governance", 0, each.record.seq, digest)
            run += self.reader.offer(self._offset, each.value, headers if each is new[-1] else ())
            self._offset += 1
        for each in run:
            self.writers.apply(each.record.seq, decode_governance_events(each.record))
        if run:
            self._read += len(new)
        return len(run)

    def would_accept(self, sealer: SecretKey, *batch: tuple[GovernanceEvent, ...]) -> bool:
        """The same for a batch that is only tried."""
        tried = Ledger(*self._history)
        for events in batch:
            tried.put(*events)
        return tried.accepts(sealer) == len(batch)


FOUNDED = Ledger()
ROTATED = Ledger(([(ADDED,)], WRITER), ([(RETIRED,)], SECOND))


def test_added_writer_seals_from_the_next_record_on() -> None:
    assert not FOUNDED.would_accept(SECOND, (NEWCOMER,))
    assert not FOUNDED.would_accept(SECOND, (ADDED,))
    assert Ledger(([(ADDED,)], WRITER)).would_accept(SECOND, (NEWCOMER,))


def test_retired_writer_seals_up_to_the_record_that_retires_it() -> None:
    added = Ledger(([(ADDED,)], WRITER))
    assert added.would_accept(WRITER, (NEWCOMER,), (RETIRED,))
    assert not added.would_accept(WRITER, (RETIRED,), (NEWCOMER,))
    assert added.would_accept(SECOND, (RETIRED,), (NEWCOMER,))
    for sealer, there in ((WRITER, False), (SECOND, True)):
        assert ROTATED.would_accept(sealer, (NEWCOMER,)) == there


def test_retired_writer_s_seal_counts_only_on_requests_that_name_an_earlier_governance_seq() -> None:
    ledger = Ledger()
    head = ledger.writers.head
    for events in ((ADDED,), (RETIRED,)):
        ledger.put(*events)
        assert ledger.accepts(WRITER) == 1
    writers = ledger.writers
    assert writers.head == head + 2
    found = [writers.public_key(WRITER.id, seq) is not None for seq in range(head, head + 4)]
    assert found == [True, True, False, False]
    found = [writers.public_key(SECOND.id, seq) is not None for seq in range(head, head + 4)]
    assert found == [False, True, True, False]
    assert set(writers.public_keys()) == {SECOND.id}


def test_recovery_key_seals_one_record_that_changes_writers() -> None:
    assert FOUNDED.would_accept(RECOVERY, (ADDED, RETIRED))
    assert Ledger(([(ADDED, RETIRED)], RECOVERY)).would_accept(SECOND, (NEWCOMER,))
    assert not Ledger(([(ADDED, RETIRED)], RECOVERY)).would_accept(WRITER, (NEWCOMER,))


def test_recovery_key_alone_seals_one_record_that_accepts_a_loss() -> None:
    """A stolen writer's key would void what is known outside."""
    assert FOUNDED.would_accept(RECOVERY, (LOSS,))
    for batch in ([(LOSS,)], [(NEWCOMER,), (LOSS,)], [(LOSS,), (NEWCOMER,)], [(NEWCOMER, LOSS)]):
        assert not FOUNDED.would_accept(WRITER, *batch)
    assert Ledger(([(LOSS,)], RECOVERY)).writers.losses == (LOSS.loss,)


def test_no_spelling_of_an_event_s_name_lets_a_writer_accept_a_loss() -> None:
    """JSON has more than one spelling for each letter, and a reader understands them all."""
    for sealer, there in ((WRITER, 0), (RECOVERY, 1)):
        ledger = Ledger()
        ledger.chains.governance.put_altered(b"loss-acc", b"loss\\u002dacc", (LOSS,), at=ledger.chains.at)
        assert b"u002d" in ledger.chains.governance.records[-1].value
        assert ledger.accepts(sealer) == there


@pytest.mark.parametrize(
    "batch",
    [
        [(NEWCOMER,)],
        [(LOSS, ADDED)],
        [(ADDED, LOSS)],
        [(LOSS, LOSS)],
        [()],
        [(ADDED, NEWCOMER)],
        [(NEWCOMER, ADDED)],
        [(NEWCOMER,), (ADDED,)],
        [(ADDED,), (RETIRED,)],
        [(KeysRevoked(principal="carol"),)],
        [
            (
                LogFounded(
                    founding=Founding(
                        founder=RECOVERY.public, recovery=RECOVERY.public, writers={}, partitions=1
                    )
                ),
            )
        ],
    ],
)
def test_recovery_key_seals_nothing_else(batch: list[tuple[GovernanceEvent, ...]]) -> None:
    assert not FOUNDED.would_accept(RECOVERY, *batch)


def test_recovery_key_seals_no_refusal_and_no_record_that_claims_to_be_both() -> None:
    ledger = Ledger()
    refusal = Refusal(code=RefusalCode.ALREADY_SO, detail="No.")
    ledger.chains.governance.put(refusal, at=ledger.chains.at)
    assert ledger.accepts(RECOVERY) == 0
    both = Ledger()
    said = f',"refusal":{msgspec.json.encode(refusal).decode()}}}'.encode()
    both.chains.governance.put_altered(b'"}]}', b'"}]' + said, (RETIRED,), at=both.chains.at)
    assert b'"refusal"' in both.chains.governance.records[-1].value
    assert both.accepts(RECOVERY) == 0


def test_key_that_only_calls_itself_recovery_seals_nothing() -> None:
    stranger = SecretKey("recovery", "recovery", bytes([9]) * 32)
    assert not FOUNDED.would_accept(stranger, (ADDED, RETIRED))
    assert not FOUNDED.would_accept(SecretKey("recovery", "recovery", bytes([1]) * 32), (ADDED,))


def test_recovery_key_seals_no_request_ledger() -> None:
    ledger = Ledger()
    assert ledger.writers.public_key(RECOVERY.id, ledger.writers.head) is None


def test_changes_to_unknown_writers_sealed_by_a_stolen_key_stop_no_reader() -> None:
    ledger = Ledger()
    other = WriterAdded(writer=Writer(id=WRITER.id, public_key=SECOND.public))
    for events in ((WriterRetired(writer="nobody"),), (other,)):
        ledger.put(*events)
        assert ledger.accepts(WRITER) == 1
    # The past is unchanged: the key under this id is still the same.
    assert ledger.writers.public_key(WRITER.id, ledger.writers.head) == ledger.writers.ever_listed(WRITER.id)
    ledger.put(NEWCOMER)
    assert ledger.accepts(WRITER) == 1
    assert ledger.chains.governance.records[-1].record.refusal is UNSET


def test_record_that_founds_again_changes_no_writer_and_not_the_recovery_key() -> None:
    """A thief with a writer's key can seal such a record: the past and the recovery key stay unchanged."""
    thief = SecretKey("recovery", "recovery", bytes([9]) * 32)
    founding = Founding(
        founder=thief.public, recovery=thief.public, writers={WRITER.id: WRITER.public}, partitions=1
    )
    ledger = Ledger(([(LogFounded(founding=founding),)], WRITER))
    assert ledger.writers.public_key(WRITER.id, 0) is not None
    assert ledger.writers.recovery_key() == RECOVERY.public_key
    assert not ledger.would_accept(thief, (ADDED,))
    assert ledger.would_accept(RECOVERY, (ADDED,))
    governance = organisation()
    before = (governance.founder, governance.recovery, governance.partitions, dict(governance.writers))
    governance.evolve(governance.seq + 1, (LogFounded(founding=founding),))
    assert (governance.founder, governance.recovery, governance.partitions, governance.writers) == before
