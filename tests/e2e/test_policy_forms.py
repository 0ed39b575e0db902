"""A policy of another form than the demo's, from the command line: created, approved, and rejected."""

import pytest

from tests.support.cli import Cli, Up

KIOSKS = ("policies", "create", "kiosks", "--type", "kiosk", "--approval", "2:security")
FORM = ("--rejections", "2", "--completion", "automatic")


@pytest.fixture(scope="module")
def kiosks(up: Up, cli: Cli) -> Cli:
    """Two administrators have created the policy for kiosks."""
    create_policy(cli)
    return cli


def create_policy(cli: Cli) -> None:
    asked = cli(*KIOSKS, *FORM, "-j", "Kiosks stand open", "--json", "--as", "alice-admin")
    assert asked.code == 0, asked
    request = asked.json["request"]
    for answer in (
        cli("approve", request, "--yes", "--as", "bob"),
        cli("complete", request, "--yes", "--as", "alice-admin"),
    ):
        assert answer.code == 0, answer
    cli.until_status(request, "completed")


def test_policy_describes_its_form_in_a_sentence(kiosks: Cli) -> None:
    shown = kiosks("policies", "show", "kiosks", "--json").json
    assert (shown["rejections"], shown["completion"]) == (2, "automatic")
    for said in ("2 of Security team", "2 rejections end it", "the last approval releases it"):
        assert said in shown["sentence"]


def test_R12_last_approval_releases_and_nobody_completes(kiosks: Cli) -> None:
    request = kiosks.submit("kiosk/lobby", b'{"url": "https://lobby"}')
    assert "released" not in kiosks("approve", request, "--yes", "--as", "dave").out
    last = kiosks("approve", request, "--yes", "--as", "bob")
    assert "last approval it needed; the change is released" in last.out
    kiosks.until_status(request, "completed")
    assert (kiosks.data / "target" / "kiosk" / "lobby").read_bytes() == b'{"url": "https://lobby"}'
    # The table wraps what does not fit next to a full date.
    shown = " ".join(kiosks("show", request).out.split())
    assert "approval given, request approved, change released" in shown


def test_R13_second_of_two_rejections_ends_the_request(kiosks: Cli) -> None:
    request = kiosks.submit("kiosk/desk", b"{}")
    first = kiosks("reject", request, "--yes", "--note", "Why?", "--as", "dave")
    assert (first.code, "it takes more rejections to end it" in first.out) == (0, True)
    shown = kiosks("show", request).out
    for said in ("needs approval", "2 rejections end it", "dave: Why?"):
        assert said in shown
    assert "Rejected by dave: 2 rejections would end it." in kiosks("explain", request).out
    assert kiosks("reject", request, "--yes", "--note", "No.", "--as", "bob").code == 0
    row = kiosks.until_status(request, "rejected")
    assert [(each["approver"], each["note"]) for each in row["rejections"]] == [
        ("dave", "Why?"),
        ("bob", "No."),
    ]
