"""Rows of the audit log and of the requests, as the readers make them from ledger records."""

import msgspec
from msgspec import UNSET

from assent.store.audit_row import columns_of
from assent.store.queries import AuditRow, RequestView
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.core.requests.states import Approval, NeedsApproval, Rejection, Submission
from assent_contracts.core.writer.chain import Chain
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeSubmitted, Event
from assent_contracts.ledger import RecordedCommand, decode_record
from assent_contracts.refusals import Refusal
from assent_contracts.topics import LEDGER
from tests.unit.cli.organisation import AT, organisation


class Records:
    """A ledger partition to which records are added."""

    def __init__(self) -> None:
        self._chain = Chain(first_head("ledger", "1d" * 32), epoch=1)
        self.rows: list[AuditRow] = []

    def add(
        self,
        decision: tuple[Event, ...] | Refusal,
        command: msgspec.Struct | None = None,
        governance: int = 0,
    ) -> None:
        recorded = UNSET
        if command is not None:
            recorded = RecordedCommand(value=msgspec.Raw(encode(command)), key="k", signature="")
        at = AT + len(self.rows)
        value = self._chain.link(b"", decision, at=at, governance=governance, command=recorded).value
        digest = sha256_hex(value)
        found = columns_of(Accepted(0, decode_record(value), value, digest))
        columns = (found.request, found.resource, found.principal, found.command, found.outcome)
        seq = self._chain.seq
        self.rows.append(AuditRow(LEDGER, 0, seq, seq, at, *columns, digest, value))


def opened(command: SubmitChange, governance: int = 0) -> Records:
    """A partition whose first record is this submission: request 0-0."""
    records = Records()
    submitted = ChangeSubmitted(
        request="0-0",
        resource=command.resource,
        operation=command.operation,
        requester=command.principal,
        person=f"{command.principal}.p",
        submission=sha256_hex(encode(command)),
        digest=sha256_hex(bytes(command.payload)),
        terms=organisation().terms_for("app"),
        deadline=AT + 1_000_000,
    )
    records.add((submitted,), command, governance)
    return records


def waiting(*approvers: str, rejecters: tuple[str, ...] = ()) -> NeedsApproval:
    """The state of Alice's request for an app, with these approvals and rejections."""
    submission = Submission(
        7, "app/x", "alice", "alice.p", "0" * 64, "0" * 64, organisation().terms_for("app")
    )
    approvals = tuple(Approval(name, f"{name}.p") for name in approvers)
    rejections = tuple(Rejection(name, f"{name}.p") for name in rejecters)
    return NeedsApproval(submission, approvals, rejections, AT + 1)


def view(resource: str = "app/x") -> RequestView:
    """Alice's request, as in the status table."""
    return RequestView(
        id="0-0",
        resource=resource,
        resource_type=resource.partition("/")[0],
        operation="edit",
        requester="alice",
        person="alice.p",
        justification="Because.",
        submission="0" * 64,
        digest="0" * 64,
        terms=organisation().terms_for("app"),
        status="needs_approval",
        progress=None,
        approvals=(),
        rejections=(),
        rejecter=None,
        rejection_note=None,
        applier=None,
        reporter=None,
        outcome_message=None,
        submitted_at=AT,
        changed_at=AT,
        deadline=None,
        last_seq=0,
        partition=0,
        seq=0,
    )
