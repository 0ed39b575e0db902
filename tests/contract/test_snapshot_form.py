"""The form of a snapshot: it has everything, and a new form has a new format."""

import hashlib

import msgspec
import pytest

from assent_contracts import events as e
from assent_contracts.acceptance import Head
from assent_contracts.access_policies import ApprovalRule, PolicyTerms
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.writer import requests_snapshot
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.requests_snapshot import SnapshotError, snapshot_of, writer_from
from assent_contracts.core.writer.writer import PartitionWriter

DAY_MS = 24 * 60 * 60 * 1_000
START = 1_750_000_000_000
SHA256 = "ab" * 32
TERMS = (PolicyTerms(policy="scripts", since=3, rules=(ApprovalRule(quorum=1, groups=("admins",)),)),)
GOLDEN = (1, "09b17c98")
"""The format, and the beginning of the SHA-256 of the snapshot below in it."""


def submitted(seq: int, deadline: int) -> e.ChangeSubmitted:
    return e.ChangeSubmitted(
        request=f"2-{seq}",
        resource=f"script/{seq}",
        operation="edit",
        requester="alice",
        person="p-alice",
        submission=SHA256,
        digest=SHA256,
        terms=TERMS,
        deadline=deadline,
    )


def to_applying(seq: int) -> tuple[e.Event, ...]:
    """What happens to a request until it is being applied."""
    request = f"2-{seq}"
    return (
        e.ApprovalGiven(request=request, approver="bob", person="p-bob", deadline=START + DAY_MS),
        e.RequestApproved(request=request),
        e.ChangeReleased(
            request=request, resource=f"script/{seq}", digest=SHA256, deadline=START + 2 * DAY_MS
        ),
        e.ChangeClaimed(request=request, applier="applier", digest=SHA256, deadline=START + 3 * DAY_MS),
    )


def a_state_with_everything() -> PartitionState:
    """One request of each kind of state, and something in every other part."""
    state = PartitionState(2)
    for seq in range(6):
        state.record(seq, START + seq, (submitted(seq, START + DAY_MS),), governance=4)
    ends: tuple[tuple[e.Event, ...], ...] = (
        to_applying(1)[:2],
        to_applying(2)[:3],
        to_applying(3),
        (*to_applying(4), e.OutcomeUnknown(request="2-4", cause="lease-ended")),
        (*to_applying(5), e.RequestCompleted(request="2-5", reporter="applier", version="v7")),
        (e.WritersChanged(since=5),),
        (
            e.FindingReported(
                finding="2-12",
                resource="script/9",
                target="git",
                kind="unexplained",
                reporter="reconciler",
                version="v1",
            ),
        ),
    )
    for number, events in enumerate(ends, start=6):
        state.record(number, START + number, events, governance=5)
    memory = state.memory
    for number, dated in enumerate((START, START + 1, START + DAY_MS // 2)):
        memory.remember(
            "alice", f"c{number}", dated=dated, seq=number, at=START, value_sha256=bytes.fromhex(SHA256)
        )
        memory.count("alice", START + 13, copy=number == 2)
    memory.remember("bob", "c0", dated=START, seq=4, at=START, value_sha256=bytes.fromhex(SHA256))
    memory.forgotten.add(START - 2 * DAY_MS)
    # A clock was wrong: log time goes back, and what was remembered is ahead of it.
    memory.set_back(START - DAY_MS)
    return state


def a_writer() -> PartitionWriter[RequestsDesk]:
    state = a_state_with_everything()
    writer = PartitionWriter(
        RequestsDesk(2, state), Head(state.records - 1, SHA256), sealer=None, is_signed=lambda *_: False
    )
    writer.resume(epoch=3, last_decided=(11, 40), input_sha256=SHA256)
    return writer


def read(content: bytes, *, partition: int = 2, seq: int = 12) -> PartitionWriter[RequestsDesk]:
    head = Head(seq, SHA256)
    return writer_from(content, partition, head, sealer=None, is_signed=lambda *_: False)


def inner(it: object) -> object:
    """All that an object holds, as something that can be compared."""
    if isinstance(it, dict):
        return [(key, inner(each)) for key, each in it.items()]
    return inner(vars(it)) if hasattr(it, "__dict__") else it


def test_snapshot_has_everything_that_a_writer_decides_by() -> None:
    writer = a_writer()
    again = read(snapshot_of(writer))
    assert inner(again.desk.state) == inner(writer.desk.state)
    assert (again.epoch, again.next_input, again.last_decided) == (3, 41, (11, 40))
    assert again.input_sha256 == SHA256
    assert snapshot_of(again) == snapshot_of(writer)


def test_no_part_of_the_compared_state_is_empty() -> None:
    nothing = PartitionState(2).content()
    content = a_state_with_everything().content()
    for name in content.__struct_fields__:
        if name != "partition":
            assert getattr(content, name) != getattr(nothing, name), name
    for name in content.memory.__struct_fields__:
        assert getattr(content.memory, name) != getattr(nothing.memory, name), name
    kinds = {type(request).__name__ for request in content.requests.values()}
    assert kinds == {"NeedsApproval", "Approved", "Released", "Applying", "Unsettled", "Closed"}


def test_another_form_has_another_format() -> None:
    digest = hashlib.sha256(snapshot_of(a_writer())).hexdigest()
    assert (requests_snapshot.FORMAT, digest[:8]) == GOLDEN, (
        "A snapshot has another form now: increase FORMAT, so that older and newer versions ignore each"
        " other's snapshots, and write the new golden digest here."
    )


@pytest.mark.parametrize("seq", [0, 11, 13])
def test_snapshot_of_another_position_is_refused(seq: int) -> None:
    with pytest.raises(SnapshotError):
        read(snapshot_of(a_writer()), seq=seq)


def test_snapshot_of_another_partition_is_refused() -> None:
    with pytest.raises(SnapshotError):
        read(snapshot_of(a_writer()), partition=1)


def test_bytes_that_are_no_snapshot_are_refused_by_name() -> None:
    content = snapshot_of(a_writer())
    whole = msgspec.msgpack.decode(content)
    contradictory = [[*whole[0][:5], [*whole[0][5][:1], [[99]], *whole[0][5][2:]], *whole[0][6:]], *whole[1:]]
    nested = b"\x91" * 100_000
    longer = msgspec.msgpack.encode([*whole, 1])
    for odd in (
        b"",
        b"\xc1",
        content[:-1],
        content + b"\0",
        nested,
        longer,
        msgspec.msgpack.encode(contradictory),
    ):
        with pytest.raises(SnapshotError):
            read(odd)
