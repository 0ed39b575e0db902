"""The gateway as a process: the log, the tables and the web application, from start to SIGTERM."""

import asyncio
import resource
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

import asyncpg
import structlog
import uvicorn
from litestar.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from assent.gateway.app import make_app
from assent.gateway.event_broadcast import EventBroadcast
from assent.gateway.gateway_components import Gateway
from assent.gateway.gateway_settings import GatewaySettings, read_gateway_settings
from assent.gateway.guarded_connections import guarded
from assent.gateway.idempotency import FirstSendings
from assent.gateway.identity.http_signatures import KeySignatures
from assent.gateway.identity.local_token import read_local_token
from assent.gateway.identity.oidc import open_oidc, read_client_secret
from assent.gateway.identity.provider import open_client
from assent.gateway.identity.sessions import Sessions
from assent.gateway.identity.tokens import AccessTokens
from assent.gateway.known_heads_check import (
    keep_learning_known_heads,
    learn_known_heads,
    refuse_shortened_governance,
)
from assent.gateway.ledger_proofs import LedgerProofs
from assent.gateway.log_connection import open_log
from assent.gateway.middleware import front_of, security_headers
from assent.gateway.request_rates import RequestRates
from assent.gateway.table_lag import TableLag
from assent.observe.failure_reasons import reason_of
from assent.observe.health import STARTING, Health
from assent.process import when_port_is_free
from assent.process_settings import Faults, ServiceSettings, need
from assent.store.pool import open_pool
from assent.store.reader_service import KAFKA, POSTGRES, PROBE_EVERY_S, followed_governance, probe, reached
from assent_contracts.acceptance import Accepted
from assent_contracts.client.follower import GovernanceFollower, NotWholeError
from assent_contracts.client.keys import load_key
from assent_contracts.client.ledger_lookup import LedgerLookup
from assent_contracts.client.task_end import end

LISTENING = "http"
_POOL_SIZE = 10
_DRAIN_S = 10
_BACKLOG = 2_048
_BESIDE_STREAMS = 2_000
"""Connections besides those of event streams."""
_FILES_BESIDE = 256
"""Files and sockets that do not belong to clients."""


def check_gateway(environ: Mapping[str, str]) -> None:
    """The gateway's own settings and the secrets that they name. Raises SettingsError with every fault."""
    own, faults = read_gateway_settings(environ), Faults()
    faults.reading(lambda: read_local_token(own), None)
    if own.oidc is not None:
        oidc = own.oidc
        faults.reading(lambda: read_client_secret(oidc), None)
    faults.raise_if_any()


async def serve(
    settings: ServiceSettings, health: Health, stop: asyncio.Event, own: GatewaySettings | None = None
) -> None:
    """Answer until `stop`; `own`: settings to use instead of the environment.

    Raises SettingsError, KeyFileError, NotFoundedError, NotFollowingError.
    """
    own = own or read_gateway_settings()
    key = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    local = read_local_token(own)
    health.not_ready(LISTENING, STARTING)
    dsn = need(settings.postgres, "ASSENT_POSTGRES")
    async with AsyncExitStack() as open_things:
        db = await open_pool(dsn, "assent_gateway", application="assent-gateway", size=_POOL_SIZE)
        open_things.callback(db.terminate)
        await reached(health, POSTGRES, lambda: db.fetchval("select 1"))
        follower = await reached(health, KAFKA, lambda: _following_all(settings, db, health))
        open_things.push_async_callback(follower.stop)
        oidc = open_oidc(own, await open_things.enter_async_context(open_client()), db, key)
        lag, sessions = TableLag(db), Sessions(db, key, secure=own.is_secure)
        live = EventBroadcast(db, lag, sessions, own.live)

        def heard(partition: int, accepted: Accepted) -> None:
            lag.heard(partition, accepted.record.seq)
            live.heard(partition, accepted)

        log, ends = await reached(health, KAFKA, lambda: open_log(settings, follower, key, db, heard))
        open_things.push_async_callback(ends.stop)
        lookups = [LedgerLookup(settings.kafka, follower, range(log.governance.partitions)) for _ in range(2)]
        for lookup in lookups:
            open_things.push_async_callback(lookup.stop)
            await reached(health, KAFKA, lookup.start)
        lag.start()
        open_things.push_async_callback(lag.stop)
        gateway = Gateway(
            settings=own,
            log=log,
            proofs=LedgerProofs(*lookups),
            db=db,
            health=health,
            sessions=sessions,
            tokens=AccessTokens(oidc, lambda: log.governance) if oidc else None,
            oidc=oidc,
            local=local,
            signatures=KeySignatures(lambda: log.governance, own.public_url),
            once=FirstSendings(db),
            rates=RequestRates(own.rate_per_second),
            lag=lag,
            live=live,
        )
        live.start(log)
        await reached(health, POSTGRES, lambda: learn_known_heads(db, follower, log.publisher))
        open_things.push_async_callback(live.stop)
        await _answer(gateway, stop)


