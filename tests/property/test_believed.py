"""Times around a period in which a broker's clock was wrong stay as they are."""

from itertools import accumulate, combinations

import hypothesis.strategies as st
from hypothesis import given

from assent.decider.believed_times import believed, put_right
from assent.decider.clocks import APART_MS

HOUR_MS = 60 * 60 * 1_000
DAY_MS = 24 * HOUR_MS
A_BURST = 8
_OFF = st.integers(2 * HOUR_MS, 5 * DAY_MS)


def falls(times: list[int]) -> bool:
    return any(time < peak - APART_MS for time, peak in zip(times, accumulate(times, max), strict=True))


@st.composite
def a_burst(draw: st.DrawFn) -> tuple[list[int], list[int], int]:
    """True times, the broker's times, and where the burst of wrong ones begins.

    On both sides there are more honest ones within an hour than the burst has, and others, days away.
    """
    wrong = draw(st.lists(st.one_of(_OFF, _OFF.map(lambda off: -off)), min_size=1, max_size=A_BURST))
    near = st.lists(st.integers(0, HOUR_MS // 20), min_size=len(wrong) + 1, max_size=len(wrong) + 9)
    far = st.lists(st.integers(0, 2 * DAY_MS), max_size=9)
    first, last = [*draw(far), *draw(near)], [*draw(near), *draw(far)]
    within = draw(st.lists(st.integers(0, 1_000), min_size=len(wrong), max_size=len(wrong)))
    true = list(accumulate([*first, *within, *last]))
    # Two brokers' clocks, and both are right.
    said = [time + draw(st.integers(0, APART_MS)) for time in true]
    for number, off in enumerate(wrong, len(first)):
        said[number] = true[number] + off
    return true, said, len(first)


@given(a_burst())
def test_wrong_times_between_more_right_ones_are_corrected_and_no_other_is_changed(
    burst: tuple[list[int], list[int], int],
) -> None:
    true, said, begin = burst
    right = put_right(said)
    wrong = [number for number, time in enumerate(said) if not 0 <= time - true[number] <= APART_MS]
    honest = [number for number in range(len(said)) if number not in wrong]
    assert [right[number] for number in honest] == [said[number] for number in honest]
    for number in wrong:
        before, after = said[begin - 1], said[wrong[-1] + 1]
        assert before <= right[number] <= max(before, after)


@given(st.lists(st.integers(0, 12).map(lambda time: time * APART_MS // 2), max_size=8))
def test_of_contradicting_times_as_many_as_possible_are_believed(times: list[int]) -> None:
    right = put_right(times)
    if not falls(times):
        assert right == times
        return
    numbers = believed(times)
    for number, time in enumerate(right):
        chain = sorted({*numbers, number})
        assert not falls([right[each] for each in chain])
        assert number not in numbers or time == times[number]
    chosen = [times[number] for number in numbers]
    most = [
        each
        for size in range(len(times), 0, -1)
        for each in combinations(times, size)
        if size >= len(chosen) and not falls(list(each))
    ]
    assert {len(each) for each in most} == {len(chosen)}
    assert max(chosen) == min(max(each) for each in most)
    assert min(chosen) == max(min(each) for each in most if max(each) == max(chosen))
