"""The writer's key is lost: what `assent` reports, and how the recovery key repairs the log."""

from pathlib import Path

from assent.infra_files import infra_path
from assent_contracts.client.keys import SecretKey
from tests.support.cli import Cli, Up

ANOTHER_KEY = SecretKey("another", "nobody").public


def test_log_whose_writer_key_was_lost_is_recovered_with_the_recovery_key(tmp_path: Path) -> None:
    """Regression: with a new key, as the message advised, all was ready and healthy but decided nothing."""
    cli = Cli(tmp_path / "data")
    founded = cli("init", str(infra_path("demo/governance.toml")), "--make-keys")
    assert founded.code == 0, founded
    assert "keep it offline" in founded.err
    writer, recovery = cli.data / "keys" / "writer.key", tmp_path / "usb" / "recovery.key"
    recovery.parent.mkdir()
    (cli.data / "keys" / "recovery.key").rename(recovery)

    writer.unlink()
    lost = cli("up")
    assert lost.code == 1, lost
    assert "assent writers recover" in lost.err
    made = cli("keys", "new", "decider", "--id", "writer-2", "--out", str(writer), "--json")
    assert made.code == 0, made
    public = made.json["public_key"]
    unlisted = cli("up")
    assert unlisted.code == 1, unlisted
    assert "is not a writer of this log" in unlisted.err

    recover = ("writers", "recover", public, "--id", "writer-2", "--retire-all", "--recovery-key")
    recovered = cli(*recover, str(recovery), "--json")
    assert recovered.code == 0, recovered
    assert recovered.json["writers"] == ["writer-2"]

    up = Up(cli, tmp_path / "up.txt")
    try:
        listed = {each["id"]: each["retired"] for each in cli("writers", "list", "--json").json}
        assert listed == {"writer-1": True, "writer-2": False}
        cli.submit("script/after.sh", b"x", "--text")
        alone = cli("writers", "retire", "writer-2", "--dry-run", "--as", "bob")
        assert (alone.code, "last-writer" in alone.err) == (2, True)
        dry = cli("writers", "add", ANOTHER_KEY, "--id", "writer-3", "--dry-run", "--as", "bob")
        assert dry.code == 0, dry
        assert "Add the writer writer-3" in dry.out
        assert "it concerns who writes the log" in dry.out
        ended = cli("keys", "revoke", "--all-of", "erin", "--as", "bob")
        assert ended.code == 0, ended
        assert cli("doctor").code == 0
    finally:
        assert up.stop() == 0
