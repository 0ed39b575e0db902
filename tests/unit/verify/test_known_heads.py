"""A chain that was cut at its end is consistent in itself: only a known head reveals the cut."""

import pytest

from assent.verify.finding import FindingError
from assent.verify.heads_elsewhere import HeadElsewhere, HeadsElsewhere, ledger_places
from assent_contracts.acceptance import Accepted
from assent_contracts.heads import KnownHead
from assent_contracts.topics import LedgerName
from tests.support.chains import PARTITION, Chains

SOURCE = "Postgres (position of audit)"


@pytest.fixture(scope="module")
def records() -> list[Accepted]:
    chains = Chains()
    chains.released()
    return chains.requests.records


def known(
    seq: int, sha256: str, *, ledger: LedgerName = "ledger", partition: int = PARTITION
) -> HeadElsewhere:
    head = KnownHead(ledger=ledger, partition=partition, seq=seq, sha256=sha256, next_offset=seq + 1)
    return HeadElsewhere(source=SOURCE, head=head)


def read(
    heads: HeadsElsewhere, records: list[Accepted], *, end: int | None = None, beginning: int = 0
) -> None:
    """Read these records from Kafka, where the partition ends at `end`; without it, from a file."""
    heads.take("ledger", PARTITION, records)
    offsets = None if end is None else (beginning, end)
    heads.hold("ledger", PARTITION, last_seq=len(records) - 1, offsets=offsets)


@pytest.mark.parametrize("end", [None, 3, 9])
def test_ledger_with_everything_known_of_it_passes(records: list[Accepted], end: int | None) -> None:
    for each in records:
        read(HeadsElsewhere([known(each.record.seq, each.value_sha256)]), records, end=end)


@pytest.mark.parametrize("end", [None, 2, 9])
def test_ledger_that_ends_before_a_known_head_is_named_with_both_positions(
    records: list[Accepted], end: int | None
) -> None:
    heads = HeadsElsewhere([known(2, records[2].value_sha256)])
    with pytest.raises(FindingError) as found:
        read(heads, records[:2], end=end)
    assert (found.value.partition, found.value.seq) == (PARTITION, 2)
    assert f"{SOURCE} knows it, and seq 1 is the last that is there" in found.value.what
    if end == 2:
        assert "ends at offset 2 and was known up to offset 3" in found.value.what
        assert "assent restore accept" in found.value.todo


@pytest.mark.parametrize("end", [None, 3])
def test_ledger_with_another_record_at_a_known_place_is_named(
    records: list[Accepted], end: int | None
) -> None:
    with pytest.raises(FindingError, match="another record here"):
        read(HeadsElsewhere([known(1, "0" * 64)]), records, end=end)


def test_head_that_arrives_after_its_partition_was_read_is_checked_all_the_same(
    records: list[Accepted],
) -> None:
    governance = Chains().governance.records
    heads = HeadsElsewhere()
    heads.take("governance", 0, governance)
    heads.hold("governance", 0, last_seq=len(governance) - 1, offsets=(0, len(governance)))
    heads.add([known(2, governance[2].value_sha256, ledger="governance", partition=0)])
    with pytest.raises(FindingError, match="is the last that is there"):
        heads.add([known(len(governance), "0" * 64, ledger="governance", partition=0)])


def test_head_of_an_unknown_partition_is_named() -> None:
    heads = HeadsElsewhere([known(0, "0" * 64, partition=4)])
    heads.must_be_in(ledger_places(5))
    with pytest.raises(FindingError) as found:
        heads.must_be_in(ledger_places(4))
    assert found.value.partition == 4
