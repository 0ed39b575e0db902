"""A handler on a release without a broker: what would be reported, also when the applier is killed."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec

from assent_contracts.client.handler import (
    Applied,
    Handler,
    ReadBack,
    Release,
    RetryableError,
)
from assent_contracts.client.handler_call import HandlerExitError, call
from assent_contracts.client.handler_run import Report, settle_release
from assent_contracts.client.lease import Lease, WorkTime
from assent_contracts.client.upstream_async import Payload, raw_payload
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change, idempotency_key

_IDENTITY: Final = sha256_hex(b"the log of a handler's tests")
_LEASE_S: Final = 300.0


class Killed(BaseException):
    """Raise it where the applier is to be killed: in what your handler calls."""


def a_release(
    resource: str = "app/payroll",
    operation: str = "edit",
    payload: Payload = None,
    *,
    request: str = "0-1",
    requester: str = "alice",
    justification: str = "It is needed.",
    claim: int = 7,
    at: int = 1_767_225_600_000,
) -> Release:
    """A claimed release, with an idempotency key as the client makes it. `at`: log time, ms."""
    raw = raw_payload({} if payload is None else payload)
    change = Change(
        request=request,
        resource=resource,
        operation=operation,
        requester=requester,
        justification=justification,
        digest=sha256_hex(raw),
        submission=sha256_hex(f"{resource} {operation} {sha256_hex(raw)}".encode()),
        released=claim - 1,
        at=at,
        payload=raw,
    )
    key = idempotency_key(_IDENTITY, change)
    return Release(change=change, claim=claim, idempotency_key=key, remaining_s=_LEASE_S)


class HandlerTrial:
    """Tries a handler as the applier runs it. Each method returns what would be reported to the ledger.

    Do not call them where an event loop runs. Your own assertions look at the target: whatever happened, the
    effect must be there at most once, and `succeeded` and `failed` must be true.
    """

    def __init__(
        self, handler: Handler, *, read_back: ReadBack | None = None, time_limit_s: float = 900.0
    ) -> None:
        self._handler = handler
        self._read_back = read_back
        self._time_limit_s = time_limit_s

    def run(self, release: Release) -> Report:
        """Nothing happens to the applier."""
        return self._settle(release, begun=False)

    def repeated(self, release: Release) -> Report:
        """The release is applied, the report is lost with the applier, and it is handled again."""
        return self.killed_after_effect(release)

    def killed_before_effect(self, release: Release) -> Report:
        """The applier is killed just before the handler does anything, and started again in time."""
        return self._settle(release, begun=True)

    def killed_during_effect(self, release: Release) -> Report:
        """The applier is killed where your target raises `Killed`, and started again in time.

        Your target must raise it once. Raises AssertionError if it did not.
        """
        asyncio.run(self._until_killed(release))
        return self._settle(release, begun=True)

    def killed_after_effect(self, release: Release) -> Report:
        """The applier is killed after the handler has returned, and started again in time."""
        self._settle(release, begun=False)
        return self._settle(release, begun=True)

    def lease_ended_before_effect(self, release: Release) -> Report:
        """Killed just before the handler did anything, and started again after the lease has ended."""
        return self._settle(release, begun=True, lease_s=0)

    def lease_ended_after_effect(self, release: Release) -> Report:
        """Killed after the handler has returned, and started again after the lease has ended."""
        self._settle(release, begun=False)
        return self._settle(release, begun=True, lease_s=0)

    def hangs(self, release: Release, *, lease_s: float = 0.2) -> Report:
        """The lease ends after `lease_s` and is not renewed."""
        return self._settle(release, begun=False, lease_s=lease_s)

    def retryable_first(self, release: Release, times: int = 1) -> Report:
        """The target is busy so many times, and then the handler is called."""
        left = times

        def busy_at_first(given: Release) -> object:
            nonlocal left
            if left > 0:
                left -= 1
                msg = "The target is busy."
                raise RetryableError(msg)
            return self._handler(given)

        return self._settle(release, begun=False, handler=busy_at_first)  # type: ignore[arg-type]

    async def _until_killed(self, release: Release) -> None:
        try:
            await call(self._handler, release, lambda: _LEASE_S)
        except HandlerExitError as error:
            if isinstance(error.__cause__, Killed):
                return
            raise
        msg = "The handler was not killed: raise Killed in what it calls, at the point that you mean."
        raise AssertionError(msg)

    def _settle(
        self,
        release: Release,
        *,
        begun: bool,
        lease_s: float = _LEASE_S,
        handler: Callable[[Release], Applied | None] | None = None,
    ) -> Report:
        change = release.change
        deadline = round(lease_s * 1_000)
        lease = Lease(release.claim, change.digest, deadline, 0, time.monotonic())
        work = settle_release(
            handler or self._handler,
            self._read_back,
            msgspec.structs.replace(release, remaining_s=lease_s),
            lease,
            WorkTime(lease, self._time_limit_s),
            begun=begun,
            begin=lambda: None,
        )
        return asyncio.run(work)
