"""Decide which of a broker's append times to believe where they contradict each other. Pure.

Appends are in the order of their offsets, so their true times never decrease. Where the broker's times
decrease, some are wrong. The smallest possible number of them is assumed to be wrong.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from assent.decider.clocks import APART_MS


def put_right(times: Sequence[int]) -> list[int]:
    """When each record was received: its broker time, or the nearest time between its believed neighbours.

    `times`: the broker's times, ms since 1970, in the order of the appends. A wrong time that contradicts no
    other, such as one that is ahead at the end, cannot be recognised.
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
    """The indexes of the times that are believed, in order: as many as possible without a fall.

    A fall is a time that is more than APART_MS before an earlier one. Of several choices, take the one that
    ends earliest, and of these the one that begins latest, since a wrong time tends to be far from the
    others.
    """
    latest = max(times[number] for number in _longest(times))
    left = [number for number, time in enumerate(times) if time <= latest]
    # The same question in reverse order, where what begins latest ends earliest.
    return [left[-1 - number] for number in reversed(_longest([-times[number] for number in reversed(left)]))]


def _fall(times: Sequence[int]) -> bool:
    return any(time < peak - APART_MS for time, peak in zip(times, accumulate(times, max), strict=True))


def _longest(times: Sequence[int]) -> list[int]:
    """The indexes of the longest chain in which no time is more than APART_MS before the peak so far.

    Of several, the one with the earliest peak.
    """
    peaks: list[int] = []
    """The earliest peak of a chain of one time, of two, and so on. They never decrease."""
    peak_of: list[int] = []
    """The index of the time that is this peak."""
    peak_before: list[int | None] = []
    """For each time, the peak of the chain that it extended."""
    for number, time in enumerate(times):
        # A chain with an earlier peak continues with this time as its peak.
        at = bisect_right(peaks, time)
        peak_before.append(peak_of[at - 1] if at else None)
        peaks.insert(at, time)
        peak_of.insert(at, number)
        # A chain whose peak is a little later is also extended by this time and keeps its peak, which moves
        # by one place. The last of these is now where the first with a much later peak was.
        beyond = bisect_right(peaks, time + APART_MS, at)
        if beyond < len(peaks):
            del peaks[beyond], peak_of[beyond]
    chain: list[int] = []
    end, peak = len(times), peak_of[-1] if peak_of else None
    while peak is not None:
        # Every time below a peak and close to it is in the peak's chain.
        under = range(peak, end)
        chain += [n for n in reversed(under) if times[peak] - APART_MS <= times[n] <= times[peak]]
        end, peak = peak, peak_before[peak]
    chain.reverse()
    return chain
