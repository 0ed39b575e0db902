"""Print one request, as the ledger proves it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from assent.cli import output
from assent.cli.connection.log_client import RequestDetails
from assent.cli.formatting import payload_text, print_timeline, status_text, when
from assent.cli.governance_tables import difference_table
from assent.reading.audit_entries import AuditEntry, Words
from assent.reading.detail_facts import detail_facts, version_facts
from assent.reading.governance_diff import GovernanceDiff
from assent.reading.lapse_sentences import LAPSES
from assent.reading.log_lines import log_search
from assent.reading.overlooked_text import is_odd, plain_ends
from assent.reading.submitted_content import Submitted, as_submitted
from assent.reading.visible_text import hides_something, visible
from assent.store.queries import ApprovalView, RequestView
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.change_details import ChangeDetails
from assent_contracts.client.request_updates import EXPIRED
from assent_contracts.commands import command_type
from assent_contracts.core.governance.policies import terms_text
from assent_contracts.events import ApprovalLapsed
from assent_contracts.proof import NotProven
from assent_contracts.resources import request_id
from assent_contracts.topics import LEDGER


class ShownRequest(msgspec.Struct):
    """A request with everything on record about it, as the ledger proves it."""

    request: RequestView
    timeline: list[AuditEntry]
    history: list[dict[str, Any]]
    change: GovernanceDiff | None
    submitted: Submitted | None
    doubt: str | None = None
    """R23: why the submission is not proven; None where it is."""


def shown_request(found: RequestDetails) -> ShownRequest:
    """What is shown of a request: only what the ledger proves of its submission."""
    proven = found.submission
    if isinstance(proven, NotProven):
        return ShownRequest(
            request=found.request,
            timeline=found.timeline,
            history=found.history,
            change=None,
            submitted=None,
            doubt=proven.why,
        )
    submitted = proven.submitted
    return ShownRequest(
        request=as_submitted(found.request, submitted),
        timeline=[_with_words(entry, submitted) for entry in found.timeline],
        history=found.history,
        change=proven.change,
        submitted=submitted,
    )


def _with_words(entry: AuditEntry, submitted: Submitted) -> AuditEntry:
    """The entry of the timeline; the submission's with what was really submitted."""
    if entry.ledger != LEDGER or request_id(entry.partition, entry.seq) != submitted.request:
        return entry
    words = Words(
        operation=submitted.operation, justification=submitted.justification, payload=submitted.payload
    )
    return msgspec.structs.replace(
        entry, resource=submitted.resource, principal=submitted.requester, words=words
    )


def print_request(shown: ShownRequest) -> None:
    """Print one request: its facts, its payload or its change to governance, and its timeline."""
    row, diff = shown.request, shown.change
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    seqs = [each.seq for each in shown.timeline if each.ledger == LEDGER]
    for name, value in (*_facts(row, shown.history), ("in the logs", log_search(row.id, seqs))):
        facts.add_row(Text(name, style="dim"), value if isinstance(value, Text) else Text(visible(value)))
    output.print_block(facts)
    if diff is not None:
        output.print_line()
        output.print_line(diff.sentence)
        output.print_block(difference_table(diff.difference))
    elif shown.submitted is not None:
        output.print_line()
        output.print_block(payload_text(bytes(shown.submitted.payload), row.resource, row.id))
    output.print_line()
    print_timeline(shown.timeline)


def _facts(row: RequestView, said: Sequence[dict[str, Any]]) -> list[tuple[str, str | Text]]:
    facts: list[tuple[str, str | Text]] = [
        ("request", row.id),
        ("status", status_text(row)),
        ("object", row.resource),
        ("operation", row.operation),
        ("requester", row.requester),
        *([("on behalf of", row.on_behalf_of)] if row.on_behalf_of else []),
        ("justification", row.justification),
        *detail_facts(row.details),
        *version_facts(row.newest_version, row.made_version),
        ("submission", row.submission),
        ("digest", row.digest),
    ]
    facts += warnings(row.resource, row.justification, row.details)
    facts += [("policy", terms_text(terms)) for terms in row.terms]
    through = {each["approver"]: each["through"] for each in said if each.get("through")}
    facts += [
        (
            "approved by" if each.lapsed is None else "no longer counts",
            _with_note(_signed(each.approver, through) + _lapsed(each), each.note),
        )
        for each in row.approvals
    ]
    facts += [("rejected by", _with_note(each.approver, each.note)) for each in row.rejections]
    facts += [
        ("lapsed", f"the approval of {each['approver']}, who {LAPSES[each['reason']]}")
        for each in said
        if _is(each, ApprovalLapsed)
    ]
    if row.closed_by is not None:
        facts.append(("closed by", _with_note(row.closed_by, row.closing_reason)))
    facts += _applying(row)
    if row.status == "expired":
        facts.append(("outcome", EXPIRED))
    # A change to governance is carried out at once: its deadline matters to nobody.
    if (
        row.deadline is not None
        and row.progress != "applying"
        and not (row.resource_type in BUILT_IN_TYPES and row.progress)
    ):
        facts.append(("expires", when(row.deadline)))
    return facts


def _applying(row: RequestView) -> list[tuple[str, str | Text]]:
    """Who applies the change, under which claim, and who settles its outcome if it is unknown."""
    settler = row.reporter if row.applier is not None and row.reporter != row.applier else None
    facts: list[tuple[str, str | Text]] = []
    if row.applier is not None or row.outcome_message:
        told = None if settler is not None else row.outcome_message
        facts.append(("applier", _with_note(row.applier or row.reporter or "assent", told)))
    if row.claim is not None and row.claimed_at is not None:
        facts.append(("claim", f"{row.claim}, made {when(row.claimed_at)}"))
    if row.lease_end is not None and row.status == "approved":
        facts.append(("lease until", when(row.lease_end)))
    facts += [
        ("proposed by", _with_note(f"{each.administrator}, {each.outcome}", each.reason))
        for each in row.proposals
    ]
    if settler is not None:
        facts.append(("settled by", _with_note(settler, row.outcome_message)))
    return facts


def warnings(resource: str, justification: str, details: ChangeDetails) -> list[tuple[str, str]]:
    """What a reader could overlook in a submission, apart from its payload."""
    found: list[tuple[str, str]] = []
    if hides_something(plain_ends(justification), also="\n\t"):
        found.append(("warning", "the justification has characters that a screen would hide or obey"))
    found += [
        ("warning", f"the field {name} has characters that a screen would hide or obey")
        for name, text in detail_facts(details)
        if hides_something(plain_ends(text), also="\n\t")
    ]
    if is_odd(resource):
        found.append(("warning", "the object's name may look like another one: compare it letter by letter"))
    return found


def _is(said: dict[str, Any], event: type[msgspec.Struct]) -> bool:
    return said["type"] == command_type(event)


def _signed(approver: str, through: dict[str, str]) -> str:
    return f"{approver} (through {through[approver]})" if approver in through else approver


def _lapsed(approval: ApprovalView) -> str:
    return "" if approval.lapsed is None else f", who {LAPSES[approval.lapsed]}"


def _with_note(who: str, note: str | None) -> str:
    return f"{who}: {note}" if note else who
