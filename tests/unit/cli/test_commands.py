"""The answers of commands before they reach a running system."""

from pathlib import Path
from typing import get_args

import pytest

from assent.cli import errors, formatting, output
from assent.cli.commands import roles
from assent.reading.visible_text import visible
from assent_contracts.client.keys import SecretKey
from assent_contracts.governance_objects import Role
from tests.support.in_process_cli import assent


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """This process's environment has no effect; each test has its own standard streams."""
    for name in ("ASSENT_KAFKA", "ASSENT_AS", "ASSENT_KEY", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ASSENT_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(output, "_consoles", {})


@pytest.fixture
def bob(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "keys" / "bob.key"
    SecretKey("bob-1", "bob").save(path)
    return path


COMMANDS = [
    *("submit", "approve", "reject", "revoke", "cancel", "complete", "close", "settle", "requests", "show"),
    *("audit tail", "audit verify", "audit export", "init", "up", "env", "doctor", "demo", "keys new"),
    *(
        "topics apply",
        "tables apply",
        "explain",
        "who-can approve",
        "directory sync",
        "settings show",
        "settings set",
    ),
    *(f"principals {each}" for each in ("list", "show", "register", "disable", "enable")),
    *(f"keys {each}" for each in ("list", "register", "expire", "revoke")),
    *(f"writers {each}" for each in ("list", "add", "retire", "recover")),
    *(f"restore {each}" for each in ("accept", "rebuild")),
    *(f"groups {each}" for each in ("list", "show", "set", "delete")),
    *(f"roles {each}" for each in ("list", "assign", "withdraw")),
    *(f"policies {each}" for each in ("list", "show", "create", "edit", "delete")),
]
NEED_THE_LOG_ITSELF = {
    *("audit verify", "audit export", "init", "up", "env", "doctor", "demo", "keys new", "topics apply"),
    *("tables apply", "writers recover", "restore accept", "restore rebuild"),
}
GROUPS = [
    "audit",
    "keys",
    "writers",
    "restore",
    "topics",
    "tables",
    "principals",
    "groups",
    "roles",
    "settings",
    "policies",
    "directory",
]


@pytest.mark.parametrize("command", ["", *GROUPS, *COMMANDS])
def test_help_says_how_to_use_it(capsys: pytest.CaptureFixture[str], command: str) -> None:
    answer = assent(capsys, *command.split(), "--help")
    assert answer.code == 0
    assert f"Usage: assent {command}".strip() in answer.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bogus",), "Unknown command"),
        (("approve",), "requires an argument"),
        (("requests", "--limit", "0"), "--limit"),
        (("requests", "--mine", "--received"), "one of --mine and --received"),
        (("requests", "--mine"), "--as PRINCIPAL"),
        (("approve", "0-0"), "Keys in"),
        (("approve", "0-0", "--as", "mallory"), "There is no key of 'mallory'"),
        (("approve", "0-0", "--as", "../keys/bob"), "There is no key"),
        (("approve", "0-0", "--key", "/dev/null"), "not a readable key file"),
        (("approve", "0-0", "--as", "bob", "--timeout", "0"), "--timeout"),
        (("approve", "0-0", "--as", "bob", "--timeout", "nan"), "--timeout"),
        (("submit", "app/x", "no-such-file", "-j", "x", "--as", "bob"), "no-such-file: No such file"),
        (("submit", "app/x", "/", "-j", "x", "--as", "bob"), "/: Is a directory"),
        (("submit", "app/x", "--justificaton", "-j", "x", "--as", "bob"), "no option --justificaton"),
        (("audit", "verify", "--file", "no-such-file"), "--identity HASH"),
        (("audit", "verify", "--file", "no-such-file", "--identity", "0" * 64), "no-such-file"),
        (("keys", "revoke", "--as", "bob"), "--all-of ACCOUNT"),
        (("keys", "revoke", "bob-1", "--all-of", "bob", "--as", "bob"), "--all-of ACCOUNT"),
        (("writers", "recover", "--recovery-key", "no-such-file"), "Name a writer"),
        (("writers", "recover", "AA", "--recovery-key", "no-such-file"), "PUBLIC --id ID"),
        (("writers", "recover", "--retire-all", "--retire", "w", "--recovery-key", "x"), "--retire-all"),
        (
            ("writers", "recover", "--retire-all", "--recovery-key", "no-such-file"),
            "no key file no-such-file",
        ),
        (("topics", "apply"), "Set ASSENT_KAFKA"),
        (("groups", "set", "g"), "Give its members"),
        (("groups", "set", "g", "--member", "a", "--add", "b"), "Use one of"),
        (("groups", "set", "g", "no-such-file"), "no-such-file: No such file"),
        (("roles", "assign", "r", "king"), "ROLE"),
        (("settings", "set"), "Name a setting"),
        (("settings", "set", "--expiry", "soon"), "--expiry: 'soon' is not a duration"),
        (("settings", "set", "--vanish-max-percent", "101"), "--vanish-max-percent"),
        (("policies", "create", "apps"), "Say --type and --approval"),
        (("policies", "create", "apps", "--type", "app", "--approval", "two"), "QUORUM:GROUP"),
        (("policies", "create", "no-such.toml"), "no-such.toml: No such file"),
        (("policies", "edit", "apps"), "Say what to change"),
        (("keys", "register", "AA", "--id", "bob-2"), "--as PRINCIPAL"),
        (("keys", "expire", "bob-1", "--in", "1 week", "--as", "bob"), "--in: '1 week' is not a duration"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_usage_error_exits_with_1_and_says_what_to_do(
    capsys: pytest.CaptureFixture[str], bob: Path, arguments: tuple[str, ...], said: str
) -> None:
    answer = assent(capsys, *arguments)
    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err


def test_roles_of_the_command_line_are_those_of_the_contracts() -> None:
    assert get_args(roles.Role) == get_args(Role)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('id = "a"', "name"),
        ('id = "a"\nname = "A"\nresource_type = "app"', "name its approvers"),
        ('id = "a"\nname = "A"\nresource_type = "app"\ngroups = []', "unknown field"),
        ('id = "a"\nname = "A"\nresource_type = "app"\napprovals = [{quorum = true, groups = ["g"]}]', "int"),
        ("id =", "TOML"),
    ],
)
def test_invalid_policy_file_exits_with_1_and_the_place_of_the_error(
    capsys: pytest.CaptureFixture[str], bob: Path, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    answer = assent(capsys, "policies", "create", str(file), "--as", "bob")
    assert (answer.code, answer.out) == (1, "")
    assert said.lower() in answer.err.lower()


def test_another_account_s_key_under_this_name_is_not_used(
    capsys: pytest.CaptureFixture[str], bob: Path
) -> None:
    bob.rename(bob.with_name("carol.key"))
    assert "is a key of 'bob'" in assent(capsys, "cancel", "0-0", "--as", "carol").err


@pytest.mark.parametrize(
    ("payload", "more", "code"),
    [
        (b"echo", (), "malformed"),
        (b'{"a":1', (), "malformed"),
        (b"", (), "malformed"),
        (b"\xff", (), "malformed"),
        (b"\xff" * 200_000, ("--text",), "too-large"),
        (b"[" * 100_000, (), "malformed"),
        (b"a" * 262_145, ("--text",), "too-large"),
        (b'"' * 262_140, ("--text",), "too-large"),
        (b'{"a":1,"a":2}', (), "malformed"),
        (b"{}", ("-j", " "), "justification-required"),
        (b"{}", ("-j", "j" * 1_025), "too-large"),
        (b"{}", ("-o", ""), "malformed"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_command_that_the_ledger_would_refuse_is_not_sent(
    capsys: pytest.CaptureFixture[str],
    bob: Path,
    tmp_path: Path,
    payload: bytes,
    more: tuple[str, ...],
    code: str,
) -> None:
    """R6 and the limits: 2, with the same JSON as a refusal of the ledger except for its place there."""
    file = tmp_path / "payload"
    file.write_bytes(payload)
    justified = () if "-j" in more else ("-j", "because")
    arguments = ("submit", "app/x", str(file), *justified, *more, "--as", "bob")
    answer = assent(capsys, *arguments, "--json")
    assert answer.code == 2
    assert answer.json["refusal"]["code"] == code
    assert answer.json["seq"] is None
    assert answer.json["what_to_do"]
    assert f"it would be refused: {code}" in assent(capsys, *arguments).err


@pytest.mark.parametrize(
    "command", ["env", "requests", "doctor", "show 0-0", "audit tail", "audit verify", "cancel 0-0 --as bob"]
)
def test_without_a_running_system_it_exits_with_1_and_names_the_command_that_helps(
    capsys: pytest.CaptureFixture[str], bob: Path, command: str
) -> None:
    """First without a log, then with one on which nothing runs."""
    answer = assent(capsys, *command.split())
    assert (answer.code, "assent init FILE --data" in answer.out + answer.err) == (1, True)
    (bob.parents[1] / "founded.json").write_text('{"identity":"00","partitions":4}')
    answer = assent(capsys, *command.split())
    assert (answer.code, "assent up --data" in answer.out + answer.err) == (1, True)


def test_up_without_a_log_creates_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer = assent(capsys, "up")
    assert (answer.code, "assent init FILE" in answer.err) == (1, True)
    assert not (tmp_path / "data").exists()


def test_new_key_is_private_and_never_replaced(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = assent(capsys, "keys", "new", "zoe", "--json")
    assert made.json.keys() == {"id", "principal", "public_key", "file"}
    assert (tmp_path / "data" / "keys" / "zoe.key").stat().st_mode & 0o777 == 0o600
    told = assent(capsys, "keys", "new", "yuri")
    assert "`assent keys register " in told.err
    assert "Before `assent init`" in told.err
    for arguments in (("zoe",), ("a b",), ("../x",), ("yan", "--id", 'a"b')):
        assert assent(capsys, "keys", "new", *arguments).code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_help_speaks_of_a_server_only_where_the_command_has_that_option(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    lines = [
        line for line in assent(capsys, *command.split(), "--help").out.splitlines() if "--server" in line
    ]
    assert all(line.startswith("│") for line in lines), "outside the list of its options"
    assert bool(lines) == (command not in NEED_THE_LOG_ITSELF)


def test_terminal_control_characters_are_shown_as_their_numbers() -> None:
    assert visible("a\x1b[2Jb\u202ec\nd") == "a⟨U+001B⟩[2Jb⟨U+202E⟩c⟨U+000A⟩d"
    assert visible("größer 日本 [red]", also="\n") == "größer 日本 [red]"


def test_payload_is_shown_whole_or_the_output_says_how_to_see_the_rest() -> None:
    shown = formatting.payload_text(b'"a\\r\\nb\\u001bc"', "script/x.sh", "1-2").plain
    assert shown.startswith("! 1 character that a screen would hide or obey")
    assert shown.endswith("\na\nb⟨U+001B⟩c")
    assert formatting.payload_text(b'{"a":"[red]"}', "app/x", "1-2").plain == '3 lines\n{\n  "a": "[red]"\n}'
    long = formatting.payload_text(b'"' + b"x\\n" * 100 + b'"', "script/x", "1-2").plain
    assert long.endswith("41 MORE LINES ARE NOT SHOWN: assent show 1-2 --save FILE writes all of it")


@pytest.mark.parametrize(
    ("ago_ms", "said"),
    [
        (-5, "0s"),
        (999, "0s"),
        (1_000, "1s"),
        (59_999, "59s"),
        (60_000, "1m"),
        (7_200_000, "2h"),
        (90_000_000, "1d"),
    ],
)
def test_age_is_in_the_largest_fitting_unit(ago_ms: int, said: str) -> None:
    assert formatting.age(0, ago_ms) == said


def test_internal_fault_is_not_explained_away() -> None:
    assert errors.explanation_of(ValueError("a bug")) is None
    assert errors.explanation_of(FileNotFoundError(2, "No such file", "x")) == "x: No such file."
    assert errors.sentence("it is so") == "It is so."
