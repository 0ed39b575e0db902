"""R28 on the real stack: who sees findings, closes them, and where they are shown."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from assent.cli import output
from assent.cli.connection.direct_log import DirectLog
from assent.cli.connection.gateway_http import GatewayAccess
from assent.cli.connection.gateway_log import GatewayLog
from assent.cli.connection.log_access import LogAccess
from assent.cli.connection.log_client import FindingNotFoundError, LogClient
from assent.cli.options import Options
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import CloseFinding, ReportFinding
from tests.support.console import load, post
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, accepted, refused
from tests.support.in_process_cli import Answer, assent
from tests.support.log import Log
from tests.support.reconciling import log_with_reconcilers
from tests.support.stack import until


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    return await log_with_reconcilers(running.bootstrap, tmp_path_factory.mktemp("keys"))


async def reported(gateway: Gateway, resource: str, **fields: Any) -> str:
    """The id of a reported finding, which the tables have."""
    found: dict[str, Any] = {"kind": "unexplained", "version": "v1", **fields}
    command = ReportFinding(
        id=new_command_id(),
        principal="reconciler",
        at=now_ms(),
        resource=resource,
        target="web",
        seen_at=now_ms(),
        **found,
    )
    decided = await gateway.actor.send(command)
    assert decided.refusal is None, decided.refusal
    finding = f"{decided.partition}-{decided.seq}"
    bob = await gateway.signed_in("bob")
    shown = await bob.get(f"/api/v1/findings/{finding}", headers={"Assent-After": finding})
    assert shown.status_code == 200, shown.text
    return finding


async def test_R28_explain_names_the_open_findings_of_a_requests_object(
    gateway: Gateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = "script/explained.sh"
    request = (await gateway.submit(resource))["request"]
    first = await reported(gateway, resource, detail="By hand.")
    other = await reported(gateway, "script/another.sh")
    await reported(gateway, "script/restored.sh")
    for name in ("ASSENT_KAFKA", "ASSENT_AS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(output, "_consoles", {})
    common = ("--server", gateway.url, "--identity", gateway.log.identity)
    said: dict[str, Answer] = {}
    for principal in ("bob", "erin"):
        key = ("--key", str(gateway.log.folder / f"{principal}.key"))
        said[principal] = await asyncio.to_thread(assent, capsys, "explain", request, *key, *common)
    words = " ".join(said["bob"].out.split())
    assert f"Finding {first} is open: the target web shows a change of this object" in words
    assert other not in words
    # She may not see the request, so she does not learn of its findings.
    assert said["erin"].code == 1
    assert "Finding" not in said["erin"].out + said["erin"].err


async def test_R28_those_who_answer_for_a_type_see_its_findings(gateway: Gateway) -> None:
    finding = await reported(gateway, "script/seen.sh", by="Mallory", detail="By hand.")
    for principal, sees in (("alice", True), ("bob", True), ("dave", True), ("erin", False)):
        client = await gateway.signed_in(principal)
        listed = accepted(await client.get("/api/v1/findings", params={"resource": "script/seen.sh"}))
        assert [each["id"] for each in listed["findings"]] == ([finding] if sees else []), principal
        page = (await load(client, "/findings")).text
        assert ("script/seen.sh" in page) == sees, principal
        if not sees:
            refused(await client.get(f"/api/v1/findings/{finding}"), 404, "not-found")
    shown = accepted(await (await gateway.signed_in("dave")).get(f"/api/v1/findings/{finding}"))
    assert (shown["by"], shown["detail"], shown["target"]) == ("Mallory", "By hand.", "web")


async def test_R28_a_finding_is_closed_with_a_reason_through_the_api(gateway: Gateway) -> None:
    finding = await reported(gateway, "script/closed.sh")
    dave, alice = await gateway.signed_in("dave"), await gateway.signed_in("alice")
    path, reason = f"/api/v1/findings/{finding}/close", {"reason": "The vendor did it, see CHG-7."}
    refused(await dave.post(path, json=reason), 403, "not-permitted")
    refused(await alice.post(path, json={"reason": " "}), 400, "malformed")
    done = accepted(await alice.post(path, json=reason))
    assert done["events"] == ["assent.finding-closed.v1"]
    after = {"Assent-After": done["position"]}
    shown = accepted(await alice.get(f"/api/v1/findings/{finding}", headers=after))
    assert (shown["closed_by"], shown["closing_reason"]) == ("alice", reason["reason"])
    refused(await alice.post(path, json=reason), 404, "unknown-finding")
    listed = accepted(await alice.get("/api/v1/findings", params={"open": "true"}))
    assert finding not in [each["id"] for each in listed["findings"]]


async def test_R28_a_finding_is_shown_counted_and_closed_in_the_console(gateway: Gateway) -> None:
    finding = await reported(gateway, "script/console.sh", by="<b>Mallory</b>")
    alice = await gateway.signed_in("alice")
    page = (await load(alice, "/findings")).text
    assert "web shows a change that no request explains." in page
    assert "&lt;b&gt;Mallory&lt;/b&gt;" in page
    assert 'id="nav-warn"' in page
    assert f'id="close-{finding}"' in page
    assert f'id="close-{finding}"' not in (await load(await gateway.signed_in("dave"), "/findings")).text
    csrf = alice.headers["x-csrf-token"]
    kept = await post(alice, f"/findings/{finding}/close", {"reason": "", "csrf": csrf})
    assert kept.status_code == 400
    done = await post(alice, f"/findings/{finding}/close", {"reason": "We did it.", "csrf": csrf})
    assert (done.status_code, done.headers["location"]) == (303, "/findings")
    assert "script/console.sh" not in (await load(alice, "/findings")).text
    assert "We did it." in (await load(alice, "/findings", show="all")).text
    audit = (await load(await gateway.signed_in("dave"), "/audit", resource="script/console.sh")).text
    assert "reported that the target differs" in audit
    assert "closed a finding" in audit


async def test_R28_a_finding_about_a_request_is_in_its_timeline(gateway: Gateway) -> None:
    request = await gateway.released("script/timeline.sh")
    await gateway.applied(request, "script/timeline.sh")
    await reported(gateway, "script/timeline.sh", kind="different", request=request)
    page = (await load(await gateway.signed_in("alice"), f"/requests/{request}")).text
    assert "reported that the target differs" in page


@pytest.mark.parametrize("way", ["direct", "through_gateway"])
async def test_R28_the_command_line_lists_and_closes_findings_either_way(
    gateway: Gateway, tmp_path: Path, way: str
) -> None:
    log, key = gateway.log, gateway.log.keys["bob"]
    client: LogClient
    if way == "direct":
        access = LogAccess(log.connection, log.identity, gateway.dsn)
        client = DirectLog(access, Options(data=tmp_path), key, 30.0)
    else:
        client = GatewayLog(
            GatewayAccess(gateway.url, is_loopback=True, key=key, timeout_s=30.0), log.identity
        )
    resource = f"script/{way}.sh"
    finding = await reported(gateway, resource)
    assert await client.findings(only_open=True, resource=resource, limit=5) == [
        await client.finding(finding)
    ]
    closing = CloseFinding(
        id=new_command_id(), principal="bob", at=now_ms(), resource=resource, finding=finding, reason="Ours."
    )
    assert (await client.decide(closing)).refusal is None
    again = await client.decide(msgspec.structs.replace(closing, id=new_command_id()))
    assert again.refusal is not None
    assert again.refusal.code == "unknown-finding"

    async def is_closed() -> bool:
        return await client.findings(only_open=True, resource=resource, limit=5) == []

    await until(is_closed)
    [shown] = await client.findings(only_open=False, resource=resource, limit=5)
    assert (shown.closed_by, shown.closing_reason) == ("bob", "Ours.")
    for unknown in ("0-999999", "x"):
        with pytest.raises(FindingNotFoundError):
            await client.finding(unknown)
