"""R23: what the console and the API show of a submission, and whether it matches the ledger."""

from collections.abc import Sequence
from typing import Literal

import msgspec
import structlog

from assent.gateway.gateway_components import Gateway
from assent.gateway.ledger_proofs import LedgerUnreadableError
from assent.gateway.problems import Problem
from assent.observe.metrics import SUBMISSIONS_DOUBTED
from assent.reading.submitted_content import Submitted, differences, submitted_in
from assent.store.queries import AppliedBefore, AuditRow, RequestView
from assent_contracts.events import RequestCompleted
from assent_contracts.ledger import decode_events, decode_record
from assent_contracts.proof import NotProven
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LEDGER

Doubt = Literal["differs", "unreadable", "not-yet"]
"""Why nobody can decide on what is shown: Postgres contradicts the ledger, the ledger cannot be read, or
the audit log does not have the submission yet."""


class ShownSubmission(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a request's submission. Decide on it only if there is no doubt."""

    submitted: Submitted | None
    """Read from the ledger's bytes, or from the audit table's if those are not available."""
    records: Sequence[AuditRow]
    """The timeline, with the submission's record taken from the ledger."""
    doubt: Doubt | None = None


async def shown_submission(
    gateway: Gateway, row: RequestView, records: Sequence[AuditRow]
) -> ShownSubmission:
    """The submission of a request, compared with the ledger. `records`: its timeline in the audit table."""
    place = parse_request_id(row.id)
    assert place is not None, "`find` has looked it up by its id"
    audited = next((each for each in records if each.ledger == LEDGER and each.seq == place[1]), None)
    if audited is None:
        return ShownSubmission(submitted=None, records=records, doubt="not-yet")
    told = submitted_in(audited.record, *place)
    try:
        value = await gateway.proofs.value_at(*place, audited.ledger_offset)
    except LedgerUnreadableError:
        _report(row, "unreadable", ())
        return ShownSubmission(submitted=_known(told), records=records, doubt="unreadable")
    submitted = value if isinstance(value, NotProven) else submitted_in(value, *place)
    if isinstance(value, NotProven) or isinstance(submitted, NotProven):
        _report(row, "differs", ("offset",))
        return ShownSubmission(submitted=None, records=records, doubt="differs")
    wrong = differences(row, submitted)
    if value != audited.record:
        wrong = (*wrong, "record")
        records = [_with_value(each, value) if each is audited else each for each in records]
    if wrong:
        _report(row, "differs", wrong)
    return ShownSubmission(submitted=submitted, records=records, doubt="differs" if wrong else None)


def _known(read: Submitted | NotProven) -> Submitted | None:
    return read if isinstance(read, Submitted) else None


def _with_value(row: AuditRow, value: bytes) -> AuditRow:
    return msgspec.structs.replace(row, record=value)


def _report(row: RequestView, doubt: Doubt, wrong: Sequence[str]) -> None:
    SUBMISSIONS_DOUBTED.labels(doubt).inc()
    structlog.get_logger().error("a submission is in doubt", request=row.id, doubt=doubt, wrong=list(wrong))


async def was_applied(gateway: Gateway, row: RequestView, named: AppliedBefore) -> Submitted | None:
    """What Postgres names as applied last before `row`, if the ledger confirms that it was applied.

    A request that was applied even earlier would also be accepted: only reading the whole partition shows
    which one was last. So the page names the request that it compares with, and shows the whole payload too.
    """
    submission, place = named.submission, parse_request_id(row.id)
    if place is None or (submission.partition, submission.seq) >= place or submission.partition != place[0]:
        return None
    try:
        value = await gateway.proofs.value_at(place[0], submission.seq, submission.ledger_offset)
        done = await gateway.proofs.value_at(place[0], named.done_seq, named.done_offset)
    except LedgerUnreadableError:
        return None
    if isinstance(value, NotProven) or isinstance(done, NotProven):
        return None
    before = submitted_in(value, place[0], submission.seq)
    if isinstance(before, NotProven) or before.resource != row.resource:
        return None
    return before if _completes(done, before.request) else None


def _completes(value: bytes, request: str) -> bool:
    try:
        events = decode_events(decode_record(value))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return any(isinstance(each, RequestCompleted) and each.request == request for each in events)


def doubted(request: str, doubt: Doubt) -> Problem:
    """Why the bytes of a submission are not available."""
    if doubt == "differs":
        return Problem(
            409,
            "submission-in-doubt",
            f"The database does not match the ledger for request {request}.",
            todo="Tell an administrator: the database may have been altered. `assent audit verify` checks.",
        )
    return unreadable(f"Request {request} cannot be compared with the ledger at the moment.")


def unreadable(detail: str) -> Problem:
    """The ledger did not answer in time, or the tables are behind it."""
    return Problem(
        503,
        "ledger-unreadable",
        detail,
        todo="Ask again after Retry-After seconds.",
        headers={"Retry-After": "2"},
    )
