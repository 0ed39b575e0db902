"""The whole life of a change from the command line, and the machine-readable output about it."""

import json
import signal
from pathlib import Path

import httpx
from jsonschema import Draft202012Validator

from assent.local.whole_system import SERVICES
from assent_contracts.schemas.messages import all_schemas
from tests.support.cli import Cli, Up

RESOURCE = "script/disable-smb1.ps1"


def test_whole_life_ends_in_a_file_and_a_proof(up: Up, cli: Cli, changes: Path, tmp_path: Path) -> None:
    """R1, R7, R8, R12, R16: submit, list, approve, complete, look, verify, export, verify the export."""
    script = changes / RESOURCE
    submitted = cli(
        "submit", RESOURCE, str(script), "--text", "-j", "Close [red]CVE[/red]", "--as", "alice", "--json"
    )
    assert submitted.code == 0
    assert submitted.json.keys() == {"request", "partition", "seq", "at", "events"}
    event = submitted.json["events"][0]
    assert (event["type"], event["resource"]) == ("assent.change-submitted.v1", RESOURCE)
    request = event["request"]

    assert request in cli("requests", "--mine", "--as", "alice").out
    assert request in [row["id"] for row in cli("requests", "--received", "--as", "bob", "--json").json]
    assert request not in cli("requests", "--received", "--as", "dave").out

    assert (
        "last approval" in cli("approve", request, "--yes", "--note", "HashedReference.", "--as", "bob").out
    )
    assert cli("complete", request, "--yes", "--as", "alice").code == 0
    row = cli.until_status(request, "completed")
    assert (up.cli.data / "target" / RESOURCE).read_bytes() == script.read_bytes()
    assert row["approvals"][0]["note"] == "HashedReference."

    shown = cli("show", request)
    for text in (
        "● completed",
        "Close [red]CVE[/red]",
        "bob: HashedReference.",
        "Set-StrictMode",
        "change released",
    ):
        assert text in shown.out
    document = cli("show", request, "--json").json
    assert [entry["outcome"] for entry in document["timeline"]][-1] == "assent.request-completed.v1"
    assert json.loads(cli("show", request, "--payload").out) == script.read_text()

    verified = cli("audit", "verify", "--json")
    assert verified.code == 0
    assert verified.json["verified"]
    _exported_file_proves_itself(cli, tmp_path)
    _records_fit_their_schemas(tmp_path / "whole.jsonl", cli)


def _exported_file_proves_itself(cli: Cli, folder: Path) -> None:
    """Without Kafka, Postgres or a data directory; an altered byte is reported by partition and seq."""
    file = folder / "evidence.jsonl"
    exported = cli("audit", "export", str(file), "--json")
    assert exported.code == 0
    assert cli("audit", "export", str(file)).code == 1
    elsewhere = Cli(folder / "nothing-here")
    proof = ("audit", "verify", "--file", str(file), "--identity", exported.json["identity"])
    assert elsewhere(*proof).code == 0
    assert elsewhere("audit", "verify", "--file", str(file)).code == 1
    lines = file.read_bytes().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if b"HashedReference." in line)
    lines[at] = lines[at].replace(b"HashedReference.", b"Tasted.")
    file.write_bytes(b"".join(lines))
    bad = elsewhere(*proof, "--json")
    assert bad.code == 2
    assert (bad.json["verified"], bad.json["ledger"]) == (False, "assent.ledger")
    assert f"partition {bad.json['partition']}, seq {bad.json['seq']}" in elsewhere(*proof).err


def _records_fit_their_schemas(file: Path, cli: Cli) -> None:
    """Each record of the real log, whatever the tests before this one have put there."""
    assert cli("audit", "export", str(file)).code == 0
    lines = [json.loads(line) for line in file.read_bytes().splitlines()[1:]]
    for ledger, schema in (("governance", "governance-record.json"), ("ledger", "ledger-record.json")):
        validator = Draft202012Validator(all_schemas()[schema])
        values = [line["value"] for line in lines if line["ledger"] == ledger]
        assert len(values) > 3
        for value in values:
            assert [each.message for each in validator.iter_errors(json.loads(value))] == [], value


def test_env_prints_how_to_reach_the_running_log(up: Up, cli: Cli) -> None:
    document = cli("env", "--json").json
    assert document.keys() == {"kafka", "postgres", "identity", "writers"}
    assert list(document["writers"]) == ["writer-1"]
    reached = Cli(
        cli.data / "nowhere",
        env={
            "ASSENT_KAFKA": document["kafka"],
            "ASSENT_POSTGRES": document["postgres"],
            "ASSENT_IDENTITY": document["identity"],
        },
    )
    assert reached("requests", "--json").code == 0
    assert f"export ASSENT_IDENTITY={document['identity']}" in cli("env").out
    assert (
        reached("topics", "apply", "--partitions", "4").out
        == "Nothing to do: all topics are there, as they must be.\n"
    )


def test_link_of_the_terminal_signs_in_and_its_token_is_not_logged(up: Up, cli: Cli) -> None:
    up.wait_for("Sign in, in a browser on this machine: ")
    link = next(line for line in reversed(up.lines()) if "Sign in, in a browser" in line).rpartition(" ")[2]
    address, _, token = link.partition("/sign-in/local?token=")
    with httpx.Client(base_url=address, trust_env=False, follow_redirects=True) as browser:
        assert browser.get("/sign-in").status_code == 403
        assert "Alice Miller" in browser.get(link).text
        assert browser.post("/sign-in/local", data={"principal": "alice"}).status_code == 200
        assert browser.get("/api/v1/me").json()["principal"] == "alice"
    file = cli.data / "secrets" / "local-sign-in"
    assert (file.read_text().strip(), file.stat().st_mode & 0o777) == (token, 0o600)
    for log in (cli.data / "logs").iterdir():
        assert token not in log.read_text(errors="replace"), log


def test_doctor_finds_nothing_wrong(up: Up, cli: Cli) -> None:
    answer = cli("doctor", "--json")
    assert answer.code == 0, answer.out
    assert all(finding["ok"] for finding in answer.json)
    assert {f"{name} is ready" for name in SERVICES} <= {finding["what"] for finding in answer.json}


def test_audit_tail_prints_one_record_per_line_and_follows(up: Up, cli: Cli) -> None:
    """R16: refused actions too, as they happen."""
    with cli.start("audit", "tail", "-f", "-n", "1", "--json") as following:
        assert following.stdout is not None
        following.stdout.readline()
        request = cli.submit("app/followed", b"{}")
        refused = cli("approve", request, "--yes", "--as", "alice", "--json")
        assert refused.json["refusal"]["code"] == "not-an-approver"
        lines = [following.stdout.readline() for _ in range(2)]
        following.send_signal(signal.SIGINT)
    assert following.returncode == 0
    assert "assent.change-submitted.v1" in lines[0]
    assert "not-an-approver" in lines[1]


def test_closed_pipe_is_not_an_error(up: Up, cli: Cli) -> None:
    for arguments in (("audit", "tail"), ("requests", "--json")):
        with cli.start(*arguments) as process:
            assert process.stdout is not None
            process.stdout.close()
            assert process.stderr is not None
            assert process.stderr.read() == ""
        assert process.returncode == 141


def test_text_written_by_others_cannot_control_the_terminal(up: Up, cli: Cli) -> None:
    request = cli.submit(
        "script/evil.sh", "echo \x1b[2J\u202e hidden".encode(), "--text", "--operation", "edit"
    )
    shown = cli("show", request)
    assert "echo ⟨U+001B⟩[2J⟨U+202E⟩ hidden" in shown.out
    assert "\x1b" not in shown.out
