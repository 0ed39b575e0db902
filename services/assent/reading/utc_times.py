"""Times and freeze periods as people write them, in UTC. Pure."""

import re
from datetime import UTC, datetime
from typing import Final

from assent_contracts.access_policies import Freeze
from assent_contracts.limits import FOR_EVER_MS

_FREEZE: Final = re.compile(r"(\S+)\s+(\S+)\s+(\S.*)")
_LATEST_MS: Final = 253_402_300_799_999
"""The last moment that a datetime can hold."""


def utc_ms(text: str) -> int | None:
    """The ms since 1970 of an ISO 8601 time, in UTC unless it has a zone; None if it is not one."""
    try:
        found = datetime.fromisoformat(text.strip())
        at = found.replace(tzinfo=UTC) if found.tzinfo is None else found
        ms = round(at.timestamp() * 1_000)
    except (ValueError, OverflowError):
        return None
    return ms if 0 <= ms < FOR_EVER_MS else None


def utc_text(at_ms: int) -> str:
    """The time in ISO 8601, from which `utc_ms` reads the same ms."""
    at = datetime.fromtimestamp(min(at_ms, _LATEST_MS) / 1_000, UTC)
    how = "minutes" if at_ms % 60_000 == 0 else "milliseconds"
    return at.isoformat(timespec=how).replace("+00:00", "Z")


def freeze_of(line: str) -> Freeze | None:
    """The freeze period in a line such as `2026-12-20T00:00Z 2027-01-03T00:00Z Year end`; None if none."""
    found = _FREEZE.fullmatch(line.strip())
    if found is None:
        return None
    start, end = utc_ms(found[1]), utc_ms(found[2])
    return None if start is None or end is None else Freeze(start=start, end=end, reason=found[3])


def freeze_line(freeze: Freeze) -> str:
    """The line for a freeze period."""
    return f"{utc_text(freeze.start)} {utc_text(freeze.end)} {freeze.reason}"
