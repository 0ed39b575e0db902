"""What an applier is given to work with, and what it says of each change."""

import time
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from assent_contracts.commands import Outcome
from assent_contracts.released_change import Change


class Result(msgspec.Struct, frozen=True):
    """What applying a change came to; `message` is for people (the requester sees it)."""

    outcome: Outcome
    message: str = ""


Apply = Callable[[Change], Awaitable[Result]]
"""Applies a change. It may be called again for a request that it has applied: `change.request` with
`change.submission` is the idempotency key: a log that was put back numbers requests anew that it has lost.
When it raises, nobody can tell what was done, and the outcome is reported as unknown."""
Recall = Callable[[Change], Awaitable[Result | None]]
"""What is known of a change that may have been applied before a crash. Applies nothing; None: unknown."""


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """One change, or what claimed to be one, and what became of it: for a log line and a metric."""

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
    """How long a granted claim holds, on nobody's clock but the log's.

    A decision on something that was published at `sent` (monotonic seconds here) was made at `log_ms`,
    and not before: so log time now is at most `log_ms` and what has passed here since `sent`.
    """

    deadline: int
    digest: str
    log_ms: int
    sent: float

    def over(self) -> bool:
        """Whether the lease may have ended."""
        return self.log_ms + (time.monotonic() - self.sent) * 1_000 >= self.deadline
