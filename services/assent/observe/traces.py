"""Traces by OpenTelemetry: a span for each batch, exported to OTEL_EXPORTER_OTLP_ENDPOINT.

Without that variable nothing is exported and a span costs next to nothing.
"""

import os
from typing import Final

from opentelemetry import trace

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACER: Final = trace.get_tracer("assent")


def configure_traces(service: str) -> None:
    """Export this process's spans, if the environment names an endpoint."""
    if not os.environ.get(ENDPOINT):
        return
    # The exporter is slow to import, and most processes on a laptop have no endpoint to send to.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"assent-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
