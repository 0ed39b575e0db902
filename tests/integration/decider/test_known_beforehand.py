"""A publishing command knows what the decider's file in --data and Postgres know."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
import pytest_asyncio

from assent.cli.connection.log_access import LogAccess
from assent.cli.connection.publishers import publishing, publishing_changes
from assent.cli.options import Options
from assent.decider.heads_file import HeadsFileError, heads_file, write_heads_file
from assent.decider.writer_key_check import load_writer_key
from assent.founding.first_records import WRITER_KEY
from assent_contracts.client.heads_topic import signed_head
from assent_contracts.client.publisher import NotPublishedError, new_command_id, now_ms
from assent_contracts.commands import SubmitChange
from assent_contracts.governance_changes import DisablePrincipal
from assent_contracts.heads import SignedHead
from assent_contracts.partitioner import partition_for
from assent_contracts.topics import LEDGER, LedgerName
from tests.support.containers import Endpoints
from tests.support.gateway import migrated
from tests.support.log import PARTITIONS, UPSTREAM, Actor, Log
from tests.support.losses import known_beyond

RESOURCE: Final = "script/known.sh"
PARTITION: Final = partition_for(RESOURCE.encode(), PARTITIONS)
_WITHIN_S: Final = 10


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """For commands whose --data has no decider's file yet."""
    return Options(data=tmp_path)


@pytest_asyncio.fixture
async def to(running: Endpoints, log: Log, actor: Actor) -> AsyncIterator[LogAccess]:
    """The module's log, with a decider that answers, and empty tables."""
    async with migrated(running.dsn) as dsn:
        yield LogAccess(log.connection, log.identity, dsn)


def keep_beyond(log: Log, options: Options, ledger: LedgerName, partition: int) -> Path:
    """The decider's file knows of more records of a partition than there are."""
    head = SignedHead(
        ledger=ledger,
        partition=partition,
        seq=99_999,
        sha256="ab" * 32,
        next_offset=100_000,
        next_input=100_000,
        at=1,
        epoch=1,
    )
    file = heads_file(options.data / "state" / "decider", log.identity)
    write_heads_file(file, [signed_head(load_writer_key(log.folder / WRITER_KEY), log.identity, head)])
    return file


async def submit(to: LogAccess, log: Log, options: Options) -> None:
    """A change to RESOURCE, as `assent submit` sends it."""
    async with asyncio.timeout(_WITHIN_S), publishing(to, "tests", options) as publisher:
        command = SubmitChange(
            id=new_command_id(),
            principal=UPSTREAM,
            at=now_ms(),
            resource=RESOURCE,
            operation="edit",
            justification="It is needed.",
            payload=msgspec.Raw(b'"echo hello"'),
        )
        await publisher.send(command, log.keys[UPSTREAM], timeout_s=_WITHIN_S)


async def disable(to: LogAccess, log: Log, options: Options) -> None:
    """A change to governance, as `assent principals disable` sends it."""
    async with asyncio.timeout(_WITHIN_S), publishing_changes(to, "tests", options) as publisher:
        await publisher.send(DisablePrincipal(principal="nobody"), log.keys["bob"], timeout_s=_WITHIN_S)


async def test_nothing_is_published_to_a_partition_of_which_the_decider_s_file_knows_more(
    to: LogAccess, log: Log, options: Options
) -> None:
    await submit(to, log, options)
    keep_beyond(log, options, "ledger", PARTITION)
    with pytest.raises(NotPublishedError, match=rf"{LEDGER}/{PARTITION} ends at offset .* offset 100,000"):
        await submit(to, log, options)
    # In another partition it continues: nothing is missing there.
    keep_beyond(log, options, "ledger", (PARTITION + 1) % PARTITIONS)
    await submit(to, log, options)


async def test_nothing_at_all_is_published_if_the_file_knows_more_of_governance(
    to: LogAccess, log: Log, options: Options
) -> None:
    await disable(to, log, options)
    keep_beyond(log, options, "governance", 0)
    for publish in (submit, disable):
        with pytest.raises(NotPublishedError, match=r"assent\.governance/0 ends at offset"):
            await publish(to, log, options)


async def test_nothing_is_published_to_a_partition_beyond_which_postgres_has_a_signed_head(
    to: LogAccess, log: Log, options: Options
) -> None:
    async with known_beyond(log, to.dsn, PARTITION):
        with pytest.raises(NotPublishedError, match="ends at offset"):
            await submit(to, log, options)


async def test_changes_to_governance_need_no_postgres(
    to: LogAccess, log: Log, options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    away = LogAccess(to.connection, to.identity, "postgresql://127.0.0.1:1/none")
    await disable(away, log, options)
    assert "Postgres does not answer" in capsys.readouterr().err


async def test_broken_file_is_named_and_nothing_is_published(
    to: LogAccess, log: Log, options: Options
) -> None:
    keep_beyond(log, options, "ledger", PARTITION).write_bytes(b"[{")
    with pytest.raises(HeadsFileError, match="cannot be read"):
        await submit(to, log, options)
