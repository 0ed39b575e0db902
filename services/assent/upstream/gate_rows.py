"""The rows of gates: requests, callers that wait, and the answers to them."""

from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal

import asyncpg
import msgspec

from assent.store.named_sql import load_sql
from assent.store.pool import Executor, PostgresConnection
from assent.upstream.gate_rules import Progress, State

MESSAGE_MAX_CHARS: Final = 1_000
"""GitHub takes 1,024 characters."""
_ERROR_MAX_CHARS: Final = 300
_SQL: Final = load_sql(Path(__file__).with_name("gates.sql"))

AnswerState = Literal["running", "passed", "failed"]


class GateRequest(msgspec.Struct, frozen=True):
    """A request of a gate, locked for this transaction."""

    request: str
    source: str
    digest: str
    resource: str
    submission: str
    state: State
    why: str | None
    changed_at: int
    claim: int | None = None
    """The number of this gate's claim. None before it, and for a claim from before this was kept."""


class Waiter(msgspec.Struct, frozen=True):
    """A caller that waits."""

    id: int
    source: str
    event: int
    request: str | None
    callback: str
    """JSON, as the gate wrote it."""


class KnownWaiter(msgspec.Struct, frozen=True):
    """A caller that has asked before."""

    id: int
    status: Literal["waiting", "passed", "failed"]
    request: str | None
    event: int
    digest: str
    """Of the change that it asked about."""


class DueAnswer(msgspec.Struct, frozen=True):
    """An answer to send now."""

    id: int
    waiter: int
    state: AnswerState
    message: str
    attempts: int
    source: str
    callback: bytes
    """JSON, as the gate wrote it."""
    secret: bytes | None
    request: str | None
    waiter_status: Literal["waiting", "passed", "failed"]


class DeadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that the caller did not take."""

    id: int
    source: str
    request: str | None
    state: AnswerState
    attempts: int
    reason: str


async def requests_like(
    connection: PostgresConnection, source: str, digest: str
) -> list[tuple[str, Progress, int]]:
    """The requests for the same change that have not ended: (id, progress, changed at), newest first."""
    rows = await connection.fetch(_SQL["find"], source, digest)
    return [(row["request"], Progress(row["state"], row["why"]), row["changed_at"]) for row in rows]


async def add_request(
    connection: PostgresConnection,
    request: str,
    *,
    source: str,
    digest: str,
    resource: str,
    submission: str,
    at: int,
) -> None:
    """A request was opened for a change. The callers that asked for the change now wait for it."""
    await connection.execute(_SQL["add_request"], request, source, digest, resource, submission, at)
    await connection.execute(_SQL["give_request"], source, digest, request)


async def lock_requests(connection: PostgresConnection, requests: Collection[str]) -> dict[str, GateRequest]:
    """Those of these requests that are a gate's, until the transaction ends."""
    rows = await connection.fetch(_SQL["lock_requests"], sorted(requests))
    return {row["request"]: GateRequest(*row) for row in rows}


async def move(
    connection: PostgresConnection, request: str, to: Progress, at: int, *, claim: int | None = None
) -> None:
    """Its progress at log time `at` (ms), with the number of the claim if it was claimed now."""
    await connection.execute(_SQL["move"], request, to.state, to.why, at, claim)


async def note(connection: PostgresConnection, request: str, why: str) -> None:
    """Why the gate cannot go on with it now."""
    await connection.execute(_SQL["note"], request, why)


async def known_waiter(connection: PostgresConnection, source: str, waiter: str) -> KnownWaiter | None:
    """The caller that asked this before, locked."""
    row = await connection.fetchrow(_SQL["waiter"], source, waiter)
    return None if row is None else KnownWaiter(*row)


async def add_waiter(
    connection: PostgresConnection,
    *,
    source: str,
    waiter: str,
    event: int,
    digest: str,
    callback: bytes,
    secret: bytes | None,
    request: str | None,
) -> int:
    """A caller waits, for the first time or again. `callback`: JSON."""
    return await connection.fetchval(  # pyright: ignore[reportReturnType]  it returns its id
        _SQL["add_waiter"], source, waiter, event, digest, msgspec.Raw(callback), secret, request
    )


async def waiters_of(connection: PostgresConnection, request: str) -> list[Waiter]:
    """The callers that wait for a request, the newest first."""
    return [Waiter(*row) for row in await connection.fetch(_SQL["waiters_of"], request)]


