"""A log restored under a gateway: it publishes nothing to a ledger that ends before what it knows."""

import asyncio
from pathlib import Path

import pytest

from assent.local.stack import Stack
from assent.reading.lost_parts import LOST_HEADER, places_in
from assent_contracts.partitioner import partition_for
from assent_contracts.topics import LEDGER
from tests.support.backups import copy_kafka, restore_kafka
from tests.support.cli import Cli
from tests.support.gateway import Gateway, accepted, everything, gateway_of, refused
from tests.support.log import PARTITIONS, following, fresh_log
from tests.support.stack import until

pytestmark = [pytest.mark.timeout(240), pytest.mark.long]
BANNER = "The pages may show records that the log no longer has"


async def test_gateway_publishes_nothing_to_a_ledger_that_ends_before_what_it_knows(
    stack: Stack, tmp_path: Path
) -> None:
    log = await fresh_log(stack.bootstrap, tmp_path / "keys")
    async with following(log) as follower, everything(log, follower, stack.dsn) as gateway:
        await gateway.submit("script/before.ps1")
        old = await copy_kafka(stack, tmp_path / "old")

        async def takes_it() -> bool:
            return (await gateway.try_to_submit("script/after.ps1")).status_code == 201

        await until(takes_it)
        row = accepted(await (await gateway.signed_in("alice")).get("/api/v1/requests"))
        assert row
        new = await copy_kafka(stack, tmp_path / "new")
        await restore_kafka(stack, old)

        async def says_so() -> bool:
            answer = await gateway.try_to_submit("script/after.ps1")
            return answer.status_code == 503 and answer.json()["code"] == "log-incomplete"

        await until(says_so)
        problem = refused(await gateway.try_to_submit("script/after.ps1"), 503, "log-incomplete")
        assert "ends at offset" in problem["detail"]

        async def is_not_ready() -> bool:
            ready = await (await gateway.anonymous()).get("/readyz")
            return any(name.startswith("ledger-") for name in ready.json().get("missing", ()))

        await until(is_not_ready)
        request = await assert_lost_rows_are_told(gateway)
        await assert_commands_tell_of_lost_rows(gateway, request)
        # A gateway that starts now knows it from Postgres.
        async with gateway_of(log, follower, gateway.dsn) as another:
            refused(await another.try_to_submit("script/after.ps1"), 503, "log-incomplete")
            page = await (await another.signed_in("bob")).get("/health")
            assert "ends at offset" in page.text
            assert "has more than the log" in page.text
            await assert_lost_rows_are_told(another)
        await restore_kafka(stack, new)

        async def goes_on() -> bool:
            return (await gateway.try_to_submit("script/later.ps1")).status_code == 201

        await until(goes_on, timeout_s=60)
        bob = await gateway.signed_in("bob")

        async def is_whole() -> bool:
            return LOST_HEADER not in (await bob.get("/api/v1/requests")).headers

        await until(is_whole)
        assert BANNER not in (await bob.get("/policies")).text


async def assert_lost_rows_are_told(gateway: Gateway) -> str:
    """Rows of lost records are still shown, but always with a warning. Returns the id of one."""
    bob = await gateway.signed_in("bob")
    answer = await bob.get("/api/v1/requests", params={"view": "received"})
    assert "script/after.ps1" in {row["resource"] for row in accepted(answer)["requests"]}
    place = f"{LEDGER}/{partition_for(b'script/after.ps1', PARTITIONS)}"
    assert place in places_in(answer.headers[LOST_HEADER])
    request = next(row["id"] for row in answer.json()["requests"] if row["resource"] == "script/after.ps1")
    for path in (f"/api/v1/requests/{request}", "/api/v1/requests/9-9", "/api/v1/me"):
        assert f"{place};kind=cut;known=" in (await bob.get(path)).headers[LOST_HEADER]
    for path in ("/received", f"/requests/{request}", "/policies", "/health", "/settings"):
        page = (await bob.get(path)).text
        assert BANNER in page
        assert place in page
        assert "Up to date with the log" not in page
    return request


async def assert_commands_tell_of_lost_rows(gateway: Gateway, request: str) -> None:
    """From the log and its tables, and through the gateway: each as one line next to the output."""
    log = gateway.log
    of_the_log = {"ASSENT_KAFKA": log.connection.bootstrap, "ASSENT_POSTGRES": gateway.dsn}
    of_the_gateway = {"ASSENT_SERVER": gateway.url, "ASSENT_KEY": str(log.folder / "bob.key")}
    for way in (of_the_log, of_the_gateway):
        cli = Cli(log.folder / "none", way | {"ASSENT_IDENTITY": log.identity})
        listed = await asyncio.to_thread(cli, "requests", "--json")
        assert "script/after.ps1" in {row["resource"] for row in listed.json}
        # The submission can no longer be proven, and that is reported too.
        for answer in (listed, await asyncio.to_thread(cli, "show", request)):
            assert answer.err.count(f"Part of the log is lost ({LEDGER}/") == 1, answer
