"""The functions that an applier is given, and what it reports of each change."""

import time
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from assent_contracts.commands import Outcome
from assent_contracts.released_change import Change


class Result(msgspec.Struct, frozen=True):
    """The result of applying a change. `message` is for people; the requester sees it."""

    outcome: Outcome
    message: str = ""


Apply = Callable[[Change], Awaitable[Result]]
"""Applies a change. It may be called again for a request that it has already applied.

The idempotency key is `change.request` with `change.submission`, because a restored log gives the ids of lost
requests to others. If the function raises, it is not known what was done, and the outcome is reported as
unknown.
"""
Recall = Callable[[Change], Awaitable[Result | None]]
"""Returns what is known of a change that may have been applied before a crash; None if nothing is known.

It applies nothing.
"""


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """One record that was or claimed to be a change, and its result: for a log line and a metric."""

    result: Literal[
        "succeeded", "failed", "unknown", "not-claimed", "refused", "not-open", "in-hand", "other-type",
        "other-release", "not-held",
        "forged", "no-evidence", "unreadable",
    ]  # fmt: skip
    detail: str = ""
    partition: int | None = None
    offset: int | None = None
    request: str | None = None
    resource: str | None = None
    took_s: float | None = None


class Lease(msgspec.Struct, frozen=True):
    """How long a granted claim is valid, by the log's clock only.

    A decision on a command that was published at `sent` (monotonic seconds here) was made at `log_ms`, and
    not before `sent`. So log time now is at most `log_ms` plus the time that has passed here since `sent`.
    """

    deadline: int
    digest: str
    log_ms: int
    sent: float

    def over(self) -> bool:
        """Whether the lease may have ended."""
        return self.log_ms + (time.monotonic() - self.sent) * 1_000 >= self.deadline