async def _following_all(settings: ServiceSettings, db: asyncpg.Pool, health: Health) -> GovernanceFollower:
    """A governance follower that has everything known of the ledger. Raises NotWholeError."""
    follower = await followed_governance(settings)
    try:
        await refuse_shortened_governance(db, follower)
    except BaseException as error:
        if isinstance(error, NotWholeError):
            # This alone is the reason why it does not listen.
            health.not_ready(LISTENING, reason_of(error.finding))
        await follower.stop()
        raise
    health.not_ready(LISTENING, STARTING)
    return follower


class _Server(uvicorn.Server):
    """Reports when it listens. Before that, the gateway is not ready."""

    def __init__(self, config: uvicorn.Config, *, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()


def _tell_listening(gateway: Gateway) -> None:
    own = gateway.settings
    gateway.health.ready(LISTENING)
    structlog.get_logger().info("listening", host=own.host, port=own.port, address=own.public_url)


async def _answer(gateway: Gateway, stop: asyncio.Event) -> None:
    own = gateway.settings
    listening = await when_port_is_free(
        lambda: _listening_socket(own.host, own.port), f"ASSENT_GATEWAY_PORT: {own.host}:{own.port}", stop
    )
    if listening is None:
        return
    most = _connections(own.live.streams)
    server = _Server(
        uvicorn.Config(
            _behind_proxies(front_of(make_app(gateway), gateway.settings), gateway.settings),
            http=guarded(most, gateway.settings.slow, security_headers(gateway.settings)),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_DRAIN_S,
        ),
        on_listening=lambda: _tell_listening(gateway),
    )
    # Not `serve`: that installs signal handlers, and run_service has its own, which set `stop`.
    answering = asyncio.create_task(server._serve([listening]), name="http")  # noqa: SLF001
    probing = asyncio.create_task(_probe(gateway), name="probing")
    learning = asyncio.create_task(
        keep_learning_known_heads(gateway.db, gateway.log, gateway.health, on_change=gateway.live.reload),
        name="learning",
    )
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({answering, probing, learning, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, probing, learning):
            if task.done():
                task.result()
    finally:
        await gateway.live.stop()
        server.should_exit = True
        await asyncio.gather(answering, return_exceptions=True)
        await end(probing, learning, stopping)


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _behind_proxies(app: ASGIApp, settings: GatewaySettings) -> ASGIApp:
    """The application. Only trusted proxies can state the sender's address."""
    trusted = list(settings.trusted_proxies)
    return ProxyHeadersMiddleware(app, trusted) if trusted else app  # type: ignore[arg-type, return-value]


def _connections(streams: int) -> int:
    """How many connections to allow, at most as many as this process can open files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = streams + _BESIDE_STREAMS
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most - _FILES_BESIDE)


async def _probe(gateway: Gateway) -> None:
    while True:
        gateway.log.follower.check()
        gateway.live.check()
        await probe(gateway.health, POSTGRES, gateway.db.fetchval("select 1"))
        await probe(gateway.health, KAFKA, gateway.log.follower.catch_up())
        await asyncio.sleep(PROBE_EVERY_S)
