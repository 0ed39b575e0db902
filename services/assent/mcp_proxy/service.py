"""The MCP proxy: parks the calls of agents, and executes those that were approved."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from assent.mcp_proxy.configuration import Agent, McpFile, read_mcp_file, read_mcp_settings
from assent.mcp_proxy.conversation import Context, Conversation
from assent.mcp_proxy.execution import Execution
from assent.mcp_proxy.listening import agent_of, serve_http, serve_stdio, tokens_of
from assent.mcp_proxy.parked_calls import ParkedCalls
from assent.mcp_proxy.parking import Parking
from assent.mcp_proxy.tool_server import CONNECT_S, ServerUnreachableError, ToolServer, check_server
from assent.observe.failure_reasons import STARTING_OVER, kafka_reason
from assent.observe.health import Health
from assent.process import run_together, until_stopped
from assent.process_settings import Faults, ServiceSettings, SettingsError, need
from assent_contracts.client.applier import Applier
from assent_contracts.client.applier_process import log_handled
from assent_contracts.client.assent_connection import AssentConnection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.task_end import end, pause
from assent_contracts.client.upstream_async import opened

KAFKA: Final = "kafka"
_RETRY_S: Final = 1.0
_TIDY_S: Final = 60.0
_DAY_S: Final = 24 * 60 * 60.0
_CONCURRENCY: Final = 4
_LIST_S: Final = 60.0
"""Time for what precedes a call, which is not the server's."""
_LOOK_S: Final = 0.1

log = structlog.get_logger(__name__)


def checked_file(environ: Mapping[str, str]) -> McpFile:
    """The file with the secrets that it names, checked. Raises SettingsError, which names every fault."""
    file, faults = read_mcp_file(read_mcp_settings(environ).file), Faults()
    faults.reading(lambda: check_server(file.server), None)
    faults.reading(lambda: tokens_of(file), {})
    faults.raise_if_any()
    return file


def check_file(environ: Mapping[str, str]) -> str:
    """A sentence about the file. Raises SettingsError, which names every fault."""
    file = checked_file(environ)
    return f"It is good: {file.type}, {', '.join(each.name for each in file.agents)}."


async def serve(settings: ServiceSettings, health: Health, stop: asyncio.Event) -> None:
    """Run until `stop`, or until the agent on the standard input has gone.

    Raises SettingsError, KeyFileError, CallsInUseError.
    """
    await run(settings, read_mcp_file(read_mcp_settings().file), health, stop)


async def run(
    settings: ServiceSettings,
    file: McpFile,
    health: Health,
    stop: asyncio.Event,
    *,
    on_listening: Callable[[int], None] | None = None,
) -> None:
    """`serve` with the content of the file."""
    own = load_key(need(settings.key_file, "ASSENT_KEY_FILE"))
    applier_key = own if file.applier_key_file is None else load_key(file.applier_key_file)
    state = need(settings.state, "ASSENT_STATE")
    check_server(file.server)
    tokens = tokens_of(file)
    calls = ParkedCalls(state / "calls" / settings.identity[:16])
    server = ToolServer(file.server)
    parking = Parking(file, calls, own.principal)
    execution = Execution(calls, server, file.call_s)
    conversation = Conversation(file, server, calls, parking, _agent(file)).mcp_server()
    if file.http is None:
        listening = serve_stdio(conversation)
    else:
        listening = serve_http(conversation, file.http, tokens, stop, on_listening or _listens)
    try:
        await _together(
            stop,
            listening,
            server.run(stop),
            _with_assent(settings, file, (own, applier_key), parking, execution, health, stop),
            _tidy(calls, file, stop),
        )
    finally:
        calls.close()


def _agent(file: McpFile) -> Callable[[Context], Agent]:
    return agent_of if file.http is not None else lambda _ctx: file.agents[0]


def _listens(port: int) -> None:
    log.info("listening", port=port)


