"""What a decider knows of each ledger partition from other sources, and how it makes that known."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from assent.decider.heads_file import read_heads_file, write_heads_file
from assent.decider.missing_log_parts import NOT_ASKED, UnknownError
from assent.observe.health import Health
from assent.store.stored_heads import HEADS_UNREACHABLE, sift_database
from assent_contracts.client.command_producer import CommandProducer
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads_topic import sift_beside, sift_topic, signed_head
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.newest_heads import NewestHeads, trusted_keys
from assent_contracts.eras import is_void
from assent_contracts.heads import Finding, KeptHead, KnownHead, Place, SignedHead, known_heads, topic_key
from assent_contracts.topics import HEADS

LEARN_EVERY_S: Final = 2.0
"""Several partitions that are taken over at once share one query."""


class KnownHeads:
    """The newest head of each partition and era, from the decider's file, `assent.heads` and Postgres."""

    def __init__(
        self,
        connection: Connection,
        key: SecretKey,
        follower: GovernanceFollower,
        *,
        file: Path | None = None,
        postgres: str | None = None,
        health: Health,
    ) -> None:
        """`file`: the decider's own file. `postgres`: the readers' database (a DSN), if it may be asked."""
        self._health = health
        self._connection = connection
        self._key = key
        self._follower = follower
        self._file = file
        self._postgres = postgres
        self._newest = NewestHeads()
        self._learning = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._learnt_at: float | None = None
        self._producer: CommandProducer | None = None

    async def learn(self) -> None:
        """Ask every source. Raises KafkaError, HeadsFileError, UnknownError.

        A Postgres that does not answer is reported in the log and in /readyz. It is not waited for where the
        file answered.
        """
        async with self._learning:
            now = asyncio.get_running_loop().time()
            if self._learnt_at is not None and now - self._learnt_at < LEARN_EVERY_S:
                return
            in_file = None if self._file is None else await asyncio.to_thread(read_heads_file, self._file)
            identity, found = self._follower.identity, NewestHeads()
            trusted = trusted_keys(self._follower.writers.public_keys(), self._key)
            await sift_beside(found, identity, in_file or [], trusted)
            await self._ask_postgres(found, trusted, needed=in_file is None)
            await sift_topic(self._connection, found, identity, trusted)
            self._newest.merge(found)
            self._learnt_at = asyncio.get_running_loop().time()

    async def _ask_postgres(self, found: NewestHeads, trusted: Mapping[str, bytes], *, needed: bool) -> None:
        if self._postgres is None:
            return
        try:
            await sift_database(self._postgres, found, self._follower.identity, trusted)
        except HEADS_UNREACHABLE as error:
            self._health.note("postgres", NOT_ASKED)
            structlog.get_logger().warning(
                "Postgres was not asked which heads it knows", error=repr(error), has_file=not needed
            )
            if needed:
                raise UnknownError from error
            return
        self._health.note("postgres", None)

    def of(self, place: Place) -> KnownHead | None:
        """What is known of a partition, without what was given up in accepted losses."""
        heads = [head for head, kept in self._newest.heads() if self._counts(kept)]
        return known_heads(heads, self._follower.losses).get(place)

    def contradiction(self, place: Place) -> Finding | None:
        """Two heads of a partition that writers have signed and that cannot both be true."""
        for found in self._newest.contradictions():
            (head, kept), (_, other) = found.one, found.other
            if place != (head.ledger, head.partition) or is_void(head.era, self._follower.losses):
                continue
            if self._counts(kept) and self._counts(other):
                return found.finding
        return None

    def _counts(self, kept: KeptHead) -> bool:
        """Whether its signer is still a writer: a stolen key could sign heads that never existed."""
        return kept.writer == self._key.id or kept.writer in self._follower.writers.public_keys()

    async def make_known(self, head: SignedHead) -> None:
        """Sign a confirmed head and write it to the file and the topic. Raises KafkaError, OSError."""
        place: Place = (head.ledger, head.partition)
        kept = signed_head(self._key, self._follower.identity, head)
        self._newest.add(head, kept)
        async with self._writing:
            if self._file is not None:
                await asyncio.to_thread(write_heads_file, self._file, self._worth_keeping())
            producer = await self._started_producer()
            await producer.send(kept.value.encode(), topic_key(*place), kept.headers, 0)

    def _worth_keeping(self) -> list[KeptHead]:
        losses = self._follower.losses
        return [kept for head, kept in self._newest.heads() if not is_void(head.era, losses)]

    async def _started_producer(self) -> CommandProducer:
        if self._producer is None:
            producer = CommandProducer(self._connection, HEADS)
            await producer.start()
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()
