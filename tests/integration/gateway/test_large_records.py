"""Records of 250 KiB, hundreds of them: no caller makes a gateway hold more than a few at once."""

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from assent.store.queries_large import PART_MAX_BYTES
from assent_contracts.client.publisher import now_ms
from tests.support.gateway import Gateway, accepted, refused

_RECORDS = 300
_PAYLOAD_BYTES = 250 * 1024
_HELD_MAX_BYTES = 32 * 1024 * 1024
"""Far less than the 75 MB in total, and more than the test's own client uses."""
_RESOURCE = "script/large.sh"
_RECORD = (
    '{"seq":%s,"prev":"","epoch":0,"at":%s,"command":{"value":{"type":"assent.submit-change.v1","id":"large-%s",'
    '"principal":"alice","at":1,"resource":"script/large.sh","operation":"edit","justification":"-",'
    '"payload":"\\u0000%s"},"key":"k","signature":"s"},"refusal":{"code":"no-policy","detail":"None."}}'
)


@pytest.fixture(scope="module")
async def at(gateway: Gateway) -> int:
    """The time of the first of many large records of alice's, one per ms."""
    first = now_ms() - 60_000
    connection = await asyncpg.connect(gateway.dsn)
    try:
        await connection.execute(
            "insert into audit select 'assent.ledger', 0, 1000000 + n, n, $1::bigint + n, null, $2, 'alice',"
            " 'assent.submit-change.v1', 'no-policy', '',"
            " format($3, 1000000 + n, $1::bigint + n, n, repeat('x', $4))::json"
            " from generate_series(0, $5::integer - 1) as n",
            first,
            _RESOURCE,
            _RECORD,
            _PAYLOAD_BYTES,
            _RECORDS,
        )
    finally:
        await connection.close()
    return first


@contextmanager
def held_little() -> Iterator[None]:
    """Fails if this process, gateway and client, has used much more memory in between."""
    tracemalloc.start()
    try:
        yield
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < _HELD_MAX_BYTES, f"{most:,} bytes"


async def test_late_decision_is_found_among_large_records_without_reading_them(
    gateway: Gateway, at: int
) -> None:
    alice = await gateway.signed_in("alice")
    for query in ({"sent_at": at}, {"sent_at": at, "resource": _RESOURCE}):
        with held_little():
            found = await alice.get("/api/v1/commands/large-290", params=query)
            missing = await alice.get("/api/v1/commands/large-", params=query)
        assert refused(found, 422, "no-policy")["position"] == "0-1000290"
        assert missing.status_code == 202
    bob = await gateway.signed_in("bob")
    assert (await bob.get("/api/v1/commands/large-290", params={"sent_at": at})).status_code == 202


async def test_invalid_command_id_is_not_found(gateway: Gateway) -> None:
    alice = await gateway.signed_in("alice")
    for name in ("%00", "a%20b", "%22%5C%00"):
        refused(await alice.get(f"/api/v1/commands/{name}", params={"sent_at": 1}), 404, "not-found")


async def test_export_of_large_records_holds_few_of_them_at_once(gateway: Gateway, at: int) -> None:
    dave = await gateway.signed_in("dave")
    params = {"resource": _RESOURCE, "since": at}
    lines, last = 0, ""
    with held_little():
        async with dave.stream("GET", "/api/v1/audit/export", params=params) as response:
            async for line in response.aiter_lines():
                lines, last = lines + 1, line
    assert json.loads(last) == {"end": True, "records": _RECORDS, "next": None}
    assert lines == _RECORDS + 1


async def test_page_of_large_records_is_shorter_and_the_next_one_continues(gateway: Gateway, at: int) -> None:
    dave = await gateway.signed_in("dave")
    found, cursor = list[int](), None
    while cursor is not None or not found:
        params = {"resource": _RESOURCE, "since": at, "limit": 200, **({"cursor": cursor} if cursor else {})}
        with held_little():
            page = accepted(await dave.get("/api/v1/audit", params=params))
        assert len(page["entries"]) <= 2 * PART_MAX_BYTES // _PAYLOAD_BYTES + 16
        found += [each["seq"] for each in page["entries"]]
        cursor = page["next"]
    assert found == sorted(range(1_000_000, 1_000_000 + _RECORDS), reverse=True)


_CANCELLATION = (
    '{"seq":%s,"prev":"","epoch":0,"at":%s,"command":{"value":{"type":"assent.cancel.v1","id":"padded-%s",'
    '"principal":"bob","at":1,"resource":"script/padded.sh","request":"%s"%s},"key":"k","signature":"s"},'
    '"refusal":{"code":"not-requester","detail":"No."}}'
)


@pytest.mark.parametrize("path", ["/api/v1/requests/{}", "/requests/{}"])
async def test_request_whose_timeline_was_padded_is_shown_all_the_same(gateway: Gateway, path: str) -> None:
    """Whitespace between the tokens of a command is not part of it, and may be a quarter of a MiB."""
    resource, payload = f"script/padded-{len(path)}.sh", '{"a":   1}'
    request = (await gateway.submit(resource, payload=payload))["request"]
    partition = int(request.partition("-")[0])
    before = await gateway.show(request, after=request)
    connection = await asyncpg.connect(gateway.dsn)
    try:
        await connection.execute(
            "insert into audit select 'assent.ledger', $1::integer, 2000000 + n, n, $2::bigint + n, $3::text,"
            " $4, 'bob', 'assent.cancel.v1', 'not-requester', '',"
            " format($5, 2000000 + n, $2::bigint + n, n, $3, repeat(' ', $6))::json"
            " from generate_series(0, $7::integer - 1) as n",
            partition,
            now_ms(),
            request,
            resource,
            _CANCELLATION,
            _PAYLOAD_BYTES,
            _RECORDS,
        )
    finally:
        await connection.close()
    dave = await gateway.signed_in("dave")
    with held_little():
        answer = await dave.get(path.format(request), headers={"accept": "text/html"})
    assert answer.status_code == 200
    after = await gateway.show(request)
    assert len(after["timeline"]) == len(before["timeline"]) + _RECORDS
    assert after["timeline"][-1]["refusal"]["code"] == "not-requester"
    assert after["timeline"][0] == before["timeline"][0], "what was submitted is as it came"
