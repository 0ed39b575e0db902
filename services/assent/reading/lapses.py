"""Why an approval no longer counts, and why a request had to be opened again, in words."""

from collections.abc import Iterable
from typing import Final

from assent_contracts.events import ApprovalLapsed, Event, Lapse

LAPSES: Final[dict[Lapse, str]] = {
    "disabled": "is disabled",
    "not-eligible": "is in none of the approver groups any more",
    "own-signature-required": "did not sign it with a key of their own, as the policy asks now",
}
"""Completes `NAME, who ...`."""


def reopened_because(events: Iterable[Event]) -> str:
    """Why a request needs approval again, from the events of the decision that opened it again."""
    detail = "The quorum no longer holds: the request needs approval again."
    lapses = [event for event in events if isinstance(event, ApprovalLapsed)]
    if not lapses:
        return f"{detail} A policy asks for more than when it was approved."
    who = "; ".join(f"that of {each.approver}, who {LAPSES[each.reason]}" for each in lapses)
    return f"{detail} Approvals that no longer count: {who}."
