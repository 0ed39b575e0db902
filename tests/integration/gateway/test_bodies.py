"""Requests that do not fit the API: a named refusal, never a failure."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.gateway import Gateway, accepted, refused

_USUAL = {"resource": "script/x", "operation": "edit", "justification": "It is needed.", "payload": 1}
_MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "another JSON": b"[]",
    "a field too many": json.dumps({**_USUAL, "principal": "bob"}).encode(),
    "a field too few": json.dumps({k: v for k, v in _USUAL.items() if k != "payload"}).encode(),
    "a number for text": json.dumps({**_USUAL, "justification": 7}).encode(),
    "not UTF-8": b'{"resource":"script/\xff"}',
    "not UTF-8 in the payload": json.dumps(_USUAL).encode()[:-2] + b'"\xff"}',
    "a key twice in the payload": json.dumps(_USUAL).encode()[:-2] + b'{"a":1,"a":2}}',
    "an object without a type": json.dumps({**_USUAL, "resource": "script"}).encode(),
    "a type with capitals": json.dumps({**_USUAL, "resource": "Script/x"}).encode(),
    "control characters in the id": json.dumps({**_USUAL, "resource": "script/\n"}).encode(),
    "no operation": json.dumps({**_USUAL, "operation": ""}).encode(),
    "a payload that goes on": json.dumps(_USUAL).encode() + b"{}",
}
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("what", sorted(_MALFORMED))
async def test_malformed_body_is_refused_before_it_reaches_the_log(gateway: Gateway, what: str) -> None:
    client = await gateway.signed_in("alice")
    answer = await client.post("/api/v1/requests", content=_MALFORMED[what], headers=JSON)
    problem = refused(answer, 400, "malformed")
    assert "position" not in problem


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"payload": "x" * (256 * 1024)}, 413, "too-large"),
        ({"justification": "x" * 1_025}, 413, "too-large"),
        ({"justification": " \n"}, 422, "justification-required"),
        ({"resource": "script/" + "x" * 257}, 400, "malformed"),
    ],
)
async def test_R6_limits_are_named(gateway: Gateway, fields: dict[str, Any], status: int, code: str) -> None:
    refused(await gateway.try_to_submit(**{"resource": "script/limit", **fields}), status, code)


async def test_endless_nesting_is_refused(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    body = json.dumps(_USUAL).encode()[:-2] + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = await client.post("/api/v1/requests", content=body, headers=JSON)
    assert answer.status_code in (400, 413), answer.text


async def test_body_of_10_MB_is_refused_and_the_next_request_answered(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    answer = await client.post("/api/v1/requests", content=b"x" * 10_000_000, headers=JSON)
    refused(answer, 413, "too-large")
    accepted(await client.get("/api/v1/me"))


async def test_body_without_a_declared_length_is_limited_too(gateway: Gateway) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    client = await gateway.signed_in("alice")
    refused(await client.post("/api/v1/requests", content=parts(), headers=JSON), 413, "too-large")


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/xml"])
async def test_body_of_another_type_is_refused(gateway: Gateway, content_type: str) -> None:
    client = await gateway.signed_in("alice")
    body, headers = json.dumps(_USUAL).encode(), {"content-type": content_type}
    refused(await client.post("/api/v1/requests", content=body, headers=headers), 415, "not-json")


@pytest.mark.parametrize("action", ["approve", "reject", "revoke", "cancel", "complete"])
@pytest.mark.parametrize("request_id", ["x", "0", "-1-0", "0-x", "9" * 40 + "-0", "0-" + "9" * 30, "٣-١"])
async def test_action_on_an_invalid_request_id_is_not_found(
    gateway: Gateway, action: str, request_id: str
) -> None:
    client = await gateway.signed_in("alice")
    body = {"submission": "0" * 64} if action in ("approve", "reject", "complete") else {}
    answer = await client.post(f"/api/v1/requests/{request_id}/{action}", json=body)
    refused(answer, 404, "not-found")


@pytest.mark.parametrize(
    "params",
    [
        {"view": "theirs"},
        {"status": "open"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "x"},
        {"resource": "x" * 322},
        {"resource": "script/\0"},
        {"cursor": "x" * 201},
    ],
)
async def test_invalid_parameter_is_refused(gateway: Gateway, params: dict[str, str]) -> None:
    client = await gateway.signed_in("alice")
    refused(await client.get("/api/v1/requests", params=params), 400, "malformed")


async def test_unknown_address_and_method_are_answered_with_problems_too(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    refused(await client.get("/api/v1/nothing"), 404, "not-found")
    refused(await client.delete("/api/v1/requests"), 405, "method-not-allowed")
