"""Policies, groups, roles, accounts and settings over HTTP: what they contain, and how they are changed."""

from typing import Any

import httpx
import pytest

from tests.support.gateway import Gateway, accepted, refused
from tests.support.stack import until

_POLICY = {
    "id": "reports",
    "name": "Reports",
    "resource_type": "report",
    "approvals": [{"quorum": 1, "groups": ["security"]}],
}
_CREATE = {"type": "assent.create-policy.v1", "policy": _POLICY}


async def change(
    gateway: Gateway, change: dict[str, Any], *, principal: str = "alice-admin", **fields: Any
) -> httpx.Response:
    client = await gateway.signed_in(principal)
    return await client.post("/api/v1/governance/changes", json={"change": change, **fields})


async def read(gateway: Gateway, path: str, *, principal: str = "erin", **headers: str) -> dict[str, Any]:
    client = await gateway.signed_in(principal)
    return accepted(await client.get(f"/api/v1/{path}", headers=headers))


def group(name: str, *members: str, **more: Any) -> dict[str, Any]:
    return {"type": "assent.define-group.v1", "group": {"id": name, "members": members}, **more}


async def test_R2_policy_shows_what_it_requires_and_who_could_meet_it(gateway: Gateway) -> None:
    listed = await read(gateway, "policies")
    assert [each["policy"]["id"] for each in listed["policies"]] == ["apps", "scripts"]
    assert listed["next"] is None
    shown = await read(gateway, "policies/apps")
    assert shown["sentence"].startswith("2 of Security team (security, 4 people) must approve")
    [rule] = shown["rules"]
    assert [each["principal"] for each in rule["could_approve"]] == ["bob", "carol", "dave", "erin"]
    assert rule["people"] == 4


async def test_R9_two_accounts_of_one_person_count_once(gateway: Gateway) -> None:
    [rule] = (await read(gateway, "policies/scripts"))["rules"]
    assert len(rule["could_approve"]) == 4
    assert rule["people"] == 3


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("policies", "apps", "scripts"),
        ("groups", "endpoint-admins", "security"),
        ("principals", "alice", "alice-admin"),
    ],
)
async def test_lists_are_paged(gateway: Gateway, path: str, first: str, second: str) -> None:
    one = await read(gateway, f"{path}?limit=1")
    two = await read(gateway, f"{path}?limit=1&cursor={one['next']}")
    names = [(each.get("policy") or each.get("account") or each)["id"] for each in one[path] + two[path]]
    assert names == [first, second]
    assert (await read(gateway, f"{path}?cursor=zzz"))[path] == []


@pytest.mark.parametrize("path", ["policies", "groups", "roles", "principals"])
async def test_object_unknown_to_governance_is_not_found(gateway: Gateway, path: str) -> None:
    client = await gateway.signed_in("alice")
    for name in ("nothing", "no/thing", "%00", "é", "x" * 128):
        refused(await client.get(f"/api/v1/{path}/{name}"), 404, "not-found")


async def test_account_is_shown_with_groups_roles_and_keys(gateway: Gateway) -> None:
    shown = await read(gateway, "principals/bob")
    assert shown["groups"] == ["endpoint-admins", "security"]
    assert shown["roles"] == ["administrator", "approver", "requester"]
    assert [key["revoked"] for key in shown["keys"]] == [False]
    roles = (await read(gateway, "roles"))["roles"]
    [auditor] = [each for each in roles if each["assignment"]["role"] == "auditor"]
    assert auditor["sentence"] == "auditor for every type: dave."
    assert await read(gateway, f"roles/{auditor['assignment']['id']}") == auditor


async def test_settings_are_shown_in_words_too(gateway: Gateway) -> None:
    assert (await read(gateway, "settings"))["words"]["expiry_ms"] == "30 days"


async def test_me_shows_who_is_asking(gateway: Gateway) -> None:
    me = await read(gateway, "me", principal="alice-admin")
    assert (me["principal"], me["person"], me["how"]) == ("alice-admin", "alice.miller", "session")
    assert me["roles"] == ["administrator", "approver", "requester"]


async def test_change_that_one_administrator_may_make_alone_takes_effect_at_once(gateway: Gateway) -> None:
    done = accepted(await change(gateway, group("cleaners", "erin")))
    assert (done["request"], done["why_approval"]) == (None, None)
    shown = await read(gateway, "groups/cleaners", **{"assent-after": done["position"]})
    assert shown["group"]["members"] == ["erin"]
    assert done["position"] == f"governance-{shown['version']}"
    refused(await change(gateway, group("cleaners", "bob", version=1)), 412, "outdated")


