"""/audit: every action on record, refused ones included, for auditors and administrators (R16)."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get
from litestar.params import QueryParameter

from assent.gateway.application.audit import read_cursor, write_cursor
from assent.gateway.application.cursors import CURSOR_MAX_CHARS
from assent.gateway.caller import Caller, is_auditor
from assent.gateway.components import Gateway
from assent.gateway.console.pages import page
from assent.gateway.console.text import t
from assent.gateway.console.timeline import Happening, happenings
from assent.gateway.problems import Problem, malformed
from assent.store.filters import AuditFilter
from assent.store.queries import AuditRow, search_audit
from assent_contracts.governance import ChangeGovernance
from assent_contracts.governance_changes import object_of
from assent_contracts.governance_codec import decode_governance_command
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command
from assent_contracts.topics import GOVERNANCE

_LIMIT: Final = 50
_Text = Annotated[str, QueryParameter(max_length=321)]
_Day = Annotated[str, QueryParameter(max_length=10)]


class Line(msgspec.Struct, frozen=True):
    """One record of the search."""

    row: AuditRow
    happened: Happening | None
    """None where the record changed nothing."""
    about: str
    """The object: of a request, or of a change to governance; empty where there is none."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the search form holds."""

    who: str = ""
    resource: str = ""
    request: str = ""
    only: str = ""
    since: str = ""
    until: str = ""


@get("/audit", include_in_schema=False)
async def search(
    request: Request[Any, Any, Any],
    caller: Caller,
    gateway: Gateway,
    who: _Text = "",
    resource: _Text = "",
    about: Annotated[str, QueryParameter(name="request", max_length=32)] = "",
    only: Annotated[str, QueryParameter(max_length=10)] = "",
    since: _Day = "",
    until: _Day = "",
    cursor: Annotated[str | None, QueryParameter(max_length=CURSOR_MAX_CHARS)] = None,
) -> Response[str]:
    """Search the audit log, the newest first. Raises Problem."""
    if not is_auditor(caller, gateway):
        raise Problem(403, "not-permitted", t("audit.not_yours"), todo=t("audit.ask"))
    asked = Asked(
        who=who.strip(), resource=resource.strip(), request=about.strip(), only=only, since=since, until=until
    )
    wanted = _filter(asked)
    rows = await search_audit(gateway.db, wanted, after=read_cursor(cursor), limit=_LIMIT + 1)
    shown = rows[:_LIMIT]
    return await page(
        request,
        gateway,
        caller,
        "audit.html",
        asked=asked,
        lines=[Line(row, next(iter(happenings([row])), None), object_in(row)) for row in shown],
        query=urlencode([(name, value) for name, value in msgspec.structs.asdict(asked).items() if value]),
        export=_export_query(wanted),
        next=write_cursor(shown[-1].cursor) if len(rows) > _LIMIT else None,
        is_first=cursor is None,
    )


def object_in(row: AuditRow) -> str:
    """The object that a record is about, as far as it says so."""
    if row.resource is not None or row.ledger != GOVERNANCE:
        return row.resource or ""
    recorded = decode_recorded_command(decode_record(row.record))
    if not isinstance(recorded, RecordedCommand):
        return ""
    command = decode_governance_command(bytes(recorded.value))
    return object_of(command.change) if isinstance(command, ChangeGovernance) else ""


def _filter(asked: Asked) -> AuditFilter:
    return AuditFilter(
        principal=asked.who or None,
        request=asked.request or None,
        resource=asked.resource or None,
        refused={"refused": True, "decided": False}.get(asked.only),
        since_ms=_day(asked.since, t("audit.since")),
        # The day itself is meant too.
        until_ms=_day(asked.until, t("audit.until"), days=1),
    )


def _export_query(wanted: AuditFilter) -> str:
    """What is searched for, as the export of the API calls it."""
    fields = {
        "principal": wanted.principal,
        "request": wanted.request,
        "resource": wanted.resource,
        "refused": None if wanted.refused is None else str(wanted.refused).lower(),
        "since": wanted.since_ms,
        "until": wanted.until_ms,
    }
    return urlencode([(name, value) for name, value in fields.items() if value is not None])


def _day(text: str, field: str, *, days: int = 0) -> int | None:
    """The beginning of a day in UTC, log time in ms. Raises Problem."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise malformed(t("audit.not_a_day", field=field)) from error
    return max(0, int(day.timestamp() * 1_000))
