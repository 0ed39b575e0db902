"""Ledgers with records of odd numbers and names, which two JSON libraries could read differently."""

import re
from typing import Final

from assent_contracts.ledger import decode_record
from assent_contracts.vectors.spoiled_log import Cases, Ledgers, Spoiled

_NUMBERS: Final = ("seq", "epoch", "input", "received", "at", "governance")
_INT64_MAX: Final = (1 << 63) - 1


def _huge_numbers(log: Spoiled) -> Ledgers:
    """Each number of a record in turn, beyond what 64 bits hold."""
    good = log.next(input=1, received=1)
    entries = [
        log.sealed_as(value, decode_record(good).seq)
        for name in _NUMBERS
        for number in (_INT64_MAX + 1, -_INT64_MAX - 2, 10**30, 10**400)
        for value in (_with_number(good, name, number),)
    ]
    return log.ledgers(*entries, log.sealed(good))


def _largest_numbers(log: Spoiled) -> Ledgers:
    least = -_INT64_MAX - 1
    return log.ledgers(log.sealed(log.next(epoch=_INT64_MAX, at=least, input=_INT64_MAX, received=least)))


def _with_number(value: bytes, name: str, number: int) -> bytes:
    field = b'"%s":' % name.encode()
    changed, count = re.subn(field + rb"-?[0-9]+", field + str(number).encode(), value, count=1)
    assert count, name
    return changed


def _names_that_come_twice(log: Spoiled) -> Ledgers:
    good = log.next()
    seq = decode_record(good).seq
    first = good.replace(b'"seq":', b'"seq":99,"seq":', 1)
    last = good[:-1] + b',"seq":99}'
    return log.ledgers(log.sealed_as(last, seq), log.sealed_as(first, seq))


CASES: Final[Cases] = {
    "numbers beyond 64 bits": (
        "Each of them ends the run, though a writer's key has sealed it. So 64 bits are enough for a reader.",
        _huge_numbers,
    ),
    "numbers at the ends of 64 bits": ("They are numbers like any other here.", _largest_numbers),
    "a name that comes twice in a record": (
        "The last of a name counts, so the first of these two records has another seq.",
        _names_that_come_twice,
    ),
}
