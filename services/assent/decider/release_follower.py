"""Read the request ledger for the releases that governance has to carry out."""

import asyncio

import structlog
from aiokafka.errors import KafkaError

from assent.decider.stopped_error import StoppedError
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.core.writer.governance_releases import GovernanceReleases
from assent_contracts.topics import LEDGER

_RETRY_S = 1.0
_POLL_RECORDS = 2_000
"""Keeps deciding responsive: a full poll is handled within about 50 ms."""


class ReleaseFollower:
    """Reads the releases of all request partitions for governance."""

    def __init__(
        self,
        connection: Connection,
        governance: GovernanceFollower,
        partitions: int,
        releases: GovernanceReleases,
    ) -> None:
        """`governance` has been started. The ledger is read from its start, into `releases`."""
        self._reader = LedgerReader(connection, governance, dict.fromkeys(range(partitions)))
        self._releases = releases

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        await self._reader.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._reader.stop()

    async def news(self) -> None:
        """Read until a release is found. Raises NotFollowingError, StoppedError."""
        found = False
        while not found:
            try:
                polled = await self._reader.poll(max_records=_POLL_RECORDS)
            except KafkaError as error:
                structlog.get_logger().warning("the request ledger cannot be read", error=repr(error))
                await asyncio.sleep(_RETRY_S)
                continue
            for accepted in polled.values():
                for each in accepted:
                    try:
                        found = self._releases.take(each) or found
                    except Exception as error:
                        raise StoppedError(LEDGER, each.offset) from error
            # A poll whose records are already there does not wait, so decisions get their turn in between.
            await asyncio.sleep(0)
