"""R17: sends due messages, to many targets at once but to each target one delivery at a time.

A slow target holds only its own lease. A target that fails or is slow is left alone for a while. The targets
of one principal take only a few of the slots. A mail or chat message is sent at once, and those that follow
soon for the same target are gathered in one.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import msgspec
import stamina
import structlog

from assent.notify.attempts import Attempts
from assent.notify.delivery import Delivery, TargetTest
from assent.notify.notify_settings import NotifySettings
from assent.notify.outbox_queue import OutboxQueue
from assent.notify.retry_delay import rest_s, wait_s
from assent.observe import metrics
from assent.observe.health import Health
from assent.store.postgres_reasons import reason
from assent.store.reader_service import UNREACHABLE

SENDING: Final = "sending"
_RETRY_MAX_S: Final = 2.0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and intervals of the delivery loop."""

    targets_at_once: int = 16
    of_principal: int = 4
    """How many of these can be targets of one principal."""
    timeout_s: float = 10.0
    """For one attempt, from the name lookup to the answer."""
    gather_s: float = 60.0
    """For so long after a mail or chat message, the next ones to that target are gathered in one."""
    lease_s: float = 30.0
    """Longer than an attempt and the recording of its outcome."""
    poll_s: float = 0.5
    tidy_every_s: float = 15.0
    stop_limit_s: float = 5.0
    """How long running attempts may continue after the service is told to stop."""
    wait_s: Callable[[int, float], float] = wait_s
    rest_s: Callable[[float], float] = rest_s


class DeliveryLoop:
    """One process's share of the sending."""

    def __init__(
        self, queue: OutboxQueue, settings: NotifySettings, health: Health, pace: Pace, tls: ssl.SSLContext
    ) -> None:
        """`tls`: which certificates of webhooks are trusted."""
        self._queue = queue
        self._settings = settings
        self._health = health
        self._pace = pace
        self._attempts = Attempts(settings, tls, pace.timeout_s)
        self._under_way: dict[asyncio.Task[None], Delivery | TargetTest] = {}
        self._tidy_at = 0.0
        self._log = structlog.get_logger()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`. Then wait a limited time for running attempts, and give the rest back."""
        try:
            while not stop.is_set():
                await self._turn()
                await self._rest(stop)
        finally:
            await self._end()

    async def _turn(self) -> None:
        free = self._pace.targets_at_once - len(self._under_way)
        try:
            if free > 0:
                test = await self._queue.claim_test()
                if test is not None:
                    self._begin(test, self._test(test))
                    free -= 1
            if free > 0:
                for delivery in await self._queue.claim(free, of_principal=self._pace.of_principal):
                    self._begin(delivery, self._deliver(delivery))
            if time.monotonic() >= self._tidy_at:
                measures = await self._queue.tidy()
                metrics.NOTIFICATIONS_DEAD.set(measures.dead)
                metrics.NOTIFICATIONS_LAG.set(measures.lag_s)
                self._tidy_at = time.monotonic() + self._pace.tidy_every_s
        except UNREACHABLE as error:
            self._health.not_ready(SENDING, reason(error))
        else:
            self._health.ready(SENDING)

    def _begin(self, what: Delivery | TargetTest, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"notify-{what.message_id}")
        self._under_way[task] = what
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        if not task.cancelled() and task.exception() is not None:
            # Its lease expires, and then it is sent again.
            self._log.error("not settled", exc_info=task.exception())

    async def _rest(self, stop: asyncio.Event) -> None:
        # Until an attempt has ended, so that its target's next message need not wait for the poll.
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait(
                {stopping, *self._under_way},
                timeout=self._pace.poll_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            stopping.cancel()

    async def _end(self) -> None:
        if not self._under_way:
            return
        _, late = await asyncio.wait(set(self._under_way), timeout=self._pace.stop_limit_s)
        given_back = [self._under_way[task] for task in late]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if given_back:
            self._log.info("given back", notifications=[each.message_id for each in given_back])
            try:
                await self._queue.give_back(given_back)
            except UNREACHABLE as error:
                # Their leases will expire.
                self._log.warning("not given back", why=repr(error))

    async def _deliver(self, delivery: Delivery) -> None:
        started = time.perf_counter()
        why = await self._attempts.deliver(delivery)
        took_s = time.perf_counter() - started
        outcome = "sent" if why is None else "dead" if self._is_last(delivery) else "failed"
        await self._settled(lambda: self._settle(delivery, why, took_s))
        first = delivery.first
        metrics.NOTIFICATIONS.labels(delivery.kind, outcome).inc(len(delivery.messages) if why is None else 1)
        self._log.info(
            "notified",
            notification=first.id,
            others=delivery.others,
            target=str(delivery.target),
            kind=delivery.kind,
            recipient=first.recipient,
            request=first.request,
            news=first.event,
            attempt=first.attempts,
            outcome=outcome,
            why=why,
            took_ms=round(took_s * 1_000, 1),
        )

    async def _test(self, test: TargetTest) -> None:
        why = await self._attempts.test(test)
        await self._settled(lambda: self._queue.tested(test, why))
        self._log.info("tested", target=str(test.target), kind=test.kind, why=why)

    def _is_last(self, delivery: Delivery) -> bool:
        return delivery.first.attempts >= self._settings.attempts

    async def _settle(self, delivery: Delivery, why: str | None, took_s: float) -> None:
        rest_s = self._pace.rest_s(took_s)
        if why is None:
            gather_s = 0.0 if delivery.is_full else self._pace.gather_s
            await self._queue.sent(delivery, pause_s=rest_s, gather_s=gather_s)
            return
        # S311: guessing it gains nothing.
        chance = random.random()  # noqa: S311
        await self._queue.failed(
            delivery,
            why,
            wait_s=self._pace.wait_s(delivery.first.attempts, chance),
            pause_s=max(rest_s, self._pace.wait_s(delivery.failures + 1, chance)),
            dead=self._is_last(delivery),
        )

    async def _settled(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Record the outcome, even if Postgres is briefly unavailable: otherwise it is sent again."""
        async for attempt in stamina.retry_context(
            on=UNREACHABLE, attempts=None, timeout=self._pace.lease_s, wait_max=_RETRY_MAX_S
        ):
            with attempt:
                await settle()
