"""R26 on the real stack: what was made from an older version is refused or shown on every screen."""

from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import Claim, ReportOutcome
from tests.support.console import load
from tests.support.gateway import Gateway, refused
from tests.support.log import APPLIER


async def applied(gateway: Gateway, resource: str, version: str, **fields: str) -> str:
    request = await gateway.released(resource, **fields)
    claim = Claim(id=new_command_id(), principal=APPLIER, at=now_ms(), resource=resource, request=request)
    report = ReportOutcome(
        id=new_command_id(),
        principal=APPLIER,
        at=now_ms(),
        resource=resource,
        request=request,
        outcome="succeeded",
        version=version,
    )
    for command in (claim, report):
        decided = await gateway.actor.send(command)
        assert decided.refusal is None, decided.refusal
    await gateway.show(request, after=f"{decided.partition}-{decided.seq}")
    return request


async def test_R26_older_base_is_shown_and_the_made_version_too(gateway: Gateway) -> None:
    first = await applied(gateway, "script/versioned.sh", "v7", base="v6")
    alice = await gateway.signed_in("alice")
    assert (await gateway.show(first))["request"]["made_version"] == "v7"
    assert "v6 → v7" in (await load(alice, f"/requests/{first}")).text
    stale = (await gateway.submit("script/versioned.sh", base="v6"))["request"]
    shown = await gateway.show(stale, principal="bob", after=stale)
    assert (shown["request"]["newest_version"], shown["doubt"]) == ("v7", None)
    page = (await load(await gateway.signed_in("bob"), f"/requests/{stale}")).text
    assert 'id="stale"' in page
    assert "The newest version that Assent knows is v7" in page
    assert "From an older version" in (await load(alice, "/requests", find="versioned")).text


async def test_R26_older_base_is_refused_with_the_newest_version(gateway: Gateway) -> None:
    policy = {
        "id": "kiosks",
        "name": "Kiosks",
        "resource_type": "kiosk",
        "approvals": [{"quorum": 1, "groups": ["endpoint-admins"]}],
        "stale_base": "refuse",
    }
    await gateway.governed({"type": "assent.create-policy.v1", "policy": policy})
    await applied(gateway, "kiosk/lobby", "v2", base="v1")
    problem = refused(await gateway.try_to_submit("kiosk/lobby", base="v1"), 409, "stale-base")
    assert problem["current"] == "v2"
    await gateway.submit("kiosk/lobby", base="v2")
