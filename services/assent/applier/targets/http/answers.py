"""What an answer of a target means, and how its values are compared. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

import httpx

from assent.applier.targets.http.table import HttpTable, Step
from assent.applier.targets.json_pointers import NOTHING

UNAUTHORIZED: Final = 401
_REFUSED_FOR_NOW: Final = (UNAUTHORIZED, 425, 429)
"""The request was not carried out."""

Meaning = Literal["success", "later", "lost", "final"]


def meaning_of(step: Step, status: int) -> Meaning:
    """What a status means for a step."""
    if status in step.success or (not step.success and httpx.codes.is_success(status)):
        return "success"
    if status in step.retryable or status in _REFUSED_FOR_NOW:
        return "later"
    if httpx.codes.is_server_error(status) or status == httpx.codes.REQUEST_TIMEOUT:
        return "lost"
    return "final"


def is_repeatable(step: Step, table: HttpTable) -> bool:
    """Whether the request can be sent again although it may have been carried out."""
    if step.repeatable is not None:
        return step.repeatable
    return step.method in ("GET", "PUT", "DELETE") or table.key_header is not None


def text_of_value(value: Any) -> str | None:
    """The value as it is compared: a text as it is, anything else as in a template."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case dict() | list():
            return None
        case _:
            return None if value is NOTHING else str(value)


def retry_after_s(headers: httpx.Headers) -> float:
    """The header Retry-After in seconds, at most an hour; 0 without one."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdecimal():
        return min(float(given[:6]), 3_600.0)
    try:
        return min(max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds()), 3_600.0)
    except (ValueError, TypeError):
        return 0.0
