"""The outcome of a released change to governance, from the governance ledger."""

from collections.abc import Iterator
from itertools import takewhile

from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.states import Released
from assent_contracts.events import RequestCompleted, RequestEvent, RequestFailed
from assent_contracts.refusals import Refusal
from assent_contracts.resources import parse_request_id

CARRIER = "assent"
"""The reporter's name: Assent itself, which is not an account."""


def outcome_of_release(request: str, refusal: Refusal | None) -> RequestEvent:
    """R12: the end of a request whose release governance has carried out or refused."""
    if refusal is None:
        return RequestCompleted(request=request, reporter=CARRIER)
    return RequestFailed(request=request, reporter=CARRIER, message=f"{refusal.code}: {refusal.detail}")


def release_outcomes_due(
    state: PartitionState, governance: Governance, seen: int = -1
) -> Iterator[tuple[str, RequestEvent]]:
    """The resource and event of each waiting request here that governance has carried out or refused.

    Each must be recorded before the next one is requested. `seen`: the governance seq up to which outcomes
    were returned before. Nothing earlier can be due, because a change is released here before governance
    carries it out.
    """
    newest = takewhile(lambda item: item[1].seq > seen, reversed(governance.release_outcomes.items()))
    for request, carried in reversed(tuple(newest)):
        position = parse_request_id(request)
        if position is None:
            continue  # only a stolen writer key can make such a record, and it ends no request
        partition, seq = position
        found = state.requests.get(seq) if partition == state.partition else None
        if isinstance(found, Released):
            yield found.submission.resource, outcome_of_release(request, carried.refusal)
