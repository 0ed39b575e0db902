"""The examples of contracts/go as programs of their own, on a real broker: submitting, applying, killed."""

import shutil
import subprocess
from pathlib import Path

import pytest

import assent_contracts
from assent_contracts.client.follower import GovernanceFollower
from tests.support.client_examples import (
    Examples,
    check_a_member_is_applied_only_with_its_set,
    check_forged_changes_are_left_alone,
    check_kafka_restart_is_survived,
    check_killed_applier_continues,
    check_python_client_continues,
)
from tests.support.containers import chosen_stack
from tests.support.handover import Folders
from tests.support.log import Actor, Log

GO = Path(assent_contracts.__file__).parents[1] / "go"

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go here"),
]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """The examples, built. Their modules come from Go's cache or its proxy."""
    folder = tmp_path_factory.mktemp("go")
    if subprocess.run(["go", "mod", "download"], cwd=GO, check=False).returncode:
        pytest.skip("The modules of contracts/go are not in Go's cache, and its proxy does not answer.")
    subprocess.run(["go", "build", "-o", f"{folder}/", "./examples/..."], cwd=GO, check=True)
    return Examples(
        submit=(f"{folder}/submit",), submit_set=(f"{folder}/submitset",), apply=(f"{folder}/apply",)
    )


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_killed_between_claim_and_report_it_continues_from_its_journal(
    crash: str, examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    await check_killed_applier_continues(crash, examples, log, follower, actor, Folders.of(tmp_path))


async def test_the_python_client_continues_from_the_journal_of_a_go_applier(
    examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    await check_python_client_continues(examples, log, follower, actor, Folders.of(tmp_path))


async def test_R29_a_member_is_applied_only_if_its_set_was_released(
    examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    await check_a_member_is_applied_only_with_its_set(examples, log, follower, actor, Folders.of(tmp_path))


async def test_what_is_not_what_the_ledger_has_released_is_not_applied(
    examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    await check_forged_changes_are_left_alone(examples, log, follower, actor, Folders.of(tmp_path))


@pytest.mark.skipif(chosen_stack() != "embedded", reason="this test kills the broker that it started")
async def test_kafka_killed_and_started_again_the_next_change_is_applied(
    examples: Examples, tmp_path: Path
) -> None:
    await check_kafka_restart_is_survived(examples, tmp_path, Folders.of(tmp_path))
