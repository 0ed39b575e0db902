"""Every record of tests/hostile/records.jsonl on the real stack, each followed by a good one.

All are sent at once, and both ledgers are read once for all outcomes: the tests below only compare.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from assent.notify.news_intake import NewsIntake
from assent.notify.service import reader_of
from assent.store.set_queries import members_of_set
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.core.set_coordination import SetCoordination
from assent_contracts.governance_changes import RegisterPrincipal, RevokeKey
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.governance_objects import Account
from assent_contracts.ledger import (
    LedgerRecord,
    OmittedCommand,
    decode_events,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.partitioner import partition_for
from assent_contracts.set_members import SetMember
from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.hostile.__main__ import text
from tests.hostile.recipe import FILE, Hostile
from tests.hostile.replay import HERE, RECORDS, Outcome, Outcomes, Replay, Sent, named, of_topic
from tests.integration.bad_input.conftest import REVOKED
from tests.integration.readers.conftest import read_all
from tests.support.containers import Endpoints
from tests.support.governor import assert_verified, governing
from tests.support.handover import Folders
from tests.support.log import PARTITIONS, UPSTREAM, Actor, Log, read_ledger
from tests.support.readers import SPECS, caught_up, reading
from tests.support.recount import read_topic
from tests.support.stack import migrated_database


def _outcome(record: LedgerRecord | None) -> str:
    """The outcome of a command; more than its code if the record keeps what it must not."""
    if record is None:
        return "no decision"
    refusal = decode_refusal(record)
    if refusal is None:
        return "decided"
    assert isinstance(record.command, msgspec.Raw)
    command = json.loads(bytes(record.command))
    if len(refusal.detail) > 200:
        return f"{refusal.code}, in {len(refusal.detail)} characters"
    if refusal.code in ("bad-signature", "unknown-key") and set(command) != {"sha256", "size"}:
        return f"{refusal.code}, and its bytes are kept"
    return refusal.code


def _is_omitted(record: LedgerRecord) -> bool:
    return isinstance(decode_recorded_command(record), OmittedCommand)


def _looked_up(sent: Sent, decided: dict[tuple[int, int], LedgerRecord]) -> Outcomes:
    return {
        name: Outcome(_outcome(decided.get((where, at))), _outcome(decided.get((where, at + 1))))
        for name, (where, at) in sent.items()
    }


@pytest_asyncio.fixture(scope="module")
async def outcomes(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Outcomes]:
    """What happened to every record of the file."""
    governed: dict[tuple[int, int], LedgerRecord] = {}

    def hear(record: LedgerRecord, _events: tuple[GovernanceEvent, ...]) -> None:
        if isinstance(record.input, int):
            governed[0, record.input] = record

    follower.listeners.append(hear)
    async with governing(log, follower) as governor:
        replay = Replay(log, follower, actor, governor)
        revoked = await governor.change(RevokeKey(key=REVOKED.id))
        assert revoked.refusal is None
        found: Outcomes = {}
        sent, sent_governance = await asyncio.gather(replay.commands(), replay.governance_commands())
        for partition in range(PARTITIONS):
            name = next(n for n in replay._names if partition_for(n.encode(), PARTITIONS) == partition)
            await actor.opened(name)
        await governor.change(RegisterPrincipal(account=Account(id="last", kind="service")))
        before = await read_ledger(log, follower)
        replay.accepted = {LEDGER: before[HERE], GOVERNANCE: before[HERE]}
        for forged in await asyncio.gather(replay.forgeries(LEDGER), replay.forgeries(GOVERNANCE)):
            found |= forged
        found |= await replay.changes(Folders.of(tmp_path_factory.mktemp("applier")))
        topic_records = await read_topic(log.connection, LEDGER)
        keys = {(number, it.offset): it.key for number, records in topic_records.items() for it in records}
        ledgers = await read_ledger(log, follower)
        decided = {
            (partition, each.record.input): each.record
            for partition, ledger in ledgers.items()
            for each in ledger
            if isinstance(each.record.input, int)
        }
        # For input that is not a command of a known sender the key is not kept either.
        carried_over = [
            (partition, each.record.input)
            for partition, ledger in ledgers.items()
            for each in ledger
            if _is_omitted(each.record) and keys[partition, each.offset] is not None
        ]
        assert not carried_over
        found |= _looked_up(sent, decided) | _looked_up(sent_governance, governed)
    yield found


def test_file_is_what_the_modules_list() -> None:
    assert FILE.read_bytes() == text(), "python -m tests.hostile writes it"


@pytest.mark.parametrize("record", RECORDS, ids=named)
def test_hostile_record_has_its_one_outcome_and_the_next_good_one_is_decided(
    outcomes: Outcomes, record: Hostile
) -> None:
    assert outcomes[record.name] == Outcome(record.expect, "decided")


async def test_both_ledgers_verify_after_all_of_them(
    outcomes: Outcomes, log: Log, follower: GovernanceFollower
) -> None:
    tallies = await assert_verified(log, follower)
    assert tallies[HERE].quarantined == len(of_topic(LEDGER))
    assert follower.quarantined == len(of_topic(GOVERNANCE))


async def test_R29_projections_and_a_coordinator_keep_up_and_take_no_false_member(
    outcomes: Outcomes, running: Endpoints, log: Log, follower: GovernanceFollower
) -> None:
    """Two records name a set that is none. Nothing shows them as members, and they are freed."""
    written = await read_all(log, follower)
    dsn = await migrated_database(running.dsn, "hostile_sets")
    db = await asyncpg.connect(dsn)
    try:
        async with AsyncExitStack() as readers:
            for spec in (*SPECS.values(), reader_of(NewsIntake(follower))):
                await readers.enter_async_context(reading(spec, log, dsn, f"hostile-{spec.reader}"))
                await caught_up(db, spec, written.heads)
        rows = await db.fetch("select id, part_of from requests where part_of is not null order by seq")
        listed = await db.fetchval("select id from requests where details ? 'members'")
        assert listed is not None
        assert {row["part_of"] for row in rows} == {f"{HERE}-0", f"{HERE}-999999"}
        member = SetMember(resource="script/of-a-set-7", operation="edit", digest="0" * 64)
        assert await members_of_set(db, listed, UPSTREAM, [member]) == []
    finally:
        await db.close()
    sets = SetCoordination()
    for (ledger, partition), records in written.accepted.items():
        for each in records if ledger == LEDGER else ():
            sets.take(partition, each.record, decode_events(each.record))
    [due] = sets.due()
    assert (due.step, due.request) == (
        "free",
        next(row["id"] for row in rows if row["part_of"] == f"{HERE}-0"),
    )
