"""Commands as targets: what they get, what they may not do, and what their exit codes mean."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.applier.targets.command.confinement import ConfinementError
from assent.applier.targets.command.table import CommandTable
from assent.applier.targets.command.target import CommandTarget
from assent_contracts.client.handler import Applied, FinalError, RetryableError, UnknownOutcomeError
from tests.support.releases import change, release
from tests.support.stack import until

pytestmark = pytest.mark.skipif(shutil.which("setpriv") is None, reason="this machine has no setpriv")
ROOT = os.geteuid() == 0
SOURCES = Path(__file__).parents[3]
NOBODY = {"user": "nobody"} if ROOT else {}


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that the commands' user can write."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def target(
    script: str, *, timeout_s: float = 10, command: dict[str, Any] | None = None, **fields: Any
) -> CommandTarget:
    commands = [{"argv": ["/bin/sh", "-c", script], **(command or {})}]
    return CommandTarget(msgspec.convert({"commands": commands, **NOBODY, **fields}, CommandTable), timeout_s)


async def test_command_gets_the_payload_and_the_facts_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSENT_KEY_FILE", "secret")
    monkeypatch.setenv("TOKEN_OF_MINE", "a-secret")
    one = release("app/pay; touch x", b'{"a":  1}', claim=9)
    printing = target(
        "cat; echo; env",
        environment={"MODE": "test"},
        secrets={"TOKEN": "env:TOKEN_OF_MINE"},
        output_max_kib=10,
    )
    applied = await printing.apply(one)
    assert applied is not None
    seen = await _printed(printing, one)
    assert seen[0] == '{"a":  1}'
    variables = dict(line.split("=", 1) for line in seen[1:] if line)
    variables.pop("PWD", None)
    folder = variables.pop("HOME")
    assert not await _exists(Path(folder))
    assert variables == {
        "ASSENT_REQUEST": "2-0",
        "ASSENT_RESOURCE": "app/pay; touch x",
        "ASSENT_TYPE": "app",
        "ASSENT_ID": "pay; touch x",
        "ASSENT_OPERATION": "edit",
        "ASSENT_REQUESTER": "alice",
        "ASSENT_SUBMISSION": one.change.submission,
        "ASSENT_DIGEST": one.change.digest,
        "ASSENT_IDEMPOTENCY_KEY": one.idempotency_key,
        "ASSENT_CLAIM": "9",
        "LC_ALL": "C.UTF-8",
        "MODE": "test",
        "PATH": "/usr/bin:/bin",
        "TOKEN": "***",
    }


async def test_command_gets_its_secrets_and_what_it_prints_of_them_is_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN_OF_MINE", "a-secret")
    secrets = {"TOKEN": "env:TOKEN_OF_MINE"}
    said = '[ "$TOKEN" = a-secret ] && echo "401 with $TOKEN"'
    assert await target(said, secrets=secrets).apply(release()) == Applied("401 with ***", "")
    with pytest.raises(UnknownOutcomeError, match=r"It printed: 401 with \*\*\*$"):
        await target(f"({said}) >&2; exit 1", secrets=secrets).apply(release())


async def _printed(one: CommandTarget, of: Any) -> list[str]:
    ended = await one._run(one._table.commands[0].argv, of.change, of)
    return ended.output.decode().splitlines()


@pytest.mark.skipif(not ROOT, reason="only root can run commands as another user")
async def test_command_of_root_runs_as_its_own_user_without_privileges() -> None:
    script = "id -un; id -G; grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status; cat /etc/shadow 2>&1"
    seen = await _printed(target(script), release())
    assert seen[0] == "nobody"
    assert len(seen[1].split()) == 1
    assert {line.replace("\t", " ") for line in seen[2:5]} == {
        "CapEff: 0000000000000000", "CapBnd: 0000000000000000", "NoNewPrivs: 1",
    }  # fmt: skip
    assert "Permission denied" in seen[5]


@pytest.mark.skipif(not ROOT, reason="only root must name a user")
def test_root_without_a_user_is_refused() -> None:
    with pytest.raises(ConfinementError, match="name in `user` who runs the commands"):
        CommandTarget(msgspec.convert({"commands": [{"argv": ["/bin/true"]}]}, CommandTable), 1)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["true"], "must begin with a slash"),
        (["/no/such/program"], "No such file"),
        (["/etc"], "is not a program"),
        (["/etc/passwd"], "is not a program"),
    ],
)
def test_program_that_is_not_one_is_refused_at_the_start(argv: list[str], said: str) -> None:
    with pytest.raises(ConfinementError, match=said):
        CommandTarget(msgspec.convert({"commands": [{"argv": argv}], **NOBODY}, CommandTable), 1)


def test_program_that_others_can_change_is_refused(shared: Path) -> None:
    program = shared / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o777)
    with pytest.raises(ConfinementError, match="can be changed by other users"):
        CommandTarget(msgspec.convert({"commands": [{"argv": [str(program)]}], **NOBODY}, CommandTable), 1)


async def test_exit_code_zero_is_success_with_the_message_and_the_version() -> None:
    applied = await target("echo begun; echo 'version: v7'; echo 'It is done.'").apply(release())
    assert applied == Applied("It is done.", "v7")


@pytest.mark.parametrize(
    ("code", "raised"),
    [(10, FinalError), (20, RetryableError), (1, UnknownOutcomeError), (127, UnknownOutcomeError)],
)
async def test_exit_codes_mean_what_the_configuration_says_and_any_other_is_unknown(
    code: int, raised: type[Exception]
) -> None:
    one = target(f"echo because >&2; exit {code}", command={"final": [10], "retryable": [20]})
    with pytest.raises(raised, match="It printed: because"):
        await one.apply(release())


async def test_command_that_takes_too_long_is_killed_with_what_it_started_and_unknown(shared: Path) -> None:
    script = f"sleep 60 & echo $! > {shared}/pid; echo waiting; sleep 60"
    begun = time.monotonic()
    with pytest.raises(UnknownOutcomeError, match="did not end within 1 s and was killed"):
        await target(script, timeout_s=1).apply(release())
    assert time.monotonic() - begun < 8
    await _gone(shared)


async def test_what_a_command_leaves_running_is_killed(shared: Path) -> None:
    await target(f"sleep 60 > /dev/null 2>&1 & echo $! > {shared}/pid").apply(release())
    await _gone(shared)


ESCAPES = "setsid sh -c 'echo $$ > {shared}/pid; exec sleep 60' > /dev/null 2>&1 & "


@pytest.mark.parametrize("then", ["true", "sleep 60"])
async def test_what_left_the_process_group_is_killed_too(then: str, shared: Path) -> None:
    script = ESCAPES.format(shared=shared) + f"until [ -s {shared}/pid ]; do sleep 0.01; done; {then}"
    applying = target(script, timeout_s=1).apply(release())
    if then == "true":
        await applying
    else:
        with pytest.raises(UnknownOutcomeError, match="was killed"):
            await applying
    await _gone(shared)


async def test_nothing_of_a_command_outlives_an_applier_that_is_killed(shared: Path) -> None:
    program = (
        "import asyncio, os, signal, sys\n"
        "from assent.applier.targets.command.process_run import run_process\n"
        "from assent.applier.targets.command.confinement import confined\n"
        "from tests.integration.applier.test_command import ESCAPES, NOBODY, CommandTable, msgspec\n"
        f"shared = {str(shared)!r}\n"
        "argv = ['/bin/sh', '-c', ESCAPES.format(shared=shared) + 'sleep 60']\n"
        "table = msgspec.convert({'commands': [{'argv': argv}], **NOBODY}, CommandTable)\n"
        "asyncio.run(run_process(confined(table, argv), stdin=b'', environment=dict(os.environ),"
        " folder='/', timeout_s=60, output_max_bytes=100))\n"
    )
    applier = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=SOURCES)
    await until(lambda: _exists(shared / "pid"))
    applier.kill()
    await applier.wait()
    await _gone(shared)


async def test_cancelled_run_is_killed(shared: Path) -> None:
    task = asyncio.create_task(target(f"echo $$ > {shared}/pid; sleep 60").apply(release()))
    await until(lambda: _exists(shared / "pid"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await _gone(shared)


async def _exists(path: Path) -> bool:
    return await asyncio.to_thread(lambda: path.exists() and path.stat().st_size > 0)


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


async def _gone(shared: Path) -> None:
    async def gone() -> bool:
        return await asyncio.to_thread(_is_gone, int(await asyncio.to_thread((shared / "pid").read_text)))

    await until(gone)


async def test_memory_is_limited() -> None:
    script = "python3 -c 'bytearray(300_000_000)'"
    with pytest.raises(UnknownOutcomeError, match="MemoryError"):
        await target(script, memory_max_mib=128, environment={"PATH": os.environ["PATH"]}).apply(release())


async def test_size_of_a_file_is_limited(shared: Path) -> None:
    with pytest.raises(UnknownOutcomeError):
        await target(f"head -c 5000000 /dev/zero > {shared}/big", file_max_mib=1).apply(release())
    assert (shared / "big").stat().st_size <= 1024 * 1024


async def test_endless_output_is_dropped_and_not_kept() -> None:
    ended = await target("head -c 50000000 /dev/zero", output_max_kib=1)._run(
        ("/usr/bin/head", "-c", "50000000", "/dev/zero"), change(), None
    )
    assert (ended.code, len(ended.output)) == (0, 1024)


async def test_command_that_does_not_read_its_input_succeeds() -> None:
    payload = json.dumps("x" * 200_000).encode()
    assert await target("exit 0").apply(release("app/a", payload)) is not None


async def test_file_in_the_payload_can_be_the_input(shared: Path) -> None:
    await target(f"cat > {shared}/got", stdin="file").apply(release(payload=b'{"$base64":"AP8K"}'))
    assert (shared / "got").read_bytes() == b"\x00\xff\n"


@pytest.mark.parametrize(("code", "found"), [(0, Applied()), (1, None)])
async def test_read_back_tells_made_or_not_made(code: int, found: Applied | None) -> None:
    one = target("exit 0", command={"read_back": ["/bin/sh", "-c", f"exit {code}"]})
    assert await one.read_back(release()) == found


async def test_read_back_with_another_exit_code_is_unknown() -> None:
    one = target("exit 0", command={"read_back": ["/bin/sh", "-c", "exit 2"]})
    with pytest.raises(UnknownOutcomeError):
        await one.read_back(release())


async def test_command_without_read_back_is_unknown_after_a_crash_unless_it_is_repeatable() -> None:
    with pytest.raises(UnknownOutcomeError, match="may have run"):
        await target("exit 0").read_back(release())
    assert await target("exit 0", command={"repeatable": True}).read_back(release()) is None


async def test_operation_without_a_command_is_final() -> None:
    with pytest.raises(FinalError, match="no command is configured"):
        await target("exit 0", command={"operations": ["create"]}).apply(release())


async def test_dry_run_prints_the_plan_of_the_command_or_what_would_run(shared: Path) -> None:
    assert "would run ['/bin/sh', '-c', 'exit 0'] with 12 bytes" in await target("exit 0").plan(change())
    planning = target(f"touch {shared}/ran", command={"plan": ["/bin/sh", "-c", "echo would do it"]})
    assert await planning.plan(change()) == "would do it\n"
    assert not (shared / "ran").exists()
