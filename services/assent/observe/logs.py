"""Structured logs: one JSON object per line on standard error, for our own lines and those of libraries."""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor

from assent_contracts.client.spans import current_trace_id


def _add_trace(_: object, __: str, line: EventDict) -> EventDict:
    """Add the trace to which the line belongs, if there is one."""
    trace_id = current_trace_id()
    return line if trace_id is None else {**line, "trace_id": trace_id}


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    _add_trace,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(service: str, level: str) -> None:
    """Set up logging for this process. `level` is a name that the standard library knows."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # aiokafka logs each batch at debug and each reconnect at error, and there is nothing to do about them.
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
