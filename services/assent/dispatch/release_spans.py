"""The spans of one partition's releases: each belongs to the trace in which its change was submitted."""

from collections.abc import Callable
from typing import Final

from assent_contracts.acceptance import Accepted
from assent_contracts.client import spans
from assent_contracts.client.open_requests import OpenRequest
from assent_contracts.topics import CHANGES
from assent_contracts.trace_context import TraceContext, trace_context, trace_headers

_REMEMBERED_MAX: Final = 100_000
"""So many open requests may have a trace; a request beyond that has none here."""


class ReleaseSpans:
    """The traces of open requests, from the headers of the ledger. It has one owner."""

    def __init__(self, opened_at: Callable[[int], OpenRequest | None]) -> None:
        """`opened_at`: the open request that the record with a seq opened."""
        self._opened_at = opened_at
        self._submissions: dict[str, TraceContext] = {}
        self._releases: dict[str, TraceContext] = {}

    def take(self, accepted: Accepted, released: OpenRequest | None) -> None:
        """Note the trace of an accepted record. `released`: the request whose change it releases, if any."""
        context = trace_context(accepted.headers) if accepted.headers else None
        if context is None:
            return
        opened = self._opened_at(accepted.record.seq)
        if opened is not None and len(self._submissions) < _REMEMBERED_MAX:
            self._submissions[opened.request] = context
        if released is not None and len(self._releases) < _REMEMBERED_MAX:
            self._releases[released.request] = context

    def forget_ended(self, is_open: Callable[[str], object]) -> None:
        """Forget the requests that have ended."""
        self._submissions = {name: each for name, each in self._submissions.items() if is_open(name)}
        self._releases = {name: each for name, each in self._releases.items() if is_open(name)}

    def begin(self, request: OpenRequest) -> tuple[spans.Span | None, list[tuple[str, bytes]]]:
        """The span of a release that is written now, and the headers that name it; none without a trace."""
        parent = self._submissions.get(request.request)
        if parent is None or not spans.is_on():
            return None, []
        release = self._releases.get(request.request)
        attributes = {"assent.request": request.request, "messaging.destination.name": CHANGES}
        span = spans.start_span(
            "dispatch",
            "producer",
            attributes,
            parent=parent,
            # Completing, or the last approval, is often a trace of its own.
            links=() if release is None or release.trace_id == parent.trace_id else (release,),
        )
        context = spans.context_of(span)
        return span, [] if context is None else trace_headers(context)
