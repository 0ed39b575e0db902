"""Approve what you saw, also while the tables are behind the ledger."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from assent.gateway import lag
from assent_contracts.client.follower import GovernanceFollower
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, accepted, gateway_of, migrated, refused
from tests.support.log import Log, deciding
from tests.support.readers import SPECS, reading


@pytest_asyncio.fixture(scope="module")
async def behind(running: Endpoints, log: Log, follower: GovernanceFollower) -> AsyncIterator[Gateway]:
    """A gateway whose tables are filled only while a test reads the status."""
    async with (
        migrated(running.dsn) as dsn,
        deciding(log, follower),
        reading(SPECS["audit"], log, dsn, "behind-audit"),
        gateway_of(log, follower, dsn) as gateway,
    ):
        yield gateway


@pytest.mark.parametrize("how", ["seen", "if-match"])
async def test_nobody_decides_on_what_they_saw_while_it_may_be_old(
    behind: Gateway, log: Log, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(lag, "_WAIT_S", 0.5)
    bob = await behind.signed_in("bob")
    async with reading(SPECS["status"], log, behind.dsn, f"behind-{how}"):
        request = (await behind.submit(f"script/{how}.sh"))["request"]
        place = f"/api/v1/requests/{request}"
        answer = await bob.get(place, headers={"assent-after": request})
        seen = accepted(answer)["request"]
    approved = accepted(await behind.act(request, "approve", "carol", digest=seen["digest"]))
    sent = {
        "json": {"seen": seen["last_seq"]} if how == "seen" else {},
        "headers": {"if-match": answer.headers["etag"]} if how == "if-match" else {},
    }
    # The row is as old as what bob saw: that they are the same says nothing.
    late = await bob.post(f"{place}/reject", **sent)
    refused(late, 503, "lagging")
    assert late.headers["retry-after"]
    async with reading(SPECS["status"], log, behind.dsn, f"behind-{how}"):
        await behind.show(request, after=approved["position"])
        refused(await bob.post(f"{place}/reject", **sent), 412, "changed-since")
