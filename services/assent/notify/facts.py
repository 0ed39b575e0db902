"""What the texts about a record or a request are made of. Pure."""

from collections.abc import Iterable

import msgspec

from assent.notify.known_requests import KnownRequest
from assent.reading.sender_text import failure_message, sender_text
from assent.targets.news import Facts
from assent_contracts.core.governance.state import Governance
from assent_contracts.events import ChangeReleased, FindingReported, RequestEvent, SettlementProposed
from assent_contracts.governance_objects import SigningKey
from assent_contracts.ledger import LedgerRecord


def facts_of(
    record: LedgerRecord, events: Iterable[RequestEvent], request: KnownRequest, governance: Governance
) -> Facts:
    """Of a record about a request: what its sender wrote, and who they are."""
    sent = sender_text(record)
    outcome = next((message for event in events if (message := failure_message(event, sent))), "")
    return msgspec.structs.replace(
        _of_request(request, governance),
        by=sent.principal,
        by_name=_name_of(sent.principal, governance),
        words=outcome or sent.justification or sent.note or sent.reason,
        note=sent.note,
        outcome=next((each.outcome for each in events if isinstance(each, SettlementProposed)), ""),
        released=any(isinstance(event, ChangeReleased) for event in events),
    )


def asking(request: KnownRequest, governance: Governance) -> Facts:
    """Of a request that needs approval, whatever record it is that says so: why the change is needed."""
    return msgspec.structs.replace(_of_request(request, governance), words=request.justification)


def facts_of_key(record: LedgerRecord, key: SigningKey, governance: Governance) -> Facts:
    """Of a record by which a key was registered."""
    by = sender_text(record).principal
    return Facts(
        resource=key.id,
        operation="create",
        requester=key.principal,
        requester_name=_name_of(key.principal, governance),
        by=by,
        by_name=_name_of(by, governance),
    )


def facts_of_finding(record: LedgerRecord, event: FindingReported, governance: Governance) -> Facts:
    """R28: of a record by which a finding was reported."""
    return Facts(
        resource=event.resource,
        operation="",
        requester=event.reporter,
        requester_name=_name_of(event.reporter, governance),
        by=event.reporter,
        by_name=_name_of(event.reporter, governance),
        words=sender_text(record).detail,
        target=event.target,
        kind=event.kind,
        version=event.version if isinstance(event.version, str) else "",
        made_by=event.request if isinstance(event.request, str) else "",
    )


def _of_request(request: KnownRequest, governance: Governance) -> Facts:
    submission = request.submission
    on_behalf_of = submission.on_behalf_of or ""
    return Facts(
        resource=submission.resource,
        operation=request.operation,
        requester=submission.requester,
        requester_name=_name_of(submission.requester, governance),
        on_behalf_of=on_behalf_of,
        on_behalf_of_name=_name_of(on_behalf_of, governance),
        justification=request.justification,
    )


def _name_of(account: str, governance: Governance) -> str:
    found = governance.principals.get(account)
    return "" if found is None else found.account.name
