"""R17: somebody tests one of their targets. A row asks for it, and notify sends it and writes how it went."""

from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import msgspec

from assent.store.named_sql import load_sql
from assent.store.pool import Executor, PostgresConnection

TESTS_MAX: Final = 5
"""Of one principal, within `TESTS_WITHIN_S`."""
TESTS_WITHIN_S: Final = 60
_SQL: Final = load_sql(Path(__file__).with_name("target_tests.sql"))


class AskedTest(msgspec.Struct, frozen=True, kw_only=True):
    """The latest test of a target. `why`: why it failed; `asked_at`: ms since 1970."""

    target: UUID
    asked_at: int
    status: Literal["waiting", "sending", "sent", "failed"]
    why: str | None


class NoTestError(Exception):
    """No test is sent; the message is for the target's owner."""

    def __init__(self, reason: Literal["target-off", "too-many-tests"], message: str) -> None:
        super().__init__(message)
        self.reason: Final = reason


async def ask_for_test(connection: PostgresConnection, principal: str, target: UUID) -> AskedTest | None:
    """Have a test message sent to a target; the one that is under way, if there is one.

    None when the principal has no such target. Raises NoTestError.
    """
    async with connection.transaction():
        # Two at once would each find room for one more.
        await connection.execute(_SQL["lock"], principal)
        enabled = await connection.fetchval(_SQL["is_enabled"], principal, target)
        if enabled is None:
            return None
        if not enabled:
            raise NoTestError("target-off", "The target is switched off: nothing is sent there.")
        row = await connection.fetchrow(_SQL["under_way"], target)
        if row is None:
            recent = await connection.fetchval(_SQL["recent"], principal, float(TESTS_WITHIN_S))
            if (recent or 0) >= TESTS_MAX:
                raise NoTestError(
                    "too-many-tests", f"You have sent {TESTS_MAX} tests within {TESTS_WITHIN_S} s."
                )
            row = await connection.fetchrow(_SQL["ask"], target)
    assert row is not None
    return AskedTest(**dict(row))


async def latest_tests(db: Executor, principal: str) -> dict[UUID, AskedTest]:
    """The latest test of each of the principal's targets that had one within a day."""
    rows = await db.fetch(_SQL["latest"], principal)
    return {row["target"]: AskedTest(**dict(row)) for row in rows}
