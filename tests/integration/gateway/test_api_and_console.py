"""The API and the console refuse the same actions to the same people.

Gitea CVE-2026-20888: a user who could read a pull request could cancel another's scheduled merge in the web
interface, which lacked the check that the API had. Here each action is tried through both interfaces, on a
request on which it would succeed. The rightful actor proves that right after.
"""

import itertools
from typing import Any

import httpx
import pytest

from tests.support.gateway import Gateway, accepted, refused
from tests.support.stack import until

_numbers = itertools.count()
FORBIDDEN = {
    # R4, R9: dave sees everything and decides on nothing; alice and her other account made the request.
    "approve": ("bob", ("dave", "alice", "alice-admin")),
    "reject": ("bob", ("dave", "alice", "alice-admin")),
    # R11, R12: bob and carol may approve it, and dave may see it. Only alice may cancel and complete it.
    "cancel": ("alice", ("bob", "carol", "dave")),
    "complete": ("alice", ("bob", "carol", "dave")),
    # Only bob may take back his approval.
    "revoke": ("bob", ("carol", "dave", "alice")),
}
"""Action -> who may do it here, and who sees the request but may not."""
REASONS = {"own-request", "not-an-approver", "not-requester", "not-approved", "not-permitted"}
DOORS = ("api", "console")


async def standing_for(gateway: Gateway, action: str) -> dict[str, Any]:
    """A request for a script on which the action is possible, as it is shown."""
    request = (await gateway.submit(f"script/door-{action}-{next(_numbers)}.sh"))["request"]
    position = request
    if action in ("complete", "revoke"):
        position = (await gateway.approve(request))["position"]
    return (await gateway.show(request, after=position))["request"]


async def act(door: str, client: httpx.AsyncClient, action: str, shown: dict[str, Any]) -> httpx.Response:
    """Act through one of the two interfaces, with all the fields that it requires."""
    named = {"submission": shown["submission"]} if action in ("approve", "reject", "complete") else {}
    if door == "api":
        return await client.post(f"/api/v1/requests/{shown['id']}/{action}", json=named)
    form = {"csrf": client.headers["x-csrf-token"], "seen": str(shown["last_seq"]), **named}
    form["note"] = "It is not needed." if action == "reject" else ""
    headers = {"accept": "text/html"}
    return await client.post(f"/requests/{shown['id']}/{action}", data=form, headers=headers)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("action", sorted(FORBIDDEN))
async def test_R4_R9_R11_R12_permission_to_see_a_request_is_not_permission_to_act_on_it(
    gateway: Gateway, action: str, door: str
) -> None:
    rightful, others = FORBIDDEN[action]
    shown = await standing_for(gateway, action)
    for name in others:
        client = await gateway.signed_in(name)
        assert (await client.get(f"/api/v1/requests/{shown['id']}")).status_code == 200, "may look"
        # Another account was refused before, which made its version newer by one record.
        now = (await gateway.show(shown["id"]))["request"]
        answer = await act(door, client, action, now)
        assert answer.status_code in (403, 409), (name, answer.text[:2_000])
        if door == "api":
            assert answer.json()["code"] in REASONS, (name, answer.text)
        after = await _refused_on_record(gateway, shown["id"], name)
        assert after["request"]["status"] == shown["status"], name
        assert after["request"]["approvals"] == shown["approvals"], name
        assert after["request"]["progress"] is None, name
    now = (await gateway.show(shown["id"]))["request"]
    answer = await act(door, await gateway.signed_in(rightful), action, now)
    assert answer.status_code == (200 if door == "api" else 303), answer.text[:2_000]


async def _refused_on_record(gateway: Gateway, request: str, principal: str) -> dict[str, Any]:
    """The request with the refusal in its timeline; no refused action is still pending."""
    found: dict[str, Any] = {}

    async def there() -> bool:
        found.update(await gateway.show(request))
        return any(each["principal"] == principal and each["refusal"] for each in found["timeline"])

    await until(there)
    return found


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["dave", "erin", "alice"])
async def test_R3_permission_to_read_a_policy_is_not_permission_to_change_it(
    gateway: Gateway, door: str, name: str
) -> None:
    client = await gateway.signed_in(name)
    policy = accepted(await client.get("/api/v1/policies/scripts"))
    if door == "api":
        change = {"type": "assent.delete-policy.v1", "policy": "scripts", "version": policy["version"]}
        body = {"change": change, "justification": "No more."}
        refused(await client.post("/api/v1/governance/changes", json=body), 403, "not-permitted")
    else:
        form = {
            "csrf": client.headers["x-csrf-token"],
            "version": str(policy["version"]),
            "justification": "No more.",
            "step": "send",
        }
        answer = await client.post("/policies/delete?id=scripts", data=form, headers={"accept": "text/html"})
        assert answer.status_code == 403, answer.text[:2_000]
    mine = accepted(await client.get("/api/v1/requests", params={"resource": "access-policy/scripts"}))
    assert mine["requests"] == []
