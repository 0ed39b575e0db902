"""The approvals and rejections of a request, in order."""

from collections.abc import Sequence
from typing import Any

import msgspec

from assent.reading.request_events import events_of
from assent.store.queries import AuditRow
from assent_contracts.commands import command_type
from assent_contracts.events import ApprovalGiven, ApprovalLapsed, RejectionGiven


def history(records: Sequence[AuditRow]) -> list[dict[str, Any]]:
    """Approvals (and through which gateway), rejections and lapsed approvals, in order."""
    said: list[dict[str, Any]] = []
    for row, event in events_of(records):
        if isinstance(event, ApprovalGiven | RejectionGiven | ApprovalLapsed):
            fields = {name: value for name, value in msgspec.to_builtins(event).items() if name != "request"}
            said.append({**fields, "type": command_type(event), "at": row.at, "seq": row.seq})
    return said
