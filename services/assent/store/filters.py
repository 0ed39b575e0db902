"""Filters for queries on the tables, and the place where a list continues. Times in ms since 1970."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from assent_contracts.events import Status

LedgerTopic = Literal["assent.ledger", "assent.governance"]


class Cursor(msgspec.Struct, frozen=True):
    """A place in a list of requests. The next page begins after it."""

    at: int
    """When the request before it last changed; in a list with the oldest first, when it was submitted."""
    partition: int
    seq: int


class RequestFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests to list. A field that is None does not filter.

    R7: `person` (or `requester`, one account) lists the caller's own requests. `groups` lists what an
    approver in these groups receives, including their own (R9), and with them every request of one of `types`
    (R21).
    """

    person: str | None = None
    requester: str | None = None
    groups: Sequence[str] | None = None
    types: Sequence[str] | None = None
    statuses: Sequence[Status] | None = None
    resource: str | None = None
    text: str | None = None
    """Part of the object or of the justification, or the whole operation or request id."""
    emergency: bool | None = None
    """R24: what its submission stated about that. One that stated nothing matches neither value."""
    ticket: str | None = None
    """R24: one of the tickets that its submission named."""
    part_of: str | None = None
    """R29: the request of the set that they are members of."""
    accounts: Sequence[str] | None = None
    """With `text`: also matches what one of these accounts requested, or had requested on its behalf."""


class AuditCursor(msgspec.Struct, frozen=True):
    """A place in a search of the audit log. The next page begins after it."""

    at: int
    ledger: LedgerTopic
    partition: int
    seq: int


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """R16: which records to find. A field that is None does not filter.

    `principal`, or one of `principals`, sent the command; if it was refused for its signature, that is only
    its claim. `resource` is the whole object and `resource_part` a part of it, in upper or lower case.
    `command` is a type such as `assent.approve.v1`. `refused` selects refusals or decisions. Log time is at
    or after `since_ms` and before `until_ms`.
    """

    principal: str | None = None
    principals: Sequence[str] | None = None
    request: str | None = None
    resource: str | None = None
    resource_part: str | None = None
    command: str | None = None
    refused: bool | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    ledger: LedgerTopic | None = None
