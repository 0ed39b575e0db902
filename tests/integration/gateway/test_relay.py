"""Commands that their senders have signed themselves, relayed to the log: the record names no gateway."""

from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from assent.cli.connection.request_signing import sign_request
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, Cancel, Command, Complete, SubmitChange
from assent_contracts.digests import to_base64url
from assent_contracts.governance_changes import DefineGroup, DisablePrincipal, EnablePrincipal
from assent_contracts.governance_messages import ChangeGovernance, GovernanceCommand
from assent_contracts.governance_objects import Group
from assent_contracts.ledger import RecordedCommand, decode_recorded_command
from assent_contracts.limits import COMMAND_MAX_BYTES
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER, command_message
from tests.support.containers import Endpoints
from tests.support.extended_demo import demo_with, policy_table
from tests.support.gateway import Gateway, accepted, gateway_of, gateway_settings, refused
from tests.support.log import Log, following, read_ledger

PAYLOAD = b'"echo  relayed"'
DAY_MS = 24 * 60 * 60 * 1_000


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """The demo's log, with a policy that requires its approvers' own signatures."""
    vaults = policy_table("vault", "own_signature = true")
    return await demo_with(running.bootstrap, tmp_path_factory.mktemp("keys"), vaults)


def submission(resource: str, **fields: Any) -> SubmitChange:
    usual = {
        "id": new_command_id(),
        "principal": "alice",
        "at": now_ms(),
        "resource": resource,
        "operation": "edit",
        "justification": "It is needed.",
        "payload": msgspec.Raw(PAYLOAD),
    }
    return SubmitChange(**{**usual, **fields})


def about(request: str, resource: str, principal: str) -> dict[str, Any]:
    return {
        "id": new_command_id(),
        "principal": principal,
        "at": now_ms(),
        "resource": resource,
        "request": request,
    }


def proof(
    gateway: Gateway, key: SecretKey, command: Command | GovernanceCommand, value: bytes | None = None
) -> dict[str, str]:
    said = dict(
        signed_headers(
            key, gateway.log.identity, command, encode(command) if value is None else value, "tests"
        )
    )
    return {name: said[name].decode() for name in (KEY_HEADER, SIGNATURE_HEADER)}


async def post(gateway: Gateway, value: bytes, headers: dict[str, str]) -> httpx.Response:
    client = await gateway.anonymous()
    headers = {"content-type": "application/json", **headers}
    return await client.post("/api/v1/commands", content=value, headers=headers)


async def relay(
    gateway: Gateway, command: Command | GovernanceCommand, key: SecretKey | None = None
) -> httpx.Response:
    key = key or gateway.log.keys[command.principal]
    return await post(gateway, encode(command), proof(gateway, key, command))


async def recorded(gateway: Gateway, position: str) -> tuple[RecordedCommand, bytes]:
    """The command in the ledger's own record at this position, and the record's events."""
    partition, seq = map(int, position.split("-"))
    async with following(gateway.log) as follower:
        record = (await read_ledger(gateway.log, follower))[partition][seq].record
    command = decode_recorded_command(record)
    assert isinstance(command, RecordedCommand)
    return command, bytes(record.events or b"")


async def records(gateway: Gateway) -> int:
    """How many records both ledgers have."""
    async with following(gateway.log) as follower:
        ledger = await read_ledger(gateway.log, follower)
        return sum(map(len, ledger.values())) + len(follower.history)


async def nothing_recorded(
    gateway: Gateway, answer: httpx.Response, status: int, code: str, before: int
) -> None:
    refused(answer, status, code)
    # Anything published earlier would be before this one, in its partition or in another.
    fence = accepted(await relay(gateway, submission(f"script/{new_command_id()}")), 201)
    assert await records(gateway) == before + 1, fence


async def test_relayed_submission_is_recorded_with_the_sender_s_key_and_bytes(gateway: Gateway) -> None:
    command = submission("script/relayed.sh")
    answer = accepted(await relay(gateway, command), 201)
    record, _ = await recorded(gateway, answer["position"])
    assert record.key == gateway.log.keys["alice"].id
    assert bytes(record.value) == encode(command)
    assert answer["request"] == answer["position"]
    (event,) = answer["events"]
    assert (event["type"], event["requester"]) == ("assent.change-submitted.v1", "alice")
    assert answer["repeated"] is False


