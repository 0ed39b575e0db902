"""Kafka and Postgres of one data directory: real processes, really killed."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from assent.local import DirectoryInUse, Stack, StackNotRunning, StartFailed
from assent.local.process_identity import ProcessIdentity

TOPIC = "kept"


async def make_topic(stack: Stack) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def produce(stack: Stack, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=stack.bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(TOPIC, value, partition=0)


async def consume(stack: Stack) -> list[bytes | None]:
    """All records of the topic, to its end."""
    async with AIOKafkaConsumer(bootstrap_servers=stack.bootstrap) as consumer:
        partition = TopicPartition(TOPIC, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        values: list[bytes | None] = []
        while await consumer.position(partition) < end:
            values += [
                record.value for record in (await consumer.getmany(timeout_ms=1000)).get(partition, [])
            ]
        return values


async def query(stack: Stack, sql: str) -> object:
    connection = await asyncpg.connect(stack.dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with Stack(tmp_path / "data") as running:
        yield running


async def test_written_data_survives_kills_and_a_restart(tmp_path: Path) -> None:
    """One story, because each start costs a second: write, kill each, stop all, start all, read."""
    async with Stack(tmp_path / "data") as stack:
        bootstrap, dsn = stack.bootstrap, stack.dsn
        await make_topic(stack)
        await produce(stack, b"one")
        await query(stack, "create table kept as select 1 as n")

        killed = stack.kafka.pid
        await stack.kafka.kill()
        assert stack.kafka.pid is None
        await stack.kafka.start()
        assert stack.kafka.pid not in (None, killed)
        assert stack.bootstrap == bootstrap
        assert await consume(stack) == [b"one"]
        await produce(stack, b"two")

        idle = await asyncpg.connect(stack.dsn)
        killed = stack.postgres.pid
        await stack.postgres.kill()
        idle.terminate()
        await stack.postgres.start()
        assert stack.postgres.pid not in (None, killed)
        assert stack.dsn == dsn
        assert await query(stack, "insert into kept values (2) returning n") == 2

        env = stack.directory.read_env()
        assert env == {"bootstrap": bootstrap, "dsn": dsn}

    with pytest.raises(StackNotRunning, match="assent up --data"):
        stack.directory.read_env()

    async with Stack(tmp_path / "data") as again:
        assert (again.bootstrap, again.dsn) == (bootstrap, dsn)
        assert await consume(again) == [b"one", b"two"]
        assert await query(again, "select sum(n) from kept") == 3


async def test_postmaster_killed_from_outside_with_clients_connected_starts_again(stack: Stack) -> None:
    busy = await asyncpg.connect(stack.dsn)
    pid = stack.postgres.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        while stack.postgres.pid is not None:
            await asyncio.sleep(0.001)
    # At once, while its backends may still be running.
    await stack.postgres.start()
    busy.terminate()
    assert await query(stack, "select 1") == 1


async def test_secrets_are_private_to_the_owner_and_only_loopback_listens(stack: Stack) -> None:
    directory = stack.directory
    assert directory.secrets.stat().st_mode & 0o777 == 0o700
    assert directory.keys.stat().st_mode & 0o777 == 0o700
    assert (directory.secrets / "postgres").stat().st_mode & 0o777 == 0o600
    assert directory.env.stat().st_mode & 0o777 == 0o600

    for pid in (stack.kafka.pid, stack.postgres.pid):
        connections = psutil.Process(pid).net_connections("tcp")
        listening = {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
        assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stack.dsn, password="guessed")
    assert await query(stack, "show fsync") == "on"
    assert int(str(await query(stack, "show server_version_num"))) >= 180_000


async def test_second_owner_is_refused_and_the_first_one_keeps_running(stack: Stack) -> None:
    with pytest.raises(DirectoryInUse, match=f"in use by process {os.getpid()}"):
        await Stack(stack.directory.root).start()
    assert await query(stack, "select 1") == 1


async def test_occupied_ports_are_avoided_and_the_chosen_ones_are_used_again(tmp_path: Path) -> None:
    usual = (5432, 9092, 9093)
    holders = []
    for port in usual:
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", port))
            holder.listen()
        except OSError:  # another process holds it, which is as good
            holder.close()
        else:
            holders.append(holder)

    async with Stack(tmp_path / "data") as stack:
        ports = json.loads(stack.directory.ports.read_text())
        assert not set(ports.values()) & set(usual)
        assert await query(stack, "select 1") == 1

    for holder in holders:
        holder.close()
    async with Stack(tmp_path / "data") as stack:
        assert json.loads(stack.directory.ports.read_text()) == ports
        assert stack.bootstrap == f"127.0.0.1:{ports['kafka']}"


async def test_failed_start_names_the_log_shows_its_end_and_leaves_nothing_behind(tmp_path: Path) -> None:
    broken = Stack(tmp_path / "data")
    broken.directory.create()
    broken.directory.postgres.mkdir()
    (broken.directory.secrets / "postgres").write_text("x\n")
    with pytest.raises(StartFailed, match=r"(?s)postgres.*logs/postgres\.log") as failure:
        await broken.start()
    assert "postgresql.conf" in str(failure.value)
    assert broken.kafka.pid is None
    assert broken.postgres.pid is None
    with broken.directory.owned():
        assert not list(broken.directory.run.glob("*.json"))


async def test_abandoned_start_leaves_nothing_behind(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data")
    before = set(psutil.Process().children(recursive=True))
    start = asyncio.ensure_future(stack.start())
    async with asyncio.timeout(30):
        while not (stack.directory.run / "kafka.json").exists():
            await asyncio.sleep(0.01)
    family = set(psutil.Process().children(recursive=True)) - before
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    # A killed postmaster's own children are reparented to pid 1, and not every pid 1 reaps them.
    assert not [
        process
        for process in family
        if process.is_running()
        and process.status() != psutil.STATUS_ZOMBIE
        and process.name() in {"java", "postgres"}
    ]
    with stack.directory.owned():
        assert not list(stack.directory.run.glob("*.json"))


OWNER = """
import asyncio, sys
from pathlib import Path
from assent.local import Service, Stack, Supervisor

