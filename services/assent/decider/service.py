"""The decider as a process: which partitions it leads, and what happens when it loses one."""

import asyncio
import time
from collections.abc import Set as AbstractSet

import stamina
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from assent.decider.session import Clock, Session
from assent.decider.signatures import SignatureChecker
from assent.decider.takeover import take_over
from assent.ledger.appender import Appender, LostLeadError
from assent.observe import metrics
from assent.observe.health import Health
from assent.settings import ServiceSettings, need
from assent_contracts.client.connection import Connection, reading
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.group import Membership, PartitionTasks
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.reader import acceptance_of
from assent_contracts.topics import COMMANDS, LEDGER

GROUP = "assent-decider"
_RETRY_MAX_S = 5.0


def wall_clock_ms() -> int:
    """Milliseconds since 1970 in UTC."""
    return time.time_ns() // 1_000_000


class Decider:
    """Leads partitions: one task for each, started over whenever its lead is lost."""

    def __init__(
        self,
        connection: Connection,
        key: SecretKey,
        follower: GovernanceFollower,
        health: Health,
        *,
        checker: SignatureChecker | None = None,
        clock: Clock = wall_clock_ms,
    ) -> None:
        self._connection = connection
        self._key = key
        self._follower = follower
        self._health = health
        self._checker = checker or SignatureChecker()
        self._clock = clock
        self._leads = PartitionTasks(self._keep_leading, "lead")
        self._partitions: frozenset[int] = frozenset()

    async def lead(self, partitions: AbstractSet[int]) -> None:
        """Lead exactly these partitions from now on. Raises what a lead has died of."""
        for partition in partitions - self._partitions:
            self._health.not_ready(f"partition-{partition}", "taking over")
        await self._leads.work_on(frozenset(partitions))
        for partition in self._partitions - partitions:
            self._health.ready(f"partition-{partition}")
        self._partitions = frozenset(partitions)

    async def close(self) -> None:
        """Give every partition up."""
        await self.lead(frozenset())
        self._checker.close()

    async def _keep_leading(self, partition: int) -> None:
        log = structlog.get_logger().bind(partition=partition)
        while True:
            async for attempt in stamina.retry_context(
                on=(KafkaError, TimeoutError), attempts=None, timeout=None, wait_max=_RETRY_MAX_S
            ):
                with attempt:
                    await self._lead_once(partition)
            metrics.LEADS_LOST.labels(str(partition)).inc()
            log.warning("lost the lead: starting over")

    async def _lead_once(self, partition: int) -> None:
        """Returns when another writer's run stands."""
        lead = await take_over(self._connection, partition, self._follower)
        consumer = await reading(self._connection, {TopicPartition(COMMANDS, partition): lead.next_input})
        appender = Appender(
            self._connection,
            LEDGER,
            partition,
            self._key,
            confirmed=lead.head,
            acceptance_from=lambda head: acceptance_of(partition, self._follower, head),
        )
        try:
            await appender.start()
            self._health.ready(f"partition-{partition}")
            metrics.LEAD.labels(str(partition)).set(1)
            await Session(lead, appender, consumer, self._follower, self._checker, self._clock).run()
        except LostLeadError:
            return
        finally:
            self._health.not_ready(f"partition-{partition}", "taking over")
            metrics.LEAD.labels(str(partition)).set(0)
            await consumer.stop()
            await appender.stop()


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Lead the partitions that the consumer group assigns, until `stop`."""
    key = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    follower = GovernanceFollower(settings.kafka, settings.identity)
    await follower.start()
    decider = Decider(settings.kafka, key, follower, health)
    try:
        # The group is for liveness only: it says who should lead.
        async with Membership(settings.kafka, COMMANDS, GROUP) as membership:
            health.ready("kafka")
            while not stop.is_set():
                follower.check()
                await decider.lead(await membership.partitions())
    finally:
        await decider.close()
        await follower.stop()
