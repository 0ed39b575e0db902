"""An older Kafka is put back under everything: what one sees, and the way back of infra/restore.md."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from assent.infra_files import infra_path
from assent.observe.readiness import readiness
from tests.support.cli import Cli, Up

_LIMIT_S = 150


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    founded = Cli(tmp_path / "data")
    assert founded("init", str(infra_path("demo/governance.toml")), "--make-keys").code == 0
    return founded


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


@pytest.mark.timeout(500)
def test_a_loss_of_governance_can_be_accepted_under_a_newer_postgres(cli: Cli, tmp_path: Path) -> None:
    """Seen: the acceptance took the seq of the lost record, and notify stayed not ready for ever."""
    key = str(cli.data / "keys" / "recovery.key")
    up = Up(cli, tmp_path / "up.txt")
    try:
        request = cli.submit("script/one.sh", b"x", "--text")
        cli.until_status(request, "needs_approval")
    finally:
        assert up.stop() == 0
    older = tmp_path / "older"
    copy(cli, older, "kafka")
    up = Up(cli, tmp_path / "up.txt")
    try:
        assert cli("keys", "revoke", "--all-of", "erin", "--as", "bob").code == 0
        assert cli("cancel", request, "--as", "device-config").code == 0
        cli.until_status(request, "canceled")
    finally:
        assert up.stop() == 0
    put_back(cli, older, "kafka")

    done = cli("restore", "accept", "--recovery-key", key, "--yes", limit_s=_LIMIT_S)
    assert done.code == 0, done
    assert cli("restore", "rebuild", "--yes", limit_s=_LIMIT_S).code == 0
    up = Up(cli, tmp_path / "up.txt")
    try:
        # It ended in what was given up, and is open again: notify needs to know it.
        assert cli("cancel", request, "--as", "device-config").code == 0
        cli.until_status(request, "canceled")
        verified = cli("audit", "verify", limit_s=_LIMIT_S)
        assert verified.code == 0, verified
        notify = json.loads((cli.data / "env.json").read_text())["values"]["http.notify"]
        assert readiness(notify).missing == {}
        assert cli("doctor").code == 0
    finally:
        assert up.stop() == 0


def copy(cli: Cli, to: Path, *parts: str) -> None:
    """Of what is down."""
    to.mkdir()
    for part in parts or ("kafka", "postgres"):
        # With owners and modes: Postgres runs as another user where tests run as root.
        subprocess.run(["cp", "-a", "--", cli.data / part, to / part], check=True)


def put_back(cli: Cli, older: Path, *parts: str) -> None:
    """In the place of what is there."""
    for part in parts or ("kafka", "postgres"):
        shutil.rmtree(cli.data / part)
        subprocess.run(["cp", "-a", "--", older / part, cli.data / part], check=True)


def with_up(cli: Cli, folder: Path, *resources: str) -> None:
    """Everything up for as long as these are submitted."""
    up = Up(cli, folder / "up.txt")
    try:
        for resource in resources:
            cli.until_status(cli.submit(resource, b"x", "--text"), "needs_approval")
    finally:
        assert up.stop() == 0
