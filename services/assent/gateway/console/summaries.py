"""A request as a line of a list: how it stands, what is missing, and whether its reader can decide on it."""

from collections.abc import Iterable
from typing import Final

import msgspec

from assent.gateway.application.requests import list_of
from assent.gateway.caller import Caller
from assent.gateway.components import Gateway
from assent.reading.requests import state_of_row
from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.commands import Action
from assent_contracts.core.governance.principals import Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.explain import explain
from assent_contracts.core.requests.permissions import Deciding, is_possible, possible_actions

WAITING_MAX: Final = 100
"""Requests that are looked at to count those that wait for somebody."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One line."""

    row: RequestView
    look: str
    """The status, or how far an approved one has come."""
    given: int
    asked: int
    """Approvals that count, and that all rules together ask for."""
    is_own: bool
    """R9: by the person, not by the account."""
    can: frozenset[Action]
    """What the reader can do now, such as `approve`."""


def summaries(
    rows: Iterable[RequestView], governance: Governance, principal: Principal, through: str | None
) -> list[Summary]:
    """The lines for requests, as this reader sees them. `through`: the gateway that signs for them."""
    now = now_ms()
    return [summary(row, governance, principal, now, through) for row in rows]


def summary(
    row: RequestView, governance: Governance, principal: Principal, at: int, through: str | None
) -> Summary:
    """One request at log time `at` (ms)."""
    state = state_of_row(row)
    rules = explain(state, governance, at).rules if isinstance(state, Deciding) else ()
    return Summary(
        row=row,
        look=look_of(row),
        given=sum(each.quorum - each.missing for each in rules),
        asked=sum(each.quorum for each in rules),
        is_own=principal.person is not None and principal.person == row.person,
        can=frozenset()
        if state is None
        else possible_actions(state, governance, principal, at, through=through),
    )


def look_of(row: RequestView) -> str:
    """R13: which of the statuses to show; an approved request says how far it has come."""
    return row.progress or row.status


async def waiting(gateway: Gateway, caller: Caller) -> list[RequestView]:
    """The requests that the caller can approve now, the oldest first, of at most WAITING_MAX."""
    found = await list_of(
        gateway, caller, "received", statuses=["needs_approval"], oldest_first=True, limit=WAITING_MAX
    )
    return _possible(gateway, caller, "approve", found.requests)


async def to_complete(gateway: Gateway, caller: Caller) -> int:
    """R12: how many of their own approved requests the caller can complete now, of at most WAITING_MAX."""
    found = await list_of(gateway, caller, "mine", statuses=["approved"], limit=WAITING_MAX)
    return len(_possible(gateway, caller, "complete", found.requests))


def _possible(
    gateway: Gateway, caller: Caller, action: Action, rows: Iterable[RequestView]
) -> list[RequestView]:
    governance, now, through = gateway.log.governance, now_ms(), through_of(gateway, caller)
    states = ((row, state_of_row(row)) for row in rows)
    return [
        row
        for row, state in states
        if state is not None
        and is_possible(action, state, governance, caller.principal, now, through=through)
    ]


def through_of(gateway: Gateway, caller: Caller) -> str | None:
    """The gateway that signs what the caller decides here."""
    return gateway.log.key.principal if gateway.log.key.principal != caller.id else None
