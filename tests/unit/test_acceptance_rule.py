"""The acceptance rule, one sentence after the other; tests/property tests all of them at once."""

from collections.abc import Callable

import pytest

from assent_contracts import limits
from assent_contracts.acceptance import Acceptance, Head, Headers
from assent_contracts.client.keys import SecretKey, seal_headers, verify_signature
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.ledger import decode_governance_events
from assent_contracts.writer_registry import WriterRegistry
from tests.contract.golden_chain import GOVERNANCE_0, IDENTITY
from tests.support import simulated_log as sim

Batch = list[sim.Entry]


def batch(
    head: Head, size: int, *, epoch: int = 1, writer: str | None = "writer-0", governance: int = 0
) -> Batch:
    """`size` records after `head`, the last one sealed."""
    entries: Batch = []
    for left in range(size - 1, -1, -1):
        value = sim.record(head, epoch=epoch, input_offset=head.seq + 1, governance=governance)
        head = Head(head.seq + 1, sha256_hex(value), governance)
        sealed = sim.sealed(writer, head.seq, value) if writer and not left else ()
        entries.append((value, sealed))
    return entries


def after(*batches: Batch) -> Head:
    """The head of a reader that has read these."""
    reader = sim.reader()
    log = sim.Log()
    log.entries = [entry for each in batches for entry in each]
    log.read(reader, 0)
    return reader.head


def accepted(*batches: Batch) -> list[int]:
    """The offsets of what is accepted."""
    log = sim.Log()
    log.entries = [entry for each in batches for entry in each]
    return [each.offset for each in log.read(sim.reader(), 0)]


FIRST = batch(sim.START, 2)
NEXT = batch(after(FIRST), 2)
UNSEALED = batch(after(FIRST), 2, epoch=9, writer=None)


def test_sealed_run_is_accepted() -> None:
    assert accepted(FIRST) == [0, 1]
    assert accepted(FIRST, NEXT) == [0, 1, 2, 3]


def test_run_without_a_seal_is_not_accepted() -> None:
    assert accepted(FIRST, UNSEALED) == [0, 1]


def test_run_in_place_of_an_unsealed_one_is_accepted() -> None:
    """An attacker cannot block a writer by putting records that fit before its own."""
    assert accepted(FIRST, UNSEALED, NEXT) == [0, 1, 4, 5]
    assert accepted(FIRST, UNSEALED[:1], NEXT) == [0, 1, 3, 4]


def test_seal_covers_only_what_its_record_chains_to() -> None:
    """A sealed record that follows a forged one by seq, but not by `prev`, does not make it accepted."""
    assert accepted(FIRST, UNSEALED[:1], NEXT[1:]) == [0, 1]


def test_record_that_fits_nowhere_ends_the_run() -> None:
    junk: Batch = [(b"junk", ())]
    assert accepted(FIRST, NEXT[:1], junk, NEXT[1:]) == [0, 1]
    assert accepted(FIRST, NEXT[:1], [(None, ())], NEXT[1:]) == [0, 1]


def test_run_has_no_gaps() -> None:
    """Not even if a writer has sealed it: its key could be in the wrong hands."""
    first, _ = NEXT
    head = Head(3, sha256_hex(first[0] or b""), 0)
    value = sim.record(head, epoch=1, input_offset=3, governance=0)
    assert accepted(FIRST, [first, (value, sim.sealed("writer-0", 4, value))]) == [0, 1]


def test_run_consists_of_neighbouring_offsets() -> None:
    reader = sim.reader()
    assert not reader.offer(0, *FIRST[0])
    assert not reader.offer(2, *FIRST[1])


def test_first_in_log_order_wins() -> None:
    other = batch(after(FIRST), 3, epoch=2, writer="writer-1")
    assert accepted(FIRST, NEXT, other) == [0, 1, 2, 3]
    assert accepted(FIRST, other, NEXT) == [0, 1, 2, 3, 4]


def test_batch_appended_twice_counts_once() -> None:
    assert accepted(FIRST, FIRST, NEXT, FIRST, NEXT) == [0, 1, 4, 5]


def test_branch_of_a_writer_that_lost_is_dropped_although_its_seqs_fit() -> None:
    lost = batch(sim.START, 1, epoch=2, writer="writer-1")
    later = batch(after(lost), 2, epoch=2, writer="writer-1")
    assert accepted(batch(sim.START, 1), lost, later) == [0]


@pytest.mark.parametrize(("governance", "there"), [(4, False), (5, True), (9, True), (10, False)])
def test_writer_s_key_must_be_listed_at_the_record_s_governance_seq(governance: int, *, there: bool) -> None:
    """writer-2 is listed from 5 on, and governance is at 9."""
    assert bool(accepted(batch(sim.START, 1, writer="writer-2", governance=governance))) == there


