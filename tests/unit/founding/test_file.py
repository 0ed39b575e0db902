"""The governance file: its form, with the place of each error (R2), and durations."""

from pathlib import Path

import pytest

from assent.cli import output
from assent.founding.first_records import FoundingRefusedError, founding_links, keys_to_make, save_keys
from assent.founding.governance_file import (
    GovernanceFileError,
    SettingsTable,
    parse_governance_file,
    read_governance_file,
)
from assent.founding.table_meaning import policy_of, settings_of
from assent.infra_files import infra_path
from assent_contracts.access_policies import ApprovalRule
from assent_contracts.client.keys import SecretKey
from assent_contracts.governance_objects import Settings
from tests.support.in_process_cli import assent

GOVERNANCE = infra_path("demo/governance.toml")
KEY = '[[keys]]\nid = "{}"\nprincipal = "{}"\npublic_key = "{}"\n'
PUBLIC = SecretKey("k", "bob").public
RECOVERY_KEY = SecretKey("recovery", "recovery").public
SETTINGS = "[settings]\n"
APP = 'resource_type = "app"\n'
ADMINISTRATORS = '["alice-admin", "bob", "carol"]'
TO_TWO_PEOPLE = "Give the role administrator to two people under [[roles]]"
TWO_RULES = """approvals = [{ quorum = 2, groups = ["security"] }, { groups = ["endpoint-admins"] }]
rejections = 2
completion = "automatic"
expiry = "7d"
own_signature = true
settlements = 2"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SETTINGS, "[settings\n", "at line 5"),
        ('kind = "service"', 'kind = "robot"', "[[principals]] number 7, kind: Invalid enum value 'robot'"),
        ('expiry = "30d"', 'expires = "30d"', "[settings]: Object contains unknown field `expires`"),
        ('expiry = "30d"', 'expiry = "30 days"', "settings.expiry: '30 days' is not a duration like 30d"),
        ('unprotected = "refuse"', 'unprotected = "x"', "[settings], unprotected: Invalid enum value 'x'"),
        ('"carol", "dave", "erin"]', '"carol", "eve"]', "group 'security': unknown-object"),
        ("quorum = 2", "quorum = 4", "policy 'apps': policy-unsatisfiable"),
        ("quorum = 2", "quorum = 0", "policy 'apps': policy-unsatisfiable"),
        ("quorum = 2", "quorum = -1", "[[policies]] number 2, quorum: Expected `int` >= 0"),
        ("quorum = 2", "quorum = 101", "[[policies]] number 2, quorum: Expected `int` <= 100"),
        ("quorum = 2", "quorum = true", "[[policies]] number 2, quorum: Expected `int"),
        ("quorum = 2", 'quorum = "2"', "[[policies]] number 2, quorum: Expected `int"),
        ("quorum = 2", "quorum = 2.0", "[[policies]] number 2, quorum: Expected `int"),
        ("quorum = 2", 'approvals = [{ groups = ["security"] }]', "policy 'apps': give either approver"),
        ('approver_groups = ["security"]\n', "approvals = []\n", "policy 'apps': give either approver"),
        ('approver_groups = ["security"]\n', "", "policy 'apps': name its approvers"),
        ('approver_groups = ["security"]\nquorum = 2', "approvals = []", "policy 'apps': policy-invalid"),
        (APP, APP + 'expiry = "7 days"\n', "policy 'apps': expiry: '7 days' is not a duration"),
        (APP, APP + "settlements = 3\n", "settlements: Invalid enum value 3"),
        (APP, APP + "rejections = 0\n", "policy 'apps': policy-unsatisfiable"),
        (APP, APP + 'completion = "never"\n', "[[policies]] number 2, completion"),
        ("open_requests_max = 100000", "open_requests_max = 0", "[settings], open_requests_max"),
        ("vanish_max_percent = 20", "vanish_max_percent = 101", "[settings], vanish_max_percent"),
        (ADMINISTRATORS, '["bob"]', "too-few-administrators"),
        (ADMINISTRATORS, '["alice-admin", "alice"]', TO_TWO_PEOPLE),
        (ADMINISTRATORS, '["bob", "applier"]', TO_TWO_PEOPLE),
        ("quorum = 2", 'excluded_groups = ["interns"]', "(R2)"),
        ('id = "dave"', 'id = "founder"', "principal 'founder': id-taken"),
        ('kind = "service"', 'kind = "service"\nperson = "x.y"', "a service has none"),
        (
            SETTINGS,
            KEY.format("k1", "bob", PUBLIC) + KEY.format("k2", "carol", PUBLIC) + SETTINGS,
            "the same key",
        ),
        (
            SETTINGS,
            KEY.format("k1", "bob", PUBLIC) * 2 + SETTINGS,
            "[[keys]]: the id 'k1' appears twice",
        ),
        ('id = "security"', 'id = "endpoint-admins"', "[[groups]]: the id 'endpoint-admins'"),
        ('name = "Scripts that run on devices"', 'name = ""', "policy 'scripts': policy-invalid"),
        ('id = "dave"', 'id = "writer"', "no key file can have this name"),
        ('id = "dave"', 'id = "../dave"', "no key file can have this name"),
    ],
)
def test_init_refuses_an_invalid_file_with_the_place_and_leaves_nothing(
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
def test_invalid_governance_file_is_refused(content: bytes) -> None:
    with pytest.raises(GovernanceFileError, match=r"^f\.toml"):
        parse_governance_file(content[:10_000], "f.toml")


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(GovernanceFileError, match="cannot be read"):
            read_governance_file(path)


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [("1000ms", 1_000), ("1s", 1_000), ("5m", 300_000), ("12h", 43_200_000), ("30d", 2_592_000_000)],
)
def test_durations_are_read_with_their_units(text: str, expected_ms: int) -> None:
    assert settings_of(SettingsTable(expiry=text)).expiry_ms == expected_ms


@pytest.mark.parametrize(
    "text", ["", "0d", "30", "30 d", "-1d", "1w", "1.5h", "999ms", "36501d", "9999999999d", "١d"]
)
def test_invalid_duration_is_refused(text: str) -> None:
    with pytest.raises(GovernanceFileError, match=r"settings\.expiry"):
        settings_of(SettingsTable(expiry=text))


def test_R2_short_form_of_a_policy_is_one_rule() -> None:
    """The default quorum is 1, and so is the default of rejections; the rest follows the settings."""
    text = GOVERNANCE.read_text().replace("quorum = 1\n", "")
    scripts, apps = (policy_of(row) for row in parse_governance_file(text.encode(), "f.toml").policies)
    assert scripts.approvals == (ApprovalRule(quorum=1, groups=("endpoint-admins",)),)
    assert apps.approvals == (ApprovalRule(quorum=2, groups=("security",)),)
    assert (apps.rejections, apps.completion, apps.expiry_ms, apps.own_signature) == (
        1,
        "requester",
        None,
        False,
    )


def test_R2_long_form_of_a_policy_sets_every_field() -> None:
    text = GOVERNANCE.read_text().replace('approver_groups = ["security"]\nquorum = 2', TWO_RULES)
    policy = policy_of(parse_governance_file(text.encode(), "f.toml").policies[1])
    assert policy.approvals == (
        ApprovalRule(quorum=2, groups=("security",)),
        ApprovalRule(quorum=1, groups=("endpoint-admins",)),
    )
    assert (policy.rejections, policy.completion) == (2, "automatic")
    assert (policy.expiry_ms, policy.own_signature, policy.settlements) == (7 * 86_400_000, True, 2)


def test_demo_has_three_administrators_so_that_one_can_be_lost() -> None:
    """R3: two must remain."""
    file = read_governance_file(GOVERNANCE)
    [names] = (role.principals for role in file.roles if role.role == "administrator")
    assert len({row.person for row in file.principals if row.id in names}) == 3


def test_settings_left_out_are_the_defaults() -> None:
    assert settings_of(SettingsTable()) == Settings()
    demo = Settings(governance_own_signature=False)
    assert settings_of(read_governance_file(GOVERNANCE).settings) == demo


def test_existing_keys_are_used_and_never_replaced(tmp_path: Path) -> None:
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
    with pytest.raises(GovernanceFileError, match="move it elsewhere"):
        keys_to_make(file, tmp_path)


def test_group_that_is_too_large_for_one_command_is_refused() -> None:
    """Verifying the log reads its first records under the limits of all commands."""
    ids = [f"{number:05}-{'x' * 100}" for number in range(3_000)]
    principals = "".join(f'[[principals]]\nid = "{name}"\nkind = "service"\n' for name in ids)
    text = f'{principals}[[groups]]\nid = "all"\nmembers = {ids}\n'
    file = parse_governance_file(text.encode(), "f.toml")
    with pytest.raises(FoundingRefusedError, match="group 'all': too-large"):
        founding_links(
            file, writers={"w": PUBLIC}, recovery=RECOVERY_KEY, partitions=4, made_keys={}, at_ms=0
        )


def test_R3_administrators_without_keys_found_nothing() -> None:
    """They could not act, and nobody else could give them keys."""
    file = read_governance_file(GOVERNANCE)
    with pytest.raises(FoundingRefusedError, match="--make-keys"):
        founding_links(
            file, writers={"w": PUBLIC}, recovery=RECOVERY_KEY, partitions=4, made_keys={}, at_ms=0
        )


def test_empty_file_founds_nothing() -> None:
    """R1: without a policy every change would be refused."""
    file = parse_governance_file(b"", "f.toml")
    with pytest.raises(FoundingRefusedError, match="name at least one"):
        founding_links(
            file, writers={"w": PUBLIC}, recovery=RECOVERY_KEY, partitions=4, made_keys={}, at_ms=0
        )
