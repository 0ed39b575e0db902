"""An unknown outcome is settled on the command line, and the real applier applies a retry."""

import asyncio
import os
import signal
from typing import Any

import pytest

from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import load_key
from assent_contracts.client.publisher import Publisher, new_command_id, now_ms
from assent_contracts.commands import Claim, ReportOutcome
from tests.support.cli import Cli, Up


async def claim_and_lose_it(cli: Cli, request: str, resource: str) -> None:
    """The applier's account claims the change and does not know what became of it."""
    env = cli("env", "--json").json
    key = load_key(cli.data / "keys" / "applier.key")
    connection = Connection(bootstrap=env["kafka"])
    follower = GovernanceFollower(connection, env["identity"])
    await follower.start()
    publisher = Publisher(connection, follower, source="/tests")
    await publisher.start()
    try:
        about = {"principal": key.principal, "resource": resource, "request": request}
        lost: dict[str, Any] = {"outcome": "unknown", "message": "The disk went."}
        for command in (
            Claim(id=new_command_id(), at=now_ms(), **about),
            ReportOutcome(id=new_command_id(), at=now_ms(), **about, **lost),
        ):
            decided = await publisher.send(command, key)
            assert decided.refusal is None, decided.refusal
    finally:
        await publisher.stop()
        await follower.stop()


@pytest.fixture
def unknown(up: Up, cli: Cli) -> Any:
    """A function that makes a request whose outcome is unknown. The real applier is paused meanwhile."""
    applier = up.pid("applier")
    os.kill(applier, signal.SIGSTOP)

    def made(name: str) -> str:
        resource = f"script/{name}"
        request = cli.submit(resource, b'"echo once more"')
        for command, who in (("approve", "bob"), ("complete", "device-config")):
            assert cli(command, request, "--yes", "--as", who).code == 0
        asyncio.run(claim_and_lose_it(cli, request, resource))
        return request

    yield made
    os.kill(applier, signal.SIGCONT)


def test_retry_is_claimed_and_applied_by_the_applier(up: Up, cli: Cli, unknown: Any) -> None:
    request = unknown("settled-by-a-retry.sh")
    cli.until_status(request, "approved")
    shown = cli("show", request).out
    for fact in ("applier: The disk went.", "claim", "lease until"):
        assert fact in shown, shown
    assert f"`assent settle {request}` with --succeeded" in cli("explain", request).out.replace("\n", " ")
    refused = cli("settle", request, "--retry", "--reason", "Mine.", "--as", "bob", "--claim", "0", "--json")
    assert (refused.code, refused.json["refusal"]["code"]) == (2, "claim-superseded")
    settled = cli("settle", request, "--retry", "--reason", "Nothing was written.", "--as", "carol")
    assert (settled.code, settled.out.startswith(f"Released again: request {request}")) == (0, True), settled
    os.kill(up.pid("applier"), signal.SIGCONT)
    cli.until_status(request, "completed")
    assert (cli.data / "target" / "script" / "settled-by-a-retry.sh").read_text() == "echo once more"
    timeline = cli("show", request, "--json").json["timeline"]
    reasons = [(each["principal"], each["words"]["reason"]) for each in timeline]
    assert ("carol", "Nothing was written.") in reasons


def test_outcome_that_people_found_out_is_settled_with_a_reason(up: Up, cli: Cli, unknown: Any) -> None:
    request = unknown("settled-as-failed.sh")
    cli.until_status(request, "approved")
    dave = cli("settle", request, "--failed", "--reason", "x", "--as", "dave", "--json")
    assert (dave.code, dave.json["refusal"]["code"]) == (2, "not-permitted")
    settled = cli("settle", request, "--failed", "--reason", "The disk is empty.", "--as", "bob", "--json")
    assert settled.json["events"][0]["type"] == "assent.request-failed.v1"
    row = cli.until_status(request, "failed")
    assert (row["reporter"], row["outcome_message"]) == ("bob", "The disk is empty.")
    assert "settled by" in cli("show", request).out


@pytest.mark.parametrize("choice", [(), ("--failed", "--retry")])
def test_one_way_to_settle_is_named(up: Up, cli: Cli, choice: tuple[str, ...]) -> None:
    answer = cli("settle", "0-0", *choice, "--reason", "x", "--as", "bob")
    assert answer.code == 1
    assert "Name one of --succeeded, --failed and --retry." in answer.err
