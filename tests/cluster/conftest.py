"""One cluster for all of these tests, with every service on it."""

import logging
import os
import platform
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.support.cluster.cluster import Cluster
from tests.support.cluster.measured import Measured
from tests.support.cluster.postgres_programs import MACHINES
from tests.support.cluster.world import ClusterWorld, cluster_world

TRIES: Final = int(os.environ.get("ASSENT_CLUSTER_TRIES", "1"))
_MEASURED: Final = Measured()


@pytest_asyncio.fixture(scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """The servers, and a log that the commands of `assent` have founded."""
    if platform.machine() not in MACHINES:
        pytest.skip(f"no Postgres with TLS is pinned for {platform.machine()}")
    # It reports each of the connections that are refused while a broker is down.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder: Path = tmp_path_factory.mktemp("cluster")
    async with Cluster(folder) as started:
        yield started


@pytest_asyncio.fixture(scope="session")
async def world(cluster: Cluster) -> AsyncIterator[ClusterWorld]:
    """Two of each service, ready."""
    async with cluster_world(cluster) as made:
        made.start_all()
        await made.ready()
        yield made


@pytest.fixture
def measured() -> Measured:
    """Collects times, which are printed after all tests."""
    return _MEASURED


@pytest.fixture
def tries() -> int:
    """How often each fault is tried."""
    return TRIES


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the times that were measured."""
    for line in _MEASURED.lines():
        terminalreporter.write_line(line)
