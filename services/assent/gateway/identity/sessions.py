"""Sessions of people who have signed in, kept in Postgres.

Every gateway with this key knows them, none keeps a copy, and none trusts a row that no such gateway wrote.
"""

import hashlib
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from assent.gateway.identity.row_seal import RowSeal
from assent.store.named_sql import load_sql
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import now_ms

IDLE_MS: Final = 60 * 60 * 1_000
"""An unused session ends after this."""
LONGEST_MS: Final = 12 * 60 * 60 * 1_000
"""Every session ends after this."""
_TOKEN_BYTES: Final = 32
_SEEN_EVERY_MS: Final = 60_000

_SQL = load_sql(Path(__file__).with_name("sessions.sql"))


class SignInSession(msgspec.Struct, frozen=True, kw_only=True):
    """A valid session."""

    principal: str
    csrf: str
    """The token in forms, so that no other site can send them."""
    id_token: str | None
    """The provider needs it for the sign-out."""

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"SignInSession({self.principal!r})"


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A session's row in the table: all trusted columns, in the order in which they are sealed."""

    token_sha256: bytes
    principal: str
    csrf: str
    id_token: str | None
    opened_at: int
    seen_at: int
    ends_at: int

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"_Row({self.principal!r})"


class Sessions:
    """Opens, finds and closes sessions. The browser has the token; the table has only its SHA-256."""

    def __init__(self, db: asyncpg.Pool, key: SecretKey, *, secure: bool) -> None:
        """`key`: the gateway's; `secure`: browsers use https, and the cookie is limited to it."""
        self._db = db
        self._seal = RowSeal(key, "sessions")
        self.secure = secure
        self.cookie = "__Host-assent" if secure else "assent"

    async def open(self, principal: str, *, id_token: str | None = None) -> str:
        """A new session's token: always a new one, whatever the browser sent (session fixation)."""
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), now_ms()
        row = _Row(
            token_sha256=_hashed(token),
            principal=principal,
            csrf=secrets.token_urlsafe(_TOKEN_BYTES),
            id_token=id_token,
            opened_at=now,
            seen_at=now,
            ends_at=now + LONGEST_MS,
        )
        await self._db.execute(_SQL["forget_ended"], now, now - IDLE_MS)
        await self._db.execute(_SQL["open"], *msgspec.structs.astuple(row), self._seal.key_id, self._mac(row))
        return token

    async def find(self, token: str | None) -> SignInSession | None:
        """The session of a token, if it is still valid."""
        if not token or len(token) > 128:
            return None
        now = now_ms()
        rows = await self._believed([_hashed(token)], now)
        if not rows:
            return None
        row = rows[0]
        if now - row.seen_at > _SEEN_EVERY_MS:
            seen = msgspec.structs.replace(row, seen_at=now)
            await self._db.execute(_SQL["seen"], seen.token_sha256, seen.seen_at, self._mac(seen))
        return SignInSession(principal=row.principal, csrf=row.csrf, id_token=row.id_token)

    async def holding(self, tokens: Collection[str]) -> set[str]:
        """Those tokens whose sessions are still valid. A page that only listens does not prolong one."""
        hashed = {_hashed(token): token for token in tokens}
        return {hashed[row.token_sha256] for row in await self._believed(list(hashed), now_ms())}

    async def _believed(self, hashed: list[bytes], now: int) -> list[_Row]:
        """The valid rows of these tokens that a gateway with this key wrote."""
        found = await self._db.fetch(_SQL["find"], hashed, now, now - IDLE_MS, self._seal.key_id)
        rows: list[_Row] = []
        for each in found:
            columns = dict(each)
            mac = columns.pop("mac")
            row = _Row(**columns)
            if self._seal.holds(mac, *msgspec.structs.astuple(row)):
                rows.append(row)
            else:
                structlog.get_logger().error(
                    "session refused: the row was not written by a gateway",
                    principal=row.principal,
                    todo="Find out who else can write to the table sessions.",
                )
        return rows

    def _mac(self, row: _Row) -> bytes:
        return self._seal.mac(*msgspec.structs.astuple(row))

    async def close(self, token: str | None) -> None:
        """End a session, for every gateway at once."""
        if token:
            await self._db.execute(_SQL["close"], _hashed(token))

    def cookie_settings(self) -> dict[str, Any]:
        """The cookie's attributes: not for scripts or other sites, and not over http if there is https."""
        return {"path": "/", "httponly": True, "secure": self.secure, "samesite": "lax"}


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
