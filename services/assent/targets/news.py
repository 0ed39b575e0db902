"""What there is to hear about a request or a key, and what is known of it."""

from typing import Final, Literal, get_args

import msgspec

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
    "expired",
    "key-registered",
    "closed",
]
"""Targets choose among these; a webhook's `type` is `assent.request.` and one of them.

For news of governance it is `assent.governance.` and the rest.
"""

EVENTS: Final[tuple[NewsEvent, ...]] = get_args(NewsEvent)
OF_GOVERNANCE: Final[frozenset[NewsEvent]] = frozenset({"key-registered"})
"""About no request: `request` is the object in governance, and `seq` the governance seq."""

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
    "expired": "expired",
    "closed": "canceled",
}
"""R13: the status of a request once such news is out."""


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What the texts are made of, as people and systems wrote it: not fit for a header or a text as it is."""

    resource: str
    operation: str
    requester: str
    requester_name: str = ""
    """The display name of the account, here and below, as it was then; '' where it has none."""
    on_behalf_of: str = ""
    """R20: for whom the requester, a service, submitted it; '' where it named nobody."""
    on_behalf_of_name: str = ""
    by: str = ""
    """Who decided or reported; '' where nobody did."""
    by_name: str = ""
    words: str = ""
    """R6, R8: what the text quotes: the justification, the note, the reason or the outcome's message."""
    justification: str = ""
    """R6: the request's."""
    note: str = ""
    """R8: of the decision that it is about; '' where there is none."""
    released: bool = False
    """R12: approved, and the change goes to the applier without anybody's doing."""


class News(msgspec.Struct, frozen=True, gc=False):
    """One thing to tell some principals, out of the ledger record `seq` with log time `at` (ms).

    `request` is the object for news of governance.
    """

    seq: int
    at: int
    request: str
    event: NewsEvent
    recipients: frozenset[str]
    facts: Facts
