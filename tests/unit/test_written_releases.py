"""Which records on `assent.changes` count as copies of a release."""

import hashlib
from collections.abc import Sequence
from types import SimpleNamespace

import msgspec
import pytest

from assent.dispatch.partition_dispatch import _headers, _release_of
from assent_contracts.client.open_requests import OpenRequest, ReleasedAt
from assent_contracts.codec import encode
from assent_contracts.trace_context import TraceContext, trace_headers

PAYLOAD = msgspec.Raw(b'"echo"')
REQUEST = OpenRequest(
    request="0-1",
    offset=1,
    resource="script/one",
    operation="edit",
    requester="alice",
    justification="It is needed.",
    digest=hashlib.sha256(PAYLOAD).hexdigest(),
    submission="0" * 64,
    release=ReleasedAt(seq=3, at=5),
)
CHANGE = REQUEST.change(PAYLOAD)
OWN = _headers(CHANGE)
TRACE = trace_headers(TraceContext("a" * 32, "b" * 16, "x=1"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (OWN, "0-1"),
        # Another dispatcher wrote it in another trace, or in none.
        ([*OWN, *TRACE], "0-1"),
        ([*OWN, *TRACE, *TRACE], "0-1"),
        (OWN[:-1], None),
        ([*OWN[:-1], ("assent-position", b"999999")], None),
        ([*OWN, ("other", b"1")], None),
    ],
)
def test_copy_has_the_headers_of_a_release_whatever_its_trace(
    headers: Sequence[tuple[str, bytes]], expected: str | None
) -> None:
    record = SimpleNamespace(value=encode(CHANGE), headers=tuple(headers))
    assert _release_of(record, {"0-1": REQUEST}) == expected  # type: ignore[arg-type]
