"""W3C trace context in Kafka headers: to which trace a record belongs, so that people can follow a change.

Anyone who can write to a topic can write these headers, and neither a signature nor a seal covers them. So
nothing is decided by them, and a malformed or oversized one is ignored as if it were absent.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
TRACESTATE_MAX_BYTES: Final = 512
"""The size up to which W3C asks everyone to pass it on."""

_TRACEPARENT: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_TRACEPARENT_BYTES: Final = 55
_TRACESTATE: Final = re.compile(rb"[\x20-\x7e]{1,512}")
_SAMPLED: Final = 1
"""The bit in a traceparent's flags which states that its sender records the trace."""

TraceHeaders = Sequence[tuple[str, bytes | None]]


class TraceContext(msgspec.Struct, frozen=True, gc=False):
    """A span of a recorded trace."""

    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    state: str = ""
    """What other tracing systems pass on, as in `tracestate`."""


def trace_context(headers: TraceHeaders) -> TraceContext | None:
    """The trace to which a record belongs; None if it names none, or one that its sender does not record.

    A `traceparent` that appears twice, or is not of version 00, counts as absent.
    """
    parent: TraceContext | None = None
    state = ""
    for name, content in headers:
        if name == TRACEPARENT:
            if parent is not None:
                return None
            parent = _parent(content)
            if parent is None:
                return None
        elif name == TRACESTATE and content is not None and _TRACESTATE.fullmatch(content):
            state = content.decode()
    return msgspec.structs.replace(parent, state=state) if parent is not None and state else parent


def trace_headers(context: TraceContext) -> list[tuple[str, bytes]]:
    """The headers of a record that belongs to a recorded trace."""
    parent = (TRACEPARENT, f"00-{context.trace_id}-{context.span_id}-{_SAMPLED:02x}".encode())
    return [parent, (TRACESTATE, context.state.encode())] if context.state else [parent]


def without_trace(headers: TraceHeaders) -> list[tuple[str, bytes | None]]:
    """The other headers, in their order."""
    return [each for each in headers if each[0] not in (TRACEPARENT, TRACESTATE)]


def _parent(content: bytes | None) -> TraceContext | None:
    if content is None or len(content) != _TRACEPARENT_BYTES:
        return None
    found = _TRACEPARENT.fullmatch(content)
    if found is None or not int(found[3], 16) & _SAMPLED:
        return None
    trace_id, span_id = found[1].decode(), found[2].decode()
    return TraceContext(trace_id, span_id) if int(trace_id, 16) and int(span_id, 16) else None
