"""Sessions of people who have signed in, kept in Postgres: any gateway knows them, and none keeps a copy."""

import hashlib
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from assent.store.sql import load_sql
from assent_contracts.client.publisher import now_ms

IDLE_MS: Final = 60 * 60 * 1_000
"""A session that nobody uses ends after this."""
LONGEST_MS: Final = 12 * 60 * 60 * 1_000
"""Every session ends after this."""
_TOKEN_BYTES: Final = 32
_SEEN_EVERY_MS: Final = 60_000

_SQL = load_sql(Path(__file__).with_name("sessions.sql"))


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that holds now."""

    principal: str
    csrf: str
    """What forms carry, so that no other site can send them."""
    id_token: str | None
    """What the provider wants to see at the sign-out."""

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"Session({self.principal!r})"


class Sessions:
    """Opens, finds and closes sessions. The browser has the token, the table only its SHA-256."""

    def __init__(self, db: asyncpg.Pool, *, secure: bool) -> None:
        """`secure`: browsers come by https, and the cookie is theirs alone."""
        self._db = db
        self.secure = secure
        self.cookie = "__Host-assent" if secure else "assent"

    async def open(self, principal: str, *, id_token: str | None = None) -> str:
        """A new session's token: always a new one, whatever the browser brought (session fixation)."""
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), now_ms()
        await self._db.execute(_SQL["forget_ended"], now, now - IDLE_MS)
        await self._db.execute(
            _SQL["open"],
            _hashed(token),
            principal,
            secrets.token_urlsafe(_TOKEN_BYTES),
            id_token,
            now,
            now + LONGEST_MS,
        )
        return token

    async def find(self, token: str | None) -> Session | None:
        """The session of a token, if it holds still."""
        if not token or len(token) > 128:
            return None
        now = now_ms()
        row = await self._db.fetchrow(_SQL["find"], _hashed(token), now, now - IDLE_MS)
        if row is None:
            return None
        if now - row["seen_at"] > _SEEN_EVERY_MS:
            await self._db.execute(_SQL["seen"], _hashed(token), now)
        return Session(principal=row["principal"], csrf=row["csrf"], id_token=row["id_token"])

    async def holding(self, tokens: Collection[str]) -> set[str]:
        """Those of the tokens whose sessions hold still. An open page that only listens is no use of one."""
        now = now_ms()
        hashed = {_hashed(token): token for token in tokens}
        rows = await self._db.fetch(_SQL["holding"], list(hashed), now, now - IDLE_MS)
        return {hashed[row["token_sha256"]] for row in rows}

    async def close(self, token: str | None) -> None:
        """End a session, for every gateway at once."""
        if token:
            await self._db.execute(_SQL["close"], _hashed(token))

    def cookie_settings(self) -> dict[str, Any]:
        """How the cookie is set: not for scripts, not for other sites, not over http where there is https."""
        return {"path": "/", "httponly": True, "secure": self.secure, "samesite": "lax"}


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
