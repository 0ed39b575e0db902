"""Numbers, times and lists in words. Pure."""

from assent_contracts.limits import FOR_EVER_MS

NAMED_MAX = 8
"""How many names a sentence lists. For more it states the number of the rest."""
_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000


def duration(ms: int) -> str:
    """Milliseconds in the largest unit that divides them exactly: `7 days`."""
    for unit, name in _UNITS:
        if ms and ms % unit == 0:
            return counted(ms // unit, name)
    return counted(ms, "millisecond")


def counted(number: int, name: str, several: str | None = None) -> str:
    """`1 person`, `2 people`."""
    return f"{number:,} {name if number == 1 else several or f'{name}s'}"


def moment(at_ms: int) -> str:
    """A time in UTC to the minute, `2026-11-24 02:03Z`. Years are those of the Gregorian calendar."""
    if at_ms >= FOR_EVER_MS:
        return "for ever"
    # Days since 1970 to a date, in eras of 400 years that begin in March, so that leap days are last.
    days, rest = divmod(at_ms, _DAY_MS)
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    day, month = of_year - (153 * shifted + 2) // 5 + 1, shifted + 3 if shifted < 10 else shifted - 9
    minutes = rest // _MINUTE_MS
    number = year + era * 400 + (month <= 2)
    return f"{number:04}-{month:02}-{day:02} {minutes // 60:02}:{minutes % 60:02}Z"


def named(names: list[str]) -> str:
    """The names, or the first NAMED_MAX of them and how many more."""
    if len(names) <= NAMED_MAX:
        return ", ".join(names)
    return f"{', '.join(names[:NAMED_MAX])} and {len(names) - NAMED_MAX:,} more"
