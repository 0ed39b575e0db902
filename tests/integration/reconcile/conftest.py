"""A log with two reconcilers besides the demo's accounts."""

from pathlib import Path

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from tests.support.containers import Endpoints
from tests.support.log import Actor, Log
from tests.support.reconciling import Reconciling, log_with_reconcilers


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    return await log_with_reconcilers(running.bootstrap, tmp_path_factory.mktemp("keys"))


@pytest.fixture
def reconciling(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path, request: pytest.FixtureRequest
) -> Reconciling:
    return Reconciling(log, follower, actor, tmp_path, f"t{abs(hash(request.node.name)) % 10**9}")
