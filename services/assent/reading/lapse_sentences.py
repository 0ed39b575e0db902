"""Why an approval no longer counts, and why a request had to be opened again, in words."""

from collections.abc import Iterable
from typing import Final

from assent_contracts.events import ApprovalLapsed, Event, Lapse

LAPSES: Final[dict[Lapse, str]] = {
    "disabled": "is disabled",
    "not-eligible": "is no longer in any of the approver groups",
    "own-signature-required": "did not sign it with their own key, as the policy now requires",
}
"""Completes `NAME, who ...`."""


def reopened_because(events: Iterable[Event]) -> str:
    """Why a request needs approval again, from the events of the decision that reopened it."""
    detail = "The quorum no longer holds: the request needs approval again."
    lapses = [event for event in events if isinstance(event, ApprovalLapsed)]
    if not lapses:
        return f"{detail} A policy now requires more than when it was approved."
    who = "; ".join(f"that of {each.approver}, who {LAPSES[each.reason]}" for each in lapses)
    return f"{detail} Approvals that no longer count: {who}."
