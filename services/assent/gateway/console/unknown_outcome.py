"""An unknown outcome on a page: what is known, who can settle it, and who has proposed what. Pure."""

import msgspec

from assent.gateway.console.request_progress import one_account_each
from assent.store.queries import RequestView
from assent_contracts.commands import Settlement
from assent_contracts.core.governance.principals_and_keys import Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import standing_terms
from assent_contracts.core.requests.permissions import (
    able_to_settle,
    possible_settlements,
    settlement_refusal,
)
from assent_contracts.core.requests.settle import settlements_needed, standing_proposals
from assent_contracts.core.requests.states import Unsettled


class ProposedView(msgspec.Struct, frozen=True, kw_only=True):
    """How one administrator settles it, and why."""

    administrator: str
    outcome: Settlement
    reason: str
    at: int


class UnknownOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows besides the row."""

    needed: int
    """How many administrators must agree."""
    proposals: tuple[ProposedView, ...]
    """Those that count now."""
    offered: tuple[Settlement, ...]
    """How the reader can settle it; empty if they cannot."""
    able: tuple[str, ...]
    """One account of each person who can settle it."""
    no_retry: str | None
    """Why the reader, who could settle it, cannot have it released again; None if they can."""


def unknown_outcome(
    row: RequestView,
    state: Unsettled,
    governance: Governance,
    reader: Principal,
    at: int,
    *,
    through: str | None,
) -> UnknownOutcome:
    """The unknown outcome of this row as of log time `at` (ms). `through`: the gateway that would sign."""
    standing = {each.administrator for each in standing_proposals(state, governance)}
    offered = possible_settlements(state, governance, reader, at, through=through)
    barred = settlement_refusal("retry", state, governance, reader, at, through=through)
    return UnknownOutcome(
        needed=settlements_needed(standing_terms(state.submission, governance)),
        proposals=tuple(
            ProposedView(
                administrator=each.administrator, outcome=each.outcome, reason=each.reason, at=each.at
            )
            for each in row.proposals
            if each.administrator in standing
        ),
        offered=offered,
        able=one_account_each(able_to_settle(state, governance, at), governance),
        no_retry=barred.detail if offered and barred is not None else None,
    )
