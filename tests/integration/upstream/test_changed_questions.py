"""A caller at a gate that asks again, about another change or for another run: no old approval counts."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from assent.store.pool import open_pool
from assent.upstream import events, gate_rows
from assent.upstream.event_intake import EventIntake
from assent.upstream.gate_rules import Progress
from assent.upstream.gate_steps import Gates, progressed
from assent.upstream.source_settings import Gate, GithubDeploymentGate, GitlabStatusGate
from assent_contracts.commands import ReportOutcome
from tests.support.gate_callers import Github, Gitlab

NAME = "gate"
GITLAB = GitlabStatusGate(
    name=NAME, path="/gates/gitlab", secret_files=[], projects=[42], token_file=Path("token")
)


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(dsn, "assent_upstream", application="test", size=2)
    try:
        yield opened
    finally:
        opened.terminate()


class Asked:
    """A gate without its servers: events come in, and the test says what the ledger decides."""

    def __init__(self, pool: asyncpg.Pool, gate: Gate) -> None:
        self.pool = pool
        self.gates = Gates({NAME: gate}, {NAME: "gate"}, {NAME: "gate"}, None, 4)
        self._intake = EventIntake({NAME: gate}, {NAME: "gate"}, self.gates, 4)
        self._events = 0

    async def ask(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._events += 1
        document = json.dumps({"headers": headers or {}, "body": json.loads(body)}).encode()
        assert await events.receive(self.pool, NAME, f"event-{self._events}", document)
        assert await self._intake.take_one(self.pool)

    async def pass_(self, request: str) -> None:
        """The newest change is submitted as this request, approved, and claimed by the gate."""
        async with self.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "select digest from upstream_waiters where request is null order by since desc"
            )
            assert row is not None
            await gate_rows.add_request(
                connection,
                request,
                source=NAME,
                digest=row["digest"],
                resource="merge/shop/web/7",
                submission="0" * 64,
                at=0,
            )
            await gate_rows.move(connection, request, Progress("claimed"), 0)
            locked = (await gate_rows.lock_requests(connection, [request]))[request]
            await self.gates.claimed(connection, progressed(locked, Progress("claimed")))

    async def waiters(self) -> list[str]:
        rows = await self.pool.fetch("select status from upstream_waiters order by id")
        return [row["status"] for row in rows]

    async def answers(self) -> list[tuple[str, str]]:
        rows = await self.pool.fetch("select state, status from upstream_answers order by id")
        return [(row["state"], row["status"]) for row in rows]

    async def commands(self) -> list[str]:
        rows = await self.pool.fetch("select purpose from upstream_commands order by id")
        return [row["purpose"] for row in rows]


def merge_to(branch: str, sha: str = "b" * 40) -> bytes:
    body: Any = json.loads(Gitlab().asks(sha))
    body["object_attributes"]["target_branch"] = branch
    return json.dumps(body).encode()


async def test_R23_approval_of_a_merge_is_not_one_into_another_branch(pool: asyncpg.Pool) -> None:
    asked = Asked(pool, GITLAB)
    await asked.ask(merge_to("sandbox"))
    await asked.pass_("0-1")
    assert await asked.waiters() == ["passed"]
    await asked.ask(merge_to("main"))
    assert await asked.waiters() == ["waiting"]
    # The answer that was on its way is withdrawn, and the other change is submitted.
    assert await asked.answers() == [("passed", "dead")]
    assert await asked.commands() == ["submit", "report", "submit"]
    value = await pool.fetchval("select value from upstream_commands where purpose = 'report'")
    assert msgspec.json.decode(value, type=ReportOutcome).outcome == "failed"


async def test_R23_merge_that_waits_does_not_pass_by_the_approval_of_its_former_branch(
    pool: asyncpg.Pool,
) -> None:
    asked = Asked(pool, GITLAB)
    await asked.ask(merge_to("sandbox"))
    first = await pool.fetchval("select digest from upstream_waiters")
    await asked.ask(merge_to("main"))
    async with pool.acquire() as connection, connection.transaction():
        await gate_rows.add_request(
            connection, "0-1", source=NAME, digest=first, resource="merge/a", submission="0" * 64, at=0
        )
        assert await gate_rows.waiters_of(connection, "0-1") == []
    assert await asked.waiters() == ["waiting"]


async def test_same_question_is_answered_once_more(pool: asyncpg.Pool) -> None:
    asked = Asked(pool, GITLAB)
    await asked.ask(merge_to("main"))
    await asked.pass_("0-1")
    await asked.ask(merge_to("main"))
    assert await asked.answers() == [("passed", "waiting")] * 2
    assert await asked.commands() == ["submit"]


async def test_R1_run_that_is_started_again_asks_for_an_approval_of_its_own(pool: asyncpg.Pool) -> None:
    caller = Github()
    caller.url = "https://api.github.com"
    gate = GithubDeploymentGate(
        name=NAME,
        path="/gates/github",
        secret_files=[],
        repositories=["octo/shop"],
        app_id="Iv1.app",
        app_key_file=Path("key"),
    )
    asked = Asked(pool, gate)
    headers = {"x-github-event": "deployment_protection_rule"}
    # Two jobs of one run wait for the same environment: GitHub lets both pass by one decision.
    await asked.ask(caller.asks(1), headers)
    await asked.ask(caller.asks(1, deployment={"id": 2}), headers)
    await asked.pass_("0-1")
    assert await asked.waiters() == ["passed", "passed"]
    async with pool.acquire() as connection:
        await gate_rows.move(connection, "0-1", Progress("used"), 0)
    await asked.ask(caller.asks(1, deployment={"id": 3}), headers)
    assert await asked.waiters() == ["passed", "passed", "waiting"]
    assert await asked.commands() == ["submit", "submit"]


async def test_event_that_does_not_fit_into_the_tables_does_not_hold_up_those_after_it(
    pool: asyncpg.Pool,
) -> None:
    asked = Asked(pool, GITLAB)
    await asked.ask(merge_to("main", sha="f" * 510))
    [dead] = await events.dead_events(pool)
    assert dead.code == "gate"


async def test_event_that_postgres_refuses_each_time_is_dead_and_the_next_is_taken(
    pool: asyncpg.Pool, dsn: str
) -> None:
    owner = await asyncpg.connect(dsn)
    await owner.execute(
        "alter table upstream_commands add constraint only_other check (resource <> 'merge/shop/web/7')"
    )
    await owner.close()
    asked = Asked(pool, GITLAB)
    await asked.ask(merge_to("main"))
    rows = await pool.fetch("select status, code from upstream_events")
    assert [tuple(row) for row in rows] == [("dead", "internal")]
    assert await asked.commands() == []
