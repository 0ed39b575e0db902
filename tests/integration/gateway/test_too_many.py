"""A sender over their rate is told when to retry; then the command is accepted. R10 holds for others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import UNSET

from assent.decider.wall_clock_watch import MachineClock
from assent.infra_files import infra_path
from assent.observe.machine_clocks import Reading, read_clock
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import now_ms
from assent_contracts.ledger import OmittedCommand, decode_recorded_command, decode_refusal
from assent_contracts.limits import RATE_WINDOW_MS
from assent_contracts.refusals import RefusalCode
from tests.support.containers import Endpoints
from tests.support.gateway import Gateway, accepted, gateway_of, migrated, projecting, refused
from tests.support.governor import assert_verified
from tests.support.log import Log, deciding, fresh_log, read_ledger

RATE = 3
OBJECT = "script/too-many.sh"
BODY = {"resource": OBJECT, "operation": "edit", "justification": "It is needed.", "payload": "x"}


class Hands:
    """This machine's clocks; the wall clock can be turned, so that no test has to wait a minute."""

    ahead = 0

    def __call__(self) -> Reading:
        now = read_clock()
        return Reading(wall=now.wall + self.ahead, steady=now.steady)


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A log with a low rate per sender."""
    folder: Path = tmp_path_factory.mktemp("keys")
    demo = infra_path("demo/governance.toml").read_text()
    assert "commands_per_minute = 60000" in demo
    file = folder / "governance.toml"
    file.write_text(demo.replace("commands_per_minute = 60000", f"commands_per_minute = {RATE}"))
    return await fresh_log(running.bootstrap, folder, governance=file)


@pytest_asyncio.fixture(scope="module")
async def hands() -> Hands:
    return Hands()


@pytest_asyncio.fixture(scope="module")
async def gateway(
    running: Endpoints, log: Log, follower: GovernanceFollower, hands: Hands
) -> AsyncIterator[Gateway]:
    """Where the broker's clock is this machine's: then log time follows the test's clock."""
    async with (
        migrated(running.dsn) as made,
        deciding(log, follower, machine=MachineClock(hands, log.folder / "clock.json")),
        projecting(log, made),
        gateway_of(log, follower, made) as started,
    ):
        yield started


async def test_command_over_the_rate_is_429_with_retry_after_and_is_accepted_after_it(
    gateway: Gateway, log: Log, follower: GovernanceFollower, hands: Hands
) -> None:
    accepted(await gateway.try_to_submit(OBJECT), 201)
    alice = await gateway.signed_in("alice")
    # A minute may end in the meantime, and the count with it.
    for number in range(3 * RATE):
        headers = {"idempotency-key": f"try-{number}"}
        answer = await alice.post("/api/v1/requests", json=BODY, headers=headers)
        if answer.status_code != 409:
            break
    problem = refused(answer, 429, "too-many-commands")
    assert 1 <= int(answer.headers["retry-after"]) <= RATE_WINDOW_MS // 1_000
    assert problem["again_at"] % RATE_WINDOW_MS == 0
    assert 0 < problem["again_at"] - now_ms() <= RATE_WINDOW_MS
    assert "Send it again from 20" in problem["detail"]
    # Other accounts have their own rates.
    refused(await gateway.try_to_submit(OBJECT, principal="bob"), 409, "resource-locked")

    hands.ahead = 10 * RATE_WINDOW_MS
    refused(await alice.post("/api/v1/requests", json=BODY, headers=headers), 409, "resource-locked")

    [ledger] = [each for each in (await read_ledger(log, follower)).values() if each]
    for accepted_record in ledger:
        refusal = decode_refusal(accepted_record.record)
        kept = decode_recorded_command(accepted_record.record)
        over = refusal is not None and refusal.code is RefusalCode.TOO_MANY_COMMANDS
        assert isinstance(kept, OmittedCommand) == over
    last = ledger[-1].record
    assert last.received is not UNSET
    assert last.received >= problem["again_at"]
    await assert_verified(log, follower)