async def test_relayed_approval_names_no_gateway_and_one_by_session_does(gateway: Gateway) -> None:
    by_key = (await gateway.submit("script/by-key.sh"))["request"]
    submission = await gateway.submission(by_key)
    fields = about(by_key, "script/by-key.sh", "bob")
    answer = accepted(await relay(gateway, Approve(**fields, submission=submission)))
    record, events = await recorded(gateway, answer["position"])
    assert record.key == gateway.log.keys["bob"].id
    assert b'"through"' not in events
    by_session = (await gateway.submit("script/by-session.sh"))["request"]
    record, events = await recorded(gateway, (await gateway.approve(by_session))["position"])
    assert record.key == gateway.log.keys["gateway"].id
    assert b'"through":"gateway"' in events


async def test_bytes_are_relayed_unchanged(gateway: Gateway) -> None:
    command = submission("script/spaces.sh")
    value = msgspec.json.format(encode(command), indent=2)
    answer = accepted(
        await post(gateway, value, proof(gateway, gateway.log.keys["alice"], command, value)), 201
    )
    record, _ = await recorded(gateway, answer["position"])
    assert bytes(record.value) == value


@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/plain; charset=utf-8", ""])
async def test_bytes_can_be_declared_as_what_they_are(gateway: Gateway, content_type: str) -> None:
    """The signature is over the bytes, so a client may send them as bytes: generated ones do."""
    command = submission(f"script/{new_command_id()}")
    headers = proof(gateway, gateway.log.keys["alice"], command) | {"content-type": content_type}
    answer = accepted(await post(gateway, encode(command), headers), 201)
    record, _ = await recorded(gateway, answer["position"])
    assert bytes(record.value) == encode(command)


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/xml"])
async def test_bytes_declared_as_something_else_are_refused(gateway: Gateway, content_type: str) -> None:
    command = submission(f"script/{new_command_id()}")
    headers = proof(gateway, gateway.log.keys["alice"], command) | {"content-type": content_type}
    problem = refused(await post(gateway, encode(command), headers), 415, "not-json")
    assert "application/octet-stream" in problem["todo"]


async def test_same_bytes_again_are_answered_with_their_first_decision(gateway: Gateway) -> None:
    command = submission("script/twice.sh")
    first = accepted(await relay(gateway, command), 201)
    again = accepted(await relay(gateway, command), 200)
    assert again["repeated"] is True
    assert (again["position"], again["request"]) == (first["position"], first["request"])


async def test_refusal_of_the_ledger_is_returned_with_its_place(gateway: Gateway) -> None:
    request = accepted(await relay(gateway, submission("script/own.sh")), 201)["request"]
    fields = about(request, "script/own.sh", "alice-admin")
    problem = refused(
        await relay(gateway, Approve(**fields, submission=await gateway.submission(request))),
        403,
        "own-request",
    )
    record, _ = await recorded(gateway, problem["position"])
    assert record.key == gateway.log.keys["alice-admin"].id
    locked = refused(await relay(gateway, submission("script/own.sh")), 409, "resource-locked")
    assert locked["open_request"] == request
    canceled = accepted(await relay(gateway, Cancel(**about(request, "script/own.sh", "alice"))))
    assert [each["type"] for each in canceled["events"]] == ["assent.request-canceled.v1"]


async def test_service_completes_with_its_own_key(gateway: Gateway) -> None:
    resource = "script/service.sh"
    request = accepted(await relay(gateway, submission(resource, principal="device-config")), 201)["request"]
    seen = await gateway.submission(request)
    accepted(await relay(gateway, Approve(**about(request, resource, "bob"), submission=seen)))
    accepted(await relay(gateway, Complete(**about(request, resource, "device-config"), submission=seen)))


@pytest.mark.parametrize("missing", [KEY_HEADER, SIGNATURE_HEADER])
async def test_unsigned_command_never_reaches_the_log(gateway: Gateway, missing: str) -> None:
    before, command = await records(gateway), submission("script/unsigned.sh")
    headers = proof(gateway, gateway.log.keys["alice"], command)
    del headers[missing]
    code = {KEY_HEADER: "unknown-key", SIGNATURE_HEADER: "bad-signature"}[missing]
    await nothing_recorded(gateway, await post(gateway, encode(command), headers), 401, code, before)


