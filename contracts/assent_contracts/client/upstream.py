"""The short way in for an upstream, without `await`: the client runs in a thread beside the caller."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from assent_contracts.client.assent_connection import ANSWER_WITHIN_S
from assent_contracts.client.publisher import Decided
from assent_contracts.client.request_updates import RequestUpdate
from assent_contracts.client.set_submission import SetChange, SubmittedSet, submit_set
from assent_contracts.client.upstream_async import (
    AsyncSubmitted,
    AsyncUpstream,
    Payload,
    connect_async,
)
from assent_contracts.commands import Command

T = TypeVar("T")


@contextmanager
def connect(
    environ: Mapping[str, str] = os.environ, *, key_file: Path | None = None, source: str | None = None
) -> Iterator["Upstream"]:
    """Connect to the log that the environment names, as `connect_async` does.

    Do not call it in a program that runs an event loop: `connect_async` is for those.
    """
    with beside(connect_async(environ, key_file=key_file, source=source)) as upstream:
        yield upstream


@contextmanager
def beside(opening: AbstractAsyncContextManager[AsyncUpstream]) -> Iterator["Upstream"]:
    """An upstream whose event loop runs in a thread beside the caller."""
    loop = _LoopThread()
    try:
        there = loop.result(opening.__aenter__())
        try:
            yield Upstream(there, loop)
        finally:
            loop.result(opening.__aexit__(None, None, None))
    finally:
        loop.stop()


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="assent-client", daemon=True)
        self._thread.start()

    def result(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it there and return its result. An interrupt (Ctrl-C) cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Upstream:
    """Submits changes as one account. Many threads may use one. Its methods are those of AsyncUpstream."""

    def __init__(self, there: AsyncUpstream, loop: _LoopThread) -> None:
        self._there = there
        self._loop = loop

    def submit(
        self,
        resource: str,
        operation: str,
        payload: Payload,
        *,
        justification: str,
        id: str | None = None,  # noqa: A002  the field's name
        at: int | None = None,
        timeout_s: float = ANSWER_WITHIN_S,
        **fields: Any,
    ) -> "Submitted":
        """Ask for a change to one object. Returns once the ledger has the request.

        `id`: derive it from what you want to submit, such as a build number. If the same submission was sent
        under it in the last 24 hours, by a process that crashed since, this is that request and not a second
        one. By default each call is a new submission. `at`: ms since 1970, by default now. `fields`: further
        fields of SubmitChange, such as `on_behalf_of`.

        Raises RefusedError, and NotDecidedError after `timeout_s`: the same call with the same `id` then asks
        again.
        """
        work = self._there.submit(
            resource,
            operation,
            payload,
            justification=justification,
            id=id,
            at=at,
            timeout_s=timeout_s,
            **fields,
        )
        return Submitted(self._loop.result(work), self._loop)

    def submit_set(
        self,
        name: str,
        changes: Sequence[SetChange],
        *,
        justification: str,
        operation: str = "change-set",
        id: str | None = None,  # noqa: A002  the field's name
        at: int | None = None,
        timeout_s: float = ANSWER_WITHIN_S,
        **fields: Any,
    ) -> "SubmittedSet[Submitted]":
        """R29: ask for changes to several objects, approved as one and released as a whole or not at all.

        The arguments and errors are those of the function `submit_set`, which does the same with `await`.
        """
        work = submit_set(
            self._there,
            name,
            changes,
            justification=justification,
            operation=operation,
            id=id,
            at=at,
            timeout_s=timeout_s,
            **fields,
        )
        there = self._loop.result(work)
        members = {each: Submitted(member, self._loop) for each, member in there.members.items()}
        return SubmittedSet(Submitted(there.set, self._loop), members)

    def request(self, request: str) -> "Submitted":
        """A request of this log by its id, whoever submitted it. Raises LookupError, KafkaError."""
        return Submitted(self._loop.result(self._there.request(request)), self._loop)

    def send(self, command: Command, *, timeout_s: float = ANSWER_WITHIN_S) -> Decided:
        """Send any command and return its first decision. Raises RefusedError, NotDecidedError."""
        return self._loop.result(self._there.send(command, timeout_s=timeout_s))


class Submitted:
    """A request that the ledger has. Its methods are those of AsyncSubmitted."""

    def __init__(self, there: AsyncSubmitted, loop: _LoopThread) -> None:
        self._there = there
        self._loop = loop
        self.id: Final = there.id
        """The request's id, such as `2-0`."""
        self.resource: Final = there.resource
        self.submission: Final = there.submission
        """SHA-256 (hex) of the submission's bytes, which approvals name."""

    def follow(self, *, complete: bool = False) -> Iterator[RequestUpdate]:
        """What happened to the request and happens to it, in order, until it has ended.

        `complete`: release it once it is approved, as `wait_applied` does. Then it raises RefusedError if it
        is approved and cannot be completed.
        """
        updates = self._there.follow(complete=complete)
        try:
            while (update := self._loop.result(_next(updates))) is not None:
                yield update
        finally:
            self._loop.result(updates.aclose())

    def wait_applied(self, *, complete: bool = True, timeout_s: float | None = None) -> RequestUpdate:
        """Wait until the request has ended, which may take days. Returns its last update: look at `applied`.

        `complete`: once it is approved, release it to the applier (R12), which is the requester's to do. An
        outcome that is unknown is waited for until people have settled it. Raises TimeoutError after
        `timeout_s`, and RefusedError if it is approved and cannot be completed.
        """
        return self._loop.result(self._there.wait_applied(complete=complete, timeout_s=timeout_s))

    def complete(self) -> Decided:
        """Release the approved change to the applier (R12). Raises RefusedError, NotDecidedError."""
        return self._loop.result(self._there.complete())

    def cancel(self) -> Decided:
        """Withdraw the request before it is approved (R11). Raises RefusedError, NotDecidedError."""
        return self._loop.result(self._there.cancel())

    def resubmit(self, *, timeout_s: float = ANSWER_WITHIN_S) -> "Submitted":
        """Submit the same change again, after this request has expired, failed or was rejected (R14).

        However often it is called, it makes one new request. Raises as `submit` does.
        """
        return Submitted(self._loop.result(self._there.resubmit(timeout_s=timeout_s)), self._loop)


async def _next(updates: "Any") -> RequestUpdate | None:
    return await anext(updates, None)
