"""Parks calls: submits each as a change, follows its request, and completes it once it is approved."""

import asyncio
import secrets
from typing import Any, Final

import msgspec
import structlog
from aiokafka.errors import KafkaError

from assent.mcp_proxy import call_rules
from assent.mcp_proxy.configuration import Agent, McpFile
from assent.mcp_proxy.parked_calls import OPEN_MAX, ParkedCall, ParkedCalls
from assent.upstream import gate_messages
from assent.upstream.change_digest import change_digest
from assent.upstream.mapping import Submission
from assent_contracts.client.assent_connection import RefusedError
from assent_contracts.client.publisher import NotDecidedError, now_ms
from assent_contracts.client.task_end import end
from assent_contracts.client.upstream_async import AsyncSubmitted, AsyncUpstream
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import SubmitChange
from assent_contracts.refusals import Refusal

_DAY_MS: Final = 24 * 60 * 60 * 1_000
SUBMIT_S: Final = 20.0
_RETRY_S: Final = 2.0
_REFUSED_RETRY_S: Final = 30.0

log = structlog.get_logger(__name__)


class NotParkedError(Exception):
    """The call does not wait: the message is for the agent."""


class Parking:
    """The calls of a proxy that wait for people."""

    def __init__(self, file: McpFile, calls: ParkedCalls, account: str) -> None:
        """`account`: the one that submits."""
        self._file = file
        self._calls = calls
        self._account = account
        self._upstream: AsyncUpstream | None = None
        self._following: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    def connected(self, upstream: AsyncUpstream) -> None:
        """The log can be reached. Calls that waited before are followed again."""
        self._upstream = upstream
        for call in self._calls.open():
            self._follow(call)

    async def disconnected(self) -> None:
        """The log cannot be reached."""
        self._upstream = None
        await end(*self._following.values())
        self._following.clear()

    async def park(self, agent: Agent, tool: str, definition: str, arguments: dict[str, Any]) -> ParkedCall:
        """The call of an agent that waits, or has just ended. Raises NotParkedError."""
        try:
            payload = call_rules.payload_of(tool, definition, arguments)
        except call_rules.ArgumentsError as error:
            raise NotParkedError(str(error)) from error
        digest = self._digest(agent, tool, payload)
        async with self._turn:
            before = self._calls.newest_like(agent.name, digest)
            if (
                before is not None
                and call_rules.for_equal(before, now_ms(), self._file.rejected_hours) != "ask"
            ):
                return before
            return await self._ask(agent, tool, digest, payload)

    def _digest(self, agent: Agent, tool: str, payload: bytes) -> str:
        return change_digest(
            Submission(
                resource=f"{self._file.type}/{tool}",
                operation=call_rules.OPERATION,
                justification="",
                payload=payload,
                on_behalf_of=agent.on_behalf_of,
            )
        )

    async def _ask(self, agent: Agent, tool: str, digest: str, payload: bytes) -> ParkedCall:
        upstream = self._upstream
        if upstream is None:
            raise NotParkedError("Assent cannot be reached now, so the tool was not called. Try again later.")
        if self._calls.open_of(agent.name) >= OPEN_MAX:
            raise NotParkedError(
                f"{OPEN_MAX} calls of {agent.name} wait for approval. Wait until people have decided on some."
            )
        at = now_ms()
        on_behalf: dict[str, Any] = {} if agent.on_behalf_of is None else {"on_behalf_of": agent.on_behalf_of}
        task = secrets.token_urlsafe(24)
        command = SubmitChange(
            id=f"mcp-{secrets.token_hex(16)}",
            principal=self._account,
            at=at,
            resource=call_rules.resource_of(self._file.type, agent.name, tool, digest),
            operation=call_rules.OPERATION,
            justification=self._file.justification.format(agent=agent.name, tool=tool),
            payload=msgspec.Raw(payload),
            not_after=at + int(self._file.within_days * _DAY_MS),
            **on_behalf,
        )
        value = encode(command)
        form = decode_command(value)
        if isinstance(form, Refusal):
            raise NotParkedError(gate_messages.refused(self._file.console, form))
        call = ParkedCall(
            task=task, agent=agent.name, tool=tool, digest=digest, command=value, parked_at=at, changed_at=at
        )
        await asyncio.to_thread(self._calls.put, call)
        try:
            submitted = await upstream.submit_command(command, timeout_s=SUBMIT_S)
        except RefusedError as refused:
            await asyncio.to_thread(self._calls.drop, call)
            raise NotParkedError(gate_messages.refused(self._file.console, refused.refusal)) from refused
        except (NotDecidedError, KafkaError):
            # It may be decided yet: the same bytes are sent again until it is.
            call = await self._put(task, why="Assent has not answered yet")
            self._follow(call)
            return call
        call = await self._put(task, request=submitted.id)
        log.info("parked", request=submitted.id, agent=agent.name, tool=tool)
        self._follow(call, submitted)
        return call

    async def cancel(self, call: ParkedCall) -> None:
        """Withdraw it if people have not approved it yet (R11); otherwise it goes on."""
        if self._upstream is None or call.request is None or call.ended:
            return
        try:
            await (await self._upstream.request(call.request)).cancel()
        except (RefusedError, NotDecidedError, KafkaError, LookupError) as error:
            log.info("not canceled", request=call.request, why=type(error).__name__)

    def _follow(self, call: ParkedCall, submitted: AsyncSubmitted | None = None) -> None:
        task = asyncio.create_task(self._until_end(call.task, submitted), name=f"follow-{call.request}")
        self._following[call.task] = task
        task.add_done_callback(lambda done: self._followed(call.task, done))

    def _followed(self, task: str, done: asyncio.Task[None]) -> None:
        self._following.pop(task, None)
        if not done.cancelled() and done.exception() is not None:
            log.error("not followed", exc_info=done.exception())

    async def _until_end(self, task: str, submitted: AsyncSubmitted | None) -> None:
        while True:
            upstream = self._upstream
            if upstream is None:
                return
            try:
                submitted = submitted or await self._submitted(upstream, task)
                if submitted is None:
                    return
                update = await submitted.wait_applied()
            except RefusedError as refused:
                # It is approved and cannot be completed now, such as in a freeze period.
                await self._put(task, why=f"{refused.code}: {refused.refusal.detail}"[:500])
                submitted = None
                await asyncio.sleep(_REFUSED_RETRY_S)
            except (NotDecidedError, KafkaError) as error:
                log.warning("followed again", why=repr(error))
                submitted = None
                await asyncio.sleep(_RETRY_S)
            else:
                call = self._calls.current(task)
                rejected = call_rules.is_rejected(update)
                text = None if call.result else call_rules.end_text(update, self._file.console)
                await self._put(task, ended=True, why=None, end=text, rejected=rejected)
                log.info("ended", request=call.request, status=update.status)
                return

    async def _submitted(self, upstream: AsyncUpstream, task: str) -> AsyncSubmitted | None:
        """The request of a call that was parked before. None if the ledger has refused it."""
        call = self._calls.current(task)
        if call.request is not None:
            return await upstream.request(call.request)
        command = decode_command(call.command)
        assert isinstance(command, SubmitChange), "it was encoded here"
        try:
            submitted = await upstream.submit_command(command, timeout_s=SUBMIT_S)
        except RefusedError as refused:
            text = gate_messages.refused(self._file.console, refused.refusal)
            await self._put(task, ended=True, why=None, end=text)
            return None
        await self._put(task, request=submitted.id, why=None)
        return submitted

    async def fetched(self, call: ParkedCall) -> None:
        """The agent has been told how it ended."""
        if call.ended and not call.fetched:
            await self._put(call.task, fetched=True)

    async def _put(self, task: str, **fields: Any) -> ParkedCall:
        return await asyncio.to_thread(self._calls.change, task, **fields)
