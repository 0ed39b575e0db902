"""Folders, branches and topics become submissions once each, through stops, rewrites and redeliveries."""

import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from msgspec import UNSET

from assent.upstream.events import dead_events
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.commands import SubmitChange
from assent_contracts.file_payloads import file_of_payload
from tests.integration.upstream.conftest import Service, Upstream, settled, submissions
from tests.support.log import Actor, Log
from tests.support.stack import until


async def made(log: Log, follower: GovernanceFollower, within: str) -> dict[str, SubmitChange]:
    """The submissions of objects with this text in their id; fails if there are two of one object."""
    found = [each for each in await submissions(log, follower) if within in each.resource]
    by_name = {each.resource.rpartition("/")[2]: each for each in found}
    assert len(by_name) == len(found)
    return by_name


# Folders


def folder_source(folder: Path, prefix: str, **mapping: Any) -> dict[str, Any]:
    return {
        "kind": "folder",
        "name": "inbox",
        "folder": str(folder),
        "every_s": 0.05,
        "mapping": {
            "resource": f"script/{prefix}/{{/name}}",
            "operation": "edit",
            "justification": "Dropped into the folder.",
            "payload": "{/content}",
            **mapping,
        },
    }


async def events_stored(db: asyncpg.Connection) -> int:
    """How many events the upstream's table has."""
    stored = await db.fetchval("select count(*) from upstream_events")
    assert isinstance(stored, int)
    return stored


def drop(folder: Path, name: str, content: bytes) -> None:
    """Put a file there as a sender should."""
    (folder / f".{name}").write_bytes(content)
    (folder / f".{name}").rename(folder / name)


