"""A gateway that answers on a real port, with the decider and the readers that it needs behind it."""

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec

from assent.gateway.gateway_settings import GatewaySettings, read_gateway_settings
from assent.gateway.service import serve
from assent.observe.health import Health
from assent.store.reader_service import KAFKA, POSTGRES
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import Claim, Outcome, ReportOutcome
from tests.support.local_token import LINK, token_file
from tests.support.log import APPLIER, Actor, Log, deciding, publishing
from tests.support.readers import SPECS, reading, settings_for
from tests.support.stack import migrated_database, until

_numbers = itertools.count()


class Gateway:
    """One gateway, and people who have signed in to it."""

    def __init__(self, url: str, dsn: str, log: Log, actor: Actor, clients: AsyncExitStack) -> None:
        self.url = url
        """Its address: `http://127.0.0.1:PORT`."""
        self.dsn = dsn
        """The database of the gateway and the readers, as its superuser."""
        self.log = log
        self.actor = actor
        """Acts as any principal with their own key, past the gateway: usually `device-config`, `applier`."""
        self._clients = clients
        self._signed_in: dict[str, httpx.AsyncClient] = {}

    async def anonymous(self) -> httpx.AsyncClient:
        """A client without a session."""
        return await self._clients.enter_async_context(
            httpx.AsyncClient(base_url=self.url, timeout=30, trust_env=False)
        )

    async def signed_in(self, principal: str) -> httpx.AsyncClient:
        """A client that acts as one of the demo's people: the same one each time."""
        if principal not in self._signed_in:
            self._signed_in[principal] = await self.sign_in(principal)
        return self._signed_in[principal]

    async def sign_in(self, principal: str) -> httpx.AsyncClient:
        """A client with a new session, which sends its CSRF token."""
        client = await self.anonymous()
        await client.get(LINK)
        answer = await client.post("/sign-in/local", data={"principal": principal})
        assert answer.status_code == 303, answer.text
        client.headers["x-csrf-token"] = (await client.get("/api/v1/me")).json()["csrf"]
        return client

    async def submit(self, resource: str, *, principal: str = "alice", **fields: Any) -> dict[str, Any]:
        """Submit a change that must be accepted; returns the decision."""
        return accepted(await self.try_to_submit(resource, principal=principal, **fields), 201)

    async def try_to_submit(
        self, resource: str, *, principal: str = "alice", **fields: Any
    ) -> httpx.Response:
        """Submit a change; returns the answer, whatever it is."""
        usual = {"operation": "edit", "justification": "It is needed.", "payload": "echo hello"}
        client = await self.signed_in(principal)
        return await client.post("/api/v1/requests", json={"resource": resource, **usual, **fields})

    async def submit_once_protected(self, resource: str, **fields: Any) -> str:
        """The id of a request for a change, as soon as a policy for its type is in force."""
        async with asyncio.timeout(20):
            while (answer := await self.try_to_submit(resource, **fields)).status_code != 201:
                refused(answer, 422, "no-policy")
        return answer.json()["request"]

    async def show(
        self, request: str, *, principal: str = "alice", after: str | None = None
    ) -> dict[str, Any]:
        """A request as its page shows it; `after`: once the lists contain this position."""
        client = await self.signed_in(principal)
        headers = {"assent-after": after} if after else {}
        return accepted(await client.get(f"/api/v1/requests/{request}", headers=headers))

    async def submission(self, request: str, principal: str = "alice") -> str:
        """R23: the SHA-256 of a request's submission, as a person who may see it reads it."""
        return (await self.show(request, principal=principal, after=request))["request"]["submission"]

    async def act(self, request: str, action: str, principal: str, **fields: Any) -> httpx.Response:
        """Act on a request, naming its current version by default; returns the answer, whatever it is."""
        client = await self.signed_in(principal)
        if action in ("approve", "reject", "complete") and "submission" not in fields:
            fields["submission"] = await self.submission(request)
        return await client.post(f"/api/v1/requests/{request}/{action}", json=fields)

    async def approve(self, request: str, principal: str = "bob", *, note: str = "") -> dict[str, Any]:
        """Approve what the approver sees; returns the decision."""
        shown = await self.show(request, principal=principal, after=request)
        fields = {"submission": shown["request"]["submission"], "note": note}
        return accepted(await self.act(request, "approve", principal, **fields))

    async def complete(self, request: str, principal: str = "alice") -> dict[str, Any]:
        """Release an approved request; returns the decision."""
        seen = await self.submission(request, principal)
        return accepted(await self.act(request, "complete", principal, submission=seen))

    async def released(self, resource: str, **fields: Any) -> str:
        """The id of a request about a script that was submitted by alice, approved by bob and completed."""
        request = (await self.submit(resource, **fields))["request"]
        await self.approve(request)
        await self.complete(request)
        return request

    async def governed(self, change: dict[str, Any], principal: str = "bob") -> None:
        """A governance change: at once, or approved by carol and completed where that is required."""
        client = await self.signed_in(principal)
        body = {"change": change, "justification": "It is needed."}
        answer = await client.post("/api/v1/governance/changes", json=body)
        assert answer.status_code in (200, 201), f"{answer.status_code} {answer.text}"
        if request := answer.json()["request"]:
            await self.approve(request, "carol")
            await self.complete(request, principal)

            async def has_ended() -> bool:
                # Until then another change to the same object is refused (R10).
                return (await self.show(request, principal=principal))["request"]["status"] == "completed"

            await until(has_ended)

    async def applied(
        self, request: str, resource: str, outcome: Outcome = "succeeded", *, message: str = "Done."
    ) -> str:
        """Claim a released request and report its outcome, as the demo's applier; the last position."""
        fields: dict[str, Any] = {"principal": APPLIER, "resource": resource, "request": request}
        claim = Claim(id=new_command_id(), at=now_ms(), **fields)
        report = ReportOutcome(id=new_command_id(), at=now_ms(), outcome=outcome, message=message, **fields)
        position = ""
        for command in (claim, report):
            decided = await self.actor.send(command)
            assert decided.refusal is None, decided.refusal
            position = f"{decided.partition}-{decided.seq}"
        return position


