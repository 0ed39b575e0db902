"""A gateway on the real Kafka and Postgres, with the demo's people."""

from collections.abc import AsyncIterator

import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, everything
from tests.support.log import Log


@pytest_asyncio.fixture(scope="module")
async def gateway(running: Endpoints, log: Log, follower: GovernanceFollower) -> AsyncIterator[Gateway]:
    """Decider, status, audit and one gateway, for this module, on a newly founded log."""
    async with everything(log, follower, running.dsn) as started:
        yield started