async def test_file_is_submitted_once_and_moved_to_done_or_refused(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    folder, prefix = tmp_path / "inbox", str(uuid4())
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    binary = bytes(range(256))
    drop(folder, "a.sh", b"echo a\r\n")
    drop(folder, "b.bin", binary)
    drop(folder, "large.bin", b"x" * 300_000)
    await actor.opened(f"script/{prefix}/locked.sh")
    drop(folder, "locked.sh", b"echo")
    async with upstream(folder_source(folder, prefix)):

        async def all_moved() -> bool:
            return sorted(each.name for each in folder.iterdir()) == ["done", "link", "refused"]

        await until(all_moved)
    found = await made(log, follower, prefix)
    assert {name: file_of_payload(bytes(each.payload)) for name, each in found.items()} == {
        "a.sh": b"echo a\r\n",
        "b.bin": binary,
    }
    done = {each.name.partition("-")[2]: each for each in (folder / "done").iterdir()}
    assert sorted(done) == ["a.sh", "a.sh.txt", "b.bin", "b.bin.txt"]
    assert done["b.bin"].read_bytes() == binary
    request = await db.fetchval("select request from upstream_events where event like 'a.sh %'")
    assert done["a.sh.txt"].read_text() == f"request {request}\n"
    refused = {each.name.partition("-")[2]: each for each in (folder / "refused").iterdir()}
    assert sorted(refused) == ["large.bin", "large.bin.txt", "locked.sh", "locked.sh.txt"]
    assert "larger than 262,144 bytes" in refused["large.bin.txt"].read_text()
    assert refused["locked.sh.txt"].read_text().startswith("resource-locked\nR10: request ")


async def test_file_that_was_stored_before_the_service_was_cut_off_is_submitted_once(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    folder, prefix = tmp_path / "inbox", str(uuid4())
    folder.mkdir()
    names = [f"{number}.sh" for number in range(6)]
    for name in names:
        drop(folder, name, b"echo")
    for stored in (1, 3, 5):
        async with upstream(folder_source(folder, prefix)) as service:

            async def some(stored: int = stored) -> bool:
                return await events_stored(db) >= stored

            await until(some)
            await service.kill()
    async with upstream(folder_source(folder, prefix)):

        async def all_moved() -> bool:
            return [each.name for each in folder.iterdir()] == ["done"]

        await until(all_moved)
    assert sorted(await made(log, follower, prefix)) == names


# Branches

_GIT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Erin",
    "GIT_AUTHOR_EMAIL": "erin@example.com",
    "GIT_COMMITTER_NAME": "Erin",
    "GIT_COMMITTER_EMAIL": "erin@example.com",
}


class Host:
    """A repository that people push to."""

    def __init__(self, folder: Path) -> None:
        self.bare, self._work = folder / "host.git", folder / "work"
        self._run("init", "-q", "--bare", "-b", "main", str(self.bare), folder=folder)
        self._run("clone", "-q", str(self.bare), str(self._work), folder=folder)
        self._run("checkout", "-q", "-b", "main")

    def _run(self, *arguments: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder or self._work,
            env=_GIT,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def push(self, files: dict[str, bytes | None], message: str, *, amend: bool = False) -> str:
        """Commit these files (None deletes) and push; returns the commit."""
        for name, content in files.items():
            path = self._work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
        self._run("add", "-A")
        self._run("commit", "-q", "-m", message, *(["--amend"] if amend else []))
        self._run("push", "-q", "--force", "origin", "main")
        return self._run("rev-parse", "HEAD")

    def blob(self, path: str, commit: str = "HEAD") -> str:
        return self._run("rev-parse", f"{commit}:{path}")


def git_source(host: Host, tmp_path: Path, prefix: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "git",
        "name": "config",
        "repository": str(host.bare),
        "branch": "main",
        "path": "scripts",
        "folder": str(tmp_path / "copy"),
        "every_s": 600.0,
        "poke_path": "/poke",
        "mapping": {
            "resource": f"script/{prefix}/{{/below}}",
            "operation": "{/operation}",
            "justification": "{/subject} ({/commit})",
            "payload": {"content": "{/content?}", "blob": "{/blob?}", "base_blob": "{/base_blob?}"},
            "base": "{/base_blob?}",
            "on_behalf_of": "{/author_email}",
            "translate": {"/author_email": {"erin@example.com": "erin"}},
        },
        **more,
    }


async def poke(service: Service) -> None:
    assert (await service.post("/poke", b"", {})).status_code == 202


async def position_is(db: asyncpg.Connection, commit: str) -> None:
    """Wait until everything up to a commit is durable."""

    async def there() -> bool:
        return await db.fetchval("select position from upstream_positions") == commit

    await until(there)


async def test_R20_push_becomes_a_submission_for_each_file_with_its_base_and_its_author(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    host, prefix = Host(tmp_path), str(uuid4())
    first = host.push(
        {"scripts/edited": b"1\n", "scripts/deleted": b"1\n", "scripts/kept": b"1\n", "other": b"1\n"},
        "First",
    )
    async with upstream(git_source(host, tmp_path, prefix)) as service:
        await position_is(db, first)
        host.push({"scripts/edited": b"2\n", "scripts/ö created": b"\xff"}, "Second")
        (tmp_path / "work/scripts/link").symlink_to("kept")
        third = host.push({"scripts/edited": b"3\n", "scripts/deleted": None, "other": b"2\n"}, "Third")
        await poke(service)
        await position_is(db, third)
        assert sorted(await settled(db, 4)) == ["dead", "submitted", "submitted", "submitted"]
    found = await made(log, follower, prefix)
    assert {name: each.operation for name, each in found.items()} == {
        "edited": "edit",
        "ö created": "create",
        "deleted": "delete",
    }
    payload = json.loads(bytes(found["edited"].payload))
    assert payload == {
        "content": "3\n",
        "blob": host.blob("scripts/edited"),
        "base_blob": host.blob("scripts/edited", first),
    }
    assert json.loads(bytes(found["ö created"].payload))["content"] == {"$base64": "/w=="}
    assert json.loads(bytes(found["deleted"].payload))["content"] is None
    assert found["edited"].base == host.blob("scripts/edited", first)
    assert found["ö created"].base is UNSET
    assert found["edited"].justification == f"Third ({third})"
    assert found["ö created"].justification.startswith("Second (")
    assert found["edited"].on_behalf_of == "erin"
    [dead] = await dead_events(db)
    assert dead.reason == "It is a link, or another repository, and not a file."


async def test_rewritten_branch_stops_until_a_person_says_where_to_continue(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    host, prefix = Host(tmp_path), str(uuid4())
    first = host.push({"scripts/a": b"1\n"}, "First")
    source = git_source(host, tmp_path, prefix)
    async with upstream(source) as service:
        await position_is(db, first)
        rewritten = host.push({"scripts/a": b"2\n"}, "Other", amend=True)
        await poke(service)

        async def stopped() -> bool:
            return "source config" in service.health.noted()

        await until(stopped)
        assert "`assent upstream reset config COMMIT`" in service.health.noted()["source config"].why
        [dead] = await dead_events(db)
        assert f"{rewritten} does not descend from {first}" in dead.reason
        assert await made(log, follower, prefix) == {}
    async with upstream({**source, "forced_push": "follow"}):
        await position_is(db, rewritten)
        assert sorted(await settled(db, 2)) == ["dead", "submitted"]
    assert list(await made(log, follower, prefix)) == ["a"]


async def test_push_that_was_stored_in_part_when_the_service_was_cut_off_is_submitted_once(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    host, prefix = Host(tmp_path), str(uuid4())
    names = [f"{number:02}" for number in range(40)]
    first = host.push({f"scripts/{name}": b"1\n" for name in names}, "First")
    source = git_source(host, tmp_path, prefix, start="all")
    async with upstream(source) as service:

        async def some() -> bool:
            return await events_stored(db) > 0

        await until(some)
        await service.kill()
    second = host.push({f"scripts/{name}": b"2\n" for name in names[:3]}, "Second")
    # Begun: it is ended as it was begun, and what came since is the next difference.
    assert await db.fetchval("select position from upstream_positions") in (f"{EMPTY} {first}", first)
    async with upstream(source):
        await position_is(db, second)
        # R10: of the three that changed again, the first requests are open.
        assert sorted(await settled(db, 43)) == ["dead"] * 3 + ["submitted"] * 40
    assert sorted(await made(log, follower, prefix)) == names


EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

# Topics


@asynccontextmanager
async def topic(log: Log) -> AsyncIterator[tuple[str, AIOKafkaProducer]]:
    """A new topic, and a producer for it."""
    name = f"upstream-{uuid4()}"
    admin = AIOKafkaAdminClient(**log.connection.options())
    await admin.start()
    producer = AIOKafkaProducer(**log.connection.options())
    await producer.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
        yield name, producer
    finally:
        await producer.stop()
        await admin.delete_topics([name])
        await admin.close()


def kafka_source(name: str, kind: str, resource: str, payload: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "kafka",
        "name": "bridge",
        "topic": name,
        "group": name,
        "format": kind,
        "mapping": {
            "resource": resource,
            "operation": more.pop("operation", "edit"),
            "justification": "From the topic.",
            "payload": payload,
        },
        **more,
    }


async def test_cloudevents_are_submitted_once_by_source_and_id(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
) -> None:
    prefix = str(uuid4())
    attributes = {"specversion": "1.0", "id": "1", "source": "/up", "type": "changed", "subject": "binary"}
    binary = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    structured = {**attributes, "id": "2", "subject": "structured", "data": {"a": 1.50}}
    content = [("content-type", b"application/cloudevents+json; charset=utf-8")]
    async with topic(log) as (name, producer):
        source = kafka_source(name, "cloudevents", f"script/{prefix}/{{/subject}}", "{/data}")
        async with upstream(source):
            for _ in range(2):
                await producer.send_and_wait(name, b'{"a":  1.0}', headers=binary)
                await producer.send_and_wait(name, json.dumps(structured).encode(), headers=content)
            without_id = [each for each in binary if each[0] != "ce_id"]
            await producer.send_and_wait(name, b"{}", headers=without_id)
            batch = [("content-type", b"application/cloudevents-batch+json")]
            await producer.send_and_wait(name, b"[]", headers=batch)
            assert sorted(await settled(db, 4)) == ["dead", "dead", "submitted", "submitted"]
    found = await made(log, follower, prefix)
    assert bytes(found["binary"].payload) == b'{"a":  1.0}'
    assert json.loads(bytes(found["structured"].payload)) == {"a": 1.5}
    assert {each.reason for each in await dead_events(db)} == {
        "The CloudEvent has no id.",
        "It is a batch: send each event in a record of its own.",
    }


def change(op: str, key: str, after: Any, lsn: int, **source: Any) -> bytes:
    """Debezium's envelope of a change to a row."""
    where = {"connector": "postgresql", "name": "db", "table": "scripts", "lsn": lsn, "txId": lsn, **source}
    payload = {"before": None, "after": after, "source": where, "op": op, "ts_ms": lsn * 7}
    return json.dumps({"schema": {}, "payload": payload}).encode()


async def test_debezium_changes_are_submitted_and_what_is_not_known_is_refused(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
) -> None:
    prefix = str(uuid4())
    records = [
        ("a", change("c", "a", {"id": "a", "text": "x"}, 1)),
        ("a", change("c", "a", {"id": "a", "text": "x"}, 1).replace(b'"ts_ms": 7', b'"ts_ms": 99')),
        ("b", change("u", "b", {"id": "b", "text": "y"}, 2)),
        ("c", change("d", "c", None, 3)),
        ("c", None),
        ("d", change("r", "d", {"id": "d", "text": "z"}, 4)),
        ("e", change("u", "e", {"id": "e", "text": "__debezium_unavailable_value"}, 5)),
        ("f", change("t", "f", None, 6)),
        ("g", b"not json"),
    ]
    async with topic(log) as (name, producer):
        source = kafka_source(
            name,
            "debezium",
            f"script/{prefix}/{{/key/id}}",
            "{/after?}",
            operation="{/operation}",
        )
        async with upstream(source):
            for key, value in records:
                await producer.send_and_wait(name, value, key=json.dumps({"payload": {"id": key}}).encode())
            assert sorted(await settled(db, 6)) == ["dead"] * 3 + ["submitted"] * 3
    found = await made(log, follower, prefix)
    assert {name: each.operation for name, each in found.items()} == {
        "a": "create",
        "b": "edit",
        "c": "delete",
    }
    assert json.loads(bytes(found["b"].payload)) == {"id": "b", "text": "y"}
    reasons = " ".join(each.reason for each in await dead_events(db))
    assert "REPLICA IDENTITY" in reasons
    assert "The operation 't' is none of create, update and delete." in reasons
    assert "The value is not JSON." in reasons


@pytest.mark.parametrize("stored", [1, 4, 8])
async def test_topic_is_read_on_from_where_it_was_durable(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    stored: int,
) -> None:
    prefix = str(uuid4())
    async with topic(log) as (name, producer):
        source = kafka_source(name, "json", f"script/{prefix}/{{/value/id}}", "{/value}")
        for number in range(8):
            await producer.send_and_wait(name, json.dumps({"id": number}).encode(), key=str(number).encode())
        async with upstream(source) as service:

            async def some() -> bool:
                return await events_stored(db) >= stored

            await until(some)
            await service.kill()
        async with upstream(source):
            assert await settled(db, 8) == ["submitted"] * 8
    assert sorted(await made(log, follower, prefix)) == [str(number) for number in range(8)]
