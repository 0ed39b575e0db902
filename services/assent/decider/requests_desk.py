"""One partition of requests, as a Session decides it."""

from collections.abc import Iterator
from typing import Any, Final, cast

import structlog
from aiokafka import TopicPartition

from assent.decider.desk import Decision, Events, OwnRecord
from assent.decider.listed import is_writer
from assent.decider.stopped import StoppedError
from assent.observe import metrics
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from assent_contracts.core.governance.cursor import advance
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, Received
from assent_contracts.core.requests.book import Book
from assent_contracts.core.requests.carried import carried_due
from assent_contracts.core.requests.decide import Decision as RequestDecision
from assent_contracts.core.requests.expire import decide_expiry
from assent_contracts.core.requests.judge import judge, keep
from assent_contracts.core.requests.receive import read_command
from assent_contracts.core.requests.states import Closed, Unsettled
from assent_contracts.core.sender import unattributed
from assent_contracts.events import Event
from assent_contracts.refusals import Refusal
from assent_contracts.resources import request_id
from assent_contracts.topics import COMMANDS, GOVERNANCE

WRITERS_KEY: Final = b"writers"
"""The Kafka key of a record that is about no object."""


class RequestsDesk:
    """Requests, decided under governance as far as it has been followed."""

    def __init__(
        self, book: Book, governance: Governance, follower: GovernanceFollower, key: SecretKey
    ) -> None:
        """`governance` is this desk's own: it moves along what `follower` has read. `key`: the writer's."""
        self._key = key
        self.place = TopicPartition(COMMANDS, book.partition)
        self.name = str(book.partition)
        self.governance = governance
        self._book = book
        self._follower = follower
        self._carried_seen = 0

    @property
    def at(self) -> int:
        """Log time of the last record, ms."""
        return self._book.at

    @property
    def is_retired(self) -> bool:
        """Whether the writer's key is listed no more at the seq that its next record would name."""
        return not is_writer(self.governance, self._key)

    @property
    def governance_named(self) -> int:
        """The governance seq that the next record names."""
        return self.governance.seq

    async def catch_up(self) -> None:
        """Take in what governance has said meanwhile; nothing is decided by one that may be out of date.

        Raises NotFollowingError.
        """
        if not self._follower.is_confirmed:
            log = structlog.get_logger().bind(partition=self.name, governance=self.governance.seq)
            log.warning("governance cannot be read: deciding nothing meanwhile")
            await self._follower.confirmed()
            self._follower.check()
            log.info("governance can be read again")
        try:
            advance(self.governance, self._follower.history, len(self._follower.history) - 1)
        except Exception as error:
            raise StoppedError(GOVERNANCE, None) from error
        self._follower.check()

    async def news(self) -> None:
        """Return when governance has moved: a request of this partition may be carried out."""
        try:
            await self._follower.beyond(self.governance.seq)
        finally:
            # Whatever its end was, a follower that has ended must not look like a cancellation.
            self._follower.check()

    def unattributed(self, envelope: Envelope, *, signature_good: bool, at: int) -> Refusal | None:
        """The refusal of bytes that no key has signed."""
        return unattributed(
            self.governance, envelope.key_id, signed=bool(envelope.signature), good=signature_good, at=at
        )

    def read(self, envelope: Envelope) -> Received[Any] | Refusal:
        """A command of `assent.commands`."""
        return read_command(envelope)

    def decide(self, received: Received[Any], *, seq: int, at: int) -> Decision:
        """Decide a command whose signature is good."""
        return judge(self._book, received, signature_good=True, seq=seq, at=at, governance=self.governance)

    def keep_decision(self, received: Received[Any], decision: Decision, *, seq: int, at: int) -> None:
        """Move the book past a command's decision."""
        keep(self._book, received, cast("RequestDecision", decision), seq=seq, at=at)

    def keep(self, events: Events, *, seq: int, at: int) -> None:
        """Move the book past a record that is no command's decision."""
        self._book.record(seq, at, cast("tuple[Event, ...]", events))

    def due(self, at: int) -> Iterator[OwnRecord]:
        """That the writers have changed, what governance has carried out, then what log time has ended."""
        changed = self._book.writers_due(self.governance)
        if changed is not None:
            yield OwnRecord(WRITERS_KEY, (changed,))
        if self._carried_seen != len(self.governance.carried):
            seen, self._carried_seen = self._carried_seen, len(self.governance.carried)
            for resource, event in carried_due(self._book, self.governance, seen):
                yield OwnRecord(resource.encode(), (event,))
        for seq in self._book.due(at):
            request = self._book.requests[seq]
            assert not isinstance(request, Closed | Unsettled)
            event = decide_expiry(request_id(self._book.partition, seq), request)
            yield OwnRecord(request.submission.resource.encode(), (event,))

    def measure(self) -> None:
        """How many requests are open."""
        metrics.OPEN_REQUESTS.labels(self.name).set(self._book.open_requests())
