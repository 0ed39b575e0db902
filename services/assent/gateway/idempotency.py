"""When a command with an Idempotency-Key was first sent by any gateway, so a repetition has the same bytes.

The log answers the same bytes with their first decision. Different bytes under a known id are refused, and
that refusal stays on the ledger under the caller's name.
"""

from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from assent.store.named_sql import load_sql
from assent_contracts.client.publisher import now_ms
from assent_contracts.limits import COMMAND_MAX_AGE_MS, COMMAND_MAX_AHEAD_MS

_FORGET_EVERY_MS: Final = 60_000
_SQL: Final = load_sql(Path(__file__).with_name("idempotency.sql"))


class FirstSent(msgspec.Struct, frozen=True):
    """How a command was first sent."""

    at: int
    """ms since 1970."""
    at_once: bool
    """For a change to governance: to take effect at once, not as a request."""


class FirstSendings:
    """The times at which commands were first sent, in Postgres. They prove nothing and decide nothing."""

    def __init__(self, db: asyncpg.Pool) -> None:
        self._db = db
        self._forgot_at = 0

    async def first_sent(self, command_id: str, *, at_once: bool = False) -> FirstSent:
        """How the command was first sent: now and in this way, unless an earlier one could still count."""
        now = now_ms()
        too_old = now - COMMAND_MAX_AGE_MS
        if now - self._forgot_at > _FORGET_EVERY_MS:
            self._forgot_at = now
            await self._db.execute(_SQL["forget"], too_old)
        row = await self._db.fetchrow(_SQL["first_sent"], command_id, now, at_once, too_old)
        assert row is not None, "it returns the row that it wrote"
        # Otherwise an attacker who can write to the table could have commands refused as stale.
        at = row["sent_at"] if too_old < row["sent_at"] <= now + COMMAND_MAX_AHEAD_MS else now
        return FirstSent(at, row["at_once"])
