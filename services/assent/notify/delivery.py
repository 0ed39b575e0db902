"""What is on its way to a target, and how that can fail."""

from uuid import UUID

import msgspec

from assent.targets.news import Facts, NewsEvent
from assent.targets.urls import TargetKind


class NotDeliveredError(Exception):
    """The target did not take a message. What it says may be shown and logged: it holds no URL."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the outbox that this process is to send now."""

    id: int
    attempts: int
    """This one included."""
    partition: int
    seq: int
    at: int
    request: str
    event: NewsEvent
    recipient: str
    facts: Facts
    target: UUID
    kind: TargetKind
    url: str
    secret: str | None
    failures: int
    """Of the target, one after the other, before this attempt."""

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that a receiver can drop what it has."""
        return f"msg_{self.partition}_{self.seq}_{self.event}_{self.target}"
