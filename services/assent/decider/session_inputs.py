"""What surrounds a session's writer: where commands come from, and the ledgers that decisions refer to."""

from typing import Protocol

import structlog
from aiokafka import TopicPartition

from assent.decider.release_follower import ReleaseFollower
from assent.decider.stopped_error import StoppedError
from assent.observe import metrics
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.topics import COMMANDS, GOVERNANCE, GOVERNANCE_COMMANDS

GOVERNANCE_NAME = "governance"


class SessionInputs(Protocol):
    """One partition's place in Kafka, and its news from other ledgers."""

    place: TopicPartition
    """Where its commands come from."""
    name: str
    """The name in logs and metrics: the partition's number, or `governance`."""

    async def catch_up(self) -> None:
        """Pass new records of other ledgers to the desk. Waits while they cannot be read.

        Raises NotFollowingError.
        """
        ...

    async def news(self) -> None:
        """Return when another ledger has made something due. Raises NotFollowingError, KafkaError."""
        ...

    def measure(self) -> None:
        """Set the gauges that are specific to this ledger."""
        ...


class RequestsSessionInputs:
    """A partition of requests, decided under governance as far as it has been followed."""

    def __init__(self, desk: RequestsDesk, follower: GovernanceFollower) -> None:
        """The desk advances as far as `follower` has read."""
        self.place = TopicPartition(COMMANDS, desk.state.partition)
        self.name = str(desk.state.partition)
        self._desk = desk
        self._follower = follower

    async def catch_up(self) -> None:
        """Apply new governance records. Nothing is decided under governance that may be out of date.

        Raises NotFollowingError.
        """
        if not self._follower.is_confirmed:
            log = structlog.get_logger().bind(partition=self.name, governance=self._desk.governance.seq)
            log.warning("governance cannot be read: deciding nothing until it can")
            await self._follower.confirmed()
            self._follower.check()
            log.info("governance can be read again")
        follow_governance(self._desk, self._follower)
        self._follower.check()

    async def news(self) -> None:
        """Return when governance has advanced: it may have carried out a request of this partition."""
        try:
            await self._follower.beyond(self._desk.governance.seq)
        finally:
            # However this ended, a follower that has ended must not look like a cancellation.
            self._follower.check()

    def measure(self) -> None:
        """Set how many requests are open."""
        metrics.OPEN_REQUESTS.labels(self.name).set(self._desk.state.open_requests())


class GovernanceSessionInputs:
    """The partition of governance, which carries out what requests have released."""

    def __init__(self, releases: ReleaseFollower) -> None:
        self.place = TopicPartition(GOVERNANCE_COMMANDS, 0)
        self.name = GOVERNANCE_NAME
        self._releases = releases

    async def catch_up(self) -> None:
        """Do nothing: `news` reads the request ledger."""

    async def news(self) -> None:
        """Return when there is a release to carry out. Raises NotFollowingError."""
        await self._releases.news()

    def measure(self) -> None:
        """Do nothing: there are no gauges beyond those of every ledger."""


def follow_governance(desk: RequestsDesk, follower: GovernanceFollower) -> None:
    """Advance the desk to all of governance that has been read. Raises StoppedError."""
    try:
        desk.follow(follower.history, len(follower.history) - 1)
    except Exception as error:
        raise StoppedError(GOVERNANCE, None) from error
