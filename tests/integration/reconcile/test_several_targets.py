"""R28: one reconciler for the objects of a type at several targets, and `assent reconcile --every`."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.files.target import FilesTarget
from assent.cli import output
from assent.reconcile.configuration import read_configurations
from assent.reconcile.reconciler import Reconciler
from tests.support.cli import COMMAND
from tests.support.reconciling import RECONCILERS, Reconciling


def two_targets(reconciling: Reconciling) -> Path:
    """A file with two folders: the objects of each begin with its name."""
    file = reconciling.folder / "reconcile.toml"
    file.write_text(
        "".join(
            f"""
[[targets]]
name = "{reconciling.name}-{name}"
kind = "files"
types = ["script"]
objects = ["script/{reconciling.name}-{name}-*"]
[targets.files]
folder = "{reconciling.folder / name}"
"""
            for name in ("east", "west")
        )
    )
    return file


def environment(reconciling: Reconciling) -> Mapping[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
    return plain | {
        "ASSENT_KAFKA": reconciling.log.connection.bootstrap,
        "ASSENT_IDENTITY": reconciling.log.identity,
        "ASSENT_POSTGRES": "postgresql://nobody@127.0.0.1:1/none",
        "ASSENT_DATA": str(reconciling.folder / "data"),
    }


async def applied_at(reconciling: Reconciling, place: str) -> str:
    """An object that was applied to the folder of this name, and to no other."""
    folder = reconciling.folder / place
    target = FilesTarget(
        FilesTable(folder=str(folder)), reconciling.folder / f"applier-{place}", reconciling.log.identity
    )
    resource = f"script/{reconciling.name}-{place}-1.sh"
    await reconciling.applied(target, resource, b'"echo"')
    return resource


async def test_R28_each_object_is_expected_at_its_own_target_and_a_finding_names_it(
    reconciling: Reconciling,
) -> None:
    _, west = [await applied_at(reconciling, place) for place in ("east", "west")]
    configurations = read_configurations(two_targets(reconciling))
    by_target: dict[str, list[tuple[str, str]]] = {}
    for broken in (False, True):
        if broken:
            (reconciling.folder / "west" / west).unlink()
            (reconciling.folder / "east" / "script" / f"{reconciling.name}-east-2.sh").write_text("by hand")
            # It belongs to the other target, which is where it is looked for.
            (reconciling.folder / "east" / west).write_text("by hand")
        for each in configurations:
            reconciler = Reconciler(
                reconciling.log.connection,
                reconciling.follower,
                reconciling.log.keys[RECONCILERS[0]],
                reconciling.folder / "state",
                each,
            )
            await reconciler.start()
            try:
                run = await reconciler.run()
            finally:
                await reconciler.stop()
            by_target.setdefault(run.target, []).extend((it.kind, it.resource) for it in run.reported)
    assert by_target == {
        f"{reconciling.name}-east": [("unexplained", f"script/{reconciling.name}-east-2.sh")],
        f"{reconciling.name}-west": [("missing", west)],
    }


async def test_R28_the_command_compares_every_target_again_and_again_until_it_is_interrupted(
    reconciling: Reconciling,
) -> None:
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        "reconcile",
        *("--config", str(two_targets(reconciling))),
        *("--key", str(reconciling.log.folder / f"{RECONCILERS[0]}.key")),
        *("--every", "1", "--json"),
        env=environment(reconciling),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None

    async def reported(target: str) -> list[str]:
        """The versions in the next report about this target that has any."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            run: dict[str, Any] = json.loads(line)
            if run["target"].endswith(target) and run["reported"]:
                return [each["version"] for each in run["reported"]]
        raise AssertionError(await process.stderr.read() if process.stderr else "")

    try:
        async with asyncio.timeout(60):
            # Neither folder is there yet.
            problems = [(await process.stderr.readline()).decode() for _ in range(2)]
            assert [problem.partition(":")[0] for problem in problems] == [
                f"{reconciling.name}-east",
                f"{reconciling.name}-west",
            ]
            assert all("not compared" in problem for problem in problems)
            file = reconciling.folder / "west" / "script" / f"{reconciling.name}-west-by-hand"
            file.parent.mkdir(parents=True)
            seen: set[str] = set()
            for number in (1, 2):
                file.write_text(f"{number}")
                seen |= set(await reported("west"))
            assert len(seen) == 2, "each change once"
            process.send_signal(signal.SIGINT)
            await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == output.INTERRUPTED
