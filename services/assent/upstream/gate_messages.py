"""What callers at a gate are told. Pure."""

from typing import Final

from assent_contracts.refusals import WHAT_TO_DO, Refusal

_DAY_S: Final = 24 * 60 * 60


def link(console: str | None, request: str | None) -> str:
    """Where to look: the request's page, or its id."""
    if request is None:
        return ""
    return f"request {request}" if console is None else f"{console.rstrip('/')}/requests/{request}"


def _sentence(text: str, at: str) -> str:
    return f"{text}: {at}" if at else f"{text}."


def waiting(console: str | None, request: str | None, why: str | None) -> str:
    """While it waits."""
    where = link(console, request)
    return _sentence("Waiting for approval" if why is None else f"Waiting, because {why}", where)


def passed(console: str | None, request: str | None) -> str:
    """It may pass."""
    return _sentence("Approved", link(console, request))


def ended(console: str | None, request: str | None, why: str | None) -> str:
    """It may not pass."""
    text = why or "the request has ended"
    return _sentence(text[:1].upper() + text[1:], link(console, request))


def refused(console: str | None, refusal: Refusal) -> str:
    """There is no request."""
    text = f"Refused ({refusal.code}): {refusal.detail} {WHAT_TO_DO[refusal.code]}"
    where = link(console, refusal.open_request)
    return f"{text} {where}".strip()


def given_up(console: str | None, request: str | None, approval_s: float) -> str:
    """The caller cannot wait any longer."""
    days = approval_s / _DAY_S
    return (
        "Not approved in time. The request stays open, and once it is approved, the next run of the same"
        f" change within {days:g} days passes. {link(console, request)}".strip()
    )
