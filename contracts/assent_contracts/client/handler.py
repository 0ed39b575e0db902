"""What an applier's handler is given, and what it can answer.

A handler is one function. It makes the change in the target and returns, or it raises one of three
exceptions, which state what is known about the target:

- `RetryableError`: nothing was changed, and a later try may succeed. The applier tries again while it can
  renew its lease, and then reports a failure.
- `FinalError`: nothing was changed, and another try would not help. The outcome is `failed`.
- `UnknownOutcomeError`: the change may have been made or not. The outcome is `unknown`, and people settle it.

Any other exception means the same as `UnknownOutcomeError`, because it says nothing about the target.
"""

from collections.abc import Awaitable, Callable

import msgspec

from assent_contracts.released_change import Change


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A released change that was claimed here, and what makes its effect happen once."""

    change: Change
    claim: int
    """The number of the claim: the ledger seq of its record.

    Of two claims to one object the later one has the higher number. So a target that remembers the highest
    number can refuse an applier whose lease has ended.
    """
    idempotency_key: str
    """The same on every try to apply this release, and different for every other release of every log."""
    remaining_s: float
    """How long the lease is certainly valid when the handler starts, in seconds. It is renewed meanwhile."""
    approvers: tuple[str, ...] = ()
    """The accounts whose approvals led to the release; empty where the policy needs none."""
    earlier_keys: tuple[str, ...] = ()
    """The idempotency keys of earlier releases of this request, if people had it applied again.

    They did so because its outcome was unknown. A target that finds one of these keys has made the change.
    """


class Applied(msgspec.Struct, frozen=True):
    """The change is made."""

    message: str = ""
    """For people; the requester sees it."""
    version: str = ""
    """The version of the object that the change made, as the target names it: an ETag, a commit."""


class RetryableError(Exception):
    """Nothing was changed, and a later try may succeed. The message is for people."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        """`retry_after_s`: try again after this time at the earliest. None: the applier chooses."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class FinalError(Exception):
    """Nothing was changed, and another try would not help. The message is for people."""


class UnknownOutcomeError(Exception):
    """The change may have been made or not. The message is for people."""


Handler = Callable[[Release], Applied | None] | Callable[[Release], Awaitable[Applied | None]]
"""Makes the change. A plain function runs in a thread of its own. None means the same as `Applied()`."""
ReadBack = Callable[[Release], Applied | None] | Callable[[Release], Awaitable[Applied | None]]
"""What the target shows of a change that may have been made: `Applied`, or None if it was not made.

It changes nothing. It raises UnknownOutcomeError if the target does not answer that.
"""
