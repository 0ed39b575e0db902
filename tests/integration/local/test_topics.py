"""Topics on a real broker: wrong settings are named and corrected, surplus partitions are reported."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from assent.cli.diagnosis.examination import examine
from assent.cli.options import Options
from assent.ledger.topic_creation import TopicsError, apply_topics
from assent.ledger.topic_state import topic_specs, topic_states
from assent_contracts.topics import COMMANDS, LEDGER
from tests.support.containers import Endpoints, chosen_stack
from tests.support.log import PARTITIONS, Log, fresh_log
from tests.support.stack import migrated_database, until

_FORGETS = {"retention.ms": "604800000", "cleanup.policy": "compact", "segment.bytes": "20971520"}


@pytest_asyncio.fixture
async def log(running: Endpoints, tmp_path: Path) -> Log:
    """A log of the test's own, because what is done to its topics would disturb others."""
    return await fresh_log(running.bootstrap, tmp_path)


@pytest.fixture
async def admin(log: Log) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**log.connection.options())
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def options(log: Log, running: Endpoints, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Options:
    """The settings of an operator of a cluster."""
    dsn = await migrated_database(running.dsn, "topics")
    for name, value in (("KAFKA", log.connection.bootstrap), ("IDENTITY", log.identity), ("POSTGRES", dsn)):
        monkeypatch.setenv(f"ASSENT_{name}", value)
    return Options(data=tmp_path)


async def forgetful(admin: AIOKafkaAdminClient) -> None:
    """A ledger that keeps one week, and of that only the newest record of each key."""
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, LEDGER, _FORGETS)])

    async def is_set() -> bool:
        return (await settings(admin))["cleanup.policy"] == "compact"

    await until(is_set)


async def settings(admin: AIOKafkaAdminClient) -> dict[str, str | None]:
    return (await topic_states(admin, [LEDGER]))[LEDGER].settings


async def wrong(options: Options) -> dict[str, str]:
    """The findings of doctor, and their reasons."""
    return {each.what: each.why for each in await examine(options) if not each.ok}


async def test_ledger_with_limited_retention_is_named_by_doctor_and_corrected_by_apply(
    log: Log, admin: AIOKafkaAdminClient, options: Options
) -> None:
    assert await wrong(options) == {}
    await forgetful(admin)
    named = await wrong(options)
    assert named[f"{LEDGER}: retention.ms = -1"] == "It is 604800000."
    assert named[f"{LEDGER}: cleanup.policy = delete"] == "It is compact."
    applied = await apply_topics(log.connection, partitions=PARTITIONS)
    assert {(each.setting, each.found, each.must) for each in applied.changed} >= {
        ("retention.ms", "604800000", "-1"),
        ("cleanup.policy", "compact", "delete"),
    }
    has = await settings(admin)
    assert (has["retention.ms"], has["cleanup.policy"]) == ("-1", "delete")
    assert has["segment.bytes"] == _FORGETS["segment.bytes"]
    assert await wrong(options) == {}
    again = await apply_topics(log.connection, partitions=PARTITIONS)
    assert (again.created, again.changed, again.partitions) == ([], [], [])


async def test_dry_run_names_what_is_wrong_and_leaves_it(log: Log, admin: AIOKafkaAdminClient) -> None:
    await forgetful(admin)
    applied = await apply_topics(log.connection, partitions=PARTITIONS, dry_run=True)
    assert {each.setting for each in applied.changed} >= {"retention.ms", "cleanup.policy"}
    assert (await settings(admin))["cleanup.policy"] == "compact"
    await apply_topics(log.connection, partitions=PARTITIONS)


async def test_surplus_partitions_are_named_by_doctor_and_by_apply_with_the_remedy(
    log: Log, admin: AIOKafkaAdminClient, options: Options
) -> None:
    await admin.create_partitions({COMMANDS: NewPartitions(total_count=PARTITIONS + 4)})

    async def are_there() -> bool:
        return (await topic_states(admin, [COMMANDS]))[COMMANDS].partitions == PARTITIONS + 4

    await until(are_there)
    assert list(await wrong(options)) == [f"{COMMANDS} is whole"]
    applied = await apply_topics(log.connection, partitions=PARTITIONS)
    [difference] = applied.partitions
    assert difference.surplus
    with pytest.raises(TopicsError, match="partitions is 8, and must be 4"):
        applied.must_fit()


@pytest.mark.skipif(chosen_stack() == "containers", reason="a cluster has copies instead")
async def test_embedded_broker_flushes_each_batch_before_it_is_acknowledged(
    admin: AIOKafkaAdminClient,
) -> None:
    states = await topic_states(admin, topic_specs())
    assert {state.settings["flush.messages"] for state in states.values()} == {"1"}
