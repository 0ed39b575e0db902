"""R16: the audit log over HTTP, for auditors and administrators."""

import hashlib
import itertools
import json
from typing import Any

import httpx
import pytest

from assent.gateway.api import audit
from tests.support.gateway import Gateway, accepted, refused
from tests.support.stack import until

_numbers = itertools.count()


async def story(gateway: Gateway) -> str:
    """An object with a submission, a refused submission, a refused rejection and a recorded approval."""
    resource = f"script/audit-{next(_numbers)}.sh"
    request = (await gateway.submit(resource))["request"]
    refused(await gateway.try_to_submit(resource, principal="bob"), 409, "resource-locked")
    refused(await gateway.act(request, "reject", "alice"), 403, "own-request")
    await gateway.approve(request, note="Fine.")
    auditor = await gateway.signed_in("dave")

    async def is_there() -> bool:
        answer = await auditor.get("/api/v1/audit", params={"resource": resource})
        return len(accepted(answer)["entries"]) == 4

    await until(is_there)
    return resource


async def search(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    return accepted(await client.get("/api/v1/audit", params=params))["entries"]


@pytest.mark.parametrize("who", ["dave", "bob"])
async def test_R16_auditors_and_administrators_find_refused_actions_too(gateway: Gateway, who: str) -> None:
    resource = await story(gateway)
    client = await gateway.signed_in(who)
    outcomes = [each["outcome"] for each in await search(client, resource=resource, refused=True)]
    assert sorted(outcomes) == ["own-request", "resource-locked"]
    [approval] = await search(client, resource=resource, command="assent.approve.v1")
    assert (approval["principal"], approval["words"]["note"]) == ("bob", "Fine.")
    request = approval["request"]
    assert len(await search(client, request=request)) == 3
    assert await search(client, resource=resource, since=approval["at"] + 1) == []
    assert await search(client, resource=resource, ledger="assent.governance") == []
    assert {each["principal"] for each in await search(client, principal="bob")} == {"bob"}


@pytest.mark.parametrize("path", ["/api/v1/audit", "/api/v1/audit/export"])
async def test_audit_log_is_closed_to_others(gateway: Gateway, path: str) -> None:
    refused(await (await gateway.signed_in("erin")).get(path), 403, "not-permitted")
    refused(await (await gateway.anonymous()).get(path), 401, "not-signed-in")


async def test_pages_of_a_search_continue_each_other(gateway: Gateway) -> None:
    resource = await story(gateway)
    client = await gateway.signed_in("dave")
    seqs, cursor = [], None
    while True:
        params = {"resource": resource, "limit": 3, **({"cursor": cursor} if cursor else {})}
        page = accepted(await client.get("/api/v1/audit", params=params))
        seqs += [each["seq"] for each in page["entries"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seqs) == 4
    assert seqs == sorted(seqs, reverse=True)


@pytest.mark.parametrize("params", [
    {"cursor": "x"}, {"cursor": "WzEsMCwwXQ"}, {"ledger": "x"}, {"since": "-1"}, {"until": "1" * 30},
    {"limit": "0"}, {"refused": "perhaps"}, {"principal": "\0"}, {"request": "x" * 41},
])  # fmt: skip
async def test_invalid_search_is_refused(gateway: Gateway, params: dict[str, str]) -> None:
    client = await gateway.signed_in("dave")
    refused(await client.get("/api/v1/audit", params=params), 400, "malformed")


async def test_export_contains_the_exact_records_and_states_that_it_is_complete(gateway: Gateway) -> None:
    resource = await story(gateway)
    client = await gateway.signed_in("dave")
    answer = await client.get("/api/v1/audit/export", params={"resource": resource})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.ndjson"'
    *records, end = [json.loads(line) for line in answer.text.splitlines()]
    assert end == {"end": True, "records": 4, "next": None}
    for each in records:
        assert hashlib.sha256(each["record"].encode()).hexdigest() == each["value_sha256"]
        assert json.loads(each["record"])["seq"] == each["seq"]


async def test_export_is_limited_and_states_where_to_continue(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = await story(gateway)
    client = await gateway.signed_in("dave")
    monkeypatch.setattr(audit, "EXPORT_MAX", 3)
    first = (await client.get("/api/v1/audit/export", params={"resource": resource})).text.splitlines()
    end = json.loads(first[-1])
    assert end["records"] == 3
    params = {"resource": resource, "cursor": end["next"]}
    second = (await client.get("/api/v1/audit/export", params=params)).text.splitlines()
    assert json.loads(second[-1]) == {"end": True, "records": 1, "next": None}
    found = [json.loads(line)["seq"] for line in first[:-1] + second[:-1]]
    assert len(set(found)) == 4


async def test_health_is_public_and_metrics_are_for_this_machine(gateway: Gateway) -> None:
    client = await gateway.anonymous()
    assert accepted(await client.get("/readyz")) == {"missing": []}
    assert accepted(await client.get("/livez"))["stalled_s"] < 30
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert b"process_cpu_seconds_total" in answer.content or b"python_info" in answer.content


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
async def test_metrics_are_refused_to_clients_behind_a_proxy(gateway: Gateway, header: str) -> None:
    behind = {header: "127.0.0.1"}
    refused(await (await gateway.anonymous()).get("/metrics", headers=behind), 401, "not-signed-in")
    refused(await (await gateway.signed_in("erin")).get("/metrics", headers=behind), 403, "not-permitted")
    assert (await (await gateway.signed_in("dave")).get("/metrics", headers=behind)).status_code == 200
