"""Payloads, read again from the ledger: the right ones, in any order, or the process stops."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from assent.dispatch.partition_dispatch import PartitionDispatch
from assent.dispatch.submission_payloads import ReleaseMismatchError, SubmissionPayloads
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.open_requests import OpenRequest, OpenRequests
from tests.support.handover import read_changes
from tests.support.log import Actor, Log, read_ledger

COUNT = 60


@pytest_asyncio.fixture(scope="module")
async def waiting(log: Log, follower: GovernanceFollower, actor: Actor) -> list[OpenRequest]:
    """Released requests of one partition, with payloads of many sizes and other records in between."""
    for number in range(COUNT):
        await actor.released(f"script/payload-{number}", b'"%d %s"' % (number, b"x" * (number * 1_000)))
    assert follower.evidence is not None
    by_partition: dict[int, OpenRequests] = {}
    for partition, accepted in (await read_ledger(log, follower)).items():
        by_partition[partition] = OpenRequests(partition, follower.evidence)
        for each in accepted:
            by_partition[partition].take(each)
    return max((requests.unclaimed() for requests in by_partition.values()), key=len)


@pytest_asyncio.fixture
async def submissions(log: Log, waiting: list[OpenRequest]) -> AsyncIterator[SubmissionPayloads]:
    reading = SubmissionPayloads(log.connection, int(waiting[0].request.partition("-")[0]))
    await reading.start()
    yield reading
    await reading.stop()


async def test_each_request_gets_its_own_payload(
    waiting: list[OpenRequest], submissions: SubmissionPayloads
) -> None:
    for asked in (waiting, waiting[::-1], waiting[::7], [waiting[-1]], [waiting[0], waiting[-1]]):
        payloads = await submissions.read(asked)
        assert len(payloads) == len(asked)
        for request in asked:
            request.change(payloads[request.request])  # which checks the digest


async def test_offset_without_a_submission_stops_the_process(
    log: Log, follower: GovernanceFollower, submissions: SubmissionPayloads, waiting: list[OpenRequest]
) -> None:
    partition = int(waiting[0].request.partition("-")[0])
    ledger = (await read_ledger(log, follower))[partition]
    approval = next(each.offset for each in ledger if b"approval-given" in each.value)
    wrong = OpenRequest("9-9", approval, "script/x", "edit", "x", "x", "0" * 64, "0" * 64)
    with pytest.raises(ReleaseMismatchError, match=r"request 9-9: .* holds no submission"):
        await submissions.read([wrong])


async def test_payload_other_than_the_released_one_stops_dispatch_before_anything_is_written(
    log: Log, follower: GovernanceFollower, waiting: list[OpenRequest]
) -> None:
    partition = int(waiting[0].request.partition("-")[0])
    assert follower.evidence is not None
    dispatch = PartitionDispatch(log.connection, follower, follower.evidence, partition)
    first, second = waiting[:2]
    before = len(await read_changes(log.connection))
    try:
        await dispatch.start()
        after = len(await read_changes(log.connection))
        assert after - before == len(waiting)
        swapped = replace(first, offset=second.offset)
        with pytest.raises(ReleaseMismatchError, match="is not the digest"):
            await dispatch._write([swapped])
        assert len(await read_changes(log.connection)) == after
    finally:
        await dispatch.stop()
