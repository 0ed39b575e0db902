"""What every request handler of a gateway works with."""

from typing import Any, Protocol

import asyncpg
import msgspec
from litestar import Request

from assent.gateway.idempotency import Once
from assent.gateway.identity.local_token import LocalToken
from assent.gateway.identity.oidc import Oidc
from assent.gateway.identity.sessions import Sessions
from assent.gateway.lag import Lag
from assent.gateway.live import Live
from assent.gateway.log_connection import LogConnection
from assent.gateway.proofs import Proofs
from assent.gateway.rates import Rates
from assent.gateway.settings import GatewaySettings
from assent.gateway.waiting_counts import WaitingCounts
from assent.observe.health import Health


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever carries a valid access token."""

    principal: str
    ends_at: int
    """When the token ends, ms since 1970."""


class Tokens(Protocol):
    """Access tokens of machines."""

    async def bearer_of(self, token: str) -> Bearer:
        """Whom a valid token is for. Raises Problem."""
        ...


class RequestSignatures(Protocol):
    """HTTP messages signed with a principal's key."""

    async def verify(self, request: Request[Any, Any, Any]) -> str:
        """The principal whose key has signed this request. Raises Problem."""
        ...


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway, for its request handlers: started before the first request, stopped after the last."""

    settings: GatewaySettings
    log: LogConnection
    proofs: Proofs
    db: asyncpg.Pool
    health: Health
    sessions: Sessions
    tokens: Tokens | None
    """None where no provider is configured."""
    signatures: RequestSignatures | None
    """None while nobody checks them."""
    oidc: Oidc | None = None
    """Sign-in of people with a provider; None where none is configured."""
    local: LocalToken | None = None
    """Sign-in by a click, on this machine; None where it is not switched on."""
    once: Once
    rates: Rates
    lag: Lag
    live: Live
    waiting: WaitingCounts = msgspec.field(default_factory=WaitingCounts)
