"""Records that an attacker puts on a ledger: every reader drops them, and the decider continues."""

import pytest

from assent.verify.running_log import verify_governance, verify_requests
from assent_contracts.acceptance import Acceptance, Accepted
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.publisher import new_command_id
from assent_contracts.governance_changes import RegisterPrincipal
from assent_contracts.governance_objects import Account
from assent_contracts.topics import GOVERNANCE, LEDGER
from assent_contracts.writer_registry import WriterRegistry
from tests.support.forged_records import FORGERIES, Place
from tests.support.governor import governing
from tests.support.invalid_commands import good_goes_on
from tests.support.log import PARTITIONS, Actor, Log, deciding, following, read_ledger
from tests.support.recount import read_topic, recount
from tests.support.stack import until

HERE = 1


async def quarantined(log: Log, follower: GovernanceFollower) -> int:
    tallies = await verify_requests(
        log.connection, follower, PARTITIONS, verify_signature, lambda _read, _all: None
    )
    return tallies[HERE].quarantined


async def accepted_governance(log: Log) -> list[Accepted]:
    writers = WriterRegistry()
    acceptance = Acceptance("governance", 0, identity=log.identity, writers=writers, verify=verify_signature)
    accepted: list[Accepted] = []
    async with following(log) as follower:
        for seq, events in enumerate(follower.history):
            writers.apply(seq, events)
    for record in (await read_topic(log.connection, GOVERNANCE, 1))[0]:
        accepted += acceptance.offer(record.offset, record.value, record.headers)
    return accepted


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_forged_record_is_quarantined_and_the_decider_continues(
    actor: Actor, log: Log, follower: GovernanceFollower, forgery: str
) -> None:
    await good_goes_on(actor, HERE)
    before = await quarantined(log, follower)
    place = Place(log, LEDGER, HERE, (await read_ledger(log, follower))[HERE])
    offset = await place.put(FORGERIES[forgery](place))
    await good_goes_on(actor, HERE)
    ledger = (await recount(log, follower)).ledger[HERE]
    assert offset not in {each.offset for each in ledger}
    assert await quarantined(log, follower) == before + 1


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_forged_governance_is_quarantined_by_every_reader(
    actor: Actor, log: Log, follower: GovernanceFollower, forgery: str
) -> None:
    known, before = len(follower.history), follower.quarantined
    place = Place(log, GOVERNANCE, 0, await accepted_governance(log))
    record = FORGERIES[forgery](place)
    await place.put(record, record)
    await follower.catch_up()
    # A record that chains and has no seal is held until another arrives. So there are two; one is dropped.
    assert follower.quarantined > before
    assert len(follower.history) == known
    async with following(log) as fresh:
        assert len(fresh.history) == known
    await good_goes_on(actor, HERE)
    async with governing(log, follower) as governor:
        account = Account(id=f"service-{new_command_id()}", kind="service")
        decided = await governor.change(RegisterPrincipal(account=account))
    assert decided.refusal is None, decided.refusal
    assert len(follower.history) == known + 1


async def test_run_of_forged_records_before_the_writer_s_own_is_dropped_as_a_whole(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    before = await quarantined(log, follower)
    place = Place(log, LEDGER, HERE, (await read_ledger(log, follower))[HERE])
    await place.put(*(forge(place) for forge in FORGERIES.values()))
    await place.put(*(forge(place) for forge in FORGERIES.values()))
    await good_goes_on(actor, HERE)
    assert await quarantined(log, follower) == before + 2 * len(FORGERIES)


async def test_decider_that_takes_over_after_forgeries_decides_every_command_once(
    log: Log, follower: GovernanceFollower
) -> None:
    place = Place(log, LEDGER, HERE, (await read_ledger(log, follower))[HERE])
    await place.put(*(forge(place) for forge in FORGERIES.values()))
    async with deciding(log, follower):

        async def all_decided() -> bool:
            try:
                await recount(log, follower)
            except AssertionError:
                return False
            return True

        await until(all_decided)
    governance = await verify_governance(log.connection, log.identity, verify_signature)
    assert governance.tally.records == len(follower.history)
