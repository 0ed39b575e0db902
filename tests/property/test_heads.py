"""What is known outside: a head counts if a writer signed it, and a ledger with less is always a finding."""

from typing import Final

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from assent_contracts.acceptance import Head
from assent_contracts.client.keys import SecretKey, head_headers, verify_signature
from assent_contracts.digests import sha256_hex
from assent_contracts.eras import FIRST_ERA, is_void
from assent_contracts.findings import (
    compare_command_settings,
    compare_heads_settings,
    compare_input,
    compare_ledger_settings,
    compare_partitions,
    contradiction_finding,
    heads_missing,
)
from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.heads import (
    NOTHING,
    Found,
    HeadInEra,
    KnownHead,
    Place,
    SignedHead,
    compare,
    decode_head,
    encode_head,
    known_from,
    known_heads,
    next_input,
    remembered_after,
    verify_head,
)
from assent_contracts.topics import COMMANDS, HEADS

IDENTITY: Final = "3c" * 32
WRITER: Final = SecretKey("writer-1", "decider", bytes(range(32)))
WRITERS: Final = {WRITER.id: WRITER.public_key}

offsets = st.integers(0, 50)
hashes = st.binary(min_size=1, max_size=1).map(sha256_hex)
eras = st.sampled_from([FIRST_ERA, "loss-1", "loss-2", "loss-never-known"])


@st.composite
def signed_heads(draw: st.DrawFn) -> SignedHead:
    seq = draw(offsets)
    return SignedHead(
        ledger=draw(st.sampled_from(["ledger", "governance"])),
        partition=draw(st.integers(0, 2)),
        seq=seq,
        sha256=draw(hashes),
        next_offset=seq + 1 + draw(st.integers(0, 5)),
        next_input=draw(offsets),
        at=draw(offsets),
        epoch=draw(offsets),
        era=draw(eras),
    )


def end_of(head: SignedHead, seq: int) -> LedgerEnd:
    return LedgerEnd(
        ledger=head.ledger,
        partition=head.partition,
        seq=seq,
        sha256=sha256_hex(b"end"),
        next_offset=seq + 1,
        topic_end=seq + 1,
        next_input=7,
    )


@given(signed_heads())
def test_head_is_read_as_written_and_counts_if_a_writer_signed_it(head: SignedHead) -> None:
    value = encode_head(head)
    assert decode_head(value) == head
    headers = head_headers(WRITER, IDENTITY, value)
    assert verify_head(IDENTITY, value, headers, WRITERS, verify_signature) == "good"
    assert verify_head("00" * 32, value, headers, WRITERS, verify_signature) == "bad"
    assert verify_head(IDENTITY, value + b" ", headers, WRITERS, verify_signature) == "bad"
    assert verify_head(IDENTITY, value, headers, {}, verify_signature) == "unknown-writer"
    assert verify_head(IDENTITY, value, headers[:1], WRITERS, verify_signature) == "bad"


@given(st.binary(max_size=200) | signed_heads().map(lambda head: encode_head(head)[:-2]))
def test_anything_else_is_not_a_head_and_causes_no_error(value: bytes) -> None:
    assert decode_head(value) is None
    assert decode_head(None) is None


@given(signed_heads(), st.integers(0, 100), st.integers(0, 3), st.none() | hashes | st.just(NOTHING))
def test_ledger_contains_all_that_is_known_or_there_is_a_finding(
    head: SignedHead, end: int, beginning: int, sha256: str | None
) -> None:
    known = known_from(head)
    found = Found(beginning=beginning, end=end, sha256=sha256)
    finding = compare(known, found)
    whole = beginning == 0 and end >= known.next_offset and sha256 in (None, known.sha256)
    assert (finding is None) is whole
    if finding is not None:
        assert finding.place in finding.why
        assert f"{finding.known:,}" in finding.why
        assert f"{finding.found:,}" in finding.why
        assert finding.todo


