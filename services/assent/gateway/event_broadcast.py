"""Live events: who is notified of a change, once the tables contain it. One loop serves all listeners."""

import asyncio
import itertools
import random
from collections.abc import Iterable
from typing import Final

import asyncpg
import structlog

from assent.gateway.application.visibility import may_see
from assent.gateway.client_limits import LiveLimits
from assent.gateway.event_messages import (
    LiveEvent,
    RecentEvents,
    governance_changed,
    request_changed,
    requests_of,
)
from assent.gateway.event_stream import LOST, StreamListener
from assent.gateway.identity.sessions import Sessions
from assent.gateway.log_connection import LogConnection
from assent.gateway.problems import Problem
from assent.gateway.table_lag import TableLag
from assent.store.queries import requests_at
from assent.store.reader_service import UNREACHABLE
from assent_contracts.acceptance import Accepted
from assent_contracts.client.publisher import now_ms
from assent_contracts.client.task_end import end
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.ledger import LedgerRecord

_HEARD_MAX: Final = 10_000
"""Requests that wait for the tables. If there are more, all clients are told to reload."""
_AT_ONCE: Final = 500
"""Requests in one query."""
_AGAIN_S: Final = 1.0
_QUIET_S: Final = 60.0
"""How long events are remembered after the last listener has left: a page that is reloading reconnects."""
_SLICES: Final = 15
_RETRY: Final = b"retry: %d\n\n"

log = structlog.get_logger(__name__)


