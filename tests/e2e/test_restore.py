"""An older Kafka is put back under everything: what one sees, and the way back of infra/restore.md."""

import shutil
from pathlib import Path

import pytest

from assent.infra_files import infra_path
from tests.support.cli import Cli, Up


@pytest.mark.timeout(400)
def test_an_older_kafka_is_named_and_the_loss_can_be_accepted(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "data")
    assert cli("init", str(infra_path("demo/governance.toml")), "--make-keys").code == 0
    recovery = cli.data / "keys" / "recovery.key"
    with_up(cli, tmp_path, "script/one.sh", "script/two.sh")
    older = tmp_path / "older"
    shutil.copytree(cli.data / "kafka", older)
    assert cli("restore", "accept", "--recovery-key", str(recovery), "--yes").code == 2
    with_up(cli, tmp_path, "script/three.sh", "script/four.sh")
    shutil.rmtree(cli.data / "kafka")
    shutil.copytree(older, cli.data / "kafka")

    refused = cli("up", limit_s=150)
    assert refused.code == 1
    assert "ends at offset" in refused.err
    assert "assent restore accept" in refused.err
    shown = cli("restore", "accept", "--recovery-key", str(recovery), "--dry-run")
    assert shown.code == 0, shown
    assert "records given up" in shown.out
    done = cli("restore", "accept", "--recovery-key", str(recovery), "--yes", "--json")
    assert done.code == 0, done
    rebuilt = cli("restore", "rebuild", "--yes")
    assert rebuilt.code == 0, rebuilt

    up = Up(cli, tmp_path / "up.txt")
    try:
        assert "script/three.sh" not in cli("requests").out
        # What was given up is asked for again.
        cli.until_status(cli.submit("script/three.sh", b"x", "--text"), "needs_approval")
        assert cli("doctor").code == 0
        assert cli("audit", "verify").code == 0
    finally:
        assert up.stop() == 0


def with_up(cli: Cli, folder: Path, *resources: str) -> None:
    """Everything up for as long as these are submitted."""
    up = Up(cli, folder / "up.txt")
    try:
        for resource in resources:
            cli.until_status(cli.submit(resource, b"x", "--text"), "needs_approval")
    finally:
        assert up.stop() == 0
