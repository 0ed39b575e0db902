"""R23: the CLI signs what the ledger proves and its user saw; a lying gateway gets no signature."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import asdict, replace

from assent.cli import output
from assent_contracts.commands import Approve, Complete, Reject
from tests.support.chains import MORE, PARTITION, key_of
from tests.support.false_gateway import Answer, Heard, false_gateway
from tests.support.in_process_cli import Answer as Said
from tests.support.in_process_cli import assent
from tests.support.proofs import STRANGER, Evidence, Offered

Lie = Callable[[Offered, Evidence], Evidence]


@pytest.fixture(scope="module")
def offered() -> Offered:
    return Offered()


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, offered: Offered) -> None:
    for name in ("ASSENT_KAFKA", "ASSENT_AS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    key_of("dave").save(tmp_path / "dave.key")
    monkeypatch.setenv("ASSENT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ASSENT_KEY", str(tmp_path / "dave.key"))
    monkeypatch.setenv("ASSENT_IDENTITY", offered.identity)
    monkeypatch.setattr(output, "_consoles", {})


class Terminal(io.StringIO):
    """Standard input of a person at a terminal."""

    def isatty(self) -> bool:
        return True


def decide(
    capsys: pytest.CaptureFixture[str],
    offered: Offered,
    *arguments: str,
    lie: Lie = lambda _, honest: honest,
    governance: int | None = None,
) -> tuple[Said, Heard]:
    """`assent ARGUMENTS` with a gateway that answers with `lie` whichever request is asked for."""

    def answers(method: str, path: str) -> Answer:
        if path.endswith("/submission"):
            proof = lie(offered, offered.evidence(end=1))
            return 200, {"request": path.split("/")[-2], **asdict(proof)}
        if path.startswith("/api/v1/governance/ledger"):
            # Two pages.
            entries, at = offered.entries()[:governance], int(path.rpartition("=")[2])
            return 200, {"records": entries[at : at + 9], "next": at + 9 if at + 9 < len(entries) else None}
        if method == "POST":
            return 200, {
                "ledger": "assent.ledger",
                "position": f"{PARTITION}-9",
                "at": 0,
                "request": None,
                "events": [],
                "repeated": False,
            }
        return 404, {"code": "not-found"}

    with false_gateway(answers) as (url, heard):
        return assent(capsys, *arguments, "--server", url), heard


_LIES: dict[str, tuple[Lie, str]] = {
    "another request": (lambda offered, _: offered.evidence(1, 2), "No writer of this log"),
    "another operation": (
        lambda _, honest: replace(honest, value=honest.value.replace(b'"create"', b'"delete"')),
        "No writer of this log",
    ),
    "another operation without a seal": (
        lambda _, honest: replace(
            honest, value=honest.value.replace(b'"create"', b'"delete"'), following=None
        ),
        "did not open a request",
    ),
    "another payload": (
        lambda _, honest: replace(honest, value=honest.value.replace(b'"app"', b'"own"')),
        "No writer of this log",
    ),
    "a strangers seal": (
        lambda offered, _: offered.evidence(end=1, key=STRANGER),
        "No writer of this log",
    ),
    "another logs seal": (
        lambda offered, _: offered.evidence(end=1, identity="1d" * 32),
        "No writer of this log",
    ),
    "junk": (lambda _, honest: replace(honest, value=b"junk"), "not a ledger record"),
}


@pytest.mark.parametrize(
    ("verb", "lie", "why"),
    [
        *(("approve", *each) for each in _LIES.values()),
        *((verb, *_LIES["another operation"]) for verb in ("reject", "complete")),
    ],
    ids=[*_LIES, "rejecting", "completing"],
)
def test_R23_nothing_is_signed_for_a_gateway_that_lies(
    capsys: pytest.CaptureFixture[str], offered: Offered, verb: str, lie: Lie, why: str
) -> None:
    answer, heard = decide(capsys, offered, verb, offered.first, "--yes", lie=lie)
    assert (answer.code, answer.out, heard.commands) == (3, "", []), answer
    assert "Nothing was signed" in answer.err
    assert why in answer.err


def test_R23_real_submission_of_another_request_is_not_accepted_for_the_requested_one(
    capsys: pytest.CaptureFixture[str], offered: Offered
) -> None:
    """`approve 2-0` was answered with 3-7."""
    for asked in (f"{PARTITION + 1}-0", f"{PARTITION}-7"):
        answer, heard = decide(capsys, offered, "approve", asked, "--yes")
        assert (answer.code, heard.commands) == (3, []), answer


def test_R23_governance_shorter_than_the_submission_was_decided_under_proves_nothing(
    capsys: pytest.CaptureFixture[str], offered: Offered
) -> None:
    for some in (0, 1, 5):
        answer, heard = decide(capsys, offered, "approve", offered.first, "--yes", governance=some)
        assert (answer.code, heard.commands) == (3, []), answer


def test_R23_gateway_of_another_log_is_not_accepted(
    capsys: pytest.CaptureFixture[str], offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSENT_IDENTITY", "1d" * 32)
    answer, heard = decide(capsys, offered, "approve", offered.first, "--yes")
    assert (answer.code, heard.commands) == (3, []), answer


@pytest.mark.parametrize(("verb", "kind"), [("approve", Approve), ("reject", Reject), ("complete", Complete)])
def test_R23_signed_command_names_what_was_asked_for_and_proven(
    capsys: pytest.CaptureFixture[str],
    offered: Offered,
    verb: str,
    kind: type[Approve | Reject | Complete],
) -> None:
    answer, heard = decide(capsys, offered, verb, offered.first, "--yes")
    assert answer.code == 0, answer
    [sent] = [msgspec.json.decode(body, type=kind) for body in heard.commands]
    command = offered.chains.submission()
    assert (sent.request, sent.resource, sent.principal) == (offered.first, command.resource, "dave")
    assert sent.submission.encode() in offered.evidence(end=1).value


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_R23_terminal_shows_what_the_hash_covers_and_asks(
    capsys: pytest.CaptureFixture[str],
    offered: Offered,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    answer, heard = decide(capsys, offered, "approve", offered.first)
    assert (answer.code, bool(heard.commands)) == (code, code == 0), answer
    command = offered.chains.submission(MORE)
    for said in (
        command.resource,
        "create",
        "carol",
        "It is needed.",
        f"Approve request {offered.first}? [y/N]",
    ):
        assert said in answer.out
    # What changes in governance, from the payload's bytes.
    assert "more" in answer.out.split("submission")[1]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_R23_without_a_terminal_a_hash_or_yes_is_required(
    capsys: pytest.CaptureFixture[str], offered: Offered, more: tuple[str, ...]
) -> None:
    answer, heard = decide(capsys, offered, "approve", offered.first, *more)
    assert (answer.code, answer.out, heard.requests) == (2, "", [])
    assert "--yes" in answer.err
    assert "--submission HASH" in answer.err


def test_R23_given_hash_is_of_what_was_seen_so_no_question_is_asked(
    capsys: pytest.CaptureFixture[str], offered: Offered
) -> None:
    sha256 = offered.answered(offered.evidence()).submitted.sha256  # type: ignore[union-attr]
    answer, heard = decide(capsys, offered, "approve", offered.first, "--submission", sha256)
    assert (answer.code, len(heard.commands)) == (0, 1), answer
    other, heard = decide(capsys, offered, "approve", offered.first, "--submission", "0" * 64, "--json")
    assert (other.code, heard.commands) == (2, []), other
    assert msgspec.json.decode(other.out)["refusal"]["code"] == "digest-mismatch"


def test_R23_hidden_neighbours_are_reported_and_the_sender_s_signature_counts(
    capsys: pytest.CaptureFixture[str], offered: Offered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    answer, heard = decide(
        capsys,
        offered,
        "approve",
        offered.first,
        lie=lambda _, honest: replace(honest, following=None, writer="", seal=""),
    )
    assert heard.commands == []
    assert "could not be proven to you" in answer.out


def test_governance_read_through_a_gateway_is_what_the_log_proves(
    capsys: pytest.CaptureFixture[str], offered: Offered
) -> None:
    """A change is based on the current state: a gateway could name members that nobody has added."""
    said, _ = decide(capsys, offered, "groups", "list", "--json")
    assert (said.code, "approvers" in said.out) == (0, True), said
    said, _ = decide(capsys, offered, "groups", "list", "--json", governance=0)
    assert (said.code, said.out) == (1, "")
