"""The lease of a granted claim, measured by the log's clock only."""

import asyncio
import time

import msgspec


class Lease(msgspec.Struct):
    """How long a claim is certainly valid.

    A decision on a command that was published at `sent` (monotonic seconds here) was made at `log_ms`, and
    not before `sent`. So log time now is at most `log_ms` plus the time that has passed here since `sent`.
    """

    claim: int
    """The claim's number: the ledger seq of its record."""
    digest: str
    """The digest that the claim's decision names."""
    deadline: int
    """When it ends, in log time (ms)."""
    log_ms: int
    sent: float

    def remaining_s(self) -> float:
        """Seconds for which the lease is certainly valid; negative once it may have ended."""
        return (self.deadline - self.log_ms) / 1_000 - (time.monotonic() - self.sent)

    def renew(self, deadline: int, log_ms: int, sent: float) -> None:
        """Take over another deadline, from a decision that was made at `log_ms` on a command of `sent`."""
        self.deadline, self.log_ms, self.sent = deadline, log_ms, sent

    def over(self) -> bool:
        """Whether the lease may have ended."""
        return self.remaining_s() <= 0


class WorkTime:
    """The time that a handler has: until the lease ends, and if it is renewed, until a limit."""

    def __init__(self, lease: Lease | None, limit_s: float) -> None:
        """`limit_s`: from now, all tries and pauses together. Without a lease that is all."""
        self._lease = lease
        self._ends = time.monotonic() + limit_s

    def certain_s(self) -> float:
        """Seconds that are left even if the lease is not renewed any more."""
        at_most_s = self.at_most_s()
        return at_most_s if self._lease is None else min(self._lease.remaining_s(), at_most_s)

    def at_most_s(self) -> float:
        """Seconds that are left if the lease is always renewed in time."""
        return self._ends - time.monotonic()

    async def wait(self, seconds: float) -> bool:
        """Wait; whether there is time left afterwards."""
        until = time.monotonic() + seconds
        if seconds >= self.at_most_s():
            return False
        # The lease may be renewed while this waits, so its end is looked at again.
        while (left_s := min(until - time.monotonic(), self.certain_s())) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left_s)
        return self.certain_s() > 0
