"""`audit verify` and `export` of a running log: what is missing, changed or added is named."""

import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from assent.cli.connection.log_access import LogAccess
from assent.cli.ledger_export import export_held
from assent.cli.verification import verify_live
from assent.ledger.topic_creation import apply_topics
from assent.verify.decided_inputs import InputGap
from assent.verify.expected_heads import Expected, ExpectedHead
from assent.verify.finding import FindingError
from assent.verify.transaction_markers import must_be_markers
from assent_contracts.client.connection import open_consumer as consuming
from assent_contracts.client.connection import open_producer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.record_fetching import positions
from assent_contracts.digests import to_base64url
from assent_contracts.heads import SignedHead, encode_head, head_message, topic_key
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER
from assent_contracts.topics import COMMANDS, GOVERNANCE, HEADS, LEDGER
from tests.integration.readers.conftest import read_all
from tests.support.containers import Endpoints, chosen_stack
from tests.support.log import PARTITIONS, Actor, Log, deciding, delete_topics, publishing
from tests.support.readers import SPECS, caught_up, reading
from tests.support.stack import migrated_database

_numbers = itertools.count()
TABLES = "verify_whole"


@pytest_asyncio.fixture(scope="module")
async def tables(running: Endpoints, log: Log, follower: GovernanceFollower) -> str:
    """The database of a log that every reader has read completely, and on which no service is working."""
    async with deciding(log, follower), publishing(log, follower) as actor:
        for number in range(6):
            await actor.released(f"script/{number}.sh")
        await _in_a_transaction(log, actor)
    dsn = await migrated_database(running.dsn, TABLES)
    written = await read_all(log, follower)
    db = await asyncpg.connect(dsn)
    try:
        for name, spec in SPECS.items():
            async with reading(spec, log, dsn, f"verify-{name}"):
                await caught_up(db, spec, written.heads)
    finally:
        await db.close()
    return dsn


async def _in_a_transaction(log: Log, actor: Actor) -> None:
    """A refused command, sent twice in transactions as no sender should: each leaves a marker."""
    producer = AIOKafkaProducer(**log.connection.options(), transactional_id="an-upstream")
    await producer.start()
    try:
        for _ in range(2):
            async with producer.transaction():
                await producer.send_and_wait(COMMANDS, b"no command", b"script/0.sh", partition=1)
    finally:
        await producer.stop()
    await actor.opened("script/behind.sh")
    for partition in range(PARTITIONS):
        await actor.publisher.send_bytes(b"no command", f"script/{partition}.sh".encode(), [])


