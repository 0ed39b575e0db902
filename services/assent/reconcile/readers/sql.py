"""A Postgres database: the rows of applied releases, and a query that lists objects with their versions."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg
import msgspec

from assent.applier.targets.secrets import SecretError, read_secret
from assent.reconcile.applied_requests import AppliedRequest, AppliedRequests
from assent.reconcile.comparison import Shown, differences, without_note
from assent.reconcile.configuration import SqlListing
from assent.reconcile.known_findings import ROW, Finding, KnownFindings
from assent.reconcile.readers.reader import UnreadableTargetError
from assent.reconcile.target_text import name_text, version_text
from assent_contracts.resources import is_resource

_CONNECT_S: Final = 10
_XMIN_BITS: Final = 32
_COLUMNS: Final = ", ".join(
    f"left({name}, {length}) AS {name}"
    for name, length in (("key", 64), ("request", 64), ("resource", 400), ("submission", 64), ("digest", 64))
)
_COMPARED: Final = ("version", "xmin", "digest")
_CUT: Final = "left({name}, 400) AS {column}"
_HASHED: Final = (
    "CASE WHEN length({name}) <= 1000 THEN {name}"
    " ELSE 'long:' || encode(sha256(convert_to({name}, 'UTF8')), 'hex') END AS {column}"
)
_SHORT: Final = {"resource": _CUT, "by": _CUT, **dict.fromkeys(_COMPARED, _HASHED)}
"""How each column of the listing is kept short. Two long versions stay two."""


class _Row(msgspec.Struct, frozen=True):
    """A row of the table of applied releases."""

    key: str
    request: str
    resource: str
    submission: str
    digest: str


class SqlReader:
    """One database. Everything is read in one transaction, which changes nothing."""

    def __init__(self, table: SqlListing, timeout_s: float, objects_max: int) -> None:
        self._table = table
        self._timeout_s = timeout_s
        self._objects_max = objects_max
        self._rows: list[_Row] = []
        self._noted: set[str] = set()
        """The requests that have a row, of those that were applied last to their objects."""
        self._shown: dict[str, Shown] = {}
        self._compared = ""

    async def read(self, applied: AppliedRequests) -> None:
        """Read the table and the listing."""
        try:
            async with asyncio.timeout(self._timeout_s):
                db = await asyncpg.connect(
                    read_secret(self._table.dsn),
                    timeout=_CONNECT_S,
                    server_settings={"application_name": "assent-reconcile"},
                )
                try:
                    async with db.transaction(isolation="repeatable_read", readonly=True):
                        await self._read(db, applied)
                finally:
                    db.terminate()
        except SecretError as error:
            raise UnreadableTargetError(str(error)) from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError) as error:
            said = str(error).splitlines()[0][:300] if isinstance(error, asyncpg.PostgresError) else ""
            msg = f"The database cannot be read: {said or type(error).__name__}."
            raise UnreadableTargetError(msg) from error

    async def findings(
        self, applied: AppliedRequests, known: KnownFindings, of_type: Callable[[str], bool]
    ) -> list[Finding]:
        """The rows that no request explains, the requests without a row, then what the listing shows."""
        found = [
            finding
            for finding in (_judge(row, applied) for row in self._rows)
            if finding is not None and of_type(finding.resource) and not known.is_known(finding)
        ]
        if self._table.listing is not None:
            found += differences(self._shown, applied, known, self._matches, of_type=of_type)
        elif self._table.table is not None:
            found += without_note(self._noted, applied, known, of_type)
        return found

    async def keep_position(self) -> None:
        """A database has no history that is read in parts."""

    async def close(self) -> None:
        """Nothing is open."""

    async def _read(self, db: asyncpg.Connection, applied: AppliedRequests) -> None:
        limit_ms = max(1, round(self._table.statement_timeout_s * 1_000))
        await db.execute("SELECT set_config('statement_timeout', $1, true)", f"{limit_ms}ms")
        if self._table.table is not None:
            await self._read_table(db, self._table.table, applied)
        if self._table.listing is not None:
            await self._read_listing(db, self._table.listing)

    async def _read_table(self, db: asyncpg.Connection, table: str, applied: AppliedRequests) -> None:
        # The name comes from the configuration, which allows only plain names.
        rows = await db.fetch(
            f"SELECT {_COLUMNS} FROM {table} ORDER BY applied_at DESC LIMIT $1",  # noqa: S608
            self._objects_max,
        )
        self._rows = [_row(row, table) for row in reversed(rows)]
        newest = [found.id for each in applied.objects() if (found := applied.newest(each)) is not None]
        noted = await db.fetch(
            f"SELECT DISTINCT request FROM {table} WHERE request = ANY($1)",  # noqa: S608
            newest,
        )
        self._noted = {row["request"] for row in noted}

    async def _read_listing(self, db: asyncpg.Connection, query: str) -> None:
        shown: dict[str, Shown] = {}
        query = query.rstrip().removesuffix(";")
        columns = [each.name for each in (await db.prepare(query)).get_attributes()]
        self._compared = _compared_column(columns)
        async for row in db.cursor(_bounded(query, columns), prefetch=1_000):
            resource, version = row["resource"], row[self._compared]
            if not isinstance(resource, str) or not is_resource(resource):
                msg = "The listing has a row whose column `resource` is not <type>/<id>."
                raise UnreadableTargetError(msg)
            if resource in shown:
                msg = f"The listing has two rows for {resource}."
                raise UnreadableTargetError(msg)
            by = row.get("by")
            shown[resource] = Shown(version_text(str(version)), name_text(None if by is None else str(by)))
            if len(shown) > self._objects_max:
                msg = f"The listing has more than {self._objects_max:,} rows."
                raise UnreadableTargetError(msg)
        self._shown = shown

    def _matches(self, version: str, request: AppliedRequest) -> bool | None:
        if self._compared == "digest":
            return version == request.digest
        if request.version is None:
            return None
        if self._compared == "xmin":
            return (
                version.isdecimal()
                and request.version.isdecimal()
                and (int(version) == int(request.version) % (1 << _XMIN_BITS))
            )
        return version == version_text(request.version)


def _bounded(query: str, columns: Sequence[str]) -> str:
    """The listing with short columns: whoever writes rows must not be able to fill this process's memory."""
    kept = [each for each in columns if each in ("resource", "by", *_COMPARED)]
    listed = ", ".join(
        _SHORT[each].format(name=f'listing."{each}"::text', column=f'"{each}"') for each in kept
    )
    return f"SELECT {listed} FROM (\n{query}\n) AS listing"  # noqa: S608  the query is the operator's


