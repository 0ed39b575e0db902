"""The objects that every request handler of a gateway uses."""

from typing import Any, Protocol

import asyncpg
import msgspec
from litestar import Request

from assent.gateway.event_broadcast import EventBroadcast
from assent.gateway.gateway_settings import GatewaySettings
from assent.gateway.idempotency import FirstSendings
from assent.gateway.identity.local_token import LocalToken
from assent.gateway.identity.oidc import Oidc
from assent.gateway.identity.sessions import Sessions
from assent.gateway.ledger_proofs import LedgerProofs
from assent.gateway.log_connection import LogConnection
from assent.gateway.request_rates import RequestRates
from assent.gateway.table_lag import TableLag
from assent.gateway.waiting_counts import WaitingCounts
from assent.observe.health import Health


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a valid access token."""

    principal: str
    ends_at: int
    """When the token expires, ms since 1970."""


class Tokens(Protocol):
    """Access tokens of machines."""

    async def bearer_of(self, token: str) -> Bearer:
        """The principal of a valid token. Raises Problem."""
        ...


class RequestSignatures(Protocol):
    """HTTP messages signed with a principal's key."""

    async def verify(self, request: Request[Any, Any, Any]) -> str:
        """The principal whose key signed this request. Raises Problem."""
        ...


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway, for its request handlers: started before the first request, stopped after the last."""

    settings: GatewaySettings
    log: LogConnection
    proofs: LedgerProofs
    db: asyncpg.Pool
    health: Health
    sessions: Sessions
    tokens: Tokens | None
    """None if no provider is configured."""
    signatures: RequestSignatures | None
    """None if they are not checked."""
    oidc: Oidc | None = None
    """Sign-in of people with a provider; None if none is configured."""
    local: LocalToken | None = None
    """Sign-in by a click, on this machine; None if it is not enabled."""
    once: FirstSendings
    rates: RequestRates
    lag: TableLag
    live: EventBroadcast
    waiting: WaitingCounts = msgspec.field(default_factory=WaitingCounts)
