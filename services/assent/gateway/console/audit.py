"""/audit: every recorded action, including refused ones, for auditors and administrators (R16)."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get
from litestar.di import Provide
from litestar.params import QueryParameter
from litestar.response import Stream

from assent.gateway.application.audit import EXPORT_MAX, exported, read_audit_cursor, write_audit_cursor
from assent.gateway.application.page_cursors import CURSOR_MAX_CHARS
from assent.gateway.application.requests import accounts_named
from assent.gateway.caller import Caller, is_auditor
from assent.gateway.console.pages import page
from assent.gateway.console.text import t
from assent.gateway.console.timeline import Happening, happenings
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import Problem, malformed_problem
from assent.store.filters import AuditFilter
from assent.store.queries import AuditRow, search_audit
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import object_of
from assent_contracts.governance_codec import decode_governance_command
from assent_contracts.governance_messages import ChangeGovernance
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command
from assent_contracts.topics import GOVERNANCE

_LIMIT: Final = 50
_SEVERAL: Final = 2
_SUGGESTED_MAX: Final = 300
"""Accounts that the search suggests."""
_Text = Annotated[str, QueryParameter(max_length=321)]
_Day = Annotated[str, QueryParameter(max_length=10)]
_Cursor = Annotated[str | None, QueryParameter(name="cursor", max_length=CURSOR_MAX_CHARS)]


class AuditLine(msgspec.Struct, frozen=True):
    """One record of the search."""

    row: AuditRow
    happened: Happening | None
    """None if the record changed nothing."""
    about: str
    """The object of a request or of a change to governance; empty if there is none."""


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of the search form."""

    who: str = ""
    resource: str = ""
    request: str = ""
    only: str = ""
    since: str = ""
    until: str = ""


def audit_query_of(
    who: _Text = "",
    resource: _Text = "",
    about: Annotated[str, QueryParameter(name="request", max_length=32)] = "",
    only: Annotated[str, QueryParameter(max_length=10)] = "",
    since: _Day = "",
    until: _Day = "",
) -> AuditQuery:
    """The search in the address."""
    return AuditQuery(
        who=who.strip(), resource=resource.strip(), request=about.strip(), only=only, since=since, until=until
    )


_ASKED: Final = {"asked": Provide(audit_query_of, sync_to_thread=False)}


@get("/audit", include_in_schema=False, dependencies=_ASKED)
async def search(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    asked: AuditQuery,
    cursor: _Cursor = None,
) -> Response[str]:
    """Search the audit log, newest first. Raises Problem."""
    _need_auditor(gateway, caller)
    governance = gateway.log.governance
    wanted = _filter(asked, governance)
    rows = await search_audit(gateway.db, wanted, after=read_audit_cursor(cursor), limit=_LIMIT + 1)
    shown = rows[:_LIMIT]
    query = urlencode([(name, value) for name, value in msgspec.structs.asdict(asked).items() if value])
    return await page(
        request,
        gateway,
        caller,
        "audit.html",
        asked=asked,
        lines=[AuditLine(row, next(iter(happenings([row])), None), object_in(row)) for row in shown],
        query=query,
        export=_export(wanted, query),
        accounts=list(islice(governance.principals.values(), _SUGGESTED_MAX)),
        next=write_audit_cursor(shown[-1].cursor) if len(rows) > _LIMIT else None,
        is_first=cursor is None,
    )


@get("/audit/export", include_in_schema=False, media_type="application/x-ndjson", dependencies=_ASKED)
async def export_found(caller: Caller, gateway: Gateway, asked: AuditQuery, cursor: _Cursor = None) -> Stream:
    """Export what the search finds, in the API's format, but also for parts of names. Raises Problem."""
    _need_auditor(gateway, caller)
    lines = exported(gateway, _filter(asked, gateway.log.governance), read_audit_cursor(cursor), EXPORT_MAX)
    return Stream(lines, headers={"Content-Disposition": 'attachment; filename="audit.ndjson"'})


def _need_auditor(gateway: Gateway, caller: Caller) -> None:
    if not is_auditor(caller, gateway):
        raise Problem(403, "not-permitted", t("audit.not_yours"), todo=t("audit.ask"))


def object_in(row: AuditRow) -> str:
    """The object that a record is about, if it names one."""
    if row.resource is not None or row.ledger != GOVERNANCE:
        return row.resource or ""
    recorded = decode_recorded_command(decode_record(row.record))
    if not isinstance(recorded, RecordedCommand):
        return ""
    command = decode_governance_command(bytes(recorded.value))
    return object_of(command.change) if isinstance(command, ChangeGovernance) else ""


def _filter(asked: AuditQuery, governance: Governance) -> AuditFilter:
    named = accounts_named(governance, asked.who) if asked.who else []
    return AuditFilter(
        # An account that is not in governance may have tried something all the same.
        principal=(named[0] if named else asked.who or None) if len(named) < _SEVERAL else None,
        principals=named if len(named) >= _SEVERAL else None,
        request=asked.request or None,
        resource_part=asked.resource or None,
        refused={"refused": True, "decided": False}.get(asked.only),
        since_ms=_day(asked.since, t("audit.since")),
        # The day itself is included.
        until_ms=_day(asked.until, t("audit.until"), days=1),
    )


def _export(wanted: AuditFilter, query: str) -> str:
    """Where to export the search: from the API, unless only this page supports the search."""
    if wanted.principals or wanted.resource_part:
        return f"/audit/export?{query}"
    fields = {
        "principal": wanted.principal,
        "request": wanted.request,
        "refused": None if wanted.refused is None else str(wanted.refused).lower(),
        "since": wanted.since_ms,
        "until": wanted.until_ms,
    }
    given = urlencode([(name, value) for name, value in fields.items() if value is not None])
    return f"/api/v1/audit/export{'?' if given else ''}{given}"


def _day(text: str, field: str, *, days: int = 0) -> int | None:
    """The beginning of a day in UTC, log time in ms. Raises Problem."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise malformed_problem(t("audit.not_a_day", field=field)) from error
    return max(0, int(day.timestamp() * 1_000))
