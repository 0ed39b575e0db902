"""Approving what was seen, also while the tables are behind the ledger."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from assent.gateway import table_lag
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import new_command_id
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, accepted, gateway_of, migrated, refused
from tests.support.log import Log, deciding
from tests.support.readers import SPECS, reading
from tests.support.streams import streaming


@pytest_asyncio.fixture(scope="module")
async def behind(running: Endpoints, log: Log, follower: GovernanceFollower) -> AsyncIterator[Gateway]:
    """A gateway whose tables are filled only while a test runs the status reader."""
    async with (
        migrated(running.dsn) as dsn,
        deciding(log, follower),
        reading(SPECS["audit"], log, dsn, "behind-audit"),
        gateway_of(log, follower, dsn) as gateway,
    ):
        yield gateway


@pytest.mark.parametrize("how", ["seen", "if-match"])
async def test_nobody_decides_on_a_view_that_may_be_outdated(
    behind: Gateway, log: Log, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    bob = await behind.signed_in("bob")
    async with reading(SPECS["status"], log, behind.dsn, f"behind-{how}"):
        request = (await behind.submit(f"script/{how}.sh"))["request"]
        place = f"/api/v1/requests/{request}"
        answer = await bob.get(place, headers={"assent-after": request})
        seen = accepted(answer)["request"]
    approved = accepted(await behind.act(request, "approve", "carol", submission=seen["submission"]))
    sent = {
        "json": {
            "submission": seen["submission"],
            **({"seen": seen["last_seq"]} if how == "seen" else {}),
        },
        "headers": {"if-match": answer.headers["etag"]} if how == "if-match" else {},
    }
    # The row is as old as what bob saw: that the two are equal proves nothing.
    with monkeypatch.context() as impatient:
        impatient.setattr(table_lag, "_WAIT_S", 0.3)
        late = await bob.post(f"{place}/reject", **sent)
    refused(late, 503, "lagging")
    assert late.headers["retry-after"]
    async with reading(SPECS["status"], log, behind.dsn, f"behind-{how}"):
        await behind.show(request, after=approved["position"])
        refused(await bob.post(f"{place}/reject", **sent), 409, "not-pending")


async def _moved_to(dsn: str, position: str) -> None:
    """The status tables are at this position of its partition, and nowhere else further than before."""
    partition, seq = map(int, position.split("-"))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "update positions set seq = $2 where reader = 'status' and ledger = 'assent.ledger'"
            " and partition = $1",
            partition,
            seq,
        )
    finally:
        await connection.close()


async def test_partition_that_the_tables_cannot_follow_does_not_delay_the_events_of_others(
    behind: Gateway, log: Log
) -> None:
    """Runs last: it leaves positions behind that no reader continues from."""
    asked: dict[str, str] = {}
    async with reading(SPECS["status"], log, behind.dsn, "behind-live"):
        while len(asked) < 2:
            request = (await behind.submit(f"script/live-{len(asked)}-{new_command_id()}.sh"))["request"]
            asked[request.partition("-")[0]] = request
            await behind.show(request, after=request)
    stuck, flowing = asked.values()
    seen = {each: (await behind.show(each))["request"]["submission"] for each in (stuck, flowing)}
    async with streaming(await behind.signed_in("alice")) as stream:
        late = accepted(await behind.act(stuck, "approve", "bob", submission=seen[stuck]))["position"]
        told = accepted(await behind.act(flowing, "approve", "bob", submission=seen[flowing]))["position"]
        await _moved_to(behind.dsn, told)
        assert (await stream.about(flowing)).id == told
        await _moved_to(behind.dsn, late)
        assert (await stream.about(stuck)).id == late
