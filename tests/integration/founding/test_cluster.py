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
    made = await asyncio.to_thread(
        cli, "topics", "apply", "--partitions", "4", "--replication-factor", "1", "--json"
    )
    assert len(made.json["created"]) == 6
    founding = ("init", str(infra_path("demo/governance.toml")), "--make-keys", "--json")
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
