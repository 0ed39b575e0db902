"""The ready appliers as processes, on the real broker: from the submission to the target, and the outcome."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import tomli_w

from assent_contracts.client.follower import GovernanceFollower
from tests.support.containers import Endpoints
from tests.support.git_host import GitHost, git
from tests.support.handover import dispatching, events_of
from tests.support.http_standin import Objects, standing_in
from tests.support.log import APPLIER, Actor, Log
from tests.support.services import ROOT, Services
from tests.support.stack import fresh_database, until

ENDED = ("request-completed", "request-failed", "outcome-unknown")


def environment(log: Log, file: Path, state: Path) -> dict[str, str]:
    return {
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_KEY_FILE": str(log.folder / f"{APPLIER}.key"),
        "ASSENT_STATE": str(state),
        "ASSENT_APPLIER_FILE": str(file),
    }


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that another user can write."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@asynccontextmanager
async def applier_of(log: Log, tmp_path: Path, configuration: dict[str, Any]) -> AsyncIterator[None]:
    """The applier with this configuration, as a process."""
    file = tmp_path / "applier.toml"
    file.write_text(tomli_w.dumps({"types": ["script"], **configuration}))
    async with Services(tmp_path, environment(log, file, tmp_path / "state")) as services:
        services.start("applier")
        yield


async def end_of(log: Log, follower: GovernanceFollower, request: str) -> str:
    async def ended() -> bool:
        return (await events_of(log, follower, request))[-1] in ENDED

    await until(ended, timeout_s=60)
    return (await events_of(log, follower, request))[-1]


async def test_approved_change_becomes_a_signed_off_commit(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    host = GitHost(tmp_path)
    async with (
        dispatching(log, follower),
        applier_of(log, tmp_path, {"kind": "git", "git": {"url": str(host.bare)}}),
    ):
        request = await actor.released("script/to-git", b'"echo git"')
        assert await end_of(log, follower, request.request) == "request-completed"
    assert host.show("script/to-git") == "echo git\n"
    trailers = git(host.bare, "log", "-1", "--format=%(trailers:only,unfold)", "main").splitlines()
    assert f"Assent-Request: {request.request}" in trailers
    assert f"Assent-Submission: {request.submission}" in trailers
    assert "Assent-Approved-By: bob" in trailers


async def test_approved_change_becomes_one_transaction(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path, running: Endpoints
) -> None:
    dsn = await fresh_database(running.dsn, "ready_applier")
    db = await asyncpg.connect(dsn)
    await db.execute("CREATE TABLE scripts (name text PRIMARY KEY, body text)")
    (tmp_path / "dsn").write_text(dsn)
    statement = {"statement": "INSERT INTO scripts VALUES ($1, $2)", "parameters": ["id", ""], "rows": 1}
    table = {"dsn": f"file:{tmp_path}/dsn", "statements": [statement]}
    async with dispatching(log, follower), applier_of(log, tmp_path, {"kind": "sql", "sql": table}):
        first = await actor.released("script/to-sql", b'"echo sql"')
        assert await end_of(log, follower, first.request) == "request-completed"
        again = await actor.released("script/to-sql", b'"echo other"')
        assert await end_of(log, follower, again.request) == "request-failed"
    assert [tuple(row) for row in await db.fetch("SELECT * FROM scripts")] == [("to-sql", "echo sql")]
    noted = await db.fetch("SELECT request, submission FROM assent_applied")
    assert [tuple(row) for row in noted] == [(first.request, first.submission)]
    await db.close()


async def test_approved_change_becomes_a_request_with_the_idempotency_key(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    objects = Objects(honours_key=True)
    with standing_in(objects) as api:
        api.faults = ["lost after"]
        step = {
            "name": "post",
            "method": "POST",
            "url": api.url + "/objects",
            "body": '{"name": {{ id }}, "text": {{ payload }}, "approvers": {{ approvers }}}',
        }
        table = {
            "hosts": [api.url.removeprefix("http://")],
            "plain_http": True,
            "private_addresses": True,
            "key_header": "Idempotency-Key",
            "steps": [step],
        }
        async with dispatching(log, follower), applier_of(log, tmp_path, {"kind": "http", "http": table}):
            request = await actor.released("script/to-http", b'"echo http"')
            assert await end_of(log, follower, request.request) == "request-completed"
        assert len({each.headers["idempotency-key"] for each in api.asked}) == 1
    assert objects.effects == ["to-http"]
    assert objects.objects["to-http"] == {"name": "to-http", "text": "echo http", "approvers": ["bob"]}


async def test_approved_change_is_the_input_of_a_command(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path, shared: Path
) -> None:
    command = {
        "argv": ["/bin/sh", "-c", 'test "$ASSENT_ID" = to-command || exit 10; cat > "$OUT"/made'],
        "final": [10],
    }
    table: dict[str, Any] = {"commands": [command], "stdin": "file", "environment": {"OUT": str(shared)}}
    if os.geteuid() == 0:
        table["user"] = "nobody"
    async with dispatching(log, follower), applier_of(log, tmp_path, {"kind": "command", "command": table}):
        request = await actor.released("script/to-command", b'"echo command"')
        assert await end_of(log, follower, request.request) == "request-completed"
        other = await actor.released("script/to-nothing")
        assert await end_of(log, follower, other.request) == "request-failed"
    assert (shared / "made").read_text() == "echo command"


async def test_files_are_written_below_the_configured_folder_and_too_large_payloads_fail(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    configuration = {"kind": "files", "payload_max_bytes": 20, "files": {"folder": f"{tmp_path}/files"}}
    async with dispatching(log, follower), applier_of(log, tmp_path, configuration):
        request = await actor.released("script/to-files", b'"echo files"')
        large = await actor.released("script/too-large", b'"' + b"x" * 20 + b'"')
        assert await end_of(log, follower, request.request) == "request-completed"
        assert await end_of(log, follower, large.request) == "request-failed"
    assert [each.name for each in (tmp_path / "files/script").iterdir()] == ["to-files"]


async def test_dry_run_shows_released_and_approved_changes_and_claims_nothing(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    released = await actor.released("script/dry-released", b'"echo dry\\n"')
    approved = await actor.opened("script/dry-approved", payload=b'"echo soon\\n"')
    await actor.approve(approved)
    pending = await actor.opened("script/dry-pending")
    file = tmp_path / "applier.toml"
    file.write_text(tomli_w.dumps({"kind": "files", "files": {"folder": f"{tmp_path}/files"}}))
    code, printed = await _run(log, file, tmp_path, "--dry-run", released.request, approved.request)
    assert code == 0, printed
    for request, state, text in ((released, "released", "dry"), (approved, "approved", "soon")):
        name = request.resource
        assert (
            f"{request.request}  create {name}  ({state})\n"
            f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+echo {text}\n"
        ) in printed
    code, printed = await _run(log, file, tmp_path, "--dry-run", pending.request)
    assert (code, printed) == (
        1,
        f"{pending.request}: is neither approved nor released, or was claimed already\n",
    )
    assert "change-claimed" not in await events_of(log, follower, released.request)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('kind = "git"', "- [git]: this table is required, because of `kind`"),
        ('kind = "files"\ntypo = 1\n[files]\nfolder = "relative"', "- files.folder: "),
        ('kind = "files"\ntypo = 1\n[files]\nfolder = "/x"', "contains unknown field `typo`"),
        ('kind = "files"\n[files]\nfolder = "/x"\n[sql]\ndsn = "postgresql://me:pw@host/db"', "- sql."),
        (
            'kind = "command"\n[command]\ncommands = [{argv = ["no-path"]}]\nuser = "nobody"',
            "must begin with a slash",
        ),
        ("kind = ", "cannot be read"),
    ],
)
async def test_fault_in_the_configuration_is_named_and_nothing_starts(
    content: str, said: str, log: Log, tmp_path: Path
) -> None:
    file = tmp_path / "applier.toml"
    file.write_text(content)
    code, printed = await _run(log, file, tmp_path, "--check-config")
    assert code == 2
    assert said in printed
    assert "pw@host" not in printed


async def _run(log: Log, file: Path, tmp_path: Path, *arguments: str) -> tuple[int | None, str]:
    ran = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "assent.applier", *arguments),
        env={**os.environ, **environment(log, file, tmp_path / "state")},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(ran.communicate(), 60)
    return ran.returncode, printed.decode()
