"""A log is founded on a cluster as on the embedded Kafka: by the commands, with ASSENT_KAFKA set."""

import asyncio
from pathlib import Path

from assent.infra_files import infra_path
from assent_contracts.client.connection import Connection
from assent_contracts.client.keys import load_key
from tests.support.cli import Cli
from tests.support.containers import Endpoints
from tests.support.log import Log, deciding, delete_topics, following, publishing


async def test_topics_and_log_are_created_on_the_configured_cluster(
    running: Endpoints, tmp_path: Path
) -> None:
    await delete_topics(Connection(bootstrap=running.bootstrap))
    cli = Cli(tmp_path / "data", env={"ASSENT_KAFKA": running.bootstrap})
    founding = ("init", str(infra_path("demo/governance.toml")), "--make-keys", "--json")
    too_early = await asyncio.to_thread(cli, *founding)
    assert too_early.code == 1, too_early
    assert "assent topics apply" in too_early.err
    made = await asyncio.to_thread(
        cli, "topics", "apply", "--partitions", "4", "--replication-factor", "1", "--json"
    )
    assert len(made.json["created"]) == 7
    other = await asyncio.to_thread(cli, *founding, "--partitions", "24")
    assert other.code == 1, other
    assert "The topics have 4 partitions, and this log would have 24." in other.err
    assert not (cli.data / "keys").exists()
    # Without --partitions it has as many as its topics.
    founded = await asyncio.to_thread(cli, *founding)
    assert founded.code == 0, founded
    again = await asyncio.to_thread(Cli(tmp_path / "other", env=cli.env), *founding)
    assert again.code == 2, again
    keys = {path.stem: load_key(path) for path in (cli.data / "keys").glob("*.key")}
    log = Log(
        Connection(bootstrap=running.bootstrap), founded.json["identity"], keys["writer"], keys, cli.data
    )
    async with following(log) as follower, deciding(log, follower), publishing(log, follower) as actor:
        request = await actor.opened("script/on-the-cluster.sh")
        assert (await actor.approve(request)).refusal is None


async def test_rights_on_brokers_without_an_authorizer_are_refused_with_what_to_set(
    running: Endpoints, tmp_path: Path
) -> None:
    cli = Cli(tmp_path / "data", env={"ASSENT_KAFKA": running.bootstrap})
    applied = await asyncio.to_thread(cli, "acls", "apply", "--dry-run")
    assert applied.code == 1, applied
    assert "authorizer.class.name" in applied.err