def test_without_known_heads_only_a_missing_beginning_is_a_finding() -> None:
    known = KnownHead(ledger="ledger", partition=0, seq=-1, sha256=IDENTITY, next_offset=0)
    assert compare(known, Found(beginning=0, end=0)) is None
    finding = compare(known, Found(beginning=3, end=5))
    assert finding is not None
    assert finding.kind == "beginning-gone"


@given(signed_heads(), hashes)
def test_two_heads_of_one_place_with_two_hashes_are_two_histories(head: SignedHead, sha256: str) -> None:
    other = msgspec.structs.replace(head, sha256=sha256, next_offset=head.next_offset + 1)
    finding = contradiction_finding(head, other)
    assert (finding is None) is (sha256 == head.sha256)
    assert contradiction_finding(head, msgspec.structs.replace(other, seq=head.seq + 1)) is None
    assert contradiction_finding(head, msgspec.structs.replace(other, partition=head.partition + 1)) is None


@given(signed_heads(), offsets)
def test_accepted_loss_replaces_the_heads_before_it(head: SignedHead, seq: int) -> None:
    loss = Loss(era="loss-1", ends=(end_of(head, seq),), given_up=("loss-2",))
    known = known_heads([head], [loss])[head.ledger, head.partition]
    match head.era:
        case "":
            assert is_void(head.era, [loss])
            assert known == known_from(loss.ends[0])
        case "loss-1":
            assert known.seq == max(head.seq, seq)
        case "loss-2":
            assert known == known_from(loss.ends[0])
        case _:
            # Governance may have been restored to before that loss: what is known of it still counts.
            assert known == known_from(head)


@given(st.sampled_from(["", "loss-1", "loss-2", "loss-3", "unheard-of"]), offsets, offsets)
def test_what_was_read_before_a_loss_was_accepted_gives_way_to_the_loss(
    era: str, seq: int, end_seq: int
) -> None:
    end = LedgerEnd(
        ledger="ledger",
        partition=1,
        seq=end_seq,
        sha256="e" * 64,
        next_offset=end_seq + 1,
        topic_end=end_seq + 1,
        next_input=0,
    )
    losses = [Loss(era="loss-1", ends=()), Loss(era="loss-3", ends=(end,), given_up=("loss-2",))]
    read = HeadInEra(Head(seq, "a" * 64, 4, seq + 1), era)
    still = remembered_after({0: read, 1: read}, losses)
    if era in ("loss-3", "unheard-of"):
        assert still == {0: read, 1: read}
    else:
        assert still == {1: HeadInEra(Head(end_seq, "e" * 64, next_offset=end_seq + 1), "loss-3")}
        assert remembered_after(still, losses) == still


@given(st.lists(signed_heads(), max_size=6))
def test_order_in_which_heads_are_learnt_does_not_matter(heads: list[SignedHead]) -> None:
    losses = [Loss(era="loss-1", ends=())]
    seqs = {place: each.seq for place, each in known_heads(heads, losses).items()}
    assert {place: each.seq for place, each in known_heads(heads[::-1], losses).items()} == seqs
    for head in heads:
        if not is_void(head.era, losses):
            assert (head.ledger, head.partition) in seqs


@given(offsets, offsets, st.none() | hashes, offsets, offsets, st.none() | hashes)
def test_commands_are_all_there_or_there_is_a_finding(
    decided: int, beginning: int, was: str | None, end: int, more: int, now: str | None
) -> None:
    found = Found(beginning=beginning, end=end + more, sha256=now)
    finding = compare_input(COMMANDS, 1, next_input=decided, decided_sha256=was, found=found)
    same = was is None or now is None or was == now
    assert (finding is None) is (beginning <= decided <= end + more and same)
    if finding is not None:
        assert "assent.commands/1" in finding.why