def _row(row: Any, table: str) -> _Row:
    fields = dict(row)
    if not all(isinstance(each, str) for each in fields.values()) or not is_resource(fields["resource"]):
        # Passed over, many of them could hide an older row that no request explains.
        msg = f"The table {table} has a row that no applier has written: a column is empty or not readable."
        raise UnreadableTargetError(msg)
    return _Row(**fields)


def _compared_column(columns: Sequence[str]) -> str:
    found = [each for each in _COMPARED if each in columns]
    if "resource" not in columns or len(found) != 1:
        msg = "The listing needs a column `resource`, and one of `version`, `xmin` and `digest`."
        raise UnreadableTargetError(msg)
    return found[0]


def _judge(row: _Row, applied: AppliedRequests) -> Finding | None:
    """The finding of a row; None if a request explains it, or if that is not known yet."""
    request = applied.request(row.request)
    if request is None:
        why = "It names a request that was never released."
    elif (request.resource, request.digest, request.submission) != (row.resource, row.digest, row.submission):
        why = f"It is not what request {request.id} made."
    elif request.state in ("applied", "pending"):
        return None
    else:
        why = f"Request {request.id} has the outcome: {request.state}."
    version = version_text(f"{ROW}{row.key}")
    return Finding(
        "unexplained", row.resource, version, detail=f"A row of applied releases. {why}", is_history=True
    )
