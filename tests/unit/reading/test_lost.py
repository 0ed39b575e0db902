"""A gateway's report, as its clients read it, on a log that is shorter than the tables' contents."""

from assent.reading.lost_parts import lost_header, lost_parts, places_in
from assent_contracts.acceptance import Head
from assent_contracts.findings import compare_partitions
from assent_contracts.heads import Finding, Found, compare, known_of
from assent_contracts.topics import COMMANDS


def cut(partition: int) -> Finding:
    found = compare(known_of("ledger", partition, Head(8, "ab" * 32, 0, 9)), Found(beginning=0, end=4))
    assert found is not None
    return found


def test_lost_parts_are_named_in_order_with_both_positions() -> None:
    header = lost_header(lost_parts({3: cut(3), 1: cut(1)}))
    assert header == ("assent.ledger/1;kind=cut;known=9;found=4, assent.ledger/3;kind=cut;known=9;found=4")
    assert places_in(header) == ["assent.ledger/1", "assent.ledger/3"]


def test_nothing_is_reported_for_an_intact_log() -> None:
    assert lost_header(lost_parts({})) == ""
    assert places_in("") == []


def test_no_row_is_reported_lost_if_only_the_number_of_command_partitions_differs() -> None:
    other = compare_partitions(COMMANDS, founded=4, there=8)
    assert other is not None
    assert lost_parts({0: other, 1: other}) == []


def test_claims_of_a_false_gateway_are_kept_short() -> None:
    places = places_in(", ".join(["x" * 1_000] * 1_000))
    assert len(places) == 40
    assert {len(place) for place in places} == {60}
