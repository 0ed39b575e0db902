"""The lists of the console: their order, what a search finds in them, and the pages after the first."""

import re

import pytest
import pytest_asyncio

from assent.gateway.console import request_lists
from tests.support.console import ConsolePage, load
from tests.support.gateway import Gateway


@pytest_asyncio.fixture(scope="module")
async def queue(gateway: Gateway) -> list[str]:
    """The ids of three waiting scripts, the oldest first, and of a rejected one."""
    made = [
        (await gateway.submit(f"script/queue-{name}.sh", justification=f"For {name}."))["request"]
        for name in ("first", "second", "third", "gone")
    ]
    await gateway.show(made[3], after=made[3])
    await gateway.act(made[3], "reject", "carol", note="No.")
    return made


async def listed(gateway: Gateway, path: str, who: str = "bob", **asked: str) -> ConsolePage:
    return await load(await gateway.signed_in(who), path, **asked)


def ids(page: ConsolePage) -> list[str]:
    assert page.status == 200, page.text
    return re.findall(r'data-request="([^"]+)"', page.text)


async def test_R7_oldest_waiting_request_is_first_and_ended_ones_are_last(
    gateway: Gateway, queue: list[str]
) -> None:
    assert ids(await listed(gateway, "/received")) == queue
    assert ids(await listed(gateway, "/received", order="newest")) == [*reversed(queue[:3]), queue[3]]
    assert ids(await listed(gateway, "/requests", "alice")) == [*reversed(queue[:3]), queue[3]]
    assert ids(await listed(gateway, "/requests", "alice", order="oldest")) == queue


async def test_rows_name_their_requests(gateway: Gateway, queue: list[str]) -> None:
    assert f"Request {queue[0]}" in (await listed(gateway, "/received")).text


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("QUEUE-SEC", [1]),
        ("for third", [2]),
        ("alice mil", [0, 1, 2, 3]),
        ("bob", []),
        ("%", []),
        ("edit", [0, 1, 2, 3]),
    ],
)
async def test_search_finds_by_part_of_object_reason_or_person(
    gateway: Gateway, queue: list[str], asked: str, found: list[int]
) -> None:
    page = await listed(gateway, "/received", find=asked)
    assert ids(page) == [queue[each] for each in found]
    assert page.value("find") == asked


async def test_search_finds_by_id_and_within_open_requests(gateway: Gateway, queue: list[str]) -> None:
    assert ids(await listed(gateway, "/received", find=queue[1])) == [queue[1]]
    assert ids(await listed(gateway, "/received", find="queue-gone", show="open")) == []
    assert ids(await listed(gateway, "/received", find="queue-gone", show="ended")) == [queue[3]]


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_pages_contain_everything_once_and_keep_the_search(
    gateway: Gateway, queue: list[str], order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_lists, "_LIMIT", 1)
    page = await listed(gateway, "/received", find="queue", order=order)
    found = ids(page)
    for _ in range(len(queue) - 1):
        page = await listed(gateway, page.link("Next page"))
        found += ids(page)
    assert found == ([*queue] if order == "oldest" else [*reversed(queue[:3]), queue[3]])
    assert "Next page" not in page.text
    assert page.link("Back to the first page") == f"/received?find=queue&order={order}"
