"""Heads that no writer has signed cost one try each, off the event loop, and hide nothing."""

import asyncio
from typing import Final

import msgspec
import pytest
from aiokafka import ConsumerRecord

from assent_contracts.client import newest_heads
from assent_contracts.client.heads_topic import PIECE, good_heads, kept_from, sift_beside, signed_head
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.heads import KeptHead, SignedHead, topic_key

IDENTITY: Final = "1d" * 32
ME: Final = SecretKey("writer-1", "decider", bytes(range(32)))
OTHER: Final = SecretKey("writer-2", "decider", bytes(range(1, 33)))
THIEF: Final = SecretKey("writer-1", "decider", bytes(range(2, 34)))
"""The name of a writer with another key."""
WRITERS: Final = {ME.id: ME.public_key, OTHER.id: OTHER.public_key}


def head(seq: int, sha256: str = "a", *, partition: int = 0, era: str = "") -> SignedHead:
    return SignedHead(
        ledger="ledger",
        partition=partition,
        seq=seq,
        sha256=sha256 * 64,
        next_offset=seq + 1,
        next_input=1,
        at=1,
        epoch=1,
        era=era,
    )


def signed(key: SecretKey, seq: int, sha256: str = "a") -> KeptHead:
    return signed_head(key, IDENTITY, head(seq, sha256))


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The messages whose signatures were checked."""
    messages: list[bytes] = []
    really = newest_heads.verify_signature

    def counted(public_key: bytes, message: bytes, signature: bytes) -> bool:
        messages.append(message)
        return really(public_key, message, signature)

    monkeypatch.setattr(newest_heads, "verify_signature", counted)
    return messages


def test_honest_head_is_found_under_any_number_of_false_ones_that_claim_more() -> None:
    false = [signed(THIEF, 1_000_000 + number) for number in range(500)]
    honest = signed(ME, 41)
    for kept in ([honest, *false], [*false, honest], [*false[:250], honest, *false[250:]]):
        newest = NewestHeads()
        newest.sift(IDENTITY, kept, WRITERS)
        assert [each for _, each in newest.heads()] == [honest]
        assert newest.false == len(false)


def test_only_the_newest_good_head_of_a_slot_costs_a_verification(tried: list[bytes]) -> None:
    kept = [signed(key, seq) for seq in range(100) for key in (ME, OTHER)]
    assert [each.seq for each, _ in good_heads(IDENTITY, kept, WRITERS)] == [99, 99]
    assert len(tried) == 2


def test_stranger_s_head_costs_nothing_unless_it_is_one_s_own(tried: list[bytes]) -> None:
    stranger = signed(SecretKey("stranger", "decider"), 7)
    assert good_heads(IDENTITY, [stranger, signed(ME, 3)], {}) == []
    assert not tried
    assert [each.seq for each, _ in good_heads(IDENTITY, [stranger, signed(ME, 3)], {}, ME)] == [3]


@pytest.mark.parametrize("pieces", [1, 2, 6])
def test_two_histories_are_found_although_newer_heads_exist(pieces: int) -> None:
    kept = [signed(ME, 4), signed(ME, 5, "a"), signed(OTHER, 5, "b"), signed(ME, 6), signed(OTHER, 7, "b")]
    newest = NewestHeads()
    for number in range(0, len(kept), (len(kept) + pieces - 1) // pieces):
        newest.sift(IDENTITY, kept[number : number + (len(kept) + pieces - 1) // pieces], WRITERS)
    [found] = newest.contradictions()
    assert {found.one[1].writer, found.other[1].writer} == {ME.id, OTHER.id}
    assert found.finding.known == 5


def test_each_two_slots_have_one_contradiction_however_often_they_are_compared() -> None:
    newest = NewestHeads()
    for sha256 in ("b", "c", "d"):
        for _ in range(3):
            newest.sift(IDENTITY, [signed(ME, 5), signed(OTHER, 5, sha256)], WRITERS)
    again = NewestHeads()
    again.merge(newest)
    again.merge(newest)
    # Of the two writers, and of the other with itself.
    assert len(again.contradictions()) == 2


def record(kept: KeptHead, key: bytes | None) -> ConsumerRecord:
    return ConsumerRecord(
        topic="assent.heads",
        partition=0,
        offset=0,
        timestamp=0,
        timestamp_type=0,
        key=key,
        value=kept.value.encode(),
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=kept.headers,
    )


@pytest.mark.parametrize("key", [None, b"", b"x1", b"ledger/00", topic_key("ledger", 1)])
def test_record_under_a_key_other_than_its_place_s_is_not_a_head(key: bytes | None) -> None:
    kept = signed(ME, 3)
    assert kept_from(record(kept, key)) is None
    assert kept_from(record(kept, topic_key("ledger", 0))) == kept


async def test_no_number_of_false_heads_blocks_the_event_loop() -> None:
    seal = signed(THIEF, 0).seal
    values = (msgspec.json.encode(head(number)).decode() for number in range(10_000))
    kept = [KeptHead(value, ME.id, seal) for value in values]
    newest = NewestHeads()
    sifting = asyncio.create_task(sift_beside(newest, IDENTITY, kept, trusted_keys(WRITERS)))
    turns = 0
    while not sifting.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert newest.false == len(kept)
    # More than one turn per piece: on the loop there would be one in all, or one per piece.
    assert turns > 2 * len(kept) / PIECE
