"""R23: write access to all of Postgres cannot make a person decide on anything but what the ledger has."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from msgspec.structs import replace

from assent.gateway import ledger_proofs
from assent.reading.proven_submission import Evidence, ProvenSubmission, proven_submission
from assent_contracts.client.keys import verify_signature
from assent_contracts.ledger import RecordedCommand, decode_record, decode_recorded_command
from assent_contracts.proof import GovernanceProof, LedgerEntry
from assent_contracts.resources import parse_request_id
from tests.support.console import load, post
from tests.support.gateway import Gateway, accepted, refused

BUTTONS = ('id="approve"', 'id="reject"', 'id="complete"')


@asynccontextmanager
async def as_owner(gateway: Gateway) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the database, whom no trigger or grant restricts."""
    connection = await asyncpg.connect(gateway.dsn)
    try:
        await connection.execute("alter table audit disable trigger all")
        yield connection
    finally:
        await connection.execute("alter table audit enable trigger all")
        await connection.close()


async def submitted(gateway: Gateway, name: str, **fields: Any) -> str:
    request = (await gateway.submit(f"script/{name}.sh", **fields))["request"]
    await gateway.show(request, after=request)
    return request


async def page_of(gateway: Gateway, request: str, who: str = "bob") -> str:
    page = await load(await gateway.signed_in(who), f"/requests/{request}")
    assert page.status == 200, page.text
    return page.text


async def test_R23_form_names_the_hash_of_the_bytes_that_the_page_renders(gateway: Gateway) -> None:
    request = await submitted(gateway, "honest", payload="echo honest")
    page = await load(await gateway.signed_in("bob"), f"/requests/{request}")
    proof = accepted(await (await gateway.signed_in("bob")).get(f"/api/v1/requests/{request}/submission"))
    recorded = decode_recorded_command(decode_record(msgspec.convert(proof["value"], bytes, strict=False)))
    assert isinstance(recorded, RecordedCommand)
    assert page.value("submission") == hashlib.sha256(bytes(recorded.value)).hexdigest()
    assert all(each in page.text for each in BUTTONS[:2])


_ROWS = {
    "operation": "update requests set operation = 'audit' where partition = $1 and seq = $2",
    "justification": "update requests set justification = 'Look away.' where partition = $1 and seq = $2",
    "requester": "update requests set requester = 'carol' where partition = $1 and seq = $2",
    "submission": "update requests set submission = repeat('a', 64) where partition = $1 and seq = $2",
    "digest": "update requests set digest = repeat('a', 64) where partition = $1 and seq = $2",
}


@pytest.mark.parametrize("column", _ROWS)
async def test_R23_changed_row_of_requests_leaves_nothing_to_approve(gateway: Gateway, column: str) -> None:
    request = await submitted(gateway, f"row-{column}", justification="The real reason.")
    alice = await gateway.signed_in("alice")
    honest = await load(alice, f"/requests/{request}")
    async with as_owner(gateway) as owner:
        await owner.execute(_ROWS[column], *parse_request_id(request))  # type: ignore[misc]
    page = await page_of(gateway, request)
    assert 'id="doubt"' in page
    assert not any(each in page for each in BUTTONS)
    # What is shown is what the ledger has.
    assert "The real reason." in page
    assert "Look away." not in page
    assert "a" * 64 not in page
    shown = await gateway.show(request, principal="bob")
    assert shown["doubt"] == "differs"
    assert shown["request"]["operation"] == "edit"
    # Any form that is there names what is shown.
    assert 'id="doubt"' not in honest.text
    own = await load(alice, f"/requests/{request}")
    assert own.value("submission") == honest.value("submission")


_OFFSET = "select ledger_offset from audit where ledger = 'assent.ledger' and partition = $1 and seq = $2"
_MOVE = "update audit set ledger_offset = $3 where ledger = 'assent.ledger' and partition = $1 and seq = $2"
_ALTER = (
    "update audit set record = replace(record::text, $3, $4)::json"
    " where ledger = 'assent.ledger' and partition = $1 and seq = $2"
)


async def test_R23_changed_record_of_the_audit_log_is_not_what_is_shown(gateway: Gateway) -> None:
    request = await submitted(gateway, "record", payload="echo real")
    async with as_owner(gateway) as owner:
        await owner.execute(_ALTER, *parse_request_id(request), "echo real", "echo fake")  # type: ignore[misc]
    page = await page_of(gateway, request)
    assert "real" in page
    assert "fake" not in page
    assert 'id="doubt"' in page
    assert not any(each in page for each in BUTTONS)
    client = await gateway.signed_in("bob")
    refused(await client.get(f"/requests/{request}/payload"), 409, "submission-in-doubt")
    shown = await gateway.show(request, principal="bob")
    assert "fake" not in msgspec.json.encode(shown).decode()