async def test_group_whose_id_has_a_slash_is_shown(gateway: Gateway) -> None:
    accepted(await change(gateway, group("cloud/eu/owners", "erin")))
    assert (await read(gateway, "groups/cloud/eu/owners"))["group"]["members"] == ["erin"]
    assert (await read(gateway, "groups/cloud%2Feu%2Fowners"))["group"]["members"] == ["erin"]


async def test_R3_change_of_a_policy_becomes_a_request_that_a_second_administrator_approves(
    gateway: Gateway,
) -> None:
    answer = await change(gateway, _CREATE, justification="Reports must be checked.")
    done = accepted(answer, 201)
    request = done["request"]
    assert answer.headers["location"] == f"/api/v1/requests/{request}"
    assert done["why_approval"] == "it changes a policy"
    shown = await gateway.show(request, principal="bob", after=request)
    assert shown["request"]["resource"] == "access-policy/reports"
    assert "Create policy reports" in shown["change"]["sentence"]
    await gateway.approve(request, "bob")
    await gateway.complete(request, "alice-admin")

    async def is_there() -> bool:
        client = await gateway.signed_in("erin")
        return (await client.get("/api/v1/policies/reports")).status_code == 200

    await until(is_there)
    refused(await change(gateway, _CREATE, justification="Again."), 409, "id-taken")


async def test_R6_change_that_needs_approval_needs_a_justification(gateway: Gateway) -> None:
    wanted = {**_CREATE, "policy": {**_POLICY, "id": "more", "resource_type": "more"}}
    refused(await change(gateway, wanted), 422, "justification-required")


async def test_R2_excluded_groups_are_refused_with_a_reason(gateway: Gateway) -> None:
    wanted = {**_CREATE, "policy": {**_POLICY, "id": "ex", "excluded_groups": ["security"]}}
    problem = refused(await change(gateway, wanted, justification="x"), 422, "policy-invalid")
    assert "xcluded" in problem["detail"]


async def test_R3_person_who_is_not_an_administrator_changes_nothing(gateway: Gateway) -> None:
    refused(await change(gateway, group("mine", "erin"), principal="erin"), 403, "not-permitted")
    refused(await change(gateway, _CREATE, principal="erin", justification="x"), 403, "not-permitted")


async def test_dry_run_reports_the_outcome_and_does_nothing(gateway: Gateway) -> None:
    wanted = {**_CREATE, "policy": {**_POLICY, "id": "dry", "resource_type": "dry"}}
    said = accepted(await change(gateway, wanted, dry_run=True))
    assert said["why_approval"] == "it changes a policy"
    assert said["approvers"]
    assert said["refusal"] is None
    said = accepted(await change(gateway, group("dry", "nobody-known"), dry_run=True))
    assert said["refusal"]["code"] == "unknown-object"
    client = await gateway.signed_in("erin")
    for path in ("policies/dry", "groups/dry"):
        refused(await client.get(f"/api/v1/{path}"), 404, "not-found")


async def test_key_registered_through_a_gateway_needs_a_second_administrator(gateway: Gateway) -> None:
    """Its holder has not signed for it. Otherwise the holder of a session could sign for ever after."""
    key = {"id": "new", "principal": "bob", "public_key": "A" * 43, "not_before": 0, "not_after": 1 << 50}
    wanted = {"type": "assent.register-key.v1", "key": key}
    said = accepted(await change(gateway, wanted, principal="bob", dry_run=True))
    assert "did not sign" in said["why_approval"]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"type": "assent.create-policy.v1"},
        {"type": "assent.nothing.v1"},
        {"type": "assent.define-group.v1", "group": {"id": "x", "members": [], "colour": "red"}},
        7,
        None,
    ],
)
async def test_invalid_change_is_malformed(gateway: Gateway, wanted: Any) -> None:
    refused(await change(gateway, wanted), 400, "malformed")


async def test_unknown_version_of_a_change_is_refused(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    answer = await client.post(
        "/api/v1/governance/changes", json={"change": {"type": "assent.create-policy.v99"}}
    )
    refused(answer, 400, "unknown-version")


@pytest.mark.parametrize("after", ["x", "1-1", "governance-", "governance--1", "governance-" + "9" * 19])
async def test_invalid_position_is_refused(gateway: Gateway, after: str) -> None:
    client = await gateway.signed_in("alice")
    refused(await client.get("/api/v1/policies", headers={"assent-after": after}), 400, "malformed")


async def test_position_that_is_never_reached_is_answered_in_time(gateway: Gateway) -> None:
    client = await gateway.signed_in("alice")
    answer = await client.get("/api/v1/policies", headers={"assent-after": "governance-999999"})
    refused(answer, 503, "lagging")
