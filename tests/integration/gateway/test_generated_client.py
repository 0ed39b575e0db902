"""A client generator that people use accepts the OpenAPI document, and its client works."""

import asyncio
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.support.gateway import Gateway, accepted
from tests.support.optional_tools import skip_or_fail

_CONFIG = """\
post_hooks: []
content_type_overrides:
  # Lines of JSON, which the generator has no type for: bytes.
  application/x-ndjson: application/octet-stream
"""
_USE = """\
import importlib, json, pkgutil, sys
import made
for module in pkgutil.walk_packages(made.__path__, "made."):
    importlib.import_module(module.name)
from made.api.default import list_requests, show_me, submit_change
from made.models import Page, ProblemDocument, Submission
client = made.Client(base_url=sys.argv[1], headers=json.loads(sys.argv[2]))
wanted = {"resource": "script/generated.sh", "operation": "edit", "justification": "Why.", "payload": {}}
decision = submit_change.sync(client=client, body=Submission.from_dict(wanted))
again = submit_change.sync(client=client, body=Submission.from_dict(wanted))
assert isinstance(again, ProblemDocument), again
page = list_requests.sync(client=client, assent_after=decision.position)
assert isinstance(page, Page), page
print(json.dumps({
    "me": show_me.sync(client=client).principal,
    "request": decision.request,
    "code": again.code,
    "listed": [each.id for each in page.requests],
    "operations": [each.name for each in pkgutil.iter_modules(made.api.default.__path__)],
}))
"""


async def run(*arguments: str, folder: Path) -> str:
    """Run Python with these arguments in a folder; returns the output. Fails with the output if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(90):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_client_is_generated_without_a_warning_and_works(gateway: Gateway, tmp_path: Path) -> None:
    if find_spec("openapi_python_client") is None:
        skip_or_fail("openapi-python-client is not installed.")
    alice = await gateway.signed_in("alice")
    document: dict[str, Any] = accepted(await alice.get("/api/v1/openapi.json"))
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "config.yml").write_text(_CONFIG)
    generate = ("generate", "--path", "openapi.json", "--output-path", "made", "--meta", "none")
    options = ("--config", "config.yml", "--fail-on-warning")
    await run("-m", "openapi_python_client", *generate, *options, folder=tmp_path)
    headers = {
        "cookie": f"assent={alice.cookies['assent']}",
        "x-csrf-token": alice.headers["x-csrf-token"],
    }
    said = json.loads(await run("-c", _USE, gateway.url, json.dumps(headers), folder=tmp_path))
    named = {each["operationId"] for path in document["paths"].values() for each in path.values()}
    assert {"".join(part.capitalize() for part in each.split("_")) for each in said["operations"]} == {
        name[0].upper() + name[1:] for name in named
    }
    assert (said["me"], said["code"]) == ("alice", "resource-locked")
    assert said["listed"][0] == said["request"]
