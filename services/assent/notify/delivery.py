"""A message on its way to a target, and how its delivery can fail."""

from datetime import datetime
from uuid import UUID

import msgspec

from assent.targets.news import Facts, NewsEvent
from assent.targets.urls import TargetKind


class NotDeliveredError(Exception):
    """The target did not accept a message. The text can be shown and logged: it contains no URL."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the outbox."""

    id: int
    attempts: int
    """Including this one, if the message is the first of its delivery."""
    partition: int
    seq: int
    at: int
    request: str
    event: NewsEvent
    recipient: str
    facts: Facts


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What this process is to send to a target now: one message, or several in one mail or chat message."""

    target: UUID
    kind: TargetKind
    url: str
    secret: str | None
    failures: int
    """Consecutive failures of the target before this attempt."""
    messages: tuple[Message, ...]
    """The oldest first; more than one only for mail and chat. The attempt counts as the first one's."""
    most: int
    """How many messages could have been sent at once."""

    @property
    def is_full(self) -> bool:
        """Whether more messages may be due that found no room."""
        return len(self.messages) >= self.most

    @property
    def first(self) -> Message:
        """The oldest message."""
        return self.messages[0]

    @property
    def others(self) -> list[int]:
        """The ids of the messages that are sent with the first."""
        return [each.id for each in self.messages[1:]]

    @property
    def message_id(self) -> str:
        """The same for every attempt, so that a receiver can drop duplicates."""
        first = self.first
        return f"msg_{first.partition}_{first.seq}_{first.event}_{self.target}"


class TargetTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test message that the owner of a target asked for."""

    id: int
    asked_at: datetime
    target: UUID
    kind: TargetKind
    url: str
    secret: str | None

    @property
    def message_id(self) -> str:
        """As that of a delivery."""
        return f"msg_test_{self.id}_{self.target}"
