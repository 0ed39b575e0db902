"""Pages of a list, one after the other, anywhere in it. With a DSN as the address: pages of a bare query."""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from assent.gateway.application.requests import write_request_cursor
from assent.observe.health import Health
from assent.process import run_service
from assent.process_settings import ServiceSettings
from assent.store.queries import Cursor
from tests.bench.child import Job, answer, job, tell
from tests.bench.http import Connections, sign_in
from tests.bench.many_requests import ALICE, SPREAD_MS

_PAGE = 50
_MOST = _PAGE + 1
"""The bare query reads one row further, as the list does to find out whether there are more."""
_BARE = """
select *
from requests
where person = $1 and changed_at < $2
order by changed_at desc
limit 51
"""
_WARM_UP = 20
_TOLD_EVERY = 50

Turn = Callable[[int], Awaitable[int]]
"""Receives when the page begins (ms) and returns how many rows were on it."""


async def _pages(turn: Turn, work: Job) -> list[float]:
    chance = random.Random(work.view)
    latencies: list[float] = []
    filled = 0
    for number in range(-_WARM_UP, work.commands):
        before = work.newest_ms - chance.randrange(SPREAD_MS)
        started = time.perf_counter()
        rows = await turn(before)
        if number >= 0:
            latencies.append((time.perf_counter() - started) * 1_000)
            assert rows <= _MOST, f"{rows} rows on a page"
            filled += rows > 0
        if number % _TOLD_EVERY == 0:
            tell(max(number, 0), work.commands)
    # Empty pages are fast, so only the last few of a list may be empty.
    assert filled > 0.9 * work.commands, f"{filled} of {work.commands} pages had rows"
    return latencies


async def _bare(work: Job) -> list[float]:
    connection = await asyncpg.connect(work.url)
    try:
        statement = await connection.prepare(_BARE)

        async def turn(before: int) -> int:
            return len(await statement.fetch(ALICE, before))

        return await _pages(turn, work)
    finally:
        await connection.close()


async def _listed(work: Job) -> list[float]:
    view, _, principal = work.view.partition(" ")
    person = await sign_in(work.url, principal)
    connections = Connections(person)

    async def turn(before: int) -> int:
        cursor = write_request_cursor(Cursor(before, 0, 0))
        path = f"/api/v1/requests?view={view}&limit={_PAGE}&cursor={cursor}"
        status, body = await connections.ask(person.get(path))
        assert status == 200, body
        return body.count(b'"last_seq"')

    try:
        return await _pages(turn, work)
    finally:
        connections.close()


async def _measure(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    work = job()
    started = time.perf_counter()
    latencies = await (_listed(work) if work.view else _bare(work))
    answer(time.perf_counter() - started, latencies)


if __name__ == "__main__":
    run_service(Path(sys.argv[0]).stem, _measure)
