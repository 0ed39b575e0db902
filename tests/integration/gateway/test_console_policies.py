"""The forms of access policies: who gets them, and what they say before anything is sent."""

from typing import Any

import pytest

from tests.support.console import ConsolePage, load, post
from tests.support.gateway import Gateway


@pytest.mark.parametrize(
    "path", ["/policies/new", "/policies/edit?id=scripts", "/policies/delete?id=scripts"]
)
async def test_R3_person_who_is_not_an_administrator_is_told_before_filling_in_a_form(
    gateway: Gateway, path: str
) -> None:
    page = await load(await gateway.signed_in("alice"), path)
    assert (page.status, page.code) == (403, "not-permitted")
    assert "Only administrators can propose a change to an access policy." in page.text
    assert (await load(await gateway.signed_in("bob"), path)).status == 200


async def looked(gateway: Gateway, **fields: Any) -> ConsolePage:
    bob = await gateway.signed_in("bob")
    form = await load(bob, "/policies/new")
    usual = {"csrf": form.value("csrf"), "key": form.value("key"), "quorum-0": "1", "step": "look"}
    return ConsolePage(await post(bob, "/policies/new", {**usual, **fields}))


async def test_R2_policy_without_a_group_is_returned_with_a_request_for_one(gateway: Gateway) -> None:
    page = await looked(gateway, name="Nobody", resource_type="lonely")
    assert page.status == 400
    assert "Choose at least one group of approvers." in page.text
    assert "What will happen" not in page.text


async def test_R10_pending_change_of_a_policy_is_shown_before_another_is_written(gateway: Gateway) -> None:
    bob, carol = await gateway.signed_in("bob"), await gateway.signed_in("carol")
    assert 'id="pending"' not in (await load(carol, "/policies/edit", id="apps")).text
    gone = await load(bob, "/policies/delete", id="apps")
    fields = {**{each: gone.value(each) for each in ("csrf", "key", "version")}, "justification": "Unused."}
    sent = await post(bob, "/policies/delete?id=apps", fields)
    assert sent.status_code == 303, sent.text
    request = sent.headers["location"].removesuffix("#done")
    for path in ("/policies/edit", "/policies/delete"):
        page = await load(carol, path, id="apps")
        assert "A change to this policy is already waiting" in page.text
        assert "from Bob Ortega" in page.text
        assert page.link("Open request") == request
    assert 'id="pending"' not in (await load(carol, "/policies/edit", id="scripts")).text


async def test_settings_have_their_units(gateway: Gateway) -> None:
    page = await load(await gateway.signed_in("alice"), "/settings")
    assert "<dd>20%</dd>" in page.text
