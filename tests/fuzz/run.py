"""Runs every receiver on its inputs: it may answer or raise a named error. Anything else is a finding."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from types import FrameType

import msgspec

from tests.fuzz import of_commands, of_http, of_ledgers, of_proofs
from tests.fuzz.alphabet import golden, mutate
from tests.fuzz.receiver import Receiver

RECEIVERS = (*of_commands.RECEIVERS, *of_ledgers.RECEIVERS, *of_http.RECEIVERS, *of_proofs.RECEIVERS)
LONGEST_S = 5.0
"""An input that takes longer would stall an event loop."""
_FINDINGS_MAX = 20


class TooSlowError(BaseException):
    """An input took longer than LONGEST_S."""


class Finding(msgspec.Struct, frozen=True):
    """An input whose outcome is not allowed."""

    receiver: str
    data: bytes
    error: BaseException


def fuzz(inputs: int, seed: int, progress: Callable[[int], None] = lambda _done: None) -> list[Finding]:
    """The findings, at most one for each place in the code."""
    rng = random.Random(seed)
    turns = list(chain.from_iterable(repeat(each, each.weight) for each in RECEIVERS))
    others = golden()
    found: dict[tuple[str, str, int], Finding] = {}
    with _alarm():
        for number in range(inputs):
            receiver = turns[number % len(turns)]
            data = mutate(rng.choice(receiver.seeds), others, rng)
            error = attempt(receiver, data)
            if error is not None and len(found) < _FINDINGS_MAX:
                found.setdefault(_place(receiver, error), Finding(receiver.name, data, error))
            if number % 10_000 == 0:
                progress(number)
    return list(found.values())


def attempt(receiver: Receiver, data: bytes) -> BaseException | None:
    """What is wrong with the receiver's outcome for this input, or None."""
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        first = _outcome(receiver, data)
        if _outcome(receiver, data) != first:
            return AssertionError("a second call has another outcome")
    except (Exception, TooSlowError) as error:  # noqa: BLE001  this is what is looked for
        return error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if time.monotonic() - started > LONGEST_S:
        return TooSlowError()
    return None


def _outcome(receiver: Receiver, data: bytes) -> object:
    try:
        return receiver.take(data)
    except receiver.raises as error:
        return type(error), str(error)


def _place(receiver: Receiver, error: BaseException) -> tuple[str, str, int]:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return receiver.name, type(error).__name__, 0 if trace is None else trace.tb_lineno


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
