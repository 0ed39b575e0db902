"""Searching the audit log by part of a name, and what of it is exported."""

import re

import msgspec
import pytest
import pytest_asyncio

from tests.support.console import ConsolePage, load
from tests.support.gateway import Gateway
from tests.support.stack import until


@pytest_asyncio.fixture(scope="module")
async def sought(gateway: Gateway) -> tuple[str, str]:
    """Alice's request for script/Sought-After.sh, which bob has approved, and one of bob's."""
    asked = (await gateway.submit("script/Sought-After.sh"))["request"]
    await gateway.approve(asked, "bob", note="Found.")
    other = (await gateway.submit("script/other.sh", principal="bob"))["request"]
    dave = await gateway.signed_in("dave")

    async def is_whole() -> bool:
        found = (await dave.get("/api/v1/audit", params={"principal": "bob"})).json()["entries"]
        return len([each for each in found if each["request"] in (asked, other)]) == 2

    await until(is_whole)
    return asked, other


async def search(gateway: Gateway, **asked: str) -> ConsolePage:
    return await load(await gateway.signed_in("dave"), "/audit", **asked)


def requests(page: ConsolePage) -> set[str]:
    return set(re.findall(r'<td data-label="Request"><a href="/requests/([^"]+)"', page.text))


@pytest.mark.parametrize("who", ["bob", "Bob Ortega", "ORTEGA", "bob ort"])
async def test_R16_audit_log_is_searched_by_name_or_account(
    gateway: Gateway, sought: tuple[str, str], who: str
) -> None:
    page = await search(gateway, who=who)
    assert requests(page) == set(sought)
    assert "Alice Miller" not in page.text.split("<tbody>")[1].split("</tbody>")[0]
    assert page.value("who") == who


async def test_R16_audit_log_is_searched_and_exported_by_part_of_an_object(
    gateway: Gateway, sought: tuple[str, str]
) -> None:
    page = await search(gateway, resource="sought", who="o")
    assert requests(page) == {sought[0]}
    dave = await gateway.signed_in("dave")
    lines = [msgspec.json.decode(each) for each in (await dave.get(page.link("Export"))).text.splitlines()]
    assert {each["resource"] for each in lines[:-1]} == {"script/Sought-After.sh"}
    assert {each["principal"] for each in lines[:-1]} == {"bob"}
    assert lines[-1]["end"] is True


async def test_R16_export_of_search_results_is_for_auditors(gateway: Gateway) -> None:
    page = await load(await gateway.signed_in("erin"), "/audit/export", resource="x")
    assert (page.status, page.code) == (403, "not-permitted")


async def test_account_unknown_to_governance_is_searched_as_typed(gateway: Gateway) -> None:
    assert "No record matches" in (await search(gateway, who="nobody-at-all")).text


async def test_search_suggests_accounts_by_name(gateway: Gateway) -> None:
    assert '<option value="bob">Bob Ortega</option>' in (await search(gateway)).text
