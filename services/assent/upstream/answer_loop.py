"""Sends the answers to callers at gates: durable first, at least once, and known when they arrived."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import asyncpg
import httpx
import msgspec
import structlog

from assent.observe import metrics
from assent.store.pool import PostgresConnection
from assent.upstream import gate_messages, gate_rows
from assent.upstream.gate_rows import DueAnswer
from assent.upstream.gate_steps import Gates
from assent.upstream.source_settings import TerraformGate

_AT_ONCE: Final = 32
ANSWER_TIMEOUT_S: Final = 20.0
_AGAIN_S: Final = 60.0
"""Longer than an attempt."""
FIRST_S: Final = 2.0
LONGEST_S: Final = 60.0
ATTEMPTS: Final = {"running": 3, "passed": 9, "failed": 200}
"""How often an answer is tried. `passed`: for about four minutes, so that the gate can still report within
the lease of its claim that the caller did not take it. `failed`: for about three hours.
"""

log = structlog.get_logger(__name__)


class NotTakenError(Exception):
    """The caller did not take the answer; the message says why, without a secret."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final: Final = final
        """Whether trying again cannot help."""


Send = Callable[[httpx.AsyncClient, DueAnswer], Awaitable[None]]
"""Sends one answer. Raises NotTakenError, httpx.HTTPError."""


class AnswerLoop:
    """Sends what is due, and tells those who wait that they still do."""

    def __init__(self, gates: Gates, send: Mapping[str, Send], first_s: float = FIRST_S) -> None:
        """`send`: by gate. `first_s`: the wait after the first failure; each later one is twice as long."""
        self._gates = gates
        self._send = send
        self._first_s = first_s

    async def send_due(self, pool: asyncpg.Pool, client: httpx.AsyncClient) -> bool:
        """Send answers that are due, many at once; False if there is none."""
        due = await gate_rows.due_answers(pool, _AT_ONCE, _AGAIN_S)
        ended = await asyncio.gather(
            *(self._one(pool, client, answer) for answer in due), return_exceptions=True
        )
        for error in ended:
            if error is not None:
                raise error
        return bool(due)

    async def _one(self, pool: asyncpg.Pool, client: httpx.AsyncClient, answer: DueAnswer) -> None:
        if answer.state == "running" and answer.waiter_status != "waiting":
            # The last answer is on its way, or was sent: this one must not come after it.
            await self._settle(pool, answer, "It was overtaken by the last answer.", last=False)
            return
        why, final = await self._tried(client, answer)
        last = answer.attempts >= ATTEMPTS[answer.state]
        outcome = "sent" if why is None else "dead" if last or final else "failed"
        metrics.UPSTREAM_ANSWERS.labels(answer.source, outcome).inc()
        log.info(
            "answered",
            source=answer.source,
            request=answer.request,
            state=answer.state,
            attempt=answer.attempts,
            outcome=outcome,
            why=why,
        )
        if outcome == "failed":
            assert why is not None, "it failed"
            await gate_rows.answer_later(pool, answer, self._wait_s(answer.attempts), why)
            return
        await self._settle(pool, answer, why, last=answer.state != "running")

    async def _tried(self, client: httpx.AsyncClient, answer: DueAnswer) -> tuple[str | None, bool]:
        send = self._send.get(answer.source)
        if send is None:
            return "The upstream file has no gate of this name any more.", True
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await send(client, answer)
        except NotTakenError as error:
            return str(error), error.final
        except (httpx.HTTPError, msgspec.MsgspecError, TimeoutError, ValueError) as error:
            # Not its text, which may hold an address with a token.
            return f"The connection failed: {type(error).__name__}.", False
        return None, False

    def _wait_s(self, attempts: int) -> float:
        full = min(self._first_s * 2 ** min(attempts - 1, 20), LONGEST_S)
        # S311: guessing it gains nothing.
        return full * (0.75 + random.random() / 4)  # noqa: S311

    async def _settle(self, pool: asyncpg.Pool, answer: DueAnswer, error: str | None, *, last: bool) -> None:
        async with pool.acquire() as connection, connection.transaction():
            if not await gate_rows.answered(connection, answer, error=error, last=last):
                return
            if answer.state == "passed" and answer.request is not None:
                await self._report(connection, answer.request, error)

    async def _report(self, connection: PostgresConnection, request: str, error: str | None) -> None:
        for locked in (await gate_rows.lock_requests(connection, [request])).values():
            if error is None:
                await self._gates.report(connection, locked, "succeeded", "The caller passed.")
            else:
                await self._gates.report(connection, locked, "failed", f"The caller did not take it: {error}")


async def look_after_waiters(pool: asyncpg.Pool, gates: Gates) -> None:
    """Tell callers that they wait, give up those that cannot wait longer, and move stuck requests on."""
    for gate in gates.of.values():
        if isinstance(gate, TerraformGate):
            async with pool.acquire() as connection, connection.transaction():
                await _tell_waiters(connection, gates, gate)
    for request in await gate_rows.stuck_requests(pool):
        async with pool.acquire() as connection, connection.transaction():
            for locked in (await gate_rows.lock_requests(connection, [request])).values():
                await gates.go_on(connection, locked)


async def _tell_waiters(connection: PostgresConnection, gates: Gates, gate: TerraformGate) -> None:
    told = await gate_rows.waiters_to_tell(connection, gate.name, gate.running_every_s, gate.give_up_s)
    for waiter, request, why, age_s in told:
        if age_s >= gate.give_up_s:
            message = gate_messages.given_up(gates.console, request, gate.approval_days * 24 * 60 * 60)
            await gate_rows.settle(connection, waiter, "failed", message)
        else:
            message = gate_messages.waiting(gates.console, request, why)
            await gate_rows.add_answer(connection, waiter, "running", message)
