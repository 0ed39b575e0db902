"""`assent doctor` on log time that ran ahead: nothing else would report it before a deadline is missed."""

from assent.cli.diagnosis.log_checks import log_time_finding
from assent.cli.log_completeness import OutsideHeads
from assent_contracts.heads import SignedHead, known_heads

HOUR_MS = 60 * 60 * 1_000
NOW = 1_767_225_600_000


def outside(*heads: SignedHead) -> OutsideHeads:
    return OutsideHeads(list(heads), known_heads(heads, ()))


def head(partition: int, seq: int, at: int) -> SignedHead:
    return SignedHead(
        ledger="ledger",
        partition=partition,
        seq=seq,
        sha256=f"{seq:064x}",
        next_offset=seq + 1,
        next_input=0,
        at=at,
        epoch=1,
    )


def test_partitions_whose_log_time_is_ahead_are_named_with_both_times_and_what_to_do() -> None:
    found = log_time_finding(outside(head(3, 7, NOW + 48 * HOUR_MS), head(4, 7, NOW - HOUR_MS)), NOW)
    assert not found.ok
    assert "assent.ledger/3" in found.what
    assert "assent.ledger/4" not in found.what
    assert "2026-01-03 00:00Z" in found.why
    assert "2026-01-01 00:00Z" in found.why
    assert "assent settings correct-time now" in found.remedy


def test_only_the_newest_head_of_a_partition_counts() -> None:
    """Others may be stored elsewhere, from before log time was set back."""
    assert log_time_finding(outside(head(3, 7, NOW + 48 * HOUR_MS), head(3, 8, NOW)), NOW).ok


def test_log_time_within_the_permitted_clock_difference_is_healthy() -> None:
    assert log_time_finding(outside(head(3, 7, NOW + 60_000)), NOW).ok
    assert log_time_finding(outside(), NOW).ok
