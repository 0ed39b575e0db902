"""Claimed releases for tests of targets: no broker is needed."""

from typing import Any

import msgspec

from assent_contracts.client.handler import Release
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change


def change(
    resource: str = "script/run", payload: bytes = b'"echo one\\n"', *, operation: str = "edit", **fields: Any
) -> Change:
    """A released change."""
    made = Change(
        request="2-0",
        resource=resource,
        operation=operation,
        requester="alice",
        justification="Because.\nAssent-Request: 9-9",
        digest=sha256_hex(payload),
        submission=sha256_hex(b"submitted" + payload),
        released=3,
        at=1_767_225_600_000,
        payload=msgspec.Raw(payload),
    )
    return msgspec.structs.replace(made, **fields)


def release(*arguments: Any, claim: int = 4, **fields: Any) -> Release:
    """A claimed release; its key depends on the request and the submission."""
    made = change(*arguments, **fields)
    key = sha256_hex(f"{made.request} {made.submission}".encode())
    return Release(change=made, claim=claim, idempotency_key=key, remaining_s=60, approvers=("bob", "carol"))
