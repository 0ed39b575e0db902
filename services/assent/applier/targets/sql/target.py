"""A Postgres database as a target. Each change is truly made once.

The effect and a row that names the release are in one transaction. So the row is there exactly if the effect
is, whatever was killed when, and the row's primary key lets only one of several appliers make the change.
What would end the transaction early is refused by Postgres: a migration runs inside a DO block, in which
COMMIT and the like are errors.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from asyncpg import exceptions as pg
from asyncpg.transaction import Transaction

from assent.applier.targets.content import text_of
from assent.applier.targets.secrets import SecretError, read_secret
from assent.applier.targets.sql.applied_table import AppliedTable, Db
from assent.applier.targets.sql.parameters import parameters_of, statement_for
from assent.applier.targets.sql.table import SqlTable, Statement
from assent_contracts.client.handler import Applied, FinalError, Release, RetryableError, UnknownOutcomeError
from assent_contracts.released_change import Change

_CONNECT_S: Final = 10
_NOT_IN_A_TRANSACTION: Final = "25001"
_TRANSACTION_CONTROL: Final = ("0A000", "2D000")
_MIGRATION: Final = "assent.migration"
_RUN_MIGRATION: Final = f"DO $assent$ BEGIN EXECUTE current_setting('{_MIGRATION}'); END $assent$"
_TRANSIENT: Final = (
    pg.TransactionRollbackError,
    pg.LockNotAvailableError,
    pg.QueryCanceledError,
    pg.InsufficientResourcesError,
    pg.OperatorInterventionError,
    pg.PostgresConnectionError,
    pg.CannotConnectNowError,
)
_BROKEN: Final = (
    OSError,
    TimeoutError,
    pg.PostgresConnectionError,
    pg.InterfaceError,
    pg.InternalClientError,
)
"""The connection failed."""


class SqlTarget:
    """One database."""

    def __init__(self, table: SqlTable, timeout_s: float) -> None:
        """`timeout_s`: for each change, without the wait for a connection."""
        self._table = table
        self._applied = AppliedTable(table.table)
        self._timeout_s = timeout_s
        self._created = False

    @property
    def reads_back(self) -> bool:
        """The table shows it."""
        return True

    async def apply(self, release: Release) -> Applied | None:
        """Run the statement and note the release, in one transaction, unless it is noted already."""
        statement = statement_for(release.change, self._table.statements)
        values = parameters_of(release.change, statement)
        migration = text_of(release.change) if statement.statement is None else None
        xid = ""
        async with self._connected() as db:
            transaction = db.transaction()
            try:
                async with asyncio.timeout(self._timeout_s):
                    await transaction.start()
                    await self._limit(db)
                    await self._applied.lock(db, release)
                    noted = await self._noted(db, release)
                    if noted is not None:
                        return noted
                    await self._applied.add(db, release)
                    xid = await _xid(db)
                    if migration is None:
                        await self._run(db, statement, values)
                    else:
                        await db.execute("SELECT set_config($1, $2, true)", _MIGRATION, migration)
                        await db.execute(_RUN_MIGRATION)
                    if await _xid(db) != xid:
                        msg = "The statement ended the transaction, so a part of it may have been kept."
                        raise UnknownOutcomeError(msg)
            except asyncpg.PostgresError as error:
                raise _not_made(error) from error
            except _BROKEN as error:
                # Without a COMMIT, Postgres rolls back what a lost connection has begun.
                msg = f"The connection to the database failed: {type(error).__name__}. Nothing was changed."
                raise RetryableError(msg) from error
            return await self._commit(transaction, release, xid)

    async def read_back(self, release: Release) -> Applied | None:
        """Whether the release is noted. Waits for a transaction that may still note it."""
        async with self._connected() as db:
            try:
                async with asyncio.timeout(self._timeout_s), db.transaction():
                    await self._limit(db)
                    await self._applied.lock(db, release)
                    return await self._noted(db, release)
            except (asyncpg.PostgresError, *_BROKEN) as error:
                raise _unanswered(error) from error

    async def plan(self, change: Change) -> str:
        """The statement and its parameters. The database checks the statement, and runs nothing."""
        statement = statement_for(change, self._table.statements)
        if statement.statement is None:
            return f"-- one transaction\n{text_of(change)}\n"
        values = parameters_of(change, statement)
        async with self._connected() as db:
            try:
                prepared = await db.prepare(statement.statement)
                types = [each.name for each in prepared.get_parameters()]
            except asyncpg.PostgresError as error:
                msg = f"The database refuses the statement: {error}"
                raise FinalError(msg) from error
        shown = [
            f"-- ${number} {kind}: {value!r}"
            for number, (kind, value) in enumerate(zip(types, values, strict=False), 1)
        ]
        return "\n".join([statement.statement.strip(), *shown]) + "\n"

    async def close(self) -> None:
        """Nothing is open."""

    async def _run(self, db: Db, statement: Statement, values: list[object]) -> None:
        assert statement.statement is not None
        prepared = await db.prepare(statement.statement)
        await prepared.fetch(*values)
        done = prepared.get_statusmsg()
        changed = done.rpartition(" ")[2]
        if statement.rows is not None and changed != str(statement.rows):
            msg = f"Nothing was changed: the statement did {done!r}, and {statement.rows} rows must change."
            raise FinalError(msg)

    async def _commit(self, transaction: Transaction, release: Release, xid: str) -> Applied:
        try:
            async with asyncio.timeout(self._timeout_s):
                await transaction.commit()
        except asyncpg.PostgresError as error:
            if not isinstance(error, pg.PostgresConnectionError | pg.OperatorInterventionError):
                raise _not_made(error) from error  # a deferred constraint, or a serialization failure
        except _BROKEN:
            pass
        else:
            return Applied(f"Transaction {xid}.", xid)
        # The answer to COMMIT is lost. The row shows what became of it.
        try:
            found = await self.read_back(release)
        except RetryableError as error:
            msg = f"The connection failed during COMMIT, and the database does not answer: {error}"
            raise UnknownOutcomeError(msg) from error
        if found is None:
            msg = "The connection failed during COMMIT. The database shows that nothing was changed."
            raise RetryableError(msg)
        return found

    async def _noted(self, db: Db, release: Release) -> Applied | None:
        row = await self._applied.find(db, [release.idempotency_key, *release.earlier_keys])
        if row is None:
            return None
        if row["digest"] != release.change.digest:
            msg = (
                f"The table {self._table.table} has this release with another digest: someone has changed it."
            )
            raise UnknownOutcomeError(msg)
        return Applied(f"Transaction {row['xid']}.", row["xid"])

    async def _limit(self, db: Db) -> None:
        for name, seconds in (
            ("statement_timeout", self._table.statement_timeout_s),
            ("lock_timeout", self._table.lock_timeout_s),
            ("idle_in_transaction_session_timeout", self._timeout_s),
        ):
            await db.execute("SELECT set_config($1, $2, true)", name, f"{max(1, round(seconds * 1_000))}ms")

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Db]:
        try:
            db = await asyncpg.connect(
                read_secret(self._table.dsn),
                timeout=_CONNECT_S,
                server_settings={"application_name": "assent-applier"},
            )
        except (SecretError, ValueError) as error:
            said = str(error) if isinstance(error, SecretError) else "it is not a valid address"
            msg = f"The database's address cannot be used: {said}"
            raise RetryableError(msg) from error
        except (asyncpg.PostgresError, *_BROKEN) as error:
            raise _unanswered(error) from error
        try:
            if not self._created:
                await self._create(db)
            yield db
        finally:
            # An open transaction is rolled back.
            db.terminate()

    async def _create(self, db: Db) -> None:
        try:
            await self._applied.create(db)
        except asyncpg.PostgresError as error:
            msg = f"The table {self._table.table} cannot be created: {error}. Create it, or allow it."
            raise RetryableError(msg) from error
        self._created = True


async def _xid(db: Db) -> str:
    return str(await db.fetchval("SELECT pg_current_xact_id()::text"))


def _not_made(error: asyncpg.PostgresError) -> RetryableError | FinalError:
    """What an error means that Postgres answered before COMMIT: everything was rolled back."""
    code, said = str(getattr(error, "sqlstate", "")), str(error).splitlines()[0][:500]
    if isinstance(error, _TRANSIENT):
        return RetryableError(f"Nothing was changed: {said} ({code})")
    if code == _NOT_IN_A_TRANSACTION:
        return FinalError(
            f"Nothing was changed: {said} ({code}). Such a statement cannot be made exactly once together"
            " with the note of it. Run it by hand or with the command applier, and submit the rest."
        )
    if code in _TRANSACTION_CONTROL:
        return FinalError(
            f"Nothing was changed: {said} ({code}). A migration must not contain BEGIN, COMMIT, ROLLBACK or"
            " SAVEPOINT: it runs in one transaction."
        )
    return FinalError(f"Nothing was changed: {said} ({code})")


def _unanswered(error: BaseException) -> RetryableError:
    said = (
        str(error).splitlines()[0][:300] if isinstance(error, asyncpg.PostgresError) else type(error).__name__
    )
    return RetryableError(f"The database does not answer: {said}")