def accepted(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The JSON of an answer that must have this status."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    return answer.json()


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of an answer that must have this status and code."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert problem["status"] == status
    assert problem["todo"]
    return problem


def free_port() -> int:
    """A free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def gateway_settings(**environ: str) -> GatewaySettings:
    """The settings of the tests' gateways: a free port, local sign-in; `environ` adds to or replaces them."""
    port = str(free_port())
    usual = {
        "ASSENT_GATEWAY_PORT": port,
        "ASSENT_PUBLIC_URL": f"http://127.0.0.1:{environ.get('ASSENT_GATEWAY_PORT', port)}",
        "ASSENT_LOCAL_SIGN_IN_FILE": str(token_file()),
        "ASSENT_GATEWAY_RATE": "10000",
    }
    return read_gateway_settings({**usual, **environ})


@asynccontextmanager
async def answering(log: Log, dsn: str, settings: GatewaySettings | None = None) -> AsyncIterator[str]:
    """A gateway in this process; yields its address. Stopped in the way that SIGTERM stops it.

    Decider and readers are started separately: see `everything`.
    """
    settings = settings or gateway_settings()
    service = msgspec.structs.replace(settings_for(log, dsn), key_file=log.folder / "gateway.key")
    health, stop = Health(KAFKA, POSTGRES), asyncio.Event()
    task = asyncio.create_task(serve(service, health, stop, settings), name="gateway")
    try:
        await until(lambda: _listens(task, settings.port))
        yield f"http://127.0.0.1:{settings.port}"
    finally:
        stop.set()
        await task


async def _listens(task: asyncio.Task[None], port: int) -> bool:
    if task.done():
        task.result()
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@asynccontextmanager
async def migrated(dsn: str) -> AsyncIterator[str]:
    """The DSN of a migrated database of its own on the server of `dsn`."""
    made = await migrated_database(dsn, f"gateway_{os.getpid()}_{next(_numbers)}")
    yield made


@asynccontextmanager
async def projecting(log: Log, dsn: str) -> AsyncIterator[None]:
    """The status and audit readers, writing into this database."""
    number = next(_numbers)
    async with AsyncExitStack() as readers:
        for name, spec in SPECS.items():
            await readers.enter_async_context(reading(spec, log, dsn, f"gateway-{name}-{number}"))
        yield


@asynccontextmanager
async def gateway_of(
    log: Log,
    follower: GovernanceFollower,
    dsn: str,
    settings: GatewaySettings | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway with clients, on a log whose decider and readers are running."""
    async with (
        publishing(log, follower) as actor,
        answering(log, dsn, settings) as url,
        AsyncExitStack() as clients,
    ):
        yield Gateway(url, dsn, log, actor, clients)


@asynccontextmanager
async def everything(
    log: Log, follower: GovernanceFollower, dsn: str, settings: GatewaySettings | None = None
) -> AsyncIterator[Gateway]:
    """Decider, readers and a gateway on a migrated database next to the one of `dsn`."""
    async with (
        migrated(dsn) as made,
        deciding(log, follower),
        projecting(log, made),
        gateway_of(log, follower, made, settings) as gateway,
    ):
        yield gateway
