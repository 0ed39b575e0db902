"""Log time: what a record's `at` can be after the previous record. Pure, for both ledgers.

The record of a command has the time at which the broker appended the command, or the current log time if that
is later. A record by the writer itself has the time of its clock. Log time goes back only after a correction
in governance, which two administrators sign.
"""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from assent_contracts.ledger import LedgerRecord


class Correction(msgspec.Struct, frozen=True, gc=False):
    """Governance seq `seq` has set log time back to `to` (ms) wherever it was later."""

    seq: int
    to: int


def corrected(at: int, corrections: Iterable[Correction], *, after: int, up_to: int) -> int:
    """Log time `at` (ms) after the corrections that apply to a record with the governance seq `up_to`.

    `after`: the governance seq of the previous record. Corrections up to it have already been applied.
    """
    for correction in corrections:
        if after < correction.seq <= up_to:
            at = min(at, correction.to)
    return at


def received_at(record: LedgerRecord) -> int:
    """When a record's command was received, ms. One that came by no topic counts as received when decided."""
    return record.at if record.received is UNSET else record.received


def not_log_time(record: LedgerRecord, before: int) -> str | None:
    """What is wrong with a record's times; None if they are right.

    `before`: the log time of the previous record after corrections, ms.
    """
    if (record.input is UNSET) != (record.received is UNSET):
        return "it has only one of `input` and `received`"
    if record.at < before:
        return "log time goes back"
    if record.received is not UNSET and record.at != max(before, record.received):
        return "its log time is not when its command was received"
    return None
