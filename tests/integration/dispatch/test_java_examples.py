"""The examples of contracts/java as programs of their own, on a real broker: submitting, applying, killed."""

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

JAVA = Path(assent_contracts.__file__).parents[1] / "java"

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        shutil.which("mvn") is None or shutil.which("javac") is None,
        reason="there is no Maven or no JDK here",
    ),
]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """The jar, built from a copy. Its dependencies come from Maven's cache or a repository."""
    folder = tmp_path_factory.mktemp("java") / "client"
    shutil.copytree(JAVA, folder, ignore=shutil.ignore_patterns("target"))
    built = subprocess.run(
        ["mvn", "-q", "-B", "package", "-Dmaven.test.skip=true"],
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    if "Could not resolve" in built.stdout or "Could not transfer" in built.stdout:
        pytest.skip("What contracts/java needs is not in Maven's cache, and no repository has answered.")
    assert built.returncode == 0, built.stdout
    jars = f"{folder}/target/*:{folder}/target/lib/*"
    sources = [str(path) for path in folder.glob("examples/*.java")]
    # Compiled once: each start from the source file would take seconds on a busy machine.
    subprocess.run(["javac", "-cp", jars, "-d", f"{folder}/built", *sources], check=True)
    java = ("java", "-XX:TieredStopAtLevel=1", "-cp", f"{folder}/built:{jars}")
    return Examples(submit=(*java, "Submit"), submit_set=(*java, "SubmitSet"), apply=(*java, "Apply"))


@pytest.mark.parametrize("crash", ["before", "after"])
async def test_killed_between_claim_and_report_it_continues_from_its_journal(
    crash: str, examples: Examples, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    await check_killed_applier_continues(crash, examples, log, follower, actor, Folders.of(tmp_path))


async def test_the_python_client_continues_from_the_journal_of_a_java_applier(
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
