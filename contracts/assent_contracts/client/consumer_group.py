"""A consumer group for liveness only: it only assigns partitions to its members.

Other consumers do the reading, from their own positions. So nothing is committed here, and nothing is lost if
the group's offsets are lost. A partition may briefly have two workers, or none.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

from aiokafka import ConsumerRebalanceListener, TopicPartition

from assent_contracts.client.connection import Connection, Consumer, started
from assent_contracts.client.task_end import end

SESSION_TIMEOUT_MS = 10_000
_POLL_MS = 1_000


class _Assignments(ConsumerRebalanceListener):
    # The callbacks only store the assignment: their errors are swallowed, and heartbeats stop while they run.
    def __init__(self) -> None:
        self.partitions: frozenset[int] = frozenset()

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        self.partitions -= {partition.partition for partition in revoked}

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        self.partitions = frozenset(partition.partition for partition in assigned)


class Membership:
    """One member of a group over the partitions of one topic."""

    def __init__(
        self, connection: Connection, topic: str, group: str, *, instance: str | None = None
    ) -> None:
        """`instance`: what identifies this member over its restarts, in this group.

        A member that was killed and is started again within the session's time then has its partitions at
        once. Without it, the others would have none until Kafka has given up the one that was killed. Its
        partitions are given to others only after the session's time, also when it leaves.
        """
        self._assignments = _Assignments()
        self._consumer = Consumer(
            **connection.options(),
            group_id=group,
            group_instance_id=instance,
            enable_auto_commit=False,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=SESSION_TIMEOUT_MS // 4,
        )
        self._consumer.subscribe([topic], listener=self._assignments)

    async def __aenter__(self) -> Self:
        """Join. Raises KafkaError."""
        await started(self._consumer)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Leave."""
        await self._consumer.stop()

    async def partitions(self) -> frozenset[int]:
        """The partitions to work on now. Waits up to a second for a new assignment. Raises KafkaError."""
        self._consumer.pause(*self._consumer.assignment())
        wait_ms = _POLL_MS if self._assignments.partitions else _POLL_MS // 10
        # Records do not matter here, not even those that cannot be parsed.
        with suppress(UnicodeDecodeError):
            await self._consumer.getmany(timeout_ms=wait_ms)
        return self._assignments.partitions


class PartitionTasks:
    """One task for each partition that is being worked on."""

    def __init__(self, work: Callable[[int], Awaitable[None]], name: str) -> None:
        """`work` runs until it is cancelled."""
        self._work = work
        self._name = name
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def work_on(self, partitions: frozenset[int]) -> None:
        """Work on exactly these partitions from now on. Raises the error of a task that has failed."""
        # Together: a program that leaves all its partitions has to wait for the slowest only.
        await end(*(self._tasks.pop(partition) for partition in self._tasks.keys() - partitions))
        for partition in partitions - self._tasks.keys():
            name = f"{self._name}-{partition}"
            self._tasks[partition] = asyncio.create_task(self._run(partition), name=name)
        for task in self._tasks.values():
            if task.done():
                task.result()

    async def _run(self, partition: int) -> None:
        await self._work(partition)
