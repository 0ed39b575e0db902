"""The answers of a gateway, as far as the command line reads them."""

from typing import Any, TypeVar

import msgspec

from assent.reading.audit_entries import AuditEntry
from assent.reading.explanations import Explained
from assent.reading.possible_approvers import Approver
from assent.store.finding_queries import FindingView
from assent.store.queries import RequestView
from assent_contracts.proof import LedgerEntry


class RequestPage(msgspec.Struct):
    """A page of GET /api/v1/requests."""

    requests: list[RequestView]
    next: str | None

    def __len__(self) -> int:
        return len(self.requests)


class RequestDocument(msgspec.Struct):
    """GET /api/v1/requests/{id}, without what the log itself proves."""

    request: RequestView
    timeline: list[AuditEntry]
    history: list[dict[str, Any]]


class ApproversDocument(msgspec.Struct):
    """GET /api/v1/requests/{id}/approvers."""

    can_approve: tuple[Approver, ...]


class ExplanationDocument(msgspec.Struct):
    """GET /api/v1/requests/{id}/explanation."""

    explained: Explained
    sentences: list[str]


class AuditPageDocument(msgspec.Struct):
    """A page of GET /api/v1/audit."""

    entries: list[AuditEntry]
    next: str | None

    def __len__(self) -> int:
        return len(self.entries)


class FindingPage(msgspec.Struct):
    """A page of GET /api/v1/findings."""

    findings: list[FindingView]
    next: str | None

    def __len__(self) -> int:
        return len(self.findings)


ListPage = TypeVar("ListPage", RequestPage, AuditPageDocument, FindingPage)


class PositionDocument(msgspec.Struct):
    """The place on a ledger in every answer of POST /api/v1/commands."""

    position: str


class RelayedCommand(msgspec.Struct):
    """POST /api/v1/commands: a decision that is not a refusal."""

    position: str
    at: int
    request: str | None
    events: msgspec.Raw
    repeated: bool


class SubmissionProofDocument(msgspec.Struct):
    """GET /api/v1/requests/{id}/submission."""

    value: bytes
    following: tuple[bytes, ...] | None
    writer: str
    seal: str


class GovernanceLedgerPage(msgspec.Struct):
    """A page of GET /api/v1/governance/ledger."""

    records: list[LedgerEntry]
    next: int | None