class EventBroadcast:
    """Passes what the gateway receives from the log to the listeners that may see it."""

    def __init__(self, db: asyncpg.Pool, lag: TableLag, sessions: Sessions, limits: LiveLimits) -> None:
        self._db = db
        self._lag = lag
        self._sessions = sessions
        self._limits = limits
        self._log: LogConnection | None = None
        self._heard: dict[tuple[int, int], tuple[int, int]] = {}
        """Request -> the last record about it: both (partition, seq)."""
        self._missed = False
        self._work = asyncio.Event()
        self._memory = RecentEvents()
        self._memory.forget()
        self._by_principal: dict[str, set[StreamListener]] = {}
        self._slices: list[set[StreamListener]] = [set() for _ in range(_SLICES)]
        self._open = 0
        self._deaf_from = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, log: LogConnection) -> None:
        """Begin to send events. `heard` may have been called before."""
        self._log = log
        log.follower.listeners.append(self._governed)
        self._tasks = [
            asyncio.create_task(self._telling(), name="live"),
            asyncio.create_task(self._beating(), name="live-beat"),
        ]

    async def stop(self) -> None:
        """End every stream. The clients reconnect later, to another gateway or to this one."""
        await end(*self._tasks)
        for listener in self._listeners():
            listener.end(_retry())

    def check(self) -> None:
        """Raises the error that ended one of the loops, if any."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    @property
    def open(self) -> int:
        """How many streams there are."""
        return self._open

    # What happens

    def heard(self, partition: int, accepted: Accepted) -> None:
        """Note that the ledger has one more accepted record."""
        if self._is_deaf():
            self._memory.forget()
            return
        for request in requests_of(accepted.record):
            self._heard[request] = (partition, accepted.record.seq)
        if len(self._heard) > _HEARD_MAX:
            self._heard.clear()
            self._missed = True
        self._work.set()

    def reload(self) -> None:
        """Something other than a request or governance has changed: all clients reload what they show."""
        self._memory.forget()
        self._tell_all(LOST)

    def _is_deaf(self) -> bool:
        return not self._open and asyncio.get_running_loop().time() >= self._deaf_from

    def _governed(self, record: LedgerRecord, events: tuple[GovernanceEvent, ...]) -> None:
        if not events:
            return
        self._spread(governance_changed(record.seq))

    async def _telling(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            if self._missed:
                self._missed = False
                self.reload()
            taken, self._heard = self._heard, {}
            held = {request: place for request, place in taken.items() if self._lag.holds(*place)}
            try:
                for some in _batches(held):
                    await self._tell_of(some)
            except UNREACHABLE as error:
                log.warning("live events wait for the tables", error=repr(error))
                self._heard = {**taken, **self._heard}
                self._work.set()
                await asyncio.sleep(_AGAIN_S)
                continue
            # The rest waits separately, so that a partition whose tables are behind does not delay the
            # others.
            late = {request: place for request, place in taken.items() if request not in held}
            if late:
                self._heard = {**late, **self._heard}
                self._work.set()
                await self._lag.looked()

    async def _tell_of(self, heard: dict[tuple[int, int], tuple[int, int]]) -> None:
        """Send what the tables contain of these requests by now."""
        for row in await requests_at(self._db, list(heard)):
            partition, seq = heard[row.partition, row.seq]
            self._spread(request_changed(row, f"{partition}-{seq}"))
            await asyncio.sleep(0)

    def _spread(self, event: LiveEvent) -> None:
        self._memory.keep(event)
        governance = self._governance()
        for principal, listeners in self._by_principal.items():
            if _may_hear(governance, principal, event):
                for listener in listeners:
                    listener.tell(event.chunk)

    def _governance(self) -> Governance:
        assert self._log is not None
        return self._log.governance

    def _tell_all(self, chunk: bytes) -> None:
        for listener in self._listeners():
            listener.tell(chunk)

    # Who listens

    def join(
        self,
        principal: str,
        session: str | None,
        *,
        last: str | None,
        since: int | None,
        until: int | None = None,
    ) -> StreamListener:
        """A new listener; `leave` must follow. Raises Problem: too-many-streams, 429 or 503.

        `until`: when the client's credentials expire (ms), and the stream with them at the latest; `last`:
        the id of the last event that the client received; `since`: when it loaded what it shows (ms). Later
        events are sent again. If they are not remembered, the client is told to reload.
        """
        of_principal = self._by_principal.get(principal, ())
        if len(of_principal) >= self._limits.streams_each:
            raise _too_many(429, f"{principal} has {len(of_principal)} event streams open.")
        if self._open >= self._limits.streams:
            raise _too_many(503, f"This gateway has {self._open:,} event streams open.")
        # S311: it only spreads the reconnections of clients.
        age = self._limits.oldest_s * random.uniform(0.8, 1.0)  # noqa: S311
        if until is not None:
            age = min(age, (until - now_ms()) / 1_000)
        listener = StreamListener(principal, session, asyncio.get_running_loop().time() + age)
        self._by_principal.setdefault(principal, set()).add(listener)
        min(self._slices, key=len).add(listener)
        self._open += 1
        self._catch_up(listener, last, since)
        return listener

    def leave(self, listener: StreamListener) -> None:
        """Remove a listener whose stream has ended."""
        of_principal = self._by_principal[listener.principal]
        of_principal.discard(listener)
        if not of_principal:
            del self._by_principal[listener.principal]
        for each in self._slices:
            each.discard(listener)
        self._open -= 1
        self._deaf_from = asyncio.get_running_loop().time() + _QUIET_S

    def _catch_up(self, listener: StreamListener, last: str | None, since: int | None) -> None:
        missed = self._memory.since(last, since)
        if missed is None:
            listener.tell(LOST)
            return
        governance = self._governance()
        for event in missed:
            if _may_hear(governance, listener.principal, event):
                listener.tell(event.chunk)

    def _listeners(self) -> list[StreamListener]:
        return [each for listeners in self._by_principal.values() for each in listeners]

    async def _beating(self) -> None:
        checked_every = max(1, round(self._limits.session_s / self._limits.beat_s))
        for turn in itertools.count():
            await asyncio.sleep(self._limits.beat_s / _SLICES)
            listeners = tuple(self._slices[turn % _SLICES])
            if turn // _SLICES % checked_every == 0:
                await self._end_signed_out(listeners)
            now = asyncio.get_running_loop().time()
            for listener in listeners:
                if now >= listener.ends_at:
                    listener.end(_retry())
                else:
                    listener.beat()

    async def _end_signed_out(self, listeners: Iterable[StreamListener]) -> None:
        principals = self._governance().principals
        tokens = {each.session for each in listeners if each.session is not None}
        try:
            hold = await self._sessions.holding(tokens) if tokens else set()
        except UNREACHABLE as error:
            # Streams stay open: in any case nobody is notified of what they may no longer see.
            log.warning("sessions could not be looked at", error=repr(error))
            hold = tokens
        for listener in listeners:
            known = principals.get(listener.principal)
            signed_out = listener.session is not None and listener.session not in hold
            if signed_out or known is None or not known.enabled:
                listener.end()


def _may_hear(governance: Governance, principal: str, event: LiveEvent) -> bool:
    known = governance.principals.get(principal)
    if known is None or not known.enabled:
        return False
    return event.about is None or may_see(governance, known, event.about)


def _batches(
    heard: dict[tuple[int, int], tuple[int, int]],
) -> list[dict[tuple[int, int], tuple[int, int]]]:
    items = list(heard.items())
    return [dict(items[start : start + _AT_ONCE]) for start in range(0, len(items), _AT_ONCE)]


def _retry() -> bytes:
    # S311: it only spreads the reconnections of clients.
    return _RETRY % random.randrange(500, 5_000)  # noqa: S311


def _too_many(status: int, detail: str) -> Problem:
    return Problem(
        status,
        "too-many-streams",
        detail,
        todo="Close some of them, and open it again after Retry-After seconds.",
        headers={"Retry-After": "15"},
    )
