"""A gateway that signs people in with a real provider, and people with browsers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg
import pytest
import pytest_asyncio

from assent.gateway.identity.oidc import CALLBACK
from assent_contracts.client.follower import GovernanceFollower
from tests.idp.browser import Browser
from tests.idp.misbehaving import Misbehaving, misbehaving
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, answering, everything, free_port, gateway_settings
from tests.support.log import Log

OpenBrowser = Callable[[], Awaitable[Browser]]
StartGateway = Callable[..., Awaitable[str]]


@pytest_asyncio.fixture(scope="module")
async def ports() -> tuple[int, int]:
    """The gateway's and the provider's: each is configured with the other's before it starts."""
    return free_port(), free_port()


@pytest_asyncio.fixture(scope="module")
async def provider(
    ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Misbehaving]:
    """npm's oidc-provider, which knows the demo's people and clients."""
    here, there = ports
    callback = f"http://localhost:{here}{CALLBACK}"
    async with misbehaving(there, callback, tmp_path_factory.mktemp("provider")) as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def gateway(
    log: Log,
    follower: GovernanceFollower,
    running: Endpoints,
    ports: tuple[int, int],
    provider: Misbehaving,
) -> AsyncIterator[Gateway]:
    """A gateway with this provider, and the decider and the readers behind it."""
    settings = gateway_settings(**oidc_environ(ports[0], provider.issuer))
    async with everything(log, follower, running.dsn, settings) as started:
        yield started


def oidc_environ(port: int, issuer: str, **more: str) -> dict[str, str]:
    """The settings of a gateway at this port that uses a provider."""
    return {
        "ASSENT_GATEWAY_PORT": str(port),
        "ASSENT_PUBLIC_URL": f"http://localhost:{port}",
        "ASSENT_LOCAL_SIGN_IN_FILE": "",
        "ASSENT_OIDC_ISSUER": issuer,
        "ASSENT_OIDC_CLIENT_ID": "console",
        **more,
    }


@pytest_asyncio.fixture
async def open_browser(ports: tuple[int, int]) -> AsyncIterator[OpenBrowser]:
    """A function that opens a new browser at the gateway."""
    async with AsyncExitStack() as opened:

        async def new() -> Browser:
            browser = Browser(f"http://localhost:{ports[0]}")
            await opened.enter_async_context(browser.http)
            return browser

        yield new


@pytest_asyncio.fixture
async def browser(gateway: Gateway, open_browser: OpenBrowser) -> Browser:
    """An unused browser."""
    return await open_browser()


@pytest_asyncio.fixture
async def start_gateway(gateway: Gateway) -> AsyncIterator[StartGateway]:
    """A function that starts another gateway on the same log and database, with other settings."""
    async with AsyncExitStack() as started:

        async def start(**environ: str) -> str:
            settings = gateway_settings(**environ)
            return await started.enter_async_context(answering(gateway.log, gateway.dsn, settings))

        yield start


@pytest_asyncio.fixture
async def db(gateway: Gateway) -> AsyncIterator[asyncpg.Connection]:
    """The gateway's database, as its superuser."""
    connection = await asyncpg.connect(gateway.dsn)
    try:
        yield connection
    finally:
        await connection.close()
