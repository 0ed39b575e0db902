"""An applier killed at any point continues from its journal: one claim, one application, one outcome."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from assent_contracts.client.applier_journal import Journal
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import Release
from tests.support.handover import Folders, applying, dispatching, events_of, killed_at
from tests.support.killed_applier import STEPS
from tests.support.log import Actor, Log

CLAIMED = ["change-submitted", "approval-given", "request-approved", "change-released", "change-claimed"]


@pytest.mark.parametrize("step", STEPS)
async def test_applier_killed_at_a_step_continues_and_applies_and_reports_once(
    step: str, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    name = step.replace(" ", "-")
    written = folders.target / "script" / name
    async with dispatching(log, follower):
        request = await actor.released(f"script/{name}", b'"echo once"')
        await killed_at(step, log=log, folders=folders)
        inode = written.stat().st_ino if written.exists() else None
        async with applying(log, follower, folders) as applier:
            if step == "report decided":
                await applier.of(request.request, "not-claimed", "succeeded")
            else:
                await applier.of(request.request, "succeeded")
    assert written.read_text() == "echo once"
    assert inode in (None, written.stat().st_ino), "what was written is not written again"
    assert await events_of(log, follower, request.request) == [*CLAIMED, "request-completed"]
    journal = Journal(folders.state, log.identity)
    assert journal.entries() == [], "nothing is left in hand"
    journal.close()


async def test_change_is_applied_only_once_its_claim_is_on_disk(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, on_disk = Folders.of(tmp_path), [0]
    shown: list[bool] = []
    real = os.fdatasync

    def slowly(file: int) -> None:
        size = os.fstat(file).st_size
        time.sleep(0.5)  # a slow disk
        real(file)
        on_disk[0] = size

    def apply(_: Release) -> None:
        [journal] = folders.state.glob("*/journal")
        shown.append(b"assent.claim.v1" in journal.read_bytes()[: on_disk[0]])

    monkeypatch.setattr(os, "fdatasync", slowly)
    async with dispatching(log, follower), applying(log, follower, folders, handler=apply) as applier:
        request = await actor.released("script/on-disk")
        await applier.of(request.request, "succeeded")
    assert shown == [True]


async def test_applier_cut_off_while_applying_applies_again_within_the_lease_with_the_same_idempotency_key(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    begun = asyncio.Event()
    asked: list[str] = []

    async def hang(release: Release) -> None:
        asked.append(release.idempotency_key)
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def note(release: Release) -> None:
        asked.append(release.idempotency_key)

    async with dispatching(log, follower):
        request = await actor.released("script/cut-off")
        async with applying(log, follower, folders, handler=hang):
            await begun.wait()
        async with applying(log, follower, folders, handler=note) as applier:
            await applier.of(request.request, "succeeded")
    assert len(asked) == 2
    assert len(set(asked)) == 1
    assert await events_of(log, follower, request.request) == [*CLAIMED, "request-completed"]
