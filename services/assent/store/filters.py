"""What can be asked of the tables, and where a list goes on. Times in ms since 1970."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from assent_contracts.events import Status

LedgerName = Literal["assent.ledger", "assent.governance"]


class Cursor(msgspec.Struct, frozen=True):
    """A place in a list of requests: the next page begins after it."""

    at: int
    """When the request before it changed last; in a list of the oldest first, when it was submitted."""
    partition: int
    seq: int


class RequestFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests to list; what is None is not asked for.

    R7: `person` (or `requester`, one account) lists one's own; `groups` lists what an approver in these
    groups receives, their own among them (R9), and with them every request of one of `types` (R21).
    """

    person: str | None = None
    requester: str | None = None
    groups: Sequence[str] | None = None
    types: Sequence[str] | None = None
    statuses: Sequence[Status] | None = None
    resource: str | None = None
    text: str | None = None
    """A part of the object or of the justification, the whole operation or the whole id of the request."""
    accounts: Sequence[str] | None = None
    """With `text`: what one of these requested, or had requested on its behalf, fits as well."""


class AuditCursor(msgspec.Struct, frozen=True):
    """A place in a search of the audit log: the next page begins after it."""

    at: int
    ledger: LedgerName
    partition: int
    seq: int


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """R16: which records to find; what is None is not asked for.

    `principal` sent it (or, where it was refused for its signature, says it did), or one of `principals`;
    `resource` is the whole object and `resource_part` a part of it, in any case; `command` is a type such
    as `assent.approve.v1`; `refused` tells refusals from decisions; log time is at or after `since_ms` and
    before `until_ms`.
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
    ledger: LedgerName | None = None
