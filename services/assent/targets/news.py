"""The kinds of news about a request, a key or a finding, and the facts in them."""

from typing import Final, Literal, get_args

import msgspec

from assent_contracts.commands import FindingKind
from assent_contracts.events import Status

NewsEvent = Literal[
    "submitted-for-you",
    "needs-approval",
    "approval-given",
    "approved",
    "approval-revoked",
    "rejection-given",
    "rejected",
    "reopened",
    "completed",
    "failed",
    "outcome-unknown",
    "settlement-proposed",
    "expired",
    "key-registered",
    "closed",
    "finding-opened",
]
"""Targets choose among these. A webhook's `type` is `assent.request.` followed by one of them.

For news of governance it is `assent.governance.` followed by one, and for findings `assent.finding.opened`.
"""

EVENTS: Final[tuple[NewsEvent, ...]] = get_args(NewsEvent)
OF_GOVERNANCE: Final[frozenset[NewsEvent]] = frozenset({"key-registered"})
"""News without a request: `request` is the object in governance, and `seq` the governance seq."""
OF_FINDINGS: Final[frozenset[NewsEvent]] = frozenset({"finding-opened"})
"""R28: news without a request: `request` is the finding."""

STATUS: Final[dict[NewsEvent, Status]] = {
    "submitted-for-you": "needs_approval",
    "needs-approval": "needs_approval",
    "approval-given": "needs_approval",
    "approved": "approved",
    "approval-revoked": "needs_approval",
    "rejection-given": "needs_approval",
    "rejected": "rejected",
    "reopened": "needs_approval",
    "completed": "completed",
    "failed": "failed",
    "outcome-unknown": "approved",
    "settlement-proposed": "approved",
    "expired": "expired",
    "closed": "canceled",
}
"""R13: the status of a request after such news."""


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The facts for the texts, as people and systems wrote them: escape them for any header or text."""

    resource: str
    operation: str
    requester: str
    requester_name: str = ""
    """The display name of the account, here and below, as it was then; '' where it has none."""
    on_behalf_of: str = ""
    """R20: the person for whom the requester, a service, submitted it; '' where it named no one."""
    on_behalf_of_name: str = ""
    by: str = ""
    """The account that decided or reported; '' for none."""
    by_name: str = ""
    words: str = ""
    """R6, R8: what the text quotes: the justification, the note, the reason or the outcome's message."""
    justification: str = ""
    """R6: the request's."""
    note: str = ""
    """R8: of the decision that it is about; '' where there is none."""
    outcome: str = ""
    """How an administrator has proposed to settle an unknown outcome; '' for other news."""
    released: bool = False
    """R12: approved, and the change goes to the applier without another step."""
    target: str = ""
    """R28: the target of a finding; '' for other news, here and below."""
    kind: FindingKind | Literal[""] = ""
    version: str = ""
    """What the target shows; '' if it shows nothing."""
    made_by: str = ""
    """The request that made what the target should show; '' if there is none."""


class News(msgspec.Struct, frozen=True, gc=False):
    """One piece of news for some principals, from the ledger record `seq` with log time `at` (ms).

    `request` is the object for news of governance, and the finding for news of one.
    """

    seq: int
    at: int
    request: str
    event: NewsEvent
    recipients: frozenset[str]
    facts: Facts
