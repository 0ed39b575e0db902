"""`python -m assent.upstream` and `assent upstream`, as they are run: through SIGKILL, and by people."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from assent_contracts.client.follower import GovernanceFollower
from tests.integration.upstream.conftest import GATE, settled, submissions, upstream_toml
from tests.integration.upstream.test_webhooks import event, github_source, signed
from tests.support.cli import Cli
from tests.support.log import Actor, Log
from tests.support.services import Services

_EVENTS = 60


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def environment(log: Log, dsn: str, file: Path) -> dict[str, str]:
    return {
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_POSTGRES": dsn,
        "ASSENT_KEY_FILE": str(log.folder / f"{GATE}.key"),
        "ASSENT_UPSTREAM_FILE": str(file),
    }


@pytest.fixture
async def services(log: Log, dsn: str, tmp_path: Path) -> AsyncIterator[Services]:
    """Starts processes that are configured with this log and this database."""
    async with Services(tmp_path, environment(log, dsn, tmp_path / "upstream.toml")) as made:
        yield made


async def deliver(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Send until it is acknowledged, as a sender or a person does who redelivers."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client, asyncio.timeout(120):
        while True:
            try:
                answer = await client.post(url, content=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code in (200, 202):
                return


async def test_killed_again_and_again_it_submits_each_acknowledged_event_once(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    services: Services,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    port = free_port()
    upstream_toml(tmp_path, github_source(tmp_path), http={"port": port})
    process = services.start("upstream")
    scripts = [str(uuid4()) for _ in range(_EVENTS)]
    url = f"http://127.0.0.1:{port}/hooks/github"

    async def send(script: str) -> None:
        body = event(script)
        headers = signed(body)
        await deliver(url, body, headers)
        # Redelivered by hand.
        await deliver(url, body, headers)

    async def send_some(own: list[str]) -> None:
        for script in own:
            await send(script)

    async def kill() -> None:
        for _ in range(4):
            started = await db.fetchval("select count(*) from upstream_events")

            async with asyncio.timeout(60):
                while await db.fetchval("select count(*) from upstream_events") == started:
                    await asyncio.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.gone)
            process.revive()

    await asyncio.gather(kill(), *(send_some(scripts[start::4]) for start in range(4)))
    assert await settled(db, _EVENTS) == ["submitted"] * _EVENTS
    made = [each.resource.removeprefix("script/") for each in await submissions(log, follower)]
    assert sorted(each for each in made if each in scripts) == sorted(scripts)
    assert process.deaths == [-signal.SIGKILL] * 4


async def test_R16_people_see_dead_letters_and_send_them_again(
    actor: Actor, log: Log, dsn: str, services: Services, db: asyncpg.Connection, tmp_path: Path
) -> None:
    port = free_port()
    file = upstream_toml(tmp_path, github_source(tmp_path), http={"port": port})
    script = str(uuid4())
    opened = await actor.opened(f"script/{script}")
    services.start("upstream")
    body = event(script)
    await deliver(f"http://127.0.0.1:{port}/hooks/github", body, signed(body, "delivery-1"))
    assert await settled(db, 1) == ["dead"]
    assent = Cli(tmp_path, environment(log, dsn, file))

    async def run(*arguments: str) -> Any:
        return await asyncio.to_thread(assent, "upstream", *arguments)

    shown = await run("dead-letters")
    assert shown.code == 0, shown
    assert f"delivery-1: R10: request {opened.request} for this object is open." in shown.out
    [letter] = json.loads((await run("dead-letters", "--json")).out)["events"]
    assert (letter["source"], letter["code"], letter["can_resend"]) == ("github", "resource-locked", True)
    assert (await run("resend")).code == 1
    assert (await run("resend", "999")).code == 1
    assert (await run("reset", "github", "a" * 40)).code == 1
    assert (await run("reset", "github", "main")).code == 1
    await actor.cancel(opened)
    assert json.loads((await run("resend", str(letter["id"]), "--json")).out) == {"resent": [letter["id"]]}
    assert await settled(db, 1) == ["submitted"]
    assert (await run("resend", "--all")).out == "To be sent again: none.\n"
    assert "no dead letters" in (await run("dead-letters")).out


def test_configuration_is_checked_before_anything_starts(
    log: Log, dsn: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from tests.support.forked import run

    def check(**environ: str) -> tuple[int, str]:
        plain = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        done = run("assent.upstream", ["--check-file"], environ=plain | environ, stdin=b"", limit_s=60)
        return done.returncode, (done.stdout + done.stderr).decode()

    assert check() == (2, "upstream: Set ASSENT_UPSTREAM_FILE.\n")
    good = upstream_toml(tmp_path, github_source(tmp_path))
    assert check(ASSENT_UPSTREAM_FILE=str(good)) == (0, "It is good: github.\n")
    source = github_source(tmp_path)
    folder = {"kind": "folder", "name": "drop", "folder": "drop", "mapping": source["mapping"]}
    watching = {"ASSENT_UPSTREAM_FILE": str(upstream_toml(tmp_path, folder))}
    missing = f"upstream: source drop: there is no folder {tmp_path / 'drop'}.\n"
    assert check(**watching) == (2, missing)
    (tmp_path / "drop").mkdir()
    assert check(**watching) == (0, "It is good: drop.\n")
    bad = [
        {**source, "secret_files": ["nowhere"]},
        {**source, "name": "Capital", "path": "hooks"},
        {**source, "name": "other", "mapping": {**source["mapping"], "resource": "{x}"}},
        {
            "kind": "git",
            "name": "git",
            "repository": "ext::sh -c x",
            "branch": "-x",
            "folder": "copy",
            "path": "../x",
            "mapping": source["mapping"],
        },
        {
            "kind": "kafka",
            "name": "kafka",
            "topic": "assent.ledger",
            "group": "x",
            "format": "json",
            "mapping": source["mapping"],
        },
    ]
    code, printed = check(ASSENT_UPSTREAM_FILE=str(upstream_toml(tmp_path, source, *bad)))
    assert code == 2
    for named in (
        "two sources are named 'github'",
        "two sources have the path '/hooks/github'",
        "source github: secret_files: ",
        "source Capital: a name is small letters",
        "and not 'hooks'",
        "source other: mapping.resource: ",
        "source git: the repository is an address of https, ssh or a path",
        "source git: the branch is not a branch's name",
        "source git: the path is a folder in the repository",
        "source kafka: the topic is one of Assent's own",
    ):
        assert named in printed
    code, printed = check(ASSENT_UPSTREAM_FILE=str(upstream_toml(tmp_path, {**source, "unknown": 1})))
    assert code == 2
    assert "`unknown` - at `$.sources[0]`" in printed
