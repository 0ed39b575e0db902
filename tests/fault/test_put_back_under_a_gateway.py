"""A log that was put back under a gateway: it publishes nothing to what ends before what it knows."""

from pathlib import Path

import pytest

from assent.local.stack import Stack
from tests.support.backups import copy_kafka, put_kafka_back
from tests.support.gateway import accepted, everything, gateway_of, refused
from tests.support.log import following, fresh_log
from tests.support.stack import until

pytestmark = pytest.mark.timeout(240)


async def test_a_gateway_publishes_nothing_to_a_ledger_that_ends_before_what_it_knows(
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
        await put_kafka_back(stack, old)

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
        # One that starts now knows it from Postgres.
        async with gateway_of(log, follower, gateway.dsn) as another:
            refused(await another.try_to_submit("script/after.ps1"), 503, "log-incomplete")
            page = await (await another.signed_in("bob")).get("/health")
            assert "ends at offset" in page.text
            assert "holds more than the log" in page.text
        await put_kafka_back(stack, new)

        async def goes_on() -> bool:
            return (await gateway.try_to_submit("script/later.ps1")).status_code == 201

        await until(goes_on, timeout_s=60)
