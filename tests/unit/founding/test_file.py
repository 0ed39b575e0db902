"""The governance file: its form, with the place of what is wrong (R2), and durations."""

from pathlib import Path

import pytest

from assent.cli import output
from assent.founding.file import (
    GovernanceFileError,
    SettingsTable,
    parse_governance_file,
    read_governance_file,
    settings_of,
)
from assent.founding.found import FoundingRefusedError, founding_links, keys_to_make, save_keys
from assent.infra_files import infra_path
from assent_contracts.client.keys import SecretKey
from tests.support.in_process import assent

GOVERNANCE = infra_path("demo/governance.toml")
KEY = '[[keys]]\nid = "{}"\nprincipal = "{}"\npublic_key = "{}"\n'
PUBLIC = SecretKey("k", "bob").public
SETTINGS = "[settings]\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SETTINGS, "[settings\n", "at line 3"),
        ('kind = "service"', 'kind = "robot"', "[[principals]] number 6, kind: Invalid enum value 'robot'"),
        ('expiry = "30d"', 'expires = "30d"', "[settings]: Object contains unknown field `expires`"),
        ('expiry = "30d"', 'expiry = "30 days"', "settings.expiry: '30 days' is no duration like 30d"),
        ('unprotected = "refuse"', 'unprotected = "x"', "[settings], unprotected: Invalid enum value 'x'"),
        ('"carol", "dave"]', '"carol", "eve"]', "group 'security': malformed"),
        ("quorum = 2", "quorum = 3", "policy 'apps': policy-unsatisfiable"),
        ("quorum = 2", "quorum = 0", "[[policies]] number 2, quorum: Expected `int` >= 1"),
        ('["alice-admin", "bob"]', '["bob"]', "R3"),
        ('["alice-admin", "bob"]', '["alice-admin", "alice"]', "R3"),
        ("quorum = 2", 'excluded_groups = ["interns"]', "(R2)"),
        ('kind = "service"', 'kind = "service"\nperson = "x.y"', "a service has none"),
        (
            SETTINGS,
            KEY.format("k1", "bob", PUBLIC) + KEY.format("k2", "carol", PUBLIC) + SETTINGS,
            "the same key",
        ),
        (
            SETTINGS,
            KEY.format("k1", "bob", PUBLIC) * 2 + SETTINGS,
            "[[keys]]: the id 'k1' stands there twice",
        ),
        ('id = "security"', 'id = "endpoint-admins"', "[[groups]]: the id 'endpoint-admins'"),
        ('name = "Scripts that run on devices"', 'name = ""', "policy 'scripts': policy-invalid"),
        ('id = "dave"', 'id = "writer"', "no key file can be called so"),
        ('id = "dave"', 'id = "../dave"', "no key file can be called so"),
    ],
)
def test_init_refuses_it_with_the_place_and_leaves_nothing(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    old: str,
    new: str,
    said: str,
) -> None:
    monkeypatch.setattr(output, "_consoles", {})
    monkeypatch.delenv("COLUMNS", raising=False)
    file, data = tmp_path / "governance.toml", tmp_path / "data"
    text = GOVERNANCE.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    answer = assent(capsys, "init", str(file), "--make-keys", "--data", str(data))
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.startswith(str(file))
    assert not data.exists()


@pytest.mark.parametrize("content", [b"\xff", b"a = \0", b"a = " + b"[" * 5_000, b"principals = 3"], ids=repr)
def test_what_is_no_governance_file_is_refused(content: bytes) -> None:
    with pytest.raises(GovernanceFileError, match=r"^f\.toml"):
        parse_governance_file(content[:10_000], "f.toml")


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(GovernanceFileError, match="cannot be read"):
            read_governance_file(path)


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [("1000ms", 1_000), ("1s", 1_000), ("5m", 300_000), ("12h", 43_200_000), ("30d", 2_592_000_000)],
)
def test_durations(text: str, expected_ms: int) -> None:
    assert settings_of(SettingsTable(expiry=text)).expiry_ms == expected_ms


@pytest.mark.parametrize(
    "text", ["", "0d", "30", "30 d", "-1d", "1w", "1.5h", "999ms", "36501d", "9999999999d", "١d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(GovernanceFileError, match=r"settings\.expiry"):
        settings_of(SettingsTable(expiry=text))


def test_keys_that_are_there_are_taken_and_never_replaced(tmp_path: Path) -> None:
    """A retry after a failed founding, or `assent keys new` before it."""
    file = read_governance_file(GOVERNANCE)
    SecretKey("bob-of-old", "bob").save(tmp_path / "bob.key")
    made = keys_to_make(file, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bob.key"]
    assert made["bob"][0].id == "bob-of-old"
    save_keys({tmp_path / f"{name}.key": secret for name, (_, secret) in made.items()})
    again = keys_to_make(file, tmp_path)
    assert {name: key for name, (key, _) in again.items()} == {name: key for name, (key, _) in made.items()}
    (tmp_path / "bob.key").rename(tmp_path / "carol.key")
    with pytest.raises(GovernanceFileError, match="move it away"):
        keys_to_make(file, tmp_path)


def test_empty_file_founds_nothing() -> None:
    """R1: without a policy every change would be refused."""
    file = parse_governance_file(b"", "f.toml")
    with pytest.raises(FoundingRefusedError, match="name at least one"):
        founding_links(file, writers={"w": PUBLIC}, partitions=4, made_keys={}, at_ms=0)