def test_accepted_loss_determines_where_commands_count_from_until_a_later_one_is_decided() -> None:
    end = LedgerEnd(
        ledger="ledger", partition=0, seq=9, sha256=IDENTITY, next_offset=10, topic_end=10, next_input=0
    )
    losses = [Loss(era="loss-1", ends=(end,))]
    assert next_input("ledger", 0, losses, read=40, decided=8, last=9) == 0
    assert next_input("ledger", 0, losses, read=40, decided=9, last=12) == 0
    assert next_input("ledger", 0, losses, read=3, decided=11, last=11) == 3
    assert next_input("ledger", 1, losses, read=40, decided=8, last=9) == 40
    assert next_input("ledger", 0, [], read=40, decided=8, last=9) == 40


def test_loss_whose_end_no_longer_exists_does_not_determine_where_commands_count_from() -> None:
    """It was restored once more, to before that end: undecided commands must not be skipped."""

    def loss(era: str, seq: int, from_input: int) -> Loss:
        end = LedgerEnd(
            ledger="ledger",
            partition=0,
            seq=seq,
            sha256=IDENTITY,
            next_offset=seq + 1,
            topic_end=seq + 1,
            next_input=from_input,
        )
        return Loss(era=era, ends=(end,))

    later = loss("loss-2", 9, 30)
    assert next_input("ledger", 0, [later], read=20, decided=8, last=8) == 20
    assert next_input("ledger", 0, [later], read=20, decided=8, last=9) == 30
    assert next_input("ledger", 0, [loss("loss-1", 8, 0), later], read=20, decided=8, last=8) == 0


def test_topic_with_another_number_of_partitions_is_a_finding() -> None:
    assert compare_partitions(COMMANDS, founded=4, there=4) is None
    finding = compare_partitions(COMMANDS, founded=4, there=8)
    assert finding is not None
    assert finding.place == "assent.commands"
    assert "8 partitions" in finding.why


def test_ledger_with_limited_retention_is_a_finding() -> None:
    whole = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
    assert compare_ledger_settings("assent.ledger", whole) is None
    for name, value in (
        ("cleanup.policy", "compact"),
        ("retention.ms", "604800000"),
        ("retention.bytes", "1"),
    ):
        finding = compare_ledger_settings("assent.ledger", {**whole, name: value})
        assert finding is not None
        assert f"{name}={value}" in finding.why


@given(signed_heads(), st.integers(1, 9))
def test_of_two_copies_of_one_record_the_first_determines_where_the_ledger_ends(
    head: SignedHead, behind: int
) -> None:
    copy = msgspec.structs.replace(head, next_offset=head.next_offset + behind)
    place: Place = (head.ledger, head.partition)
    for heads in ([head, copy], [copy, head]):
        assert known_heads(heads, ())[place].next_offset == head.next_offset


def test_topic_whose_senders_date_commands_is_a_finding() -> None:
    assert compare_command_settings(COMMANDS, {"message.timestamp.type": "LogAppendTime"}) is None
    finding = compare_command_settings(COMMANDS, {"message.timestamp.type": "CreateTime"})
    assert finding is not None
    assert finding.place == "assent.commands"
    assert "message.timestamp.type=CreateTime" in finding.why
    assert "assent topics apply" in finding.todo


def test_topic_that_keeps_only_the_newest_command_of_an_object_is_a_finding() -> None:
    assert compare_command_settings(COMMANDS, {"cleanup.policy": "delete"}) is None
    for policy in ("compact", "compact,delete"):
        finding = compare_command_settings(COMMANDS, {"cleanup.policy": policy})
        assert finding is not None
        assert (finding.kind, finding.place) == ("forgets", "assent.commands")
        assert f"cleanup.policy={policy}" in finding.why
        assert "assent topics apply" in finding.todo


def test_heads_dated_by_senders_or_missing_are_a_finding() -> None:
    """A decider reads the time there: it would get its own back."""
    assert compare_heads_settings(HEADS, {"message.timestamp.type": "LogAppendTime"}) is None
    dated = compare_heads_settings(HEADS, {"message.timestamp.type": "CreateTime"})
    assert dated is not None
    for finding in (dated, heads_missing(HEADS)):
        assert finding.place == "assent.heads"
        assert "time" in finding.why
        assert "assent topics apply" in finding.todo
