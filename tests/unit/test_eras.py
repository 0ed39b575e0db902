"""What an accepted loss gives up stays given up: by eras, and by where it still is."""

import msgspec

from assent.verify.release_confirmation import RecordedRelease, ReleaseReferences
from assent_contracts.acceptance import Acceptance, Head
from assent_contracts.digests import sha256_hex
from assent_contracts.eras import FIRST_ERA, era_at, is_given_up, losses_since
from assent_contracts.evidence.release_references import Confirmations, LedgerRelease, ReleaseReference
from assent_contracts.governance_messages import GovernanceEvent, LossAccepted, WriterRetired
from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.heads import Finding, HeadInEra, has_read_given_up
from tests.support import simulated_log as sim


def loss(
    era: str,
    seq: int,
    *,
    partition: int = sim.PARTITION,
    governance: int = 9,
) -> Loss:
    """A loss after which a partition, whose records are at the offsets of their seqs, ends at `seq`.

    `governance`: where the governance ledger ends; the loss is accepted after that.
    """
    of_governance = LedgerEnd(
        ledger="governance",
        partition=0,
        seq=governance,
        sha256="cd" * 32,
        next_offset=governance + 1,
        topic_end=governance + 1,
        next_input=0,
    )
    end = LedgerEnd(
        ledger="ledger",
        partition=partition,
        seq=seq,
        sha256="ab" * 32,
        next_offset=seq + 1,
        topic_end=seq + 1,
        next_input=0,
    )
    return Loss(era=era, ends=(of_governance, end))


def batch(head: Head, size: int, era: str = FIRST_ERA, *, governance: int = 9) -> list[sim.Entry]:
    """`size` records after a head, the last one sealed in an era."""
    entries: list[sim.Entry] = []
    for left in range(size - 1, -1, -1):
        value = sim.record(head, epoch=1, input_offset=head.seq + 1, governance=governance)
        head = Head(head.seq + 1, sha256_hex(value), governance)
        entries.append((value, () if left else sim.sealed("writer-0", head.seq, value, era=era)))
    return entries


def reader(*losses: Loss, before: tuple[GovernanceEvent, ...] = ()) -> Acceptance:
    """A reader who knows of these losses; `before`: governance events before them, one seq each."""
    writers = sim.registry()
    for event in (*before, *(LossAccepted(loss=each) for each in losses)):
        writers.apply(writers.head + 1, (event,))
    return Acceptance("ledger", sim.PARTITION, identity=sim.IDENTITY, writers=writers, verify=sim.verify)


def accepted(rule: Acceptance, *batches: list[sim.Entry]) -> list[int]:
    """The offsets of what is accepted."""
    entries = [entry for each in batches for entry in each]
    return [it.offset for at, entry in enumerate(entries) for it in rule.offer(at, *entry)]


KEPT = batch(sim.START, 3)
HEAD = Head(2, sha256_hex(KEPT[-1][0] or b""), 9)
GIVEN_UP = batch(HEAD, 2)
NEW = batch(HEAD, 2, "loss-1", governance=10)


def test_before_a_loss_everything_is_of_the_first_era() -> None:
    assert accepted(reader(), KEPT, GIVEN_UP) == [0, 1, 2, 3, 4]
    assert accepted(reader(), KEPT, NEW) == [0, 1, 2]


def test_given_up_records_no_longer_count_wherever_they_are() -> None:
    """Its seals were good: an attacker with a copy and write access to the ledger would restore it."""
    assert accepted(reader(loss("loss-1", 2)), KEPT, GIVEN_UP) == [0, 1, 2]
    assert accepted(reader(loss("loss-1", 2)), KEPT, GIVEN_UP, NEW) == [0, 1, 2, 5, 6]
    assert accepted(reader(loss("loss-1", 2)), KEPT, NEW, GIVEN_UP) == [0, 1, 2, 3, 4]


def test_records_given_up_with_the_second_loss_are_not_of_the_second_era() -> None:
    losses = loss("loss-1", 2), loss("loss-2", 2)
    again = batch(HEAD, 1, "loss-2", governance=11)
    assert accepted(reader(*losses), KEPT, NEW, again) == [0, 1, 2, 5]


def test_key_retired_before_a_loss_seals_nothing_after_it() -> None:
    """The ledger was restored to before the record of its retirement: seqs of governance increase again."""
    retired, behind = WriterRetired(writer="writer-0"), loss("loss-1", 2, governance=10)
    for governance in (9, 10):
        forged = batch(HEAD, 2, "loss-1", governance=governance)
        assert accepted(reader(behind, before=(retired,)), KEPT, forged) == [0, 1, 2]