@pytest.fixture
async def db(tables: str, running: Endpoints) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection to a copy of it, in which even the append-only table can be changed."""
    name = f"verify_{next(_numbers)}"
    admin = await asyncpg.connect(running.dsn)
    try:
        await admin.execute(f"drop database if exists {name} with (force)")
        await admin.execute(f"create database {name} template {TABLES}")
    finally:
        await admin.close()
    connection = await asyncpg.connect(urlsplit(tables)._replace(path=f"/{name}").geturl())
    await connection.execute("alter table audit disable trigger append_only")
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def to(tables: str, log: Log, db: asyncpg.Connection) -> LogAccess:
    name = f"/verify_{next(_numbers) - 1}"
    del db
    return LogAccess(log.connection, log.identity, urlsplit(tables)._replace(path=name).geturl())


async def finding(to: LogAccess, expected: Expected | None = None) -> FindingError:
    with pytest.raises(FindingError) as found:
        await verify_live(to, expected)
    return found.value


async def records_of(log: Log, topic: str, partition: int) -> list[ConsumerRecord]:
    """Everything that is there, unchanged."""
    place = TopicPartition(topic, partition)
    consumer = await consuming(log.connection, {place: 0})
    found: list[ConsumerRecord] = []
    try:
        end = (await consumer.end_offsets([place]))[place]
        while (await positions(consumer))[place] < end:
            found += (await consumer.getmany(timeout_ms=200)).get(place, [])
    finally:
        await consumer.stop()
    return found


async def write(log: Log, records: list[ConsumerRecord]) -> None:
    producer = await open_producer(log.connection)
    try:
        for each in records:
            await producer.send_and_wait(
                each.topic, each.value, each.key, partition=each.partition, headers=list(each.headers)
            )
    finally:
        await producer.stop()


@pytest.fixture
async def replace_ledger(log: Log, tables: str) -> AsyncIterator[Callable[[list[ConsumerRecord]], object]]:
    """Recreates the request ledger with these records; restores it afterwards."""
    del tables
    whole = [each for number in range(PARTITIONS) for each in await records_of(log, LEDGER, number)]

    async def put(records: list[ConsumerRecord]) -> list[ConsumerRecord]:
        await delete_topics(log.connection, [LEDGER])
        await apply_topics(log.connection, partitions=PARTITIONS)
        await write(log, records)
        return whole

    yield put
    await put(whole)


async def delete_before(log: Log, topic: str, partition: int, offset: int) -> None:
    admin = AIOKafkaAdminClient(**log.connection.options())
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def test_complete_log_verifies_and_the_output_lists_what_was_compared(to: LogAccess) -> None:
    found = await verify_live(to)
    records = sum(tally.records for tally in found.partitions.values())
    assert f"every column of {records:,} rows" in found.checked[1]
    assert "position of audit" in found.checked[2]
    assert "position of status" in found.checked[2]
    assert found.not_checked == ()


@pytest.mark.parametrize(
    "change",
    [
        "principal = 'carol'",
        "outcome = 'assent.approval-given.v1'",
        "resource = 'script/other.sh'",
        "request = '0-99'",
        "command = null",
        "at = at - 1",
        "ledger_offset = ledger_offset + 1",
        "value_sha256 = repeat('0', 64)",
        "record = (record::text || ' ')::json",
    ],
    ids=lambda change: change.split()[0],
)
async def test_R16_changed_column_of_any_row_is_named(
    to: LogAccess, db: asyncpg.Connection, change: str
) -> None:
    where = "ledger = 'assent.ledger' and partition = 1 and seq = 2"
    await db.execute(f"update audit set {change} where {where}")  # noqa: S608  our own text
    error = await finding(to)
    assert (error.ledger, error.partition, error.seq) == (LEDGER, 1, 2)
    assert error.difference is not None
    assert error.difference.column == change.split(maxsplit=1)[0]


@pytest.mark.parametrize(("partition", "seq"), [(1, None), (1, -1), (9, 0), (-1, 0)])
async def test_R16_row_without_a_record_is_named(
    to: LogAccess, db: asyncpg.Connection, partition: int, seq: int | None
) -> None:
    newest: int | None = await db.fetchval(
        "select max(seq) from audit where ledger = 'assent.ledger' and partition = 1"
    )
    assert newest is not None
    await db.execute(
        "insert into audit (ledger, partition, seq, ledger_offset, at, principal, request, outcome,"
        " value_sha256, record) values ('assent.ledger', $1, $2, 0, 0, 'carol', '1-0',"
        " 'assent.approval-given.v1', '', '{}')",
        partition,
        newest + 1 if seq is None else seq,
    )
    error = await finding(to)
    assert (error.ledger, error.partition) == (LEDGER, partition)
    assert "principal = 'carol' outcome = 'assent.approval-given.v1' request = '1-0'" in error.what


async def test_R16_record_whose_row_was_deleted_is_named(to: LogAccess, db: asyncpg.Connection) -> None:
    await db.execute("delete from audit where ledger = 'assent.governance' and seq = 3")
    error = await finding(to)
    assert (error.ledger, error.seq, error.what) == (GOVERNANCE, 3, "the audit table does not have it")


async def test_table_that_is_behind_is_reported_and_not_a_finding(
    to: LogAccess, db: asyncpg.Connection
) -> None:
    await db.execute(
        "delete from audit where ledger = 'assent.ledger' and partition = 1;"
        " delete from positions where reader = 'audit' and ledger = 'assent.ledger' and partition = 1"
    )
    assert any("does not have yet" in each for each in (await verify_live(to)).not_checked)


async def test_kafka_restored_to_an_older_state_is_named_with_both_positions(
    to: LogAccess, replace_ledger: Callable, log: Log, tmp_path: Path
) -> None:
    whole = await replace_ledger([])
    of_one = [each for each in whole if each.partition == 1]
    await replace_ledger([each for each in whole if each is not of_one[-1]])
    error = await finding(to)
    assert (error.ledger, error.partition, error.seq) == (LEDGER, 1, len(of_one) - 1)
    assert "Postgres (position of audit) knows it" in error.what
    ends, known = len(of_one) - 1, len(of_one)
    assert f"ends at offset {ends} and was known up to offset {known}" in error.what
    assert error.todo
    with pytest.raises(FindingError, match="Postgres"):
        await export_held(to, tmp_path / "export")
    assert not (tmp_path / "export").exists()


async def test_recreated_ledger_is_named(to: LogAccess, replace_ledger: Callable, tmp_path: Path) -> None:
    await replace_ledger([])
    assert "is the last that is there" in (await finding(to)).what
    with pytest.raises(FindingError):
        await export_held(to, tmp_path / "export")


async def test_ledger_whose_first_records_were_deleted_is_named(
    to: LogAccess, replace_ledger: Callable, log: Log, tmp_path: Path
) -> None:
    await replace_ledger(await replace_ledger([]))
    await delete_before(log, LEDGER, 1, 2)
    error = await finding(to)
    assert (error.partition, error.seq) == (1, 0)
    assert "begins at offset 2" in error.what
    with pytest.raises(FindingError, match="begins at offset 2"):
        await export_held(to, tmp_path / "export")
    assert not (tmp_path / "export").exists()


@pytest.mark.skipif(chosen_stack() == "containers", reason="needs the broker's folder")
async def test_bit_flip_on_the_broker_s_disk_is_named(
    to: LogAccess, log: Log, tmp_path_factory: pytest.TempPathFactory
) -> None:
    [segment] = tmp_path_factory.getbasetemp().glob(f"stack0/kafka/{LEDGER}-1/00000000000000000000.log")
    content = segment.read_bytes()
    at = content.index(b'"seq":0')
    _write_at(segment, at, bytes([content[at] ^ 1]))
    try:
        error = await finding(to)
    finally:
        _write_at(segment, at, content[at : at + 1])
    assert (error.partition, error.seq) == (1, 0)
    assert "its bytes were altered on the broker's disk" in error.what
    await verify_live(to)


def _write_at(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


async def test_head_kept_by_an_auditor_is_expected(to: LogAccess, log: Log) -> None:
    records = await records_of(log, LEDGER, 1)
    head = ExpectedHead(ledger="ledger", partition=1, seq=len(records), sha256="0" * 64)
    error = await finding(to, Expected(identity=log.identity, heads=(head,)))
    assert (error.partition, error.seq) == (1, len(records))
    assert "the file of --expect knows it" in error.what


@pytest.mark.parametrize("signer", ["writer-1", "alice"])
async def test_signed_head_beyond_the_ledger_is_named_if_a_writer_has_signed_it(
    to: LogAccess, log: Log, signer: str
) -> None:
    seq = len(await records_of(log, GOVERNANCE, 0))
    head = SignedHead(
        ledger="governance",
        partition=0,
        seq=seq,
        sha256="0" * 64,
        next_offset=seq + 1,
        next_input=0,
        at=0,
        epoch=1,
    )
    value = encode_head(head)
    key = log.keys.get(signer, log.writer)
    sealing = to_base64url(key.sign(head_message(log.identity, value))).encode()
    headers = [(WRITER_HEADER, log.writer.id.encode()), (SEAL_HEADER, sealing)]
    producer = await open_producer(log.connection)
    try:
        await producer.send_and_wait(HEADS, value, topic_key("governance", 0), headers=headers)
        if signer == log.writer.id:
            error = await finding(to)
            assert (error.ledger, error.seq) == (GOVERNANCE, seq)
            assert "a head that writer-1 has signed knows it" in error.what
        else:
            await verify_live(to)
    finally:
        await producer.stop()
        await delete_topics(log.connection, [HEADS])
        await apply_topics(log.connection, partitions=PARTITIONS)


async def test_skipped_command_is_named_and_a_transaction_marker_is_not(to: LogAccess, log: Log) -> None:
    offsets = [each.offset for each in await records_of(log, COMMANDS, 1)]
    marker = next(offset for offset in range(offsets[-1]) if offset not in offsets)
    await must_be_markers(log.connection, "ledger", 1, [InputGap(3, marker, marker + 1)])
    before = offsets[offsets.index(marker - 1)]
    with pytest.raises(FindingError) as found:
        await must_be_markers(log.connection, "ledger", 1, [InputGap(3, before, marker + 1)])
    assert f"a record at {before} of {COMMANDS}/1 was skipped" in found.value.what
    beyond = offsets[-1] + 1
    with pytest.raises(FindingError, match="no longer has it"):
        await must_be_markers(log.connection, "ledger", 1, [InputGap(3, beyond, beyond + 5)])
    await verify_live(to)
    await delete_before(log, COMMANDS, 1, marker + 1)
    assert "no longer has it" in (await finding(to)).what
