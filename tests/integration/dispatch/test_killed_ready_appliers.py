"""Ready appliers that are killed during a change: the effect is there once, and the outcome is true."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import tomli_w

from assent_contracts.client.follower import GovernanceFollower
from tests.support.containers import Endpoints
from tests.support.git_host import GitHost
from tests.support.handover import dispatching, events_of
from tests.support.http_standin import Objects, standing_in
from tests.support.log import APPLIER, Actor, Log
from tests.support.services import Running as Process
from tests.support.services import Services
from tests.support.stack import fresh_database, until

pytestmark = pytest.mark.timeout(240)


@asynccontextmanager
async def applier_of(log: Log, tmp_path: Path, configuration: dict[str, Any]) -> AsyncIterator[Process]:
    file = tmp_path / "applier.toml"
    file.write_text(tomli_w.dumps({"types": ["script"], **configuration}))
    environment = {
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_KEY_FILE": str(log.folder / f"{APPLIER}.key"),
        "ASSENT_STATE": str(tmp_path / "state"),
        "ASSENT_APPLIER_FILE": str(file),
    }
    async with Services(tmp_path, environment) as services:
        yield services.start("applier")


async def completed(log: Log, follower: GovernanceFollower, request: str) -> list[str]:
    """Its events once it is completed, which takes longer while Kafka waits for the one that was killed."""

    async def ended() -> bool:
        return (await events_of(log, follower, request))[-1] in ("request-completed", "outcome-unknown")

    await until(ended, timeout_s=150)
    return await events_of(log, follower, request)


async def test_sql_applier_killed_during_its_transaction_makes_the_change_once(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path, running: Endpoints
) -> None:
    dsn = await fresh_database(running.dsn, "killed_applier")
    db = await asyncpg.connect(dsn)
    await db.execute("CREATE TABLE effects (name text)")
    (tmp_path / "dsn").write_text(dsn)
    slow = "WITH slept AS (SELECT pg_sleep(2)) INSERT INTO effects SELECT $1 FROM slept"
    table = {"dsn": f"file:{tmp_path}/dsn", "statements": [{"statement": slow, "parameters": ["id"]}]}

    async def working() -> bool:
        return bool(await db.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'WITH slept%'"))

    async with (
        dispatching(log, follower),
        applier_of(log, tmp_path, {"kind": "sql", "sql": table}) as applier,
    ):
        request = await actor.released("script/killed-sql")
        await until(working, timeout_s=60)
        await asyncio.to_thread(applier.kill)
        events = await completed(log, follower, request.request)
    assert events[-1] == "request-completed"
    assert events.count("change-claimed") == 1
    assert await db.fetchval("SELECT count(*) FROM effects") == 1
    assert await db.fetchval("SELECT count(*) FROM assent_applied") == 1
    await db.close()


async def test_git_applier_killed_after_its_push_finds_its_commit(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    host = GitHost(tmp_path)
    # The host has the commit, and the applier does not know it yet.
    host.hook("post-receive", f"touch {tmp_path}/received; sleep 5")

    async def received() -> bool:
        return await asyncio.to_thread((tmp_path / "received").exists)

    git = {"kind": "git", "git": {"url": str(host.bare)}}
    async with dispatching(log, follower), applier_of(log, tmp_path, git) as applier:
        request = await actor.released("script/killed-git", b'"echo git"')
        await until(received, timeout_s=60)
        await asyncio.to_thread(applier.kill)
        events = await completed(log, follower, request.request)
    assert events[-1] == "request-completed"
    assert len(host.commits()) == 2
    assert host.show("script/killed-git") == "echo git\n"


async def test_http_applier_killed_before_the_answer_sends_the_same_key_again(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    objects = Objects(honours_key=True)
    with standing_in(objects) as api:
        api.faults = ["late"]
        api.late_s = 3.0
        step = {"name": "post", "method": "POST", "url": api.url + "/objects", "body": '{"name": {{ id }}}'}
        table = {
            "hosts": [api.url.removeprefix("http://")],
            "plain_http": True,
            "private_addresses": True,
            "key_header": "Idempotency-Key",
            "steps": [step],
        }

        async def asked() -> bool:
            return bool(api.asked)

        async with (
            dispatching(log, follower),
            applier_of(log, tmp_path, {"kind": "http", "http": table}) as applier,
        ):
            request = await actor.released("script/killed-http")
            await until(asked, timeout_s=60)
            await asyncio.to_thread(applier.kill)
            events = await completed(log, follower, request.request)
        assert events[-1] == "request-completed"
        assert len(api.asked) == 2
        assert len({each.headers["idempotency-key"] for each in api.asked}) == 1
    assert objects.effects == ["killed-http"]