def test_given_up_records_do_not_count_under_another_seal() -> None:
    """Its bytes name no governance that has the loss, whoever seals them again in its era."""
    behind = loss("loss-1", 2, governance=9)
    resealed = batch(HEAD, 2, "loss-1", governance=9)
    assert accepted(reader(behind), KEPT, resealed) == [0, 1, 2]
    assert accepted(reader(behind), KEPT, resealed, NEW) == [0, 1, 2, 5, 6]


def test_loss_of_another_partition_changes_no_era_here() -> None:
    other = loss("loss-1", 0, partition=sim.PARTITION + 1)
    assert accepted(reader(other), KEPT, GIVEN_UP) == [0, 1, 2, 3, 4]


def test_each_record_is_of_the_last_loss_after_whose_end_it_is() -> None:
    losses = [loss("loss-1", 5), loss("loss-2", 9), loss("loss-3", 7)]
    eras = [era_at(sim.PARTITION, seq, losses) for seq in range(4, 12)]
    assert eras == [FIRST_ERA, FIRST_ERA, "loss-1", "loss-1", "loss-3", "loss-3", "loss-3", "loss-3"]


def test_losses_since_an_era_are_those_after_it() -> None:
    losses = [loss("loss-1", 4), msgspec.structs.replace(loss("loss-3", 6), given_up=("loss-2",))]
    assert losses_since(FIRST_ERA, losses) == losses
    assert losses_since("loss-1", losses) == losses[1:]
    # Its acceptance was lost itself: what was read in it followed governance that no longer exists.
    assert losses_since("loss-2", losses) == losses[1:]
    assert losses_since("loss-3", losses) == []
    # Governance may have been restored to before it.
    assert not losses_since("loss-4", losses)


def test_records_read_after_an_end_are_given_up_and_those_read_since_are_not() -> None:
    def gone(era: str, losses: list[Loss]) -> list[int]:
        return [n for n in range(10) if is_given_up("ledger", sim.PARTITION, n, era, losses)]

    losses = [loss("loss-1", 4)]
    assert gone(FIRST_ERA, losses) == [5, 6, 7, 8, 9]
    assert gone("loss-1", losses) == []
    losses.append(loss("loss-2", 7))
    assert gone(FIRST_ERA, losses) == [5, 6, 7, 8, 9]
    assert gone("loss-1", losses) == [8, 9]
    assert gone("loss-2", losses) == []
    assert not is_given_up("ledger", sim.PARTITION + 1, 9, FIRST_ERA, losses)
    assert [n for n in range(12) if is_given_up("governance", 0, n, FIRST_ERA, losses)] == [10, 11]


def test_reader_that_followed_given_up_records_is_told_what_to_do() -> None:
    def told(seq: int, era: str = FIRST_ERA) -> Finding | None:
        read = HeadInEra(Head(seq, "cd" * 32, next_offset=seq + 3), era)
        return has_read_given_up("ledger", sim.PARTITION, read, [loss("loss-1", 4)])

    finding = told(6)
    assert finding is not None
    assert (finding.kind, finding.known, finding.found) == ("given-up", 9, 5)
    assert f"assent.ledger/{sim.PARTITION}" in finding.why
    assert "restore rebuild" in finding.todo
    assert told(4) is None
    assert told(6, "loss-1") is None


CLAIM = ReleaseReference(
    seq=12,
    request=f"{sim.PARTITION}-6",
    released=8,
    digest="ef" * 32,
    as_of=10,
    submission_sha256=bytes(32),
)
RELEASED = LedgerRelease(seq=8, digest="ef" * 32, governance=11, as_of=10, submission_sha256=bytes(32))


def test_R18_change_carried_out_for_a_given_up_request_no_longer_needs_evidence() -> None:
    """Otherwise no later decision of governance could be acted on, for good."""
    confirmations = Confirmations()
    confirmations.add(CLAIM)
    assert confirmations.unconfirmed(20) == CLAIM
    confirmations.give_up(loss("loss-1", 8))
    assert confirmations.unconfirmed(20) == CLAIM
    confirmations.give_up(loss("loss-2", 7))
    assert confirmations.unconfirmed(20) is None


def test_R18_evidence_of_a_given_up_release_confirms_nothing() -> None:
    confirmations = Confirmations()
    confirmations.released(CLAIM.request, RELEASED)
    confirmations.give_up(loss("loss-1", 7))
    confirmations.add(CLAIM)
    assert confirmations.unconfirmed(20) == CLAIM


def test_R18_verify_requires_no_given_up_release_but_requires_the_next_one_with_its_id() -> None:
    claims = ReleaseReferences()
    claims.add(CLAIM)
    assert claims.give_up(loss("loss-1", 8)) == 0
    assert claims.give_up(loss("loss-2", 7)) == 1
    claims.confirm()
    claims.add(CLAIM)
    claims.submitted(CLAIM.request, CLAIM.submission_sha256, CLAIM.as_of)
    claims.released(CLAIM.request, RecordedRelease(seq=8, digest=CLAIM.digest, governance=11))
    claims.confirm()