async def test_signature_over_other_bytes_never_reaches_the_log(gateway: Gateway) -> None:
    before, command = await records(gateway), submission("script/tampered.sh")
    headers = proof(gateway, gateway.log.keys["alice"], command)
    value = encode(msgspec.structs.replace(command, justification="It is not needed."))
    await nothing_recorded(gateway, await post(gateway, value, headers), 401, "bad-signature", before)


@pytest.mark.parametrize("signature", ["x", "é", "A" * 86, "A" * 300, "=" * 88])
async def test_invalid_signature_never_reaches_the_log(gateway: Gateway, signature: str) -> None:
    before, command = await records(gateway), submission("script/garbage.sh")
    headers = {KEY_HEADER: gateway.log.keys["alice"].id, SIGNATURE_HEADER: signature}
    client = await gateway.anonymous()
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await client.post("/api/v1/commands", content=encode(command), headers=raw)
    assert answer.status_code in (400, 401), answer.text
    assert answer.json()["code"] in ("bad-signature", "malformed")
    await nothing_recorded(gateway, answer, answer.status_code, answer.json()["code"], before)


async def test_unknown_key_never_reaches_the_log(gateway: Gateway) -> None:
    before, key = await records(gateway), SecretKey("nobody-knows", "alice")
    answer = await relay(gateway, submission("script/unknown.sh"), key)
    await nothing_recorded(gateway, answer, 401, "unknown-key", before)


async def test_key_cannot_sign_for_another_principal(gateway: Gateway) -> None:
    before = await records(gateway)
    answer = await relay(gateway, submission("script/other.sh"), gateway.log.keys["bob"])
    await nothing_recorded(gateway, answer, 401, "unknown-key", before)


async def test_command_signed_by_a_gateway_s_key_is_not_relayed(gateway: Gateway) -> None:
    before = await records(gateway)
    answer = await relay(gateway, submission("script/by-gateway.sh"), gateway.log.keys["gateway"])
    await nothing_recorded(gateway, answer, 401, "unknown-key", before)


@pytest.mark.parametrize("away_ms", [-DAY_MS - 60_000, 6 * 60_000])
async def test_stale_command_never_reaches_the_log(gateway: Gateway, away_ms: int) -> None:
    before = await records(gateway)
    answer = await relay(gateway, submission("script/stale.sh", at=now_ms() + away_ms))
    await nothing_recorded(gateway, answer, 409, "stale", before)


async def test_oversized_command_never_reaches_the_log(gateway: Gateway) -> None:
    before = await records(gateway)
    for size in (256 * 1024, COMMAND_MAX_BYTES):
        payload = msgspec.Raw(b'"' + b"x" * size + b'"')
        answer = await relay(gateway, submission("script/large.sh", payload=payload))
        refused(answer, 413, "too-large")
    await nothing_recorded(gateway, answer, 413, "too-large", before)


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b"{}", b'{"type":"assent.approve.v9"}', b"\xff"])
async def test_invalid_command_never_reaches_the_log(gateway: Gateway, value: bytes) -> None:
    before, key = await records(gateway), gateway.log.keys["alice"]
    signature = to_base64url(key.sign(command_message(gateway.log.identity, value)))
    answer = await post(gateway, value, {KEY_HEADER: key.id, SIGNATURE_HEADER: signature})
    code = "unknown-version" if b"v9" in value else "malformed"
    await nothing_recorded(gateway, answer, 400, code, before)
    if value:
        # Unsigned content is not parsed.
        answer = await post(gateway, value, {KEY_HEADER: key.id, SIGNATURE_HEADER: "x"})
        await nothing_recorded(gateway, answer, 401, "bad-signature", before + 1)


async def test_change_to_governance_is_relayed_and_a_disabled_account_is_refused(gateway: Gateway) -> None:
    disable = ChangeGovernance(
        id=new_command_id(), principal="alice-admin", at=now_ms(), change=DisablePrincipal(principal="erin")
    )
    answer = accepted(await relay(gateway, disable))
    assert answer["ledger"] == "assent.governance"
    assert answer["request"] is None
    assert [each["type"] for each in answer["events"]] == ["assent.principal-disabled.v1"]
    again = accepted(await relay(gateway, disable))
    assert (again["repeated"], again["position"]) == (True, answer["position"])
    before = await records(gateway)
    refusal = await relay(gateway, submission("script/erin.sh", principal="erin"))
    await nothing_recorded(gateway, refusal, 403, "not-permitted", before)
    enable = ChangeGovernance(
        id=new_command_id(), principal="alice-admin", at=now_ms(), change=EnablePrincipal(principal="erin")
    )
    refused(await relay(gateway, enable), 409, "approval-required")


