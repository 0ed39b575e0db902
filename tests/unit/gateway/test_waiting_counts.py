"""The count of what waits for a caller is made again after any change, and per caller."""

from assent.gateway.waiting_counts import Waiting, WaitingCounts

NOW = 1_000_000


def test_count_is_cached_while_nothing_has_changed() -> None:
    counts = WaitingCounts()
    assert counts.known("bob", (1, 7, None), NOW) is None
    counts.keep("bob", (1, 7, None), NOW, Waiting(3, ()))
    assert counts.known("bob", (1, 7, None), NOW + 4_999) == Waiting(3, ())


def test_record_governance_change_and_another_signer_each_invalidate_the_count() -> None:
    counts = WaitingCounts()
    counts.keep("bob", (1, 7, None), NOW, Waiting(3, ()))
    for version in ((2, 7, None), (1, 8, None), (1, 7, "gateway")):
        assert counts.known("bob", version, NOW) is None
    assert counts.known("carol", (1, 7, None), NOW) is None


def test_R14_count_is_renewed_in_time_because_deadlines_pass_without_a_record() -> None:
    counts = WaitingCounts()
    counts.keep("bob", (1, 7, None), NOW, Waiting(3, ()))
    assert counts.known("bob", (1, 7, None), NOW + 5_000) is None
    # A clock that was set back proves nothing about its age.
    assert counts.known("bob", (1, 7, None), NOW - 1) is None


def test_at_most_a_thousand_callers_are_kept() -> None:
    counts = WaitingCounts()
    for number in range(1_001):
        counts.keep(f"caller-{number}", (1,), NOW, Waiting(number, ()))
    assert counts.known("caller-0", (1,), NOW) is None
    assert counts.known("caller-1000", (1,), NOW) == Waiting(1_000, ())
