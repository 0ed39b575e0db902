"""The earliest time at which a record can have been there."""

from assent.decider.seen_ends import KEPT, SeenEnds


def test_record_was_not_there_when_the_partition_ended_before_it() -> None:
    ends = SeenEnds()
    assert ends.after(0) is None
    assert ends.latest == 0
    for end, steady in [(3, 100), (3, 200), (5, 300), (4, 400), (5, 250)]:
        ends.note(end, steady)
    assert [ends.after(offset) for offset in range(7)] == [None, None, None, 200, 200, 300, 300]
    assert ends.latest == 5


def test_under_load_the_first_and_the_latest_ends_are_kept_and_none_is_wrong() -> None:
    """One record a millisecond, and an end as often."""
    ends, looks = SeenEnds(), 100 * KEPT
    for end in range(looks):
        ends.note(end, end)
    found = [ends.after(offset) for offset in range(looks)]
    assert all(after is not None and after <= offset for offset, after in enumerate(found))
    assert len(set(found)) == KEPT
    assert found[0] == 0
    # The longer ago, the less exact.
    inexact = [offset - after for offset, after in enumerate(found) if after is not None]
    assert all(by <= 2 + (looks - offset) // 2 for offset, by in enumerate(inexact))
