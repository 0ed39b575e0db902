"""A request as a line of a list: its state, what is missing, and whether the reader can decide on it."""

from collections.abc import Iterable

import msgspec

from assent.reading.request_rows import state_of_row
from assent.store.queries import RequestView
from assent_contracts.client.publisher import now_ms
from assent_contracts.commands import Action
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.explain import explain
from assent_contracts.core.requests.permissions import Deciding, possible_actions


class RequestSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line."""

    row: RequestView
    look: str
    """The status, or the progress of an approved request."""
    given: int
    asked: int
    """`given`: approvals that count; `asked`: approvals that all rules together require."""
    is_own: bool
    """R9: by the person, not by the account."""
    can: frozenset[Action]
    """What the reader can do now, such as `approve`."""


def summaries(
    rows: Iterable[RequestView], governance: Governance, principal: Principal, through: str | None
) -> list[RequestSummary]:
    """The lines for requests, as this reader sees them. `through`: the gateway that signs for them."""
    now = now_ms()
    return [summary(row, governance, principal, now, through) for row in rows]


def summary(
    row: RequestView, governance: Governance, principal: Principal, at: int, through: str | None
) -> RequestSummary:
    """One request at log time `at` (ms)."""
    state = state_of_row(row)
    rules = explain(state, governance, at).rules if isinstance(state, Deciding) else ()
    return RequestSummary(
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
    """R13: the status to show. For an approved request, its progress."""
    return row.progress or row.status
