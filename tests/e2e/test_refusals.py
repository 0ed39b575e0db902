"""Exit codes of a running system: 0 a decision, 2 a refusal, 3 no decision in time, 1 anything else."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.cli import Cli, Up


@pytest.fixture(scope="module")
def request_id(up: Up, cli: Cli) -> str:
    return cli.submit("script/refusals.sh", b"echo 1", "--text")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("approve", "{}", "--as", "bob", "--submission", "0" * 64), "digest-mismatch"),
        (("complete", "{}", "--yes", "--as", "device-config"), "not-approved"),
        (("cancel", "{}", "--as", "alice"), "not-requester"),
        (("settle", "{}", "--failed", "--reason", "It is not there.", "--as", "carol"), "not-pending"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_refusal_exits_with_2_its_code_and_what_to_do(
    up: Up, cli: Cli, request_id: str, arguments: tuple[str, ...], code: str
) -> None:
    refused = cli(*(each.format(request_id) for each in arguments), "--json")
    assert refused.code == 2
    assert refused.json["refusal"]["code"] == code
    assert refused.json["what_to_do"]
    assert refused.json["events"] == []


def test_R10_second_request_names_the_open_one(up: Up, cli: Cli, request_id: str) -> None:
    arguments = ("submit", "script/refusals.sh", "-", "--text", "-j", "again", "--as", "alice")
    assert cli(*arguments, "--json", stdin=b"x").json["refusal"]["open_request"] == request_id
    people = cli(*arguments, stdin=b"x")
    assert (people.code, people.out) == (2, "")
    assert people.err.startswith("Refused: resource-locked\n")
    assert f"request {request_id}" in people.err


def test_R20_R22_service_names_a_person_and_an_administrator_closes_with_a_reason(up: Up, cli: Cli) -> None:
    submitted = cli(
        *("submit", "script/for-alice.sh", "-", "--text", "-j", "Alice asked", "--on-behalf-of", "alice"),
        *("--as", "device-config", "--json"),
        stdin=b"echo 1",
    )
    assert submitted.code == 0, submitted
    request = submitted.json["events"][0]["request"]
    cli.until_status(request, "needs_approval")
    mine = cli("requests", "--mine", "--as", "alice-admin", "--json").json
    assert [each["on_behalf_of"] for each in mine if each["id"] == request] == ["alice"]
    own = cli("close", request, "--reason", "Mine", "--as", "alice-admin", "--json")
    assert (own.code, own.json["refusal"]["code"]) == (2, "own-request")
    closed = cli("close", request, "--reason", "Nobody needs it", "--as", "carol")
    assert (closed.code, closed.out.startswith(f"Closed request {request}")) == (0, True), closed
    cli.until_status(request, "canceled")
    shown = cli("show", request).out
    for fact in ("on behalf of", "closed by", "carol: Nobody needs it"):
        assert fact in shown, shown


def test_no_decision_in_time_exits_with_3(up: Up, cli: Cli, request_id: str) -> None:
    """The command remains valid: it is decided when the decider continues."""
    decider = up.pid("decider")
    os.kill(decider, signal.SIGSTOP)
    try:
        answer = cli("cancel", request_id, "--as", "device-config", "--timeout", "0.5", "--json")
        doctor = cli("doctor")
    finally:
        os.kill(decider, signal.SIGCONT)
    assert answer.code == 3
    assert (answer.json["decided"], list(answer.json)) == (False, ["decided", "command", "what"])
    assert "It may still be decided" in answer.err
    assert doctor.code == 1
    assert "WRONG decider is ready" in doctor.out
    cli.until_status(request_id, "canceled")


def test_wrong_key_is_refused_by_the_ledger(up: Up, cli: Cli, tmp_path: Path) -> None:
    key = tmp_path / "bob.key"
    assert cli("keys", "new", "bob", "--id", "bob-9", "--out", str(key)).code == 0
    request = cli.submit("script/wrong-key.sh", b"x", "--text")
    assert (
        cli("approve", request, "--yes", "--key", str(key), "--json").json["refusal"]["code"] == "unknown-key"
    )


def test_unknown_request_exits_with_1(up: Up, cli: Cli) -> None:
    answer = cli("approve", "0-999999", "--yes", "--as", "bob")
    assert (answer.code, "There is no request 0-999999" in answer.err) == (1, True)
    assert cli("show", "bla").code == 1


def test_log_is_founded_once_and_run_once(up: Up, cli: Cli) -> None:
    second = cli("init", "infra/demo/governance.toml")
    assert (second.code, "has a log already" in second.err) == (2, True)
    running = cli("up")
    assert (running.code, f"in use by process {up.process.pid}" in running.err) == (1, True)