async def test_governance_command_of_an_unknown_change_is_refused(gateway: Gateway) -> None:
    change = DefineGroup(group=Group(id="g", members=()), version=None)
    command = ChangeGovernance(id=new_command_id(), principal="alice-admin", at=now_ms(), change=change)
    value = encode(command).replace(b"assent.define-group.v1", b"assent.define-nothing.v1")
    answer = await post(gateway, value, proof(gateway, gateway.log.keys["alice-admin"], command, value))
    refused(answer, 400, "malformed")


async def test_policy_that_requires_own_signatures_accepts_a_relayed_approval(gateway: Gateway) -> None:
    resource = "vault/keys"
    request = (await gateway.submit(resource))["request"]
    submission = (await gateway.show(request, after=request))["request"]["submission"]
    refused(
        await gateway.act(request, "approve", "bob", submission=submission), 403, "own-signature-required"
    )
    answer = accepted(await relay(gateway, Approve(**about(request, resource, "bob"), submission=submission)))
    assert "assent.request-approved.v1" in [each["type"] for each in answer["events"]]


async def test_relayed_commands_count_against_the_signer_s_rate(
    log: Log, follower: GovernanceFollower, gateway: Gateway
) -> None:
    settings = gateway_settings(ASSENT_GATEWAY_RATE="1")
    async with gateway_of(log, follower, gateway.dsn, settings) as slow:
        codes: list[int] = []
        while 429 not in codes and len(codes) < 100:
            codes.append((await relay(slow, submission(f"script/rate-{len(codes)}.sh"))).status_code)
        # Ten in each window of ten seconds; on a slow machine more than one window may pass.
        assert codes[-1] == 429
        assert codes[:-1] == [201] * max(10, len(codes) - 1)
        # Nobody uses up another's rate: what alice has not signed does not count as hers.
        headers = proof(slow, log.keys["bob"], submission("script/rate.sh"))
        answer = await post(slow, encode(submission("script/rate.sh", principal="bob")), headers)
        refused(answer, 401, "bad-signature")
        accepted(await relay(slow, submission("script/rate-bob.sh", principal="bob")), 201)


async def test_log_can_be_read_with_the_key_alone(gateway: Gateway) -> None:
    position = accepted(await relay(gateway, submission("script/read.sh")), 201)["position"]
    client = await gateway.anonymous()
    request = client.build_request("GET", f"/api/v1/requests/{position}", headers={"assent-after": position})
    sign_request(request, gateway.log.keys["bob"])
    assert accepted(await client.send(request))["request"]["requester"] == "alice"
    request.url = request.url.copy_with(path="/api/v1/requests")
    refused(await client.send(request), 401, "bad-signature")


async def test_signature_for_another_address_is_refused_and_the_right_one_is_named(gateway: Gateway) -> None:
    client = await gateway.anonymous()
    elsewhere = httpx.Request("GET", "https://elsewhere.example/api/v1/me")
    sign_request(elsewhere, gateway.log.keys["bob"])
    headers = {name: elsewhere.headers[name] for name in ("signature", "signature-input")}
    assert (
        gateway.url in refused(await client.get("/api/v1/me", headers=headers), 401, "bad-signature")["todo"]
    )


async def test_signature_may_use_another_name_of_this_machine(gateway: Gateway) -> None:
    client = await gateway.anonymous()
    asked = client.build_request("GET", gateway.url.replace("127.0.0.1", "localhost") + "/api/v1/me")
    sign_request(asked, gateway.log.keys["bob"])
    assert accepted(await client.send(asked))["principal"] == "bob"
    # What was signed for one name is not accepted under another.
    asked.headers["host"] = gateway.url.removeprefix("http://")
    refused(await client.send(asked), 401, "bad-signature")


async def test_signed_message_changes_nothing(gateway: Gateway) -> None:
    client = await gateway.anonymous()
    body = {"resource": "script/x.sh", "operation": "edit", "justification": "why", "payload": "x"}
    request = client.build_request("POST", "/api/v1/requests", json=body)
    sign_request(request, gateway.log.keys["alice"])
    refused(await client.send(request), 403, "signed-reads-only")
