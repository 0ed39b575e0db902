"""Spans of OpenTelemetry, where the program has it: install `assent-contracts[tracing]` and set up its SDK.

Without an SDK nothing is recorded and no header is written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

from assent_contracts import cloudevents
from assent_contracts.trace_context import TRACEPARENT, TraceContext, trace_headers

try:
    from opentelemetry import context as contexts
    from opentelemetry import trace
except ImportError:
    contexts = trace = None

_TRACER: Final = "assent"
_ATTRIBUTE_MAX_CHARS: Final = 256
_FAILURES: Final = ("failed", "unknown", "other-release")
"""The results of an applier that a trace shows as failures."""

Kind = Literal["consumer", "internal", "producer", "server"]
Span = Any
"""A span of OpenTelemetry, which may not be installed."""
HeaderList = list[tuple[str, bytes]]


def is_on() -> bool:
    """Whether this process records spans: whether an SDK of OpenTelemetry was set up."""
    return trace is not None and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def start_span(
    name: str,
    kind: Kind,
    attributes: Mapping[str, str | int],
    *,
    parent: TraceContext | None,
    links: Iterable[TraceContext] = (),
    start_ns: int | None = None,
) -> Span:
    """A span that the caller ends. Only to be called while `is_on`.

    `parent`: a span of another process; None begins a new trace. `links`: spans of other traces that led to
    this one. `start_ns`: since 1970, by default now.
    """
    assert trace is not None, "see is_on"
    return trace.get_tracer(_TRACER).start_span(
        name,
        context=_remote(parent),
        kind=trace.SpanKind[kind.upper()],
        attributes=_short(attributes),
        links=[trace.Link(_span_context(each)) for each in links],
        start_time=start_ns,
    )


def context_of(span: Span) -> TraceContext | None:
    """Where a span is, to be written on records; None if it is not recorded."""
    found = span.get_span_context()
    if not (found.is_valid and found.trace_flags.sampled):
        return None
    return TraceContext(f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_state.to_header())


def current_trace_id() -> str | None:
    """The trace of the current span, as hex; None if there is no span."""
    if trace is None:
        return None
    found = trace.get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else None


@contextmanager
def current(span: Span) -> Iterator[Span]:
    """Make a span the parent of those that begin in this block, and end it after that."""
    assert trace is not None, "see is_on"
    # Without the text of an exception: it may hold what must not leave this process.
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield span
        except BaseException as error:
            failed(span, type(error).__name__)
            raise


def failed(span: Span, why: str) -> None:
    """Mark a span as failed. `why` names a kind of failure and quotes nothing."""
    assert trace is not None, "see is_on"
    span.set_status(trace.Status(trace.StatusCode.ERROR, why))


class Sending:
    """A record that is being sent."""

    def __init__(self, headers: HeaderList, span: Span | None) -> None:
        self.headers: Final = headers
        """The record's headers, with its trace."""
        self._span = span

    def sent(self, partition: int, offset: int) -> None:
        """Note where the record is."""
        if self._span is not None:
            self._span.set_attributes(
                {"messaging.destination.partition.id": str(partition), "messaging.kafka.offset": offset}
            )


@contextmanager
def sending(topic: str, headers: HeaderList) -> Iterator[Sending]:
    """A span around the sending of a record. It is a child of the current span, or begins a trace."""
    if not is_on() or any(name == TRACEPARENT for name, _ in headers):
        yield Sending(headers, None)
        return
    assert trace is not None
    said = dict(headers)
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
        "assent.type": said.get(cloudevents.TYPE, b"").decode(errors="replace"),
        "assent.command": said.get(cloudevents.ID, b"").decode(errors="replace"),
    }
    span = trace.get_tracer(_TRACER).start_span(
        f"send {topic}", kind=trace.SpanKind.PRODUCER, attributes=_short(attributes)
    )
    with current(span):
        context = context_of(span)
        yield Sending(headers if context is None else [*headers, *trace_headers(context)], span)


@contextmanager
def applying(request: str, parent: TraceContext | None) -> Iterator[Callable[[str], None]]:
    """A span around a released change, if its record names a trace. Yields what notes the result.

    It is the current span of the handler, and the parent of the commands that are sent.
    """
    if parent is None or not is_on():
        yield _ignore
        return
    span = start_span("apply", "consumer", {"assent.request": request}, parent=parent)

    def note(result: str) -> None:
        span.set_attribute("assent.result", result)
        if result in _FAILURES:
            failed(span, result)

    with current(span):
        yield note


def _ignore(_: str) -> None:
    return


def _short(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    return {
        name: content[:_ATTRIBUTE_MAX_CHARS] if isinstance(content, str) else content
        for name, content in attributes.items()
    }


def _remote(parent: TraceContext | None) -> Any:
    """The context of a span whose parent is this, whatever the current span is."""
    assert trace is not None
    assert contexts is not None
    if parent is None:
        return contexts.Context()
    return trace.set_span_in_context(trace.NonRecordingSpan(_span_context(parent)), contexts.Context())


def _span_context(context: TraceContext) -> Any:
    assert trace is not None
    return trace.SpanContext(
        trace_id=int(context.trace_id, 16),
        span_id=int(context.span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        trace_state=trace.TraceState.from_header([context.state] if context.state else []),
    )
