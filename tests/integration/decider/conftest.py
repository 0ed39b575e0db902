"""A client that changes governance."""

from collections.abc import AsyncIterator

import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from tests.support.governor import Governor, governing
from tests.support.log import Log


@pytest_asyncio.fixture(scope="module")
async def governor(log: Log, follower: GovernanceFollower) -> AsyncIterator[Governor]:
    """Acts as any principal for governance; the decider comes with the fixture `actor`."""
    async with governing(log, follower) as somebody:
        yield somebody
