"""The trace headers of records: anyone may have written them, so what is odd is ignored."""

import pytest

from assent_contracts.trace_context import (
    TRACEPARENT,
    TRACESTATE,
    TRACESTATE_MAX_BYTES,
    TraceContext,
    trace_context,
    trace_headers,
    without_trace,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01".encode()


@pytest.mark.parametrize("flags", ["01", "03", "ff"])
def test_recorded_trace_is_read_with_its_state(flags: str) -> None:
    headers = [("ce_id", b"x"), (TRACEPARENT, f"00-{TRACE}-{SPAN}-{flags}".encode()), (TRACESTATE, b"a=1")]
    assert trace_context(headers) == TraceContext(TRACE, SPAN, "a=1")


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\xff\x00\xfe",
        b"00-1",
        GOOD.upper(),
        GOOD + b"\n",
        b" " + GOOD,
        GOOD + b"-more",
        GOOD.replace(b"00-4", b"ff-4"),
        GOOD.replace(b"00-4", b"01-4"),
        b"00-" + b"0" * 32 + GOOD[35:],
        GOOD[:36] + b"0" * 16 + b"-01",
        # Its sender does not record it.
        GOOD[:-2] + b"00",
        GOOD[:-2] + b"02",
        GOOD * 10_000,
    ],
)
def test_odd_or_unrecorded_trace_counts_as_absent(content: bytes | None) -> None:
    assert trace_context([(TRACEPARENT, content), (TRACESTATE, b"a=1")]) is None


def test_trace_that_is_named_twice_counts_as_absent() -> None:
    assert trace_context([(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)]) is None
    assert trace_context([(TRACEPARENT, b"odd"), (TRACEPARENT, GOOD)]) is None


@pytest.mark.parametrize("state", [None, b"", b"\xff", b"a\nb", b"a" * (TRACESTATE_MAX_BYTES + 1)])
def test_odd_state_is_left_out(state: bytes | None) -> None:
    assert trace_context([(TRACESTATE, state), (TRACEPARENT, GOOD)]) == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize("state", ["", "a=1,b=2", "x" * TRACESTATE_MAX_BYTES])
def test_written_headers_are_read_back(state: str) -> None:
    context = TraceContext(TRACE, SPAN, state)
    assert trace_context(trace_headers(context)) == context


def test_other_headers_keep_their_order_and_content() -> None:
    others = [("a", None), ("b", b""), ("a", b"2")]
    headers = [others[0], (TRACEPARENT, GOOD), *others[1:], (TRACESTATE, None)]
    assert without_trace(headers) == others
