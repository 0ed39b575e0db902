"""Which of the broker's times of appends in a row are believed, where they contradict each other. Pure.

Appends are in the order of their offsets, so their true times never decrease. Where the broker's do, some are
wrong, and the fewest that can be are taken to be.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from assent.decider.clocks import APART_MS


def put_right(times: Sequence[int]) -> list[int]:
    """When each was received: the broker's time of it, or the nearest one between its believed neighbours.

    `times`: the broker's, ms since 1970, in the order of the appends. A wrong time that contradicts no other,
    such as one that is ahead at the end, cannot be told from a right one.
    """
    right = list(times)
    if not _fall(times):
        return right
    for before, after in pairwise([-1, *believed(times), len(times)]):
        for number in range(before + 1, after):
            if after < len(times):
                right[number] = min(right[number], times[after])
            if before >= 0:
                right[number] = max(right[number], times[before])
    return right


def believed(times: Sequence[int]) -> list[int]:
    """The numbers of the times that are believed, in order: as many as can be without a fall.

    A fall is a time that is more than APART_MS before one in front of it. Of several choices, the one that
    ends earliest, and of these the one that begins latest: a wrong time is rather far from others than near.
    """
    latest = max(times[number] for number in _longest(times))
    left = [number for number, time in enumerate(times) if time <= latest]
    # The same question backwards, in which what begins latest ends earliest.
    return [left[-1 - number] for number in reversed(_longest([-times[number] for number in reversed(left)]))]


def _fall(times: Sequence[int]) -> bool:
    return any(time < peak - APART_MS for time, peak in zip(times, accumulate(times, max), strict=True))


def _longest(times: Sequence[int]) -> list[int]:
    """The numbers of the longest chain in which no time is more than APART_MS before its peak so far.

    Of several the one with the earliest peak.
    """
    peaks: list[int] = []
    """The earliest peak of a chain of one time, of two, and so on: they never decrease."""
    peak_of: list[int] = []
    """The number of the time that is this peak."""
    peak_before: list[int | None] = []
    """For each time, the peak of the chain that it made longer, when it came."""
    for number, time in enumerate(times):
        # A chain with an earlier peak goes on with this one as its peak.
        at = bisect_right(peaks, time)
        peak_before.append(peak_of[at - 1] if at else None)
        peaks.insert(at, time)
        peak_of.insert(at, number)
        # One whose peak is a little later is longer by this one too and keeps its peak: it has moved by one
        # place. The last of these stands now where the first with a much later peak did.
        beyond = bisect_right(peaks, time + APART_MS, at)
        if beyond < len(peaks):
            del peaks[beyond], peak_of[beyond]
    chain: list[int] = []
    end, peak = len(times), peak_of[-1] if peak_of else None
    while peak is not None:
        # Whatever came under a peak and close to it is in its chain.
        under = range(peak, end)
        chain += [n for n in reversed(under) if times[peak] - APART_MS <= times[n] <= times[peak]]
        end, peak = peak, peak_before[peak]
    chain.reverse()
    return chain
