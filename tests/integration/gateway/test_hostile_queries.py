"""No query string and no path makes a request fail."""

import typing
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from assent.gateway.api.routes import API
from assent.gateway.application.audit import write_audit_cursor as audit_cursor
from assent.gateway.application.requests import write_request_cursor
from assent.gateway.console.routes import PAGES
from assent.store.filters import AuditCursor, Cursor
from tests.support.gateway import Gateway, accepted

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    *("", "%00", "a%00b", "%0d%0aX-Evil:%201", "%ff%fe", "%ed%a0%80", "%f0%28%8c%28", "%", "%zz"),
    *("-1", "0", "1e9", "NaN", "9" * 30, "-" + "9" * 18, "true", "null", "[]", "%7B%22a%22:1%7D"),
    *("2026-13-45", "0001-01-01", "9999-12-31", "0000-00-00", "99999-1-1"),
    *("'%20or%201=1%20--", "%25", "_", "..%2f..%2fetc%2fpasswd", "$%7Bjndi:x%7D", "%7B%7B7*7%7D%7D"),
    *(quote(f'">{SCRIPT}'), "x" * 3_000, quote("é" * 500), quote("\u202e\ufeff")),
)
"""Already percent-encoded, and not always correctly."""
PLACES = ("0-0", "x", "%00", "%2e%2e", "99999999999-1", quote(SCRIPT), "scripts")


def handlers() -> Iterator[HTTPRouteHandler]:
    """All handlers of GET except the streams, which end only when their client leaves."""
    for handler in (*API, *PAGES):
        if "GET" in handler.http_methods and handler.operation_id != "followEvents":
            yield handler


def asked(handler: HTTPRouteHandler) -> list[str]:
    """The names of its parameters, and one that it does not have."""
    given = [each.dependency for each in (handler.dependencies or {}).values() if isinstance(each, Provide)]
    found = [
        each.name or name
        for function in (handler.fn, *given)
        for name, hint in typing.get_type_hints(function, include_extras=True).items()
        for each in getattr(hint, "__metadata__", ())
        if isinstance(each, QueryParameter)
    ]
    return [*found, "nothing"]


def named(handler: HTTPRouteHandler) -> str:
    prefix = "/api/v1" if handler in API else ""
    return prefix + min(handler.paths)


@pytest.mark.parametrize("handler", tuple(handlers()), ids=named)
async def test_no_query_or_path_makes_a_request_fail(gateway: Gateway, handler: HTTPRouteHandler) -> None:
    dave = await gateway.signed_in("dave")
    path = named(handler)
    places = PLACES if "{" in path else ("",)
    parts = [path.partition("{")[0] + place + path.rpartition("}")[2] if place else path for place in places]
    addresses = [*parts, *(f"{parts[-1]}?{name}={value}" for name in asked(handler) for value in HOSTILE)]
    addresses += [f"{parts[-1]}?{name}=1&{name}=2" for name in asked(handler)]
    if "/commands/" in path:
        addresses += [f"{parts[0]}?sent_at=1&resource={value}" for value in HOSTILE]
    for address in addresses:
        answer = await dave.get(address, headers={"accept": "text/html"})
        assert answer.status_code < 500, (address, answer.text[:2_000])
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert SCRIPT not in answer.text, address
        assert "x-evil" not in answer.headers, address


def test_every_page_and_every_answer_is_requested() -> None:
    paths = {named(handler) for handler in handlers()}
    assert {"/audit", "/", "/requests", "/policies", "/api/v1/audit", "/api/v1/audit/export"} <= paths
    audit = next(each for each in handlers() if named(each) == "/audit")
    assert set(asked(audit)) >= {"who", "request", "since", "cursor"}
    received = next(each for each in handlers() if named(each) == "/received")
    assert set(asked(received)) >= {"show", "find", "order", "part", "cursor"}


# Far past the end

_LAST = 1 << 62


@pytest.mark.parametrize("at", [0, -_LAST])
async def test_pages_far_past_the_end_are_empty(gateway: Gateway, at: int) -> None:
    dave = await gateway.signed_in("dave")
    place = AuditCursor(at, "assent.ledger", 0, -_LAST)
    params = {"cursor": audit_cursor(place)}
    assert accepted(await dave.get("/api/v1/audit", params=params)) == {"entries": [], "next": None}
    export = await dave.get("/api/v1/audit/export", params=params)
    assert export.json() == {"end": True, "records": 0, "next": None}
    requests = {"cursor": write_request_cursor(Cursor(at, 0, -_LAST))}
    pages = {
        "/audit": params,
        "/requests": requests,
        "/received": requests,
        "/requests/all": requests,
    }
    for path, query in pages.items():
        answer = await dave.get(path, params=query, headers={"accept": "text/html"})
        assert answer.status_code == 200, (path, answer.text[:500])
        assert "cursor=" not in answer.text, f"{path} goes on from where nothing is"
