"""Kafka and Postgres that may be killed: these tests have their own embedded ones."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from assent.local.stack import Stack
from tests.support.world import World, world


@pytest_asyncio.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Both servers."""
    # It reports each of the hundreds of connections that are refused while a broker is down.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    async with Stack(tmp_path_factory.mktemp("faulty")) as started:
        yield started


@pytest_asyncio.fixture
async def faulty(stack: Stack, tmp_path: Path) -> AsyncIterator[World]:
    """A new log with nothing running on it."""
    async with world(stack, tmp_path) as made:
        yield made
