"""Find requests that the caller may see: a single one, and the lists of R7."""

from typing import Final, Literal

import msgspec

from assent.gateway.application.page_cursors import BigInt, Int, cursor_place, cursor_text
from assent.gateway.application.projection_waits import audit_caught_up
from assent.gateway.application.visibility import may_see, sees_all
from assent.gateway.caller import Caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import not_found
from assent.reading.decidable_requests import received_groups, received_types
from assent.reading.lapsed_approvals import mark_lapsed
from assent.store.queries import (
    LIST_MAX,
    AuditRow,
    Cursor,
    RequestFilter,
    RequestView,
    groups_of_open_policy_requests,
    list_requests,
    show_request,
    timeline,
)
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import Status
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER

_COMING_WITHIN_S: Final = 2.0
View = Literal["mine", "received", "all"]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Requests, the newest change first unless the oldest were requested."""

    requests: list[RequestView]
    next: str | None
    """The `cursor` of the next page; null on the last."""


async def find(gateway: Gateway, caller: Caller, request_id: str) -> RequestView:
    """A request that the caller may see. Raises Problem: not-found, also for one that it may not see."""
    found = await show_request(gateway.db, request_id)
    place = parse_request_id(request_id)
    if found is None and place is not None and gateway.lag.is_coming(*place):
        # It was submitted a moment ago: wait for it, so that the caller need not ask again.
        await gateway.lag.durable(*place, within_s=_COMING_WITHIN_S)
        found = await show_request(gateway.db, request_id)
    # The row must have the id that was asked for.
    if (
        found is None
        or found.id != request_id
        or not may_see(gateway.log.governance, caller.principal, found)
    ):
        raise not_found(f"request {request_id[:40]}")
    return mark_lapsed(found, gateway.log.governance)


async def list_of(
    gateway: Gateway,
    caller: Caller,
    view: View,
    *,
    statuses: list[Status] | None = None,
    resource: str | None = None,
    text: str | None = None,
    emergency: bool | None = None,
    ticket: str | None = None,
    part_of: str | None = None,
    oldest_first: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """R7, R14: one page of a list; `text`: a text to search for. Raises Problem.

    R24: `emergency` and `ticket` find what their submissions stated. R29: `part_of` finds a set's members.
    """
    wanted = await _wanted(gateway, caller, view)
    if wanted is None:
        return Page(requests=[], next=None)
    wanted = msgspec.structs.replace(
        wanted,
        statuses=statuses,
        resource=resource,
        emergency=emergency,
        ticket=ticket,
        part_of=part_of,
    )
    if text is not None:
        named = accounts_named(gateway.log.governance, text)
        wanted = msgspec.structs.replace(wanted, text=text, accounts=named)
    since = now_ms() - gateway.log.governance.settings.visibility_ms
    rows = await list_requests(
        gateway.db,
        wanted,
        ended_since_ms=since,
        after=read_request_cursor(cursor),
        limit=limit + 1,
        oldest_first=oldest_first,
    )
    more = len(rows) > limit
    found = [mark_lapsed(row, gateway.log.governance) for row in rows[:limit]]
    last = rows[limit - 1] if more else None
    place = None if last is None else last.oldest_cursor if oldest_first else last.cursor
    return Page(requests=found, next=None if place is None else write_request_cursor(place))


async def open_request_of(gateway: Gateway, resource: str) -> RequestView | None:
    """R10: the one open request about an object, even if the caller may not see it."""
    wanted = RequestFilter(resource=resource, statuses=["needs_approval", "approved"])
    rows = await list_requests(gateway.db, wanted, ended_since_ms=0, limit=1)
    return rows[0] if rows else None


async def _wanted(gateway: Gateway, caller: Caller, view: View) -> RequestFilter | None:
    governance, principal = gateway.log.governance, caller.principal
    if view == "mine":
        # R9: the requests of all accounts of one person are theirs. A service has only one account.
        return (
            RequestFilter(person=principal.person)
            if principal.person
            else RequestFilter(requester=principal.id)
        )
    if view == "all" and sees_all(governance, principal):
        return RequestFilter()
    groups = received_groups(governance, principal.id, await groups_of_open_policy_requests(gateway.db))
    types = received_types(governance, principal.id)
    return RequestFilter(groups=groups, types=types) if groups or types else None


def accounts_named(governance: Governance, text: str) -> list[str]:
    """The accounts whose id or name contains `text`, ignoring case. An exact id gives only that account."""
    if text in governance.principals:
        return [text]
    part = text.casefold()
    return [
        each.id
        for each in governance.principals.values()
        if part in each.id.casefold() or part in each.account.name.casefold()
    ]


def write_request_cursor(cursor: Cursor) -> str:
    """The end of a page, as text."""
    return cursor_text(msgspec.structs.astuple(cursor))


def read_request_cursor(text: str | None) -> Cursor | None:
    """The beginning of a page. Raises Problem."""
    return None if text is None else Cursor(*cursor_place(text, tuple[BigInt, Int, BigInt]))


async def records_of(gateway: Gateway, found: RequestView) -> tuple[list[AuditRow], bool]:
    """The records of a request, and whether they are as new as `found`. The audit log can be behind."""
    await audit_caught_up(gateway, found.partition, found.last_seq)
    records = await timeline(gateway.db, found.id)
    # Judged by the records themselves: the audit log's position says nothing about rows that were deleted.
    last = max((each.seq for each in records if each.ledger == LEDGER), default=-1)
    return records, last >= found.last_seq or len(records) == LIST_MAX
