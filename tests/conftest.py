"""Fixtures for every test that needs the real Kafka and Postgres."""

import os
import random
import secrets
import tempfile
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from assent_contracts.client.follower import GovernanceFollower
from tests.support.containers import Endpoints
from tests.support.log import Actor, Log, deciding, following, fresh_log, publishing
from tests.support.stack import endpoints

# At each start pytest makes its folder of temporary files private. Where tests run as root, Postgres is
# another user. So tests of two checkouts that run side by side do not share that folder.
_CHECKOUT = Path(__file__).parents[1]
_TEMPORARY = Path(tempfile.gettempdir()) / f"assent-{zlib.crc32(bytes(_CHECKOUT)):08x}"
_TEMPORARY.mkdir(exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_TEMPORARY))

# A failure ends with the line that reproduces the example. No test fails because the machine is busy.
settings.register_profile(
    "assent", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("assent")

_ON_ONE_SYSTEM = {
    f"tests/e2e/test_{name}.py"
    for name in ("life", "policy_forms", "refusals", "server_cli", "sets", "system")
}
"""Files whose tests share the system that `tests/e2e` starts: one worker runs all of them."""


class _ByFileOrSystem(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "tests/e2e" if file in _ON_ONE_SYSTEM else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Give each worker whole files, so that what the tests of a file share is started once per worker."""
    return _ByFileOrSystem(config, log)


SEED = "ASSENT_TEST_SEED"
"""The seed of a test that chooses at random, to repeat it."""


@pytest.fixture
def dice() -> random.Random:
    """Random choices. A failing test prints its seed, and `ASSENT_TEST_SEED` repeats it."""
    seed = int(os.environ.get(SEED) or secrets.randbelow(1 << 32))
    print(f"again: {SEED}={seed}")
    return random.Random(seed)


@pytest_asyncio.fixture(scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Endpoints]:
    """Kafka and Postgres, once for all tests."""
    async with endpoints(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A newly founded log for this module; `tests/support/log.py` describes its content."""
    folder: Path = tmp_path_factory.mktemp("keys")
    return await fresh_log(running.bootstrap, folder)


@pytest_asyncio.fixture(scope="module")
async def follower(log: Log) -> AsyncIterator[GovernanceFollower]:
    """A follower of the module's governance."""
    async with following(log) as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def actor(log: Log, follower: GovernanceFollower) -> AsyncIterator[Actor]:
    """Acts as any principal; a real decider answers."""
    async with deciding(log, follower), publishing(log, follower) as somebody:
        yield somebody
