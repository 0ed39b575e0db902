"""A message on its way to a target, and how its delivery can fail."""

from uuid import UUID

import msgspec

from assent.targets.news import Facts, NewsEvent
from assent.targets.urls import TargetKind


class NotDeliveredError(Exception):
    """The target did not accept a message. The text can be shown and logged: it contains no URL."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the outbox that this process has to send now."""

    id: int
    attempts: int
    """Including this one."""
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
    """Consecutive failures of the target before this attempt."""

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that a receiver can drop duplicates."""
        return f"msg_{self.partition}_{self.seq}_{self.event}_{self.target}"
