"""Traces by OpenTelemetry, exported to OTEL_EXPORTER_OTLP_ENDPOINT. Without that variable there are none.

A trace begins where a command is sent. Every service continues it for the records that name it, and begins
none of its own. See `docs/how-to/trace.md`.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from assent_contracts.acceptance import Accepted
from assent_contracts.client import spans
from assent_contracts.events import RequestEvent
from assent_contracts.ledger import LedgerRecord, decode_events
from assent_contracts.topics import GOVERNANCE
from assent_contracts.trace_context import trace_context

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
SPANS_AT_ONCE: Final = 256
"""At most so many records of a batch are followed, so that senders cannot make tracing the main work."""
_STOP_LIMIT_S: Final = 2.0
"""A collector that does not answer must not keep a service from stopping."""


def configure_traces(service: str) -> Callable[[], None]:
    """Export this process's spans, if the environment names an endpoint. Returns what ends that."""
    if not os.environ.get(ENDPOINT):
        return _nothing
    # The exporter is slow to import, and most processes on a laptop have no endpoint to send to.
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(
        resource=Resource.create({"service.name": f"assent-{service}"}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    def stop() -> None:
        # In a thread, because the library waits for the collector for as long as an export may take.
        ending = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
        ending.start()
        ending.join(_STOP_LIMIT_S)

    return stop


def project(reader: str, topic: str, partition: int, accepted: Iterable[Accepted], began_ns: int) -> None:
    """Record a span for each accepted record that names a trace, from `began_ns` (since 1970) until now."""
    now_ns = time.time_ns()
    for number, (each, context) in enumerate(
        (each, context)
        for each in accepted
        if each.headers and (context := trace_context(each.headers)) is not None
    ):
        if number == SPANS_AT_ONCE:
            return
        position = f"{partition}-{each.record.seq}"
        attributes = {"assent.position": position, "messaging.destination.name": topic}
        request = None if topic == GOVERNANCE else request_of(each.record)
        if request is not None:
            attributes["assent.request"] = request
        span = spans.start_span(reader, "consumer", attributes, parent=context, start_ns=began_ns)
        span.end(now_ns)


def request_of(record: LedgerRecord) -> str | None:
    """The request that an accepted record of the request ledger is about, if it is about one."""
    try:
        events = decode_events(record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return next((event.request for event in events if isinstance(event, RequestEvent)), None)


def _nothing() -> None:
    return
