"""Assent is upgraded under load, one instance of each service after the other, from the commit before."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.cluster.earlier_version import BEFORE, EarlierRunning, earlier_commit, files_of
from tests.support.cluster.services import INSTANCES, NAMES
from tests.support.cluster.world import ClusterWorld
from tests.support.services import Running

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]


async def stopped(services: Iterable[Running]) -> None:
    """Stop services in order, all at once."""
    stopping = list(services)
    for each in stopping:
        each.ask_to_stop()
    await asyncio.gather(*(asyncio.to_thread(each.gone) for each in stopping))


async def test_versions_that_run_side_by_side_agree_on_everything(
    world: ClusterWorld, tmp_path: Path
) -> None:
    commit = earlier_commit()
    if commit is None:
        pytest.skip(f"this repository does not have the commit before: set {BEFORE}")
    files = files_of(commit, tmp_path)
    running = world.services.running
    await stopped(running.values())
    for name in NAMES:
        for instance in INSTANCES:
            title = name + instance
            environ = {**world.services.environ, **world.made.environment(name, instance)}
            running[title] = EarlierRunning(files, name, title, environ, running[title].log)
    await world.ready()
    world.load.start()
    await world.load.until_decided(40)
    for instance in INSTANCES:
        titles = [name + instance for name in NAMES]
        await stopped(running[title] for title in titles)
        world.start(*NAMES, instance=instance)
        await world.ready(titles)
        await world.load.until_decided(80)
    await world.load.finish()
    await world.settled(timeout_s=180)
    world.nothing_ended()
