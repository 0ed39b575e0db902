"""The API matches its OpenAPI document: schemathesis sends what it describes and finds no deviation."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from tests.support.gateway import Gateway, accepted

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_RUN_S = 60
_LIMIT_S = 300
_STREAMS = "followEvents"
"""Ends only when the client leaves; its own tests cover it."""


async def document(gateway: Gateway) -> dict[str, Any]:
    return accepted(await (await gateway.anonymous()).get("/api/v1/openapi.json"))


def references(part: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


async def test_document_is_openapi_3_1(gateway: Gateway) -> None:
    said = await document(gateway)
    assert said["openapi"].startswith("3.1")
    OPENAPI_31_VALIDATOR.validate(said)
    schemas = said["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for name in set(references(said)):
        assert name.removeprefix("#/components/schemas/") in schemas, name


async def test_every_operation_has_one_name_and_describes_its_answers(gateway: Gateway) -> None:
    said = await document(gateway)
    operations = [each for path in said["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))
    assert {"submitChange", "approveRequest", "changeGovernance", "exportAudit"} <= set(names)
    for each in operations:
        assert each["summary"]
        assert each["description"]
        good = {status: said for status, said in each["responses"].items() if status.startswith("20")}
        # 204 is the answer without content; every other one describes its content.
        assert all(bool(said["content"]) == (status != "204") for status, said in good.items()), each
        assert "application/problem+json" in each["responses"]["401"]["content"]


@pytest.mark.long
@pytest.mark.timeout(_LIMIT_S + 30)
async def test_schemathesis_finds_nothing(gateway: Gateway, tmp_path: Path) -> None:
    client = await gateway.signed_in("bob")
    requests = [(await gateway.submit(f"script/fuzzed-{number}"))["request"] for number in range(8)]
    submission = await gateway.submission(requests[0])
    (tmp_path / "schemathesis.toml").write_text(known(requests, submission))
    output = await schemathesis(gateway, client, tmp_path)
    assert re.search(r"[0-9]{3,} generated", output), output
    # It did get through: its requests are on the ledger, and what it read existed.
    mine = accepted(await client.get("/api/v1/requests", params={"limit": 200}))["requests"]
    assert any(each["resource"].startswith("script/made-") for each in mine), output


def known(requests: list[str], submission: str) -> str:
    """What schemathesis cannot guess: existing ids, so that it gets past `not-found`."""
    values = {
        "path.request_id": requests,
        "path.policy_id": ["apps", "scripts"],
        "path.group_id": ["security", "endpoint-admins"],
        "path.principal_id": ["bob", "applier"],
        "query.principal": ["bob", "alice"],
        "body.resource": [f"script/made-{number}" for number in range(50)],
        "body.submission": [submission],
    }
    lines = ["[generation]", "with-security-parameters = false"]
    for number, listed in enumerate(values.values()):
        lines += [f"[dictionaries.d{number}]", f"values = {json.dumps(listed)}"]
    lines.append("[parameters]")
    lines += [
        f'"{name}" = {{ dictionary = "d{number}", probability = 0.7 }}' for number, name in enumerate(values)
    ]
    # A position that is never reached is answered with 503 after a while. Another test covers that.
    for path, position in (("/(requests|events)", requests[0]), ("", "governance-1")):
        lines += [
            "[[operations]]",
            f"include-path-regex = '^/api/v1{path}'",
            *(["exclude-path-regex = '^/api/v1/(requests|events)'"] if not path else []),
            f'parameters = {{ "header.assent-after" = "{position}" }}',
        ]
    return "\n".join(lines) + "\n"


async def schemathesis(gateway: Gateway, client: httpx.AsyncClient, folder: Path) -> str:
    """Run it on every operation as this client; returns its output. Fails with the output on a finding."""
    run = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml")),
        *("run", f"{gateway.url}/api/v1/openapi.json"),
        *("--checks", ",".join(_CHECKS), "--continue-on-failure", "--seed", "1"),
        *("--phases", "examples,coverage,fuzzing", "--max-time", str(_RUN_S), "--request-timeout", "20"),
        *("--exclude-operation-id", _STREAMS),
        *("--header", f"cookie: assent={client.cookies['assent']}"),
        *("--header", f"x-csrf-token: {client.headers['x-csrf-token']}"),
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_LIMIT_S):
            printed, _ = await run.communicate()
    except TimeoutError:
        run.kill()
        await run.wait()
        raise
    output = printed.decode(errors="replace")
    (folder / "schemathesis.txt").write_text(output)
    assert run.returncode == 0, output[-20_000:]
    return output
