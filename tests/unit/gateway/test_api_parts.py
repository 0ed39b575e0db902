"""The parts of the API's answers: statuses, cursors, pages, versions."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from assent.gateway.api.description import describe
from assent.gateway.api.governance_pages import page_of
from assent.gateway.api.requests import is_same
from assent.gateway.api.routes import API
from assent.gateway.application.page_cursors import BigInt, Int, cursor_place, cursor_text
from assent.gateway.gateway_settings import read_gateway_settings
from assent.gateway.problems import Problem, ProblemDocument, of_refusal
from assent.gateway.same_machine import is_local
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode

_PLACE = tuple[BigInt, Int, BigInt]


@pytest.mark.parametrize("code", list(RefusalCode))
def test_every_refusal_is_a_client_problem_that_says_what_to_do(code: RefusalCode) -> None:
    problem = of_refusal(Refusal(code=code, detail="Because."), position="1-2")
    document = problem.document()
    assert 400 <= problem.status < 500
    assert document["todo"] == WHAT_TO_DO[code]
    assert set(document) <= set(ProblemDocument.__struct_fields__)
    assert msgspec.convert(document, ProblemDocument).code == code


def test_members_of_a_refusal_are_in_the_problem() -> None:
    refusal = Refusal(code=RefusalCode.RESOURCE_LOCKED, detail="Taken.", open_request="1-2")
    assert of_refusal(refusal).document()["open_request"] == "1-2"


def test_cursor_records_where_the_page_ended() -> None:
    place = (1 << 62, 3, -1)
    assert cursor_place(cursor_text(place), _PLACE) == place


@pytest.mark.parametrize("place", [(1 << 63, 0, 0), (0, 1 << 31, 0), (0, 0), (0, 0, 0, 0), ("x", 0, 0)])
def test_cursor_that_postgres_could_not_read_is_refused(place: tuple[Any, ...]) -> None:
    with pytest.raises(Problem) as refused:
        cursor_place(cursor_text(place), _PLACE)
    assert refused.value.code == "malformed"


def test_pages_contain_every_value_once_in_the_order_of_their_ids() -> None:
    by_id = {name: name.upper() for name in ("c", "a", "e", "b", "d")}
    assert page_of(by_id, None, 2) == (["A", "B"], "b")
    assert page_of(by_id, "b", 2) == (["C", "D"], "d")
    assert page_of(by_id, "d", 2) == (["E"], None)
    assert page_of(by_id, "c", 2) == (["D", "E"], None)


@pytest.mark.parametrize(
    ("sent", "same"),
    [
        (None, False),
        ("", False),
        ('"1"', True),
        ('W/"1"', True),
        ('"2", "1"', True),
        ('"2"', False),
        ("*", True),
    ],
)
def test_versions_are_compared_as_http_specifies(sent: str | None, *, same: bool) -> None:
    assert is_same(sent, '"1"') is same


_HERE = {"host": "localhost:8700"}


@pytest.mark.parametrize(
    ("peer", "headers", "local"),
    [
        ("127.0.0.1", _HERE, True),
        ("::1", {"host": "[::1]"}, True),
        ("10.0.0.1", _HERE, False),
        ("testclient", _HERE, False),
        ("127.0.0.1", {}, False),
        ("127.0.0.1", {"host": "assent.example"}, False),
        ("127.0.0.1", {**_HERE, "via": "1.1 proxy"}, False),
        ("127.0.0.1", {**_HERE, "x-forwarded-for": "127.0.0.1"}, False),
        ("127.0.0.1", {**_HERE, "x-forwarded-host": "localhost:8700"}, False),
        ("127.0.0.1", {**_HERE, "forwarded": "for=127.0.0.1"}, False),
        ("127.0.0.1", {**_HERE, "cf-connecting-ip": "127.0.0.1"}, False),
    ],
)
def test_only_this_machine_without_a_proxy_is_local(
    peer: str, headers: dict[str, str], *, local: bool
) -> None:
    request: Any = SimpleNamespace(client=SimpleNamespace(host=peer), headers=headers)
    door: Any = SimpleNamespace(settings=read_gateway_settings({}))
    assert is_local(request, door) is local
    door = SimpleNamespace(settings=read_gateway_settings({"ASSENT_GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8"}))
    assert not is_local(request, door)


def test_changes_with_a_session_require_the_token_and_reading_does_not() -> None:
    paths = describe(API, cookie="assent")["paths"]
    assert {"session": [], "csrf": []} in paths["/api/v1/requests"]["post"]["security"]
    assert {"session": []} in paths["/api/v1/requests"]["get"]["security"]
    # A sender who signs the command itself needs neither.
    assert paths["/api/v1/commands"]["post"]["security"] == []
    for path in ("policies", "groups", "me", "audit", "events"):
        assert paths[f"/api/v1/{path}"]["get"]["security"]
