"""What an applier tells of each record on `assent.changes`: for a log line and a metric."""

from typing import Literal

import msgspec


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """One record that was or claimed to be a change, and its result."""

    result: Literal[
        "succeeded", "failed", "unknown", "not-claimed", "refused", "not-open", "in-hand", "other-type",
        "other-release", "not-held",
        "forged", "no-evidence", "unreadable",
    ]  # fmt: skip
    detail: str = ""
    partition: int | None = None
    offset: int | None = None
    request: str | None = None
    resource: str | None = None
    took_s: float | None = None
