"""Log time: what a record's `at` is, and what it can be after the one before. Pure, and for both ledgers.

A command's record takes the time at which the broker appended the command, if that is later than log time
already is. The writer's own record takes its clock. Log time goes back only by a correction that governance
has recorded, which two administrators sign.
"""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from assent_contracts.ledger import LedgerRecord


class Correction(msgspec.Struct, frozen=True, gc=False):
    """Governance seq `seq` has set log time back to `to` (ms), where it was later."""

    seq: int
    to: int


def corrected(at: int, corrections: Iterable[Correction], *, after: int, up_to: int) -> int:
    """What counts as log time `at` (ms) for a record that names governance seq `up_to`.

    `after`: the governance seq that the record before it names, whose corrections have been counted there.
    """
    for correction in corrections:
        if after < correction.seq <= up_to:
            at = min(at, correction.to)
    return at


def received_at(record: LedgerRecord) -> int:
    """When the command of a record came, ms: what came by no topic counts as received when it was decided."""
    return record.at if record.received is UNSET else record.received


def not_log_time(record: LedgerRecord, before: int) -> str | None:
    """What is wrong with a record's times; None when nothing is.

    `before`: what counts as the log time of the record before it, ms.
    """
    if (record.input is UNSET) != (record.received is UNSET):
        return "it says when a command came and not where, or where and not when"
    if record.at < before:
        return "log time goes back"
    if record.received is not UNSET and record.at != max(before, record.received):
        return "its log time is not that at which its command came"
    return None
