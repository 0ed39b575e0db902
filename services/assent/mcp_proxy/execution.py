"""Executes what was approved: the kept arguments, once a release, if the tool is still the same."""

import asyncio
import json
from typing import Any, Final

import msgspec
import structlog

from assent.mcp_proxy.call_rules import UNKNOWN
from assent.mcp_proxy.parked_calls import ParkedCall, ParkedCalls
from assent.mcp_proxy.tool_server import (
    RESULT_MAX_BYTES,
    LostAnswerError,
    NotCalledError,
    ServerUnreachableError,
    ToolServer,
)
from assent_contracts.client.handler import (
    Applied,
    FinalError,
    Release,
    RetryableError,
    UnknownOutcomeError,
)

_NOT_PARKED: Final = "Nothing was called: this proxy did not park this call."
_NOT_SAME: Final = "Nothing was called: the released change is not the call that was parked."
_OTHER_TOOL: Final = (
    "Nothing was called: the server defines the tool {tool} differently than when it was asked for."
)
_MADE: Final = "The tool was called."
_ERROR: Final = "The tool was called, and reported an error. The agent has its text."

log = structlog.get_logger(__name__)


class Execution:
    """The applier's handler, and what it knows after a crash."""

    def __init__(self, calls: ParkedCalls, server: ToolServer, limit_s: float) -> None:
        self._calls = calls
        self._server = server
        self._limit_s = limit_s

    async def apply(self, release: Release) -> Applied:
        """Call the tool. Raises as a handler does."""
        call = self._parked(release)
        change = json.loads(bytes(release.change.payload))
        try:
            digest = (await self._server.tools()).digest(call.tool)
        except ServerUnreachableError as error:
            raise RetryableError(str(error)) from error
        if digest != change["definition"]:
            raise FinalError(_OTHER_TOOL.format(tool=call.tool))
        call = await self._put(call, called=release.idempotency_key, result=None, why=None)
        try:
            result = await self._server.call(call.tool, change["arguments"], self._limit_s)
        except ServerUnreachableError as error:
            await self._put(call, called=None)
            raise RetryableError(str(error)) from error
        except NotCalledError as error:
            raise FinalError(f"Nothing was called. {error}") from error
        except LostAnswerError as error:
            await self._put(call, why=UNKNOWN)
            raise UnknownOutcomeError(f"The tool may have been called. {error}") from error
        await self._put(call, result=_kept(result))
        return self._outcome(result)

    async def read_back(self, release: Release) -> Applied | None:
        """Whether the tool was called for this release. Raises UnknownOutcomeError if that is not known."""
        call = self._calls.of_submission(release.change.submission)
        if call is None or call.called != release.idempotency_key:
            return None
        if call.result is None:
            await self._put(call, why=UNKNOWN)
            raise UnknownOutcomeError("The proxy was stopped while it called the tool.")
        return self._outcome(msgspec.json.decode(call.result))

    def _parked(self, release: Release) -> ParkedCall:
        call = self._calls.of_submission(release.change.submission)
        if call is None:
            raise FinalError(_NOT_PARKED)
        kept = msgspec.json.decode(call.command, type=_Submission)
        if bytes(kept.payload) != bytes(release.change.payload):
            raise FinalError(_NOT_SAME)
        return call

    def _outcome(self, result: dict[str, Any]) -> Applied:
        if result.get("isError"):
            raise FinalError(_ERROR)
        return Applied(_MADE)

    async def _put(self, call: ParkedCall, **fields: Any) -> ParkedCall:
        return await asyncio.to_thread(self._calls.change, call.task, **fields)


class _Submission(msgspec.Struct):
    payload: msgspec.Raw


def _kept(result: dict[str, Any]) -> bytes:
    value = msgspec.json.encode(result)
    if len(value) <= RESULT_MAX_BYTES:
        return value
    text = f"The tool was called. Its result is larger than {RESULT_MAX_BYTES:,} bytes and was not kept."
    is_error = bool(result.get("isError"))
    return msgspec.json.encode({"content": [{"type": "text", "text": text}], "isError": is_error})
