"""Postgres killed under load, and its standby promoted."""

import pytest

from tests.support.cluster.measured import Measured
from tests.support.cluster.world import ClusterWorld

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]


async def test_killed_primary_and_promoted_standby_lose_nothing_that_was_committed(
    world: ClusterWorld, measured: Measured, tries: int
) -> None:
    postgres = world.cluster.postgres

    async def failed_over() -> None:
        await postgres.kill_primary()
        await postgres.promote()

    for _ in range(tries):
        measured.add("Postgres killed, its standby promoted", await world.disturbed(failed_over))
        await postgres.renew_standby()
    world.nothing_ended()