async def lock_change(connection: PostgresConnection, source: str, digest: str) -> None:
    """Until the transaction ends, nobody else joins callers to requests for this change.

    Taken before requests are locked, by everybody.
    """
    await connection.execute(_SQL["lock_change"], source, digest)


async def changes_of_events(
    connection: PostgresConnection, events: Collection[int]
) -> list[tuple[tuple[str, str], list[int]]]:
    """The changes (source, digest) that callers asked for with these events, in the order of locks."""
    rows = await connection.fetch(_SQL["changes_of_events"], list(events))
    return [((row["source"], row["digest"]), row["events"]) for row in rows]


async def is_submitted(connection: PostgresConnection, source: str, digest: str) -> bool:
    """Whether a caller has submitted this change, and its decision is not known yet."""
    return bool(await connection.fetchval(_SQL["is_submitted"], source, digest))


async def asking(connection: PostgresConnection, source: str, digest: str) -> list[Waiter]:
    """The callers that asked for a change and have no request yet: one of them has submitted it."""
    return [Waiter(*row) for row in await connection.fetch(_SQL["asking"], source, digest)]


async def detach(connection: PostgresConnection, waiter: int) -> None:
    """The caller waits for no request now."""
    await connection.execute(_SQL["detach"], waiter)


async def settle(
    connection: PostgresConnection, waiter: int, state: Literal["passed", "failed"], message: str
) -> bool:
    """The caller gets its last answer; False if it already has one."""
    if await connection.fetchval(_SQL["settle"], waiter, state) is None:
        return False
    await add_answer(connection, waiter, state, message)
    return True


async def add_answer(connection: PostgresConnection, waiter: int, state: AnswerState, message: str) -> None:
    """Add an answer to the outbox."""
    await connection.execute(_SQL["add_answer"], waiter, state, message[:MESSAGE_MAX_CHARS])
    await connection.execute(_SQL["told"], waiter)


async def stuck_requests(db: Executor) -> list[str]:
    """Requests that could go on, for which callers wait, and for which no command is under way."""
    return [row["request"] for row in await db.fetch(_SQL["stuck"])]


async def waiters_to_tell(
    connection: PostgresConnection, source: str, every_s: float, give_up_s: float
) -> list[tuple[int, str | None, str | None, float]]:
    """(waiter, request, why it does not go on, age in s) of those to be told something."""
    rows = await connection.fetch(_SQL["to_tell"], source, every_s, give_up_s)
    return [(row["id"], row["request"], row["why"], row["age_s"]) for row in rows]


async def due_answers(db: Executor, limit: int, again_s: float) -> list[DueAnswer]:
    """Answers to send. They are due again after `again_s`, unless they are settled before."""
    rows = await db.fetch(_SQL["due_answers"], limit, again_s)
    return sorted((_due_answer(row) for row in rows), key=lambda each: each.id)


def _due_answer(row: asyncpg.Record) -> DueAnswer:
    return DueAnswer(**{**row, "callback": bytes(row["callback"])})


async def answered(
    connection: PostgresConnection, answer: DueAnswer, *, error: str | None = None, last: bool
) -> bool:
    """The answer arrived, or (with an error) never will; False if that is known already.

    `last`: the caller gets no further one, so its token is not needed any more.
    """
    status = "sent" if error is None else "dead"
    error = None if error is None else error[:_ERROR_MAX_CHARS]
    settled = await connection.fetchval(_SQL["answered"], answer.id, status, error)
    if last:
        await connection.execute(_SQL["drop_secret"], answer.waiter)
    return settled is not None


async def withdraw_answers(connection: PostgresConnection, waiter: int) -> bool:
    """The caller gets no answer that it has not got yet; whether one of these let it pass."""
    return "passed" in [row["state"] for row in await connection.fetch(_SQL["withdraw_answers"], waiter)]


async def answer_later(db: Executor, answer: DueAnswer, after_s: float, error: str) -> None:
    """Try it again."""
    await db.execute(_SQL["answer_later"], answer.id, after_s, error[:_ERROR_MAX_CHARS])


async def dead_answers(db: Executor, *, source: str | None = None, limit: int = 100) -> list[DeadAnswer]:
    """The answers that callers did not take, newest first."""
    return [
        DeadAnswer(
            id=row["id"],
            source=row["source"],
            request=row["request"],
            state=row["state"],
            attempts=row["attempts"],
            reason=row["last_error"] or "",
        )
        for row in await db.fetch(_SQL["dead_answers"], source, max(1, min(limit, 1_000)))
    ]
