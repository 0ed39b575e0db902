"""A gateway's connection to the log: follows governance, sends commands and receives their decisions."""

import asyncpg
import msgspec

from assent.process_settings import ServiceSettings
from assent.store.positions import requests_read
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.governance_publisher import GovernancePublisher
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import Hears, Publisher
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.governance.state_history import advance_to

SOURCE = "assent-gateway"


class LogConnection:
    """One gateway's end of the log. Started once, used by every request."""

    def __init__(
        self, follower: GovernanceFollower, publisher: Publisher, changes: GovernancePublisher, key: SecretKey
    ) -> None:
        """All of them started. `key` is the gateway's own and signs for people whom it authenticated."""
        self.follower = follower
        self.publisher = publisher
        self.changes = changes
        self.key = key
        self._governance = Governance()

    @property
    def governance(self) -> Governance:
        """The current state of governance, as far as it has been followed. Raises NotFollowingError."""
        self.follower.check()
        advance_to(self._governance, self.follower.history, len(self.follower.history) - 1)
        return self._governance

    def signs_for(self, principal: str) -> str | None:
        """The gateway that signs this account's decisions here; None for the gateway's own account."""
        return None if self.key.principal == principal else self.key.principal


class Publishers(msgspec.Struct):
    """What has to be stopped, in this order."""

    publisher: Publisher
    changes: GovernancePublisher

    async def stop(self) -> None:
        """Stop both. Safe to call when only some have started."""
        await self.publisher.stop()
        await self.changes.stop()


async def open_log(
    settings: ServiceSettings,
    follower: GovernanceFollower,
    key: SecretKey,
    db: asyncpg.Pool,
    on_accepted: Hears,
) -> tuple[LogConnection, Publishers]:
    """Start to publish, and to receive decisions from the status tables' positions on.

    `on_accepted` gets (partition, accepted record) for every received record. Raises KafkaError, and what
    asyncpg raises when Postgres cannot be reached.
    """
    publisher = Publisher(
        settings.kafka,
        follower,
        source=SOURCE,
        read=await requests_read(db),
        on_accepted=on_accepted,
    )
    changes = GovernancePublisher(settings.kafka, follower, source=SOURCE)
    ends = Publishers(publisher, changes)
    try:
        await publisher.start()
        await changes.start()
    except BaseException:
        await ends.stop()
        raise
    return LogConnection(follower, publisher, changes, key), ends
