"""What an attacker can put on `assent.changes`: none of it is applied, and it stops nothing that follows."""

from pathlib import Path

import msgspec
import pytest

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.open_requests import OpenRequests, submitted_payload
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeSubmitted
from assent_contracts.released_change import Change
from assent_contracts.topics import CHANGES, LEDGER
from tests.support.handover import Folders, altered, applying, dispatching, events_of, forge, read_release
from tests.support.log import PARTITIONS, Actor, Log, read_ledger
from tests.support.raw_records import POISON, RawRecord, build_batch, produce_raw

EVIL = msgspec.Raw(b'"evil"')
FORGERIES = {
    "another payload": {"payload": EVIL},
    "another payload with its digest": {"payload": EVIL, "digest": sha256_hex(EVIL)},
    "a delete": {"operation": "delete"},
    "another object": {"resource": "script/somebody-elses"},
    "another submission": {"submission": sha256_hex(EVIL)},
    "another requester": {"requester": "alice"},
    "another reason": {"justification": "Never mind."},
    "a huge position": {"released": 1 << 60},
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_forged_copy_of_a_release_is_ignored_and_the_release_is_applied(
    forgery: str, log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    name = forgery.replace(" ", "-")
    request = await actor.released(f"script/{name}", b'"good"')
    # Before dispatch runs: the forgery comes first, with the highest position.
    await forge(log, *forged(request, **FORGERIES[forgery]))
    async with applying(log, follower, folders) as applier:
        assert (await applier.of(request.request)).result == "forged"
        async with dispatching(log, follower):
            await applier.of(request.request, "succeeded")
    assert [path.read_text() for path in folders.target.rglob("*") if path.is_file()] == ["good"]
    assert (await events_of(log, follower, request.request))[-2:] == ["change-claimed", "request-completed"]


async def test_R1_change_that_nobody_approved_is_neither_claimed_nor_applied(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    request = await actor.opened("script/not-approved", payload=b'"good"')
    await forge(log, *forged(request))
    async with applying(log, follower, folders) as applier:
        assert (await applier.of(request.request)).result == "forged"
    assert await events_of(log, follower, request.request) == ["change-submitted"]
    assert not (folders.target / "script").exists()


async def test_garbage_replays_and_unknown_requests_do_not_stop_the_next_change(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        first = await actor.released("script/in-a-row", b'"first"')
        await applier.of(first.request, "succeeded")
        partition = int(first.request.partition("-")[0])
        record, release = await read_release(log.connection, "script/in-a-row")
        replayed = record.value
        garbage = [None, b"", b"\xff\xfe", b"{}", b"[" * 100_000, b'{"type":"assent.change.v9"}', replayed]
        unknown = altered(release, request=f"{partition}-999999999")
        before = len(applier.results())
        for value in [*garbage, unknown]:
            await forge(log, partition, value)
        second = await actor.released("script/in-a-row", b'"second"')
        await applier.of(second.request, "succeeded")
        results = applier.results()[before:]
    assert (folders.target / "script" / "in-a-row").read_text() == "second"
    assert results.count("unreadable") == len(garbage) - 1
    assert results.count("not-open") == 2, "the replay and the unknown request"
    assert (await events_of(log, follower, first.request)).count("change-claimed") == 1


async def test_record_that_clients_cannot_parse_does_not_stop_the_next_change(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        for topic in (CHANGES, LEDGER):
            for partition in range(PARTITIONS):
                await produce_raw(
                    log.connection, topic, partition, build_batch([RawRecord(b"{}", headers=POISON)])
                )
        request = await actor.released("script/after-poison")
        await applier.of(request.request, "succeeded")
    # And an applier that starts there.
    async with dispatching(log, follower), applying(log, follower, Folders.of(tmp_path, "two")) as applier:
        request = await actor.released("script/after-poison")
        await applier.of(request.request, "succeeded")


async def test_copy_of_a_later_release_sent_early_does_not_hide_the_earlier_one(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    """A consumer that compares positions would skip the first. This one asks the ledger."""
    folders = Folders.of(tmp_path)
    first, second = await two_in_one_partition(actor)
    await forge(log, *await exactly(log, follower, second))
    async with applying(log, follower, folders) as applier:
        await applier.of(second.request, "succeeded")
        async with dispatching(log, follower):
            await applier.of(first.request, "succeeded")


async def two_in_one_partition(actor: Actor) -> tuple[ChangeSubmitted, ChangeSubmitted]:
    by_partition: dict[str, ChangeSubmitted] = {}
    for number in range(100):
        request = await actor.released(f"script/pair-{number}")
        before = by_partition.setdefault(request.request.partition("-")[0], request)
        if before is not request:
            return before, request
    raise AssertionError


async def exactly(log: Log, follower: GovernanceFollower, request: ChangeSubmitted) -> tuple[int, bytes]:
    """The partition and the bytes of a release, as any reader of the ledger can make them."""
    partition = int(request.request.partition("-")[0])
    ledger = (await read_ledger(log, follower))[partition]
    assert follower.evidence is not None
    requests = OpenRequests(partition, follower.evidence)
    for accepted in ledger:
        requests.take(accepted)
    found = requests.find(request.request)
    assert found is not None
    [value] = [each.value for each in ledger if each.offset == found.offset]
    return partition, encode(found.change(submitted_payload(value)))


def forged(request: ChangeSubmitted, **fields: object) -> tuple[int, bytes]:
    """The partition and the bytes of a change that looks like the request's release."""
    partition = int(request.request.partition("-")[0])
    change = Change(
        request=request.request,
        resource=request.resource,
        operation=request.operation,
        requester=request.requester,
        justification="It is needed.",
        digest=request.digest,
        submission=request.submission,
        released=2,
        at=1,
        payload=msgspec.Raw(b'"good"'),
    )
    return partition, altered(change, **fields)