async def main():
    async with Stack(Path(sys.argv[1])) as stack:
        sleeper = Service("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
        supervisor = Supervisor(stack.directory, [sleeper])
        await supervisor.start()
        await supervisor.ready()
        print("up", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_owner_killed_with_kill_9_leaves_no_process_and_the_next_one_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(data), stdout=asyncio.subprocess.PIPE, env=_python_path()
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"up\n"
    family = psutil.Process(owner.pid).children(recursive=True)
    records = {path.stem: json.loads(path.read_text()) for path in (data / "run").glob("*.json")}
    assert set(records) == {"kafka", "postgres", "sleeper"}

    owner.kill()
    await owner.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    with pytest.raises(StackNotRunning):
        Stack(data).directory.read_env()

    async with Stack(data) as stack:
        assert await query(stack, "select 1") == 1


async def test_leftover_process_is_ended_only_if_its_pid_and_start_time_match(tmp_path: Path) -> None:
    left = await asyncio.create_subprocess_exec("sleep", "600")
    innocent = await asyncio.create_subprocess_exec("sleep", "600")
    started = psutil.Process(left.pid).create_time()
    stack = Stack(tmp_path / "data")
    stack.directory.create()
    run = stack.directory.run
    (run / "kafka.json").write_text(json.dumps(ProcessIdentity(left.pid, started).as_json()))
    (run / "postgres.json").write_text(json.dumps(ProcessIdentity(innocent.pid, started - 100).as_json()))
    async with stack:
        assert await left.wait() == -signal.SIGKILL
        assert innocent.returncode is None
    innocent.kill()
    await innocent.wait()


def _python_path() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