async def _together(stop: asyncio.Event, listening: Awaitable[None], *others: Awaitable[None]) -> None:
    """Run until one ends, as the first does when its agent has gone. Then the others finish."""
    first, *rest = tasks = [asyncio.ensure_future(each) for each in (listening, *others)]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        await asyncio.gather(*rest, return_exceptions=True)
        await end(first, stopping)  # it may still read from its agent
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _with_assent(
    settings: ServiceSettings,
    file: McpFile,
    keys: tuple[SecretKey, SecretKey],
    parking: Parking,
    execution: Execution,
    health: Health,
    stop: asyncio.Event,
) -> None:
    """Submit and apply, once the log can be read and the accounts are services."""
    own, applier_key = keys
    governance = GovernanceFollower(settings.kafka, settings.identity, with_evidence=True)
    try:
        if not await _started(governance, health, stop):
            return
        _check_accounts(governance, {own.principal, applier_key.principal})
        applier = Applier(
            settings.kafka,
            governance,
            applier_key,
            need(settings.state, "ASSENT_STATE") / "applier",
            execution.apply,
            read_back=execution.read_back,
            types=[file.type],
            concurrency=_CONCURRENCY,
            time_limit_s=_LIST_S + file.call_s,
            on_handled=log_handled,
            on_missing=lambda why: (
                health.ready(KAFKA) if why is None else health.not_ready(KAFKA, STARTING_OVER)
            ),
        )
        await run_together(stop, applier.run(stop), _connect(settings, own, parking, stop))
    finally:
        await governance.stop()


async def _started(governance: GovernanceFollower, health: Health, stop: asyncio.Event) -> bool:
    while not stop.is_set():
        try:
            await until_stopped(stop, governance.start())
        except (KafkaError, TimeoutError) as error:
            health.not_ready(KAFKA, kafka_reason(error))
            log.warning("Kafka is unavailable", why=repr(error))
            await governance.stop()
            await pause(stop, _RETRY_S)
        else:
            return not stop.is_set()
    return False


def _check_accounts(governance: GovernanceFollower, accounts: set[str]) -> None:
    """Raises SettingsError: with a person's key, that person would ask for what the agent wants."""
    principals = governance.past.at(len(governance.history) - 1).principals
    for account in sorted(accounts):
        found = principals.get(account)
        if found is None or found.person is not None:
            raise SettingsError(
                f"The account {account} is not a service. Give the MCP proxy an account of its own."
            )


async def _connect(settings: ServiceSettings, own: SecretKey, parking: Parking, stop: asyncio.Event) -> None:
    """Keep a connection over which calls are submitted and followed."""
    while not stop.is_set():
        try:
            async with opened(settings.kafka, settings.identity, own, source="/assent/mcp-proxy") as upstream:
                assert isinstance(upstream.log, AssentConnection), "`opened` makes one"
                parking.connected(upstream)
                try:
                    await until_stopped(stop, upstream.log.until_deaf())
                finally:
                    await parking.disconnected()
        except (KafkaError, TimeoutError) as error:
            log.warning("not connected to the log", why=repr(error))
        await pause(stop, _RETRY_S)


async def _tidy(calls: ParkedCalls, file: McpFile, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await asyncio.to_thread(calls.forget, file.keep_days * _DAY_S)
        await pause(stop, _TIDY_S)


async def list_tools(file: McpFile) -> list[str]:
    """A line for each tool of the server, as `passes` takes it. Raises SettingsError."""
    check_server(file.server)
    server, stop = ToolServer(file.server), asyncio.Event()
    running = asyncio.create_task(server.run(stop))
    try:
        async with asyncio.timeout(CONNECT_S):
            while True:
                try:
                    found = await server.tools()
                except ServerUnreachableError:
                    await asyncio.sleep(_LOOK_S)
                else:
                    return [f'"{name}" = "{found.digest(name)}"' for name in found.by_name]
    except TimeoutError as error:
        raise SettingsError("The MCP server behind the proxy cannot be reached.") from error
    finally:
        stop.set()
        await running
