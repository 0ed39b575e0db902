"""Durations as people write them: `30d`, `12h`, `5m`, `90s` or `500ms`."""

import re

from assent_contracts import limits

_DURATION = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(text: str, *, at_least_ms: int) -> int:
    """The milliseconds in a duration. Raises ValueError with a sentence that quotes the text."""
    match = _DURATION.fullmatch(text)
    if match is None:
        msg = f"{text!r} is not a duration like 30d, 12h, 5m, 90s or 500ms."
        raise ValueError(msg)
    value_ms = int(match[1]) * _UNIT_MS[match[2]]
    if not at_least_ms <= value_ms <= limits.LONGEST_MS:
        msg = f"{text!r} is not between {at_least_ms}ms and {limits.LONGEST_MS // _UNIT_MS['d']}d."
        raise ValueError(msg)
    return value_ms