async def test_R16_record_deleted_from_the_audit_log_is_missing_from_the_page(
    gateway: Gateway,
) -> None:
    """The position that the audit service reports proves nothing about the rows."""
    request = await submitted(gateway, "deleted", payload="echo real")
    canceled = accepted(await gateway.act(request, "cancel", "alice"))
    client = await gateway.signed_in("bob")
    address, after = f"/api/v1/requests/{request}", {"assent-after": canceled["position"]}
    assert "etag" in (await client.get(address, headers=after)).headers
    async with as_owner(gateway) as owner:
        place = parse_request_id(canceled["position"])
        await owner.execute(
            "delete from audit where ledger = 'assent.ledger' and partition = $1 and seq = $2",
            *place,  # type: ignore[misc]
        )
    assert "etag" not in (await client.get(address, headers=after)).headers
    assert "The audit log is a moment behind" in await page_of(gateway, request)


async def test_R23_offset_of_another_record_proves_nothing(gateway: Gateway) -> None:
    request = (await gateway.submit("script/offset.sh"))["request"]
    place = parse_request_id(request)
    assert place is not None
    client = await gateway.signed_in("bob")
    async with as_owner(gateway) as owner:
        while (real := await owner.fetchval(_OFFSET, *place)) is None:
            await asyncio.sleep(0.01)
        for offset in (real + 1, real - 1, -5, (1 << 63) - 1, 123_456_789):
            await owner.execute(_MOVE, *place, offset)
            proof = await client.get(f"/api/v1/requests/{request}/submission")
            refused(proof, 409, "submission-in-doubt")
            page = await page_of(gateway, request)
            assert 'id="doubt"' in page
            assert not any(each in page for each in BUTTONS)
        await owner.execute(_MOVE, *place, real)
    assert 'id="approve"' in await page_of(gateway, request)


