"""Sign-ins under way at the provider, kept in Postgres for any gateway with the same key."""

import hashlib
import re
import secrets
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from assent.gateway.identity.row_seal import RowSeal
from assent.store.named_sql import load_sql
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import now_ms

SIGN_IN_S: Final = 10 * 60
"""How long a user may take at the provider."""
_SECRET_BYTES: Final = 32
_BROWSER: Final = re.compile(r"[A-Za-z0-9_-]{43}")

_SQL = load_sql(Path(__file__).with_name("pending_sign_ins.sql"))


class PendingSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A user on the way to the provider."""

    state: str
    """Comes back with the user, and identifies the sign-in."""
    browser: str
    """The cookie of the browser that left. The sign-in can end only in that browser."""
    nonce: str
    """Comes back inside the id_token, and proves that it was issued for this sign-in."""
    verifier: str
    """RFC 7636: sent with the code, so that a stolen code is worthless."""

    def __repr__(self) -> str:
        """Without its secrets."""
        return "PendingSignIn()"


class FinishedSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """What was kept about a user who has come back."""

    verifier: str
    nonce: str
    return_to: str

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"FinishedSignIn({self.return_to!r})"


class PendingSignIns:
    """Begins and ends sign-ins. Each can be used once.

    The table has only the SHA-256 of state and cookie, so reading it is of no use to an attacker. It has a
    MAC, so writing it is not either.
    """

    def __init__(self, db: asyncpg.Pool, key: SecretKey, *, secure: bool) -> None:
        """`key`: the gateway's; `secure`: browsers use https, and the cookie is limited to it."""
        self._db = db
        self._seal = RowSeal(key, "sign_ins")
        self._secure = secure
        self.cookie = "__Host-assent-sign-in" if secure else "assent-sign-in"

    async def leave(self, return_to: str, browser: str | None) -> PendingSignIn:
        """Keep a new sign-in. `browser`: the cookie that the browser has from a sign-in in another tab."""
        leaving = PendingSignIn(
            state=secrets.token_urlsafe(_SECRET_BYTES),
            browser=browser
            if browser and _BROWSER.fullmatch(browser)
            else secrets.token_urlsafe(_SECRET_BYTES),
            nonce=secrets.token_urlsafe(_SECRET_BYTES),
            verifier=secrets.token_urlsafe(_SECRET_BYTES),
        )
        now = now_ms()
        await self._db.execute(_SQL["forget_ended"], now)
        row = (
            _hashed(leaving.state),
            _hashed(leaving.browser),
            leaving.verifier,
            leaving.nonce,
            return_to,
            now + SIGN_IN_S * 1_000,
        )
        await self._db.execute(_SQL["leave"], *row, self._seal.mac(*row))
        return leaving

    async def come_back(self, state: str, browser: str | None) -> FinishedSignIn | None:
        """The sign-in of a state: only once, in the browser that began it, and in time; otherwise None."""
        if not browser:
            return None
        place = (_hashed(state), _hashed(browser))
        row = await self._db.fetchrow(_SQL["come_back"], *place, now_ms())
        if row is None:
            return None
        verifier, nonce, return_to, ends_at, mac = row
        if not self._seal.holds(mac, *place, verifier, nonce, return_to, ends_at):
            structlog.get_logger().error(
                "sign-in refused: no gateway with this key has written its row",
                todo="Begin and end each sign-in at gateways with the same key, or find out who else writes"
                " to the table sign_ins.",
            )
            return None
        return FinishedSignIn(verifier=verifier, nonce=nonce, return_to=return_to)

    def cookie_settings(self) -> dict[str, Any]:
        """Lax instead of strict, because the provider's redirect comes from another site."""
        return {
            "path": "/",
            "httponly": True,
            "secure": self._secure,
            "samesite": "lax",
            "max_age": SIGN_IN_S,
        }


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
