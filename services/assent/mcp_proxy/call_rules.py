"""What becomes of a call: whether it needs approval, what an equal one gets, what the agent is told. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from assent.mcp_proxy.parked_calls import ParkedCall
from assent.upstream import gate_messages
from assent_contracts.client.request_updates import RequestUpdate
from assent_contracts.events import RequestClosed, RequestRejected

UNKNOWN: Final = "it is not known whether the tool was called, and people must settle that"
OPERATION: Final = "call"
_HOUR_MS: Final = 60 * 60 * 1_000


class ArgumentsError(ValueError):
    """Arguments that cannot be kept as bytes."""


def passes(name: str, digest: str, passing: Mapping[str, str]) -> bool:
    """Whether a tool needs no approval: it is listed by name, and its definition is still the listed one."""
    return passing.get(name) == digest


def payload_of(tool: str, definition: str, arguments: Mapping[str, Any]) -> bytes:
    """The change that is approved: the tool, the digest of its definition, the arguments in a normal form.

    Raises ArgumentsError.
    """
    change = {"arguments": arguments, "definition": definition, "tool": tool}
    try:
        text = json.dumps(change, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise ArgumentsError(
            "The arguments have a number, a text or a depth that JSON does not allow."
        ) from error


def resource_of(kind: str, agent: str, tool: str, digest: str) -> str:
    """The object of a call. The digest is in it, so that R10 holds for equal calls and not for others."""
    return f"{kind}/{tool}/{agent}/{digest[:32]}"


Equal = Literal["ask", "wait", "tell"]
"""What to do for a call: ask people, wait for the call before it, or tell how that one ended."""


def for_equal(before: ParkedCall | None, now: int, rejected_hours: float) -> Equal:
    """What to do for a call after an equal one of the same agent. `now`: ms.

    An approval is for one execution: once the agent has its result, the next call asks people again. What
    people rejected is not put before them again for a while.
    """
    if before is None:
        return "ask"
    if not before.ended:
        return "wait"
    if not before.fetched:
        return "tell"
    recently = now - before.changed_at < rejected_hours * _HOUR_MS
    return "tell" if before.rejected and recently else "ask"


def is_rejected(update: RequestUpdate) -> bool:
    """Whether people ended the request without its change."""
    return isinstance(update.event, RequestRejected | RequestClosed)


def waiting_text(call: ParkedCall, console: str | None) -> str:
    """While it waits, or is being made."""
    if call.called is not None and call.why is None:
        return f"The tool is being called: {gate_messages.link(console, call.request)}"
    return gate_messages.waiting(console, call.request, call.why)


def not_executed(call: ParkedCall, console: str | None) -> str:
    """For a client that cannot wait for a task."""
    if call.called is not None:
        return f"The call was approved. {waiting_text(call, console)}"
    return (
        "The tool was not called yet. Once people have approved it, it is called with exactly these"
        f" arguments. To get the result, call it with the same arguments again. {waiting_text(call, console)}"
    )


def end_text(update: RequestUpdate, console: str | None) -> str:
    """How a request ended of which no result is known."""
    if update.status == "completed":
        return (
            "The tool was called, as people have found out, and its result is not known."
            f" {gate_messages.link(console, update.request)}"
        )
    how = {"rejected": "rejected", "canceled": "canceled", "expired": "expired without approval"}
    why = how.get(update.status, "not successful")
    if isinstance(update.event, RequestRejected):
        why = f"rejected by {update.event.approver}"
    words = f" ({update.message})" if update.message else ""
    return gate_messages.ended(console, update.request, f"{why}{words}")
