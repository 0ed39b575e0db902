"""Dispatch restarted, run twice at once, after forged positions: every release is written, in order."""

import asyncio
import signal
from pathlib import Path

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.released_change import Change, decode_change
from tests.support.handover import (
    Folders,
    altered,
    applying,
    dispatching,
    events_of,
    forge,
    process,
    read_changes,
)
from tests.support.log import Actor, Log
from tests.support.stack import until


async def changes_of(log: Log, *requests: str) -> list[Change]:
    changes = [decode_change(record.value or b"") for record in await read_changes(log.connection)]
    return [change for change in changes if change.request in requests]


async def all_written(log: Log, requests: list[str]) -> None:
    async def written() -> bool:
        return {change.request for change in await changes_of(log, *requests)} == set(requests)

    await until(written)


async def test_restarted_dispatch_writes_what_is_missing_and_nothing_twice(
    log: Log, follower: GovernanceFollower, actor: Actor
) -> None:
    async with dispatching(log, follower):
        requests = [(await actor.released(f"script/resume-{number}")).request for number in range(3)]
        await all_written(log, requests)
    requests += [(await actor.released(f"script/resume-{number}")).request for number in range(3, 6)]
    async with dispatching(log, follower):
        await all_written(log, requests)
    async with dispatching(log, follower):
        requests.append((await actor.released("script/resume-6")).request)
        await all_written(log, requests)
    assert sorted(change.request for change in await changes_of(log, *requests)) == sorted(requests)


async def test_forged_record_with_a_huge_position_does_not_make_it_skip_a_release(
    log: Log, follower: GovernanceFollower, actor: Actor
) -> None:
    async with dispatching(log, follower):
        before = await actor.released("script/skipped")
        await all_written(log, [before.request])
    [change] = await changes_of(log, before.request)
    partition = int(before.request.partition("-")[0])
    await forge(log, partition, altered(change, released=1 << 60))
    await actor.claim(before)
    await actor.report(before)
    after = await actor.released("script/skipped")
    async with dispatching(log, follower):
        await all_written(log, [after.request])


async def test_two_at_once_write_every_release_and_first_copies_in_order(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    async with dispatching(log, follower), dispatching(log, follower):
        released = [await actor.released(f"script/twice-{number}") for number in range(12)]
        requests = [each.request for each in released]
        await all_written(log, requests)
    firsts: dict[str, dict[int, None]] = {}
    for change in await changes_of(log, *requests):
        firsts.setdefault(change.request.partition("-")[0], {}).setdefault(change.released)
    assert all(list(positions) == sorted(positions) for positions in firsts.values())
    async with applying(log, follower, Folders.of(tmp_path)) as applier:
        await asyncio.gather(*(applier.of(request, "succeeded") for request in requests))
    for request in requests:
        assert (await events_of(log, follower, request)).count("change-claimed") == 1


async def test_dispatch_process_killed_and_restarted_loses_nothing(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    first = await process("assent.dispatch", log=log, folders=folders)
    requests = [(await actor.released(f"script/killed-{number}")).request for number in range(2)]
    await all_written(log, requests)
    requests += [(await actor.released(f"script/killed-{number}")).request for number in range(2, 5)]
    first.kill()
    await first.communicate()
    requests += [(await actor.released(f"script/killed-{number}")).request for number in range(5, 8)]
    second = await process("assent.dispatch", log=log, folders=folders)
    await all_written(log, requests)
    second.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(second.communicate(), 30)
    assert second.returncode == 0, said.decode()