def test_governance_seq_never_decreases() -> None:
    high = batch(sim.START, 1, governance=3)
    assert accepted(high, batch(after(high), 1, governance=2)) == [0]
    rising = batch(after(high), 2, governance=4)
    falling = [rising[0], batch(after(high), 2, governance=3)[1]]
    assert accepted(high, falling) == [0]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers[:1],
        lambda headers: headers[1:],
        lambda headers: [headers[0], ("assent-seal", headers[1][1] + b"=")],
        lambda headers: [headers[0], ("assent-seal", headers[1][1][:-4])],
        lambda headers: [headers[0], ("assent-seal", b"\xff")],
        lambda headers: [("assent-writer", b"\xff"), headers[1]],
        lambda headers: [("assent-writer", b"writer-1"), headers[1]],
        lambda headers: [("assent-writer", b""), headers[1]],
    ],
)
def test_spoiled_seal_does_not_count(spoil: Callable[[Headers], Headers]) -> None:
    value, headers = FIRST[1]
    assert accepted([FIRST[0], (value, spoil(headers))]) == []


def test_run_has_a_limit_in_bytes_and_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader's memory is bounded, even if an attacker writes unsealed records for ever."""
    monkeypatch.setattr(limits, "RUN_MAX_RECORDS", 3)
    assert accepted(batch(sim.START, 3)) == [0, 1, 2]
    assert accepted(batch(sim.START, 5)) == []
    monkeypatch.setattr(limits, "RUN_MAX_RECORDS", 100)
    monkeypatch.setattr(limits, "RUN_MAX_BYTES", sum(len(value or b"") for value, _ in batch(sim.START, 3)))
    assert accepted(batch(sim.START, 3)) == [0, 1, 2]
    assert accepted(batch(sim.START, 5)) == []


def test_record_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RECORD_MAX_BYTES", len(FIRST[0][0] or b""))
    assert accepted(batch(sim.START, 1)) == [0]
    monkeypatch.setattr(limits, "RECORD_MAX_BYTES", len(FIRST[0][0] or b"") - 1)
    assert accepted(batch(sim.START, 1)) == []


def test_records_that_are_not_accepted_are_counted() -> None:
    reader, log = sim.reader(), sim.Log()
    log.entries = [*FIRST, *UNSEALED, *NEXT, (b"junk", ()), *FIRST]
    log.read(reader, 0)
    assert reader.quarantined == 2 + 1 + 2
    assert (reader.first_quarantined, reader.last_quarantined) == (2, len(log.entries) - 1)


def test_governance_ledger_begins_with_the_record_that_is_its_identity() -> None:
    """Anybody could found another log in the same topic: the hash that readers know decides."""
    value = encode(GOVERNANCE_0)
    writer = SecretKey("writer-1", "decider", bytes(range(32, 64)))
    headers = seal_headers(writer, IDENTITY, "governance", 0, 0, bytes.fromhex(IDENTITY))
    for identity, there in ((IDENTITY, True), ("0" * 64, False)):
        reader = Acceptance(
            "governance", 0, identity=identity, writers=WriterRegistry(), verify=verify_signature
        )
        assert bool(reader.offer(0, value, headers)) == there


def test_governance_ledger_is_judged_by_its_own_accepted_state() -> None:
    value = encode(GOVERNANCE_0)
    writer = SecretKey("writer-1", "decider", bytes(range(32, 64)))
    stranger = SecretKey("writer-1", "decider", bytes(32))
    writers = WriterRegistry()
    reader = Acceptance("governance", 0, identity=IDENTITY, writers=writers, verify=verify_signature)
    [first] = reader.offer(
        0, value, seal_headers(writer, IDENTITY, "governance", 0, 0, bytes.fromhex(IDENTITY))
    )
    writers.apply(0, decode_governance_events(first.record))
    second = sim.record(reader.head, epoch=1, input_offset=1, governance=0)
    for key, there in ((stranger, False), (writer, True)):
        headers = seal_headers(key, IDENTITY, "governance", 0, 1, bytes.fromhex(sha256_hex(second)))
        assert bool(reader.offer(1, second, headers)) == there


def test_seal_is_valid_in_one_log_only() -> None:
    """What a writer has sealed for one log does not count in another with the same writer's key."""
    value, headers = batch(sim.START, 1)[0]
    other = Acceptance("ledger", sim.PARTITION, identity="ab" * 32, writers=sim.REGISTRY, verify=sim.verify)
    other.head = sim.START
    assert not other.offer(0, value, headers)
    assert sim.reader().offer(0, value, headers)


def test_partition_begins_with_a_record_that_chains_to_the_identity() -> None:
    """A newly founded log does not take over the request partitions of the previous one."""
    zeros = Head(-1, "0" * 64)
    assert accepted(batch(zeros, 1)) == []
    assert accepted(batch(sim.START, 1)) == [0]


def test_foreign_headers_next_to_a_seal_are_ignored() -> None:
    value = sim.record(sim.START, epoch=1, input_offset=0, governance=sim.GOVERNANCE_HEAD)
    headers = [("traceparent", b"00-1"), *sim.sealed("writer-1", 0, value), ("other", None)]
    assert [each.record.seq for each in sim.reader().offer(0, value, headers)] == [0]