async def test_R23_nobody_decides_while_the_ledger_cannot_be_read(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = (await gateway.submit("script/unreadable.sh"))["request"]
    with monkeypatch.context() as dead:
        dead.setattr(ledger_proofs, "_WITHIN_S", 0)
        page = await page_of(gateway, request)
        shown = await gateway.show(request, principal="bob", after=request)
        client = await gateway.signed_in("bob")
        refused(await client.get(f"/requests/{request}/payload"), 503, "ledger-unreadable")
    assert "could not compare" in page
    assert not any(each in page for each in BUTTONS)
    assert shown["doubt"] == "unreadable"
    assert 'id="approve"' in await page_of(gateway, request)


async def test_R23_page_says_why_nobody_decides_while_the_audit_log_is_behind(gateway: Gateway) -> None:
    request = await submitted(gateway, "behind")
    async with as_owner(gateway) as owner:
        await owner.execute(
            "delete from audit where ledger = 'assent.ledger' and partition = $1 and seq = $2",
            *parse_request_id(request),  # type: ignore[misc]
        )
    page = await page_of(gateway, request)
    assert "The audit log does not have this request yet" in page
    assert not any(each in page for each in BUTTONS)
    own = await page_of(gateway, request, "alice")
    assert 'id="cancel"' in own
    assert 'id="doubt"' not in own
    canceled = accepted(await gateway.act(request, "cancel", "alice"))
    await gateway.show(request, after=canceled["position"])
    assert 'id="doubt"' not in await page_of(gateway, request)


async def test_R23_requests_whose_rows_were_swapped_are_not_confused(gateway: Gateway) -> None:
    """Postgres claims everything about one request for another one in the same partition."""
    first = await submitted(gateway, "swapped", payload="echo harmless")
    await gateway.act(first, "cancel", "alice")
    second = await submitted(gateway, "swapped", payload="rm -rf /")
    places = parse_request_id(first), parse_request_id(second)
    assert places[0] is not None
    assert places[1] is not None
    assert places[0][0] == places[1][0]
    async with as_owner(gateway) as owner:
        await owner.execute(
            "update requests as r set submission = o.submission, digest = o.digest from requests as o"
            " where r.partition = $1 and r.seq = $3 and o.partition = $1 and o.seq = $2",
            *places[0],
            places[1][1],
        )
        await owner.execute(
            "update audit as r set record = o.record, ledger_offset = o.ledger_offset from audit as o"
            " where r.ledger = 'assent.ledger' and o.ledger = r.ledger"
            " and r.partition = $1 and r.seq = $3 and o.partition = $1 and o.seq = $2",
            *places[0],
            places[1][1],
        )
    page = await page_of(gateway, second)
    assert 'id="doubt"' in page
    assert not any(each in page for each in BUTTONS)


async def test_R23_difference_is_against_the_version_that_the_ledger_has_as_applied(gateway: Gateway) -> None:
    applied = await gateway.released("script/compared.sh", payload="echo one")
    await gateway.applied(applied, "script/compared.sh")
    dropped = await submitted(gateway, "compared", payload="echo never applied")
    await gateway.act(dropped, "cancel", "alice")
    request = await submitted(gateway, "compared", payload="echo two")
    honest = await page_of(gateway, request)
    assert f'href="/requests/{applied}"' in honest
    assert 'id="changes"' in honest
    async with as_owner(gateway) as owner:
        await owner.execute(
            "update requests set status = 'completed' where partition = $1 and seq = $2",
            *parse_request_id(dropped),  # type: ignore[misc]
        )
    page = await page_of(gateway, request)
    assert "never applied" not in page
    assert "could not be confirmed" in page
    assert 'id="changes"' not in page
    # The decision is still about what is shown.
    assert 'id="approve"' in page


async def test_R23_stale_form_names_what_was_seen(gateway: Gateway) -> None:
    """The row changed between page and click: the signature covers the hash of what the page rendered."""
    request = await submitted(gateway, "clicked")
    client = await gateway.signed_in("bob")
    page = await load(client, f"/requests/{request}")
    async with as_owner(gateway) as owner:
        await owner.execute(_ROWS["submission"], *parse_request_id(request))  # type: ignore[misc]
    fields = {name: page.value(name) for name in ("csrf", "seen", "submission", "key")}
    answer = await post(client, f"/requests/{request}/approve", {**fields, "note": ""})
    assert answer.status_code == 303, answer.text
    assert (await gateway.show(request))["request"]["status"] == "approved"


async def _offered(
    client: httpx.AsyncClient, request: str, identity: str
) -> tuple[Evidence, GovernanceProof]:
    answer = accepted(await client.get(f"/api/v1/requests/{request}/submission"))
    evidence = msgspec.convert({**answer, "request": None}, Evidence, strict=False)
    governance, offset = GovernanceProof(identity, verify_signature), 0
    while offset is not None:
        page = accepted(await client.get("/api/v1/governance/ledger", params={"offset": offset}))
        for entry in msgspec.convert(page["records"], list[LedgerEntry], strict=False):
            governance.take(entry)
        offset = page["next"]
    return evidence, governance


async def test_R23_client_with_only_the_identity_proves_what_the_gateway_answers(gateway: Gateway) -> None:
    request = await submitted(gateway, "proven", payload="echo proven")
    client = await gateway.signed_in("carol")
    evidence, governance = await _offered(client, request, gateway.log.identity)
    proven = proven_submission(evidence, request, governance, verify_signature)
    assert isinstance(proven, ProvenSubmission), proven
    assert proven.is_sealed
    assert proven.through == "gateway"
    assert bytes(proven.submitted.payload) == b'"echo proven"'
    lie = replace(evidence, value=evidence.value.replace(b"echo proven", b"echo untrue"))
    assert not isinstance(proven_submission(lie, request, governance, verify_signature), ProvenSubmission)


async def test_R23_proof_is_for_those_who_may_see_the_request(gateway: Gateway) -> None:
    request = await submitted(gateway, "unseen")
    client = await gateway.signed_in("erin")
    refused(await client.get(f"/api/v1/requests/{request}/submission"), 404, "not-found")
    anonymous = await gateway.anonymous()
    for path in (f"/api/v1/requests/{request}/submission", "/api/v1/governance/ledger"):
        refused(await anonymous.get(path), 401, "not-signed-in")


async def test_governance_ledger_past_its_end_is_empty(gateway: Gateway) -> None:
    client = await gateway.signed_in("bob")
    for offset in (10_000_000, (1 << 53) - 1):
        answer = accepted(await client.get("/api/v1/governance/ledger", params={"offset": offset}))
        assert answer == {"records": [], "next": None}
