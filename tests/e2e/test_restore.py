"""Older copies are restored under a running system: what users see, and docs/how-to/restore.md."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from assent.infra_files import infra_path
from assent.observe.readiness import readiness
from tests.support.cli import Cli, Up

pytestmark = [pytest.mark.long, pytest.mark.timeout(500)]
_LIMIT_S = 150


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    founded = Cli(tmp_path / "data")
    assert founded("init", str(infra_path("demo/governance.toml")), "--make-keys").code == 0
    return founded


def test_older_kafka_is_named_and_the_loss_can_be_accepted(cli: Cli, tmp_path: Path) -> None:
    key = str(cli.data / "keys" / "recovery.key")
    with_up(cli, tmp_path, "script/one.sh", "script/two.sh")
    older, newer = tmp_path / "older", tmp_path / "newer"
    copy(cli, older)
    assert cli("restore", "accept", "--recovery-key", key, "--yes").code == 2
    with_up(cli, tmp_path, "script/three.sh", "script/four.sh")
    copy(cli, newer, "postgres")

    # Both are older: only the decider's file knows more.
    restore(cli, older)
    up = Up(cli, tmp_path / "up.txt", says="ends at offset")
    try:
        assert "assent restore accept" in up.log.read_text()
        verified = cli("audit", "verify", limit_s=_LIMIT_S)
        assert (verified.code, "in the decider's file" in verified.err) == (2, True), verified
        assert_told_once(cli)
        begun = time.monotonic()
        given = ("submit", "script/three.sh", "-", "--text", "-j", "again", "--as", "device-config")
        unsent = cli(*given, "--timeout", "60", stdin=b"x", limit_s=_LIMIT_S)
        assert (unsent.code, unsent.err.startswith("Nothing was sent: assent.ledger/")) == (1, True), unsent
        assert time.monotonic() - begun < 60
        for refused in (("accept", "--recovery-key", key, "--yes"), ("rebuild", "--yes")):
            answer = cli("restore", *refused, limit_s=_LIMIT_S)
            assert (answer.code, "stop it first" in answer.err) == (2, True), answer
        lines = [line for line in up.lines() if "ends at offset" in line and "known up to" in line]
        assert len(lines) == len({line.split()[0] for line in lines}), lines
    finally:
        assert up.stop() == 0

    # Postgres is newer: it names what is given up, and is not emptied before that.
    restore(cli, newer, "postgres")
    early = cli("restore", "rebuild", "--yes", limit_s=_LIMIT_S)
    assert (early.code, "accept the loss first" in early.err) == (2, True), early
    wrong = str(cli.data / "keys" / "bob.key")
    other = cli("restore", "accept", "--recovery-key", wrong, "--dry-run", limit_s=_LIMIT_S)
    assert (other.code, "is not the recovery key" in other.err) == (2, True), other
    shown = cli("restore", "accept", "--recovery-key", key, "--dry-run", limit_s=_LIMIT_S)
    assert shown.code == 0, shown
    assert "records given up" in shown.out
    for lost in ("three", "four"):
        assert f"script/{lost}.sh: needs_approval" in shown.out
    assert "script/one.sh" not in shown.out
    done = cli("restore", "accept", "--recovery-key", key, "--yes", "--json", limit_s=_LIMIT_S)
    assert done.code == 0, done
    assert done.json["plan"]["named"]["requests_count"] == 2
    rebuilt = cli("restore", "rebuild", "--yes", limit_s=_LIMIT_S)
    assert rebuilt.code == 0, rebuilt

    up = Up(cli, tmp_path / "up.txt")
    try:
        assert "script/three.sh" not in cli("requests").out
        # What was given up is requested again.
        cli.until_status(cli.submit("script/three.sh", b"x", "--text"), "needs_approval")
        assert cli("doctor").code == 0
        expected = tmp_path / "heads.json"
        expected.write_text(cli("audit", "heads").out)
        assert cli("audit", "verify", "--expect", str(expected)).code == 0
    finally:
        assert up.stop() == 0

    # A copy of Postgres from before the acceptance: the log has nothing to restore.
    restore(cli, newer, "postgres")
    up = Up(cli, tmp_path / "up.txt", says="what came after that is given up")
    try:
        assert "Restore the newest copy of Kafka's data" not in up.log.read_text()
    finally:
        assert up.stop() == 0
    assert cli("restore", "rebuild", "--yes", limit_s=_LIMIT_S).code == 0
    up = Up(cli, tmp_path / "up.txt")
    try:
        assert cli("doctor").code == 0
    finally:
        assert up.stop() == 0


def test_loss_of_governance_can_be_accepted_under_a_newer_postgres(cli: Cli, tmp_path: Path) -> None:
    """Regression: the acceptance took the seq of the lost record, and notify was never ready again."""
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
    restore(cli, older, "kafka")

    done = cli("restore", "accept", "--recovery-key", key, "--yes", limit_s=_LIMIT_S)
    assert done.code == 0, done
    assert "revoke" in done.out.partition("Requests that lose something")[0]
    assert f"{request} script/one.sh: canceled" in done.out
    assert cli("restore", "rebuild", "--yes", limit_s=_LIMIT_S).code == 0
    up = Up(cli, tmp_path / "up.txt")
    try:
        # It ended in what was given up and is open again: notify needs to know about it.
        assert cli("cancel", request, "--as", "device-config").code == 0
        cli.until_status(request, "canceled")
        verified = cli("audit", "verify", limit_s=_LIMIT_S)
        assert verified.code == 0, verified
        notify = json.loads((cli.data / "env.json").read_text())["values"]["http.notify"]
        assert readiness(notify).missing == {}
        assert cli("doctor").code == 0
    finally:
        assert up.stop() == 0


def assert_told_once(cli: Cli) -> None:
    """The loss comes first, for the ledgers and for the commands, and nothing else is wrong."""
    deadline = time.monotonic() + _LIMIT_S
    # Services that are still starting are another matter.
    while (out := cli("doctor", limit_s=_LIMIT_S).out).count("WRONG") > 2:
        assert time.monotonic() < deadline, out
    assert out.startswith("✘ WRONG"), out
    lost = re.findall(r"(assent\.\S+/\d+) ends at offset .* was known up to offset", out)
    assert lost
    assert len(lost) == len(set(lost)), out
    assert "more checks fail because of this alone: decider (" in out
    findings = cli("doctor", "--json", limit_s=_LIMIT_S).json
    follow = [each for each in findings if each["follows_from"]]
    assert {each["fault"] for each in findings} >= {each["follows_from"] for each in follow}
    assert {"decider", "applier"} <= {each["service"] for each in follow}
    assert all(each["why"] and each["remedy"] and not each["ok"] for each in follow)


def copy(cli: Cli, to: Path, *parts: str) -> None:
    """While its server is stopped."""
    to.mkdir()
    for part in parts or ("kafka", "postgres"):
        # With owners and modes, because Postgres runs as another user where tests run as root.
        subprocess.run(["cp", "-a", "--", cli.data / part, to / part], check=True)


def restore(cli: Cli, older: Path, *parts: str) -> None:
    """Replaces what is there."""
    for part in parts or ("kafka", "postgres"):
        shutil.rmtree(cli.data / part)
        subprocess.run(["cp", "-a", "--", older / part, cli.data / part], check=True)


def with_up(cli: Cli, folder: Path, *resources: str) -> None:
    """Everything runs while these are submitted."""
    up = Up(cli, folder / "up.txt")
    try:
        for resource in resources:
            cli.until_status(cli.submit(resource, b"x", "--text"), "needs_approval")
    finally:
        assert up.stop() == 0
