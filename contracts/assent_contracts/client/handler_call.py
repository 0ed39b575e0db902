"""One call of a handler: in a thread of its own or as a task, and never waited for beyond its time."""

import asyncio
import contextvars
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from assent_contracts.client.handler import Release, RetryableError

CLEAN_UP_S: Final = 5.0
"""How long a cancelled handler may take to end."""
_log: Final = logging.getLogger(__name__)

T = TypeVar("T")
Step = Callable[[Release], T] | Callable[[Release], Awaitable[T]]
"""A Handler or a ReadBack."""


class HungError(Exception):
    """The handler did not return in time, so nobody waits for it any longer."""


async def call(step: Step[T], release: Release, time_left: Callable[[], float]) -> T:
    """What `step` returns. Raises HungError once no time is left (seconds), and what `step` raises.

    A plain function runs in a thread. If it hangs, the thread is left to itself: Python cannot end a thread.
    A coroutine is cancelled. If this call is cancelled, the handler gets no more time either.
    """
    one = _Call(step, release)
    task = asyncio.create_task(one.run(), name=f"handler-{release.change.request}")
    try:
        while not task.done() and time_left() > 0:
            # The lease may have been renewed in the meantime, so the time that is left is asked for again.
            await asyncio.wait([task], timeout=time_left())
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CLEAN_UP_S)
        if not task.done() or task.cancelled():
            one.leave(task)
            msg = "It did not return in time."
            raise HungError(msg)
        result, error = task.result()
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # one of the two is there
    finally:
        task.cancel()


class _Call:
    def __init__(self, step: Step[T], release: Release) -> None:
        self._step = step
        self._release = release
        self._thread: threading.Thread | None = None
        self._begun = time.monotonic()

    async def run(self) -> tuple[object, Exception | None]:
        """What the step returned or raised. An exit that it asks for counts as an exception."""
        try:
            if _is_async(self._step):
                result: object = self._step(self._release)
            else:
                result = await self._in_thread()
            if inspect.isawaitable(result):
                result = await result
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  the caller decides what it means
            return None, error
        except BaseException as error:  # noqa: BLE001  a handler's SystemExit must not end the applier
            ended = HandlerExitError()
            ended.__cause__ = error
            return None, ended
        return result, None

    async def _in_thread(self) -> object:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()
        context = contextvars.copy_context()

        def work() -> None:
            answer: tuple[object, BaseException | None]
            try:
                answer = context.run(self._step, self._release), None
            except BaseException as error:  # noqa: BLE001  it is raised again by whoever waits
                answer = None, error
            try:
                loop.call_soon_threadsafe(_answer, future, answer)
            except RuntimeError:
                return  # the applier has ended

        # Not the loop's own threads: handlers that hang would use them up, and their process could not exit.
        self._thread = threading.Thread(
            target=work, name=f"assent-handler-{self._release.change.request}", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            msg = "The applier could not start a thread."
            raise RetryableError(msg) from error
        result, error = await future
        if error is not None:
            raise error
        return result

    def leave(self, task: asyncio.Task[tuple[object, Exception | None]]) -> None:
        """Say what goes on without anybody waiting for it."""
        request, took_s = self._release.change.request, time.monotonic() - self._begun
        if self._thread is not None and self._thread.is_alive():
            _log.error(
                "request %s: the handler did not return within %.0f s. Its thread %s goes on and may still"
                " change the target, because a thread cannot be ended. Restart the applier to end it, and let"
                " what the handler calls time out.",
                request,
                took_s,
                self._thread.name,
            )
        elif not task.done():
            _log.error(
                "request %s: the handler did not end when it was cancelled after %.0f s: it must not suppress"
                " asyncio.CancelledError.",
                request,
                took_s,
            )
        else:
            _log.error("request %s: the handler was cancelled after %.0f s", request, took_s)


class HandlerExitError(Exception):
    """The handler asked for the end of the process, with the exception that is the cause."""


def _is_async(step: object) -> bool:
    return inspect.iscoroutinefunction(step) or inspect.iscoroutinefunction(getattr(step, "__call__", None))  # noqa: B004


def _answer(
    future: "asyncio.Future[tuple[object, BaseException | None]]",
    answer: tuple[object, BaseException | None],
) -> None:
    if not future.done():
        future.set_result(answer)
