"""A span for each request that may change something: the start of a trace, or a part of its sender's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from litestar.types import Scope

from assent_contracts.client import spans
from assent_contracts.trace_context import TRACEPARENT, TRACESTATE, trace_context

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NAMES: Final = {name.encode(): name for name in (TRACEPARENT, TRACESTATE)}
_SERVER_ERROR: Final = 500


@contextmanager
def answering(scope: Scope) -> Iterator[Callable[[int], None]]:
    """The span of a request, as the current one. Yields what notes the status of its answer.

    The path is left out: it may name an object. `assent.request` is on the spans that follow.
    """
    assert scope["type"] == "http", "a gateway answers nothing else"
    if scope["method"] in _READING or not spans.is_on():
        yield _ignore
        return
    headers = [(_NAMES[name], content) for name, content in scope["headers"] if name in _NAMES]
    attributes = {"http.request.method": scope["method"]}
    span = spans.start_span(scope["method"], "server", attributes, parent=trace_context(headers))

    def note(status: int) -> None:
        span.set_attribute("http.response.status_code", status)
        if status >= _SERVER_ERROR:
            spans.failed(span, str(status))

    with spans.current(span):
        yield note


def _ignore(_: int) -> None:
    return
