"""A span for each decision whose command names a trace, from the command read to its record sent.

Only a session of a process that exports traces has one of these. The headers of a command are not signed. So
they are followed only for commands whose sender is known, and a record of the ledger, which is kept for ever,
gets 55 bytes of them: its `traceparent`.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec
from aiokafka import ConsumerRecord
from msgspec import UNSET, UnsetType

from assent.observe.traces import SPANS_AT_ONCE
from assent_contracts.client import spans
from assent_contracts.commands import SubmitChange, command_type
from assent_contracts.core.received import Envelope
from assent_contracts.core.writer.writer import Incoming, LinkedDecision
from assent_contracts.topics import COMMANDS
from assent_contracts.trace_context import TraceContext, trace_context, trace_headers

_SUBMISSIONS_MAX: Final = 10_000
"""So many submissions are remembered, so that a later decision on the request links to them."""
_SUBMIT: Final = command_type(SubmitChange)


class _Command(msgspec.Struct, gc=False):
    """What a span says of a command."""

    type: str
    id: str
    request: str | UnsetType = UNSET


_decode: Final = msgspec.json.Decoder(_Command).decode


class DecisionSpans:
    """The spans of one session. It has one owner."""

    def __init__(self, topic: str, name: str) -> None:
        """`topic`: of the commands. `name`: the partition's number, or `governance`."""
        self._topic = topic
        self._name = name
        self._began_ns = 0
        self._received: dict[int, TraceContext] = {}
        self._open: dict[int, tuple[spans.Span, TraceContext]] = {}
        self._submissions: OrderedDict[str, TraceContext] = OrderedDict()

    def receive(self, records: Sequence[ConsumerRecord]) -> None:
        """Note which of the commands that are decided next name a trace."""
        self._began_ns = time.time_ns()
        self._received = {}
        for record in records:
            context = trace_context(record.headers)
            if context is not None:
                self._received[record.offset] = context
                if len(self._received) == SPANS_AT_ONCE:
                    return

    def decided(self, incoming: Incoming, decided: LinkedDecision, seq: int) -> None:
        """Begin the span of a decision, which is in the record `seq`, if its command names a trace."""
        parent = self._received.pop(incoming.offset, None)
        if parent is None or decided.omitted is not None:
            return
        assert isinstance(incoming.envelope, Envelope), "what is not an envelope is omitted"
        command = _decode(incoming.envelope.value)
        position = f"{self._name}-{seq}"
        request = position if command.type == _SUBMIT and decided.refusal is None else command.request
        attributes = {
            "assent.position": position,
            "assent.command": command.id,
            "assent.type": command.type,
            "messaging.destination.name": self._topic,
            "messaging.kafka.offset": incoming.offset,
        }
        if isinstance(request, str) and self._topic == COMMANDS:
            attributes["assent.request"] = request
        if decided.refusal is not None:
            attributes["assent.refusal"] = decided.refusal.code.value
        submission = self._submissions.get(request) if isinstance(request, str) else None
        span = spans.start_span(
            f"decide {command.type}",
            "consumer",
            attributes,
            parent=parent,
            links=() if submission is None or submission.trace_id == parent.trace_id else (submission,),
            start_ns=self._began_ns,
        )
        context = spans.context_of(span)
        if context is None:
            return
        self._open[seq] = span, context
        if request == position:
            self._submissions[position] = context
            if len(self._submissions) > _SUBMISSIONS_MAX:
                self._submissions.popitem(last=False)

    def headers(self) -> dict[int, list[tuple[str, bytes]]]:
        """By seq, the headers with which the records that are sent next name their spans."""
        return {
            seq: trace_headers(TraceContext(context.trace_id, context.span_id))
            for seq, (_, context) in self._open.items()
        }

    def sent(self) -> None:
        """End the spans: their records were handed to Kafka."""
        for span, _ in self._open.values():
            span.end()
        self._open.clear()
