"""Snapshots on the real broker: a takeover goes on from a good one, and ignores every other.

The tests continue each other on one log.
"""

from itertools import count

import msgspec
import pytest
from structlog.testing import capture_logs

from assent.decider.snapshot_taking import SnapshotPace
from assent.decider.snapshot_topic import look_at_snapshots
from assent.decider.takeover import RequestsLead, take_over
from assent_contracts.client.command_producer import CommandProducer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.heads_topic import read_heads
from assent_contracts.client.keys import SecretKey, signed_headers, writer_headers
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.core.writer.requests_snapshot import snapshot_of
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeSubmitted, CommandRepeated
from assent_contracts.heads import KnownHead, decode_head, known_from
from assent_contracts.partitioner import partition_for
from assent_contracts.snapshots import MANIFEST_KEY, SnapshotManifest, encode_manifest, snapshot_message
from assent_contracts.topics import SNAPSHOTS
from tests.support.governor import assert_verified
from tests.support.log import (
    PARTITIONS,
    UPSTREAM,
    Actor,
    Log,
    deciding,
    delete_topics,
    new_command_id,
    now_ms,
    publishing,
)
from tests.support.stack import until

PARTITION = 1
PACE = SnapshotPace(records=10)
NEVER = SnapshotPace(records=1 << 40, ledger_bytes=1 << 60)
NAMES = (name for n in count() if partition_for((name := f"script/{n}").encode(), PARTITIONS) == PARTITION)
"""Objects of the partition, each once."""


async def newest(log: Log, follower: GovernanceFollower) -> SnapshotManifest | None:
    place = await look_at_snapshots(log.connection, PARTITION)
    return None if place is None else await place.newest(log.identity, follower.writers.public_keys())


async def known(log: Log) -> KnownHead:
    """The newest head of the partition on `assent.heads`."""
    heads = [head for kept in await read_heads(log.connection) if (head := decode_head(kept.value.encode()))]
    ours = [head for head in heads if (head.ledger, head.partition) == ("ledger", PARTITION)]
    return known_from(max(ours, key=lambda head: head.seq))


async def until_snapshot(log: Log, follower: GovernanceFollower, seq: int) -> SnapshotManifest:
    """Wait until there is a snapshot at `seq` or after it."""
    found: list[SnapshotManifest] = []

    async def is_there() -> bool:
        manifest = await newest(log, follower)
        found[:] = [] if manifest is None else [manifest]
        return manifest is not None and manifest.seq >= seq

    await until(is_there, timeout_s=30)
    return found[0]


async def taken_over(log: Log, follower: GovernanceFollower) -> tuple[RequestsLead, str | None]:
    """A takeover as a decider does it, and why it has used no snapshot."""
    with capture_logs() as lines:
        lead = await take_over(log.connection, PARTITION, follower, None, await known(log))
    because = [line["because"] for line in lines if "because" in line]
    return lead, because[0] if because else None


async def assert_ignored(log: Log, follower: GovernanceFollower, because: str) -> None:
    """A takeover reads everything and says why, and has the same state as one that knows no snapshots."""
    lead, said = await taken_over(log, follower)
    assert because in (said or "")
    assert lead.read_records == lead.writer.seq + 1
    plain = await take_over(log.connection, PARTITION, follower, None)
    assert snapshot_of(lead.writer) == snapshot_of(plain.writer)


async def append(log: Log, value: bytes, key: bytes, headers: list[tuple[str, bytes]]) -> int:
    """Write a record to the topic of snapshots, as anybody with a producer can."""
    producer = CommandProducer(log.connection, SNAPSHOTS)
    await producer.start()
    try:
        return (await producer.send(value, key, headers, PARTITION)).offset
    finally:
        await producer.stop()


async def append_snapshot(
    log: Log, manifest: SnapshotManifest, content: bytes, *, key: SecretKey, piece: bytes | None = None
) -> None:
    """A snapshot with this content, said by `manifest` and signed with `key`; `piece` is really there."""
    name = new_command_id().replace("-", "")
    at = await append(log, content if piece is None else piece, name.encode(), [])
    said = msgspec.structs.replace(
        manifest, id=name, first_offset=at, size=len(content), content=sha256_hex(content)
    )
    value = encode_manifest(said)
    await append(log, value, MANIFEST_KEY, writer_headers(key, snapshot_message(log.identity, value)))


async def good(log: Log, follower: GovernanceFollower) -> tuple[SnapshotManifest, bytes]:
    """The newest snapshot, which counts."""
    place = await look_at_snapshots(log.connection, PARTITION)
    assert place is not None
    manifest = await place.newest(log.identity, follower.writers.public_keys())
    assert manifest is not None
    content = await place.content(manifest)
    assert content is not None
    return manifest, content


async def open_some(actor: Actor, number: int) -> list[ChangeSubmitted]:
    return [await actor.opened(next(NAMES)) for _ in range(number)]


async def test_takeover_goes_on_from_the_newest_snapshot_with_the_same_state(
    log: Log, follower: GovernanceFollower
) -> None:
    async with publishing(log, follower) as actor:
        async with deciding(log, follower, {PARTITION}, pace=PACE):
            requests = await open_some(actor, 4)
            await actor.approve(requests[0])
            await actor.cancel(requests[1])
            await open_some(actor, 8)
            manifest = await until_snapshot(log, follower, 9)
        lead, because = await taken_over(log, follower)
        assert because is None
        assert lead.read_records == lead.writer.seq - manifest.seq
        plain = await take_over(log.connection, PARTITION, follower, None)
        assert plain.read_records == plain.writer.seq + 1
        assert snapshot_of(lead.writer) == snapshot_of(plain.writer)
        assert lead.term.decided[-1] == plain.term.decided[-1]
        assert lead.term.received[-1] == plain.term.received[-1]
        assert lead.term.head == plain.term.head


async def test_R8_a_decider_that_started_from_a_snapshot_knows_what_was_decided_before_it(
    log: Log, follower: GovernanceFollower
) -> None:
    async with publishing(log, follower) as actor:
        command = SubmitChange(
            id=new_command_id(),
            principal=UPSTREAM,
            at=now_ms(),
            resource=next(NAMES),
            operation="create",
            justification="It is needed.",
            payload=msgspec.Raw(b"1"),
        )
        async with deciding(log, follower, {PARTITION}, pace=PACE):
            first = await actor.send(command)
            opened = first.events[0]
            assert isinstance(opened, ChangeSubmitted)
            await open_some(actor, 10)
            await until_snapshot(log, follower, first.seq)
        async with deciding(log, follower, {PARTITION}, pace=NEVER):
            value = encode(command)
            headers = signed_headers(log.keys[UPSTREAM], log.identity, command, value, "tests")
            again = await actor.publisher.send_bytes(value, command.resource.encode(), headers)
            assert again.events == (CommandRepeated(decided=first.seq),)
            same = await actor.submit(command.resource)
            assert same.refusal is not None, "R10: its object is still locked"
            approved = await actor.approve(opened)
            assert approved.refusal is None
        await assert_verified(log, follower)


async def test_snapshot_that_no_writer_signed_is_ignored(log: Log, follower: GovernanceFollower) -> None:
    """The good one before it is used: junk of a stranger with a producer costs nothing."""
    manifest, content = await good(log, follower)
    await append_snapshot(log, manifest, content, key=SecretKey("writer-1", "decider"))
    await append_snapshot(log, manifest, content, key=SecretKey("writer-9", "decider"))
    await append_snapshot(log, manifest, content, key=log.keys[UPSTREAM])
    for junk in (b"", b"{", encode_manifest(manifest), b"\0" * 700_000):
        await append(log, junk, MANIFEST_KEY, [("assent-writer", b"writer-1"), ("assent-seal", b"x")])
    lead, because = await taken_over(log, follower)
    assert because is None
    assert lead.read_records == lead.writer.seq - manifest.seq
    assert await good(log, follower) == (manifest, content)


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"seq": 5}, "does not have the record"),
        ({"sha256": "0" * 64}, "does not have the record"),
        ({"next_offset": 1}, "does not have the record"),
        ({"next_offset": 1 << 40}, "does not have the record"),
        ({"seq": 1 << 40}, "goes to seq"),
        ({"governance": 1 << 40}, "governance seq"),
        ({"era": "ab" * 32}, "a loss was accepted"),
        ({"partition": 0}, "of partition 0"),
        ({"format": 99}, "format 99"),
    ],
    ids=lambda each: next(iter(each)) + str(next(iter(each.values())))[:4] if isinstance(each, dict) else "",
)
async def test_snapshot_of_another_place_or_history_is_ignored(
    log: Log, follower: GovernanceFollower, changed: dict[str, int | str], because: str
) -> None:
    """A writer's key has signed it: what it says must fit the ledger all the same."""
    manifest, content = await good(log, follower)
    if "seq" in changed and changed["seq"] == 5:
        because = "cannot be read"  # the record is there, and the content is of another position
    await append_snapshot(log, msgspec.structs.replace(manifest, **changed), content, key=log.writer)
    await assert_ignored(log, follower, because)
    await append_snapshot(log, manifest, content, key=log.writer)


async def test_snapshot_whose_pieces_are_not_as_signed_is_ignored(
    log: Log, follower: GovernanceFollower
) -> None:
    manifest, content = await good(log, follower)
    for piece in (content[:-1], content[:-1] + b"\0", b"\0" + content, b"\0" * 900_000):
        await append_snapshot(log, manifest, content, key=log.writer, piece=piece)
        await assert_ignored(log, follower, "not whole")
    await append_snapshot(log, manifest, b"\xc1", key=log.writer)
    await assert_ignored(log, follower, "cannot be read")
    await append_snapshot(log, manifest, content, key=log.writer)
    assert (await taken_over(log, follower))[1] is None


async def test_snapshot_beyond_what_is_known_of_the_ledger_is_ignored(
    log: Log, follower: GovernanceFollower
) -> None:
    """Past that, nothing would show that the ledger has lost what was known."""
    manifest, _ = await good(log, follower)
    before = msgspec.structs.replace(await known(log), seq=manifest.seq - 1)
    with capture_logs() as lines:
        await take_over(log.connection, PARTITION, follower, None, before)
    assert any("is known to seq" in line.get("because", "") for line in lines)


async def test_known_head_after_the_snapshot_is_still_compared(
    log: Log, follower: GovernanceFollower
) -> None:
    head = await known(log)
    lead = await take_over(log.connection, PARTITION, follower, None, head)
    assert lead.term.known_sha256 == head.sha256


async def test_without_the_topic_everything_is_decided(log: Log, follower: GovernanceFollower) -> None:
    await delete_topics(log.connection, {SNAPSHOTS})
    await assert_ignored(log, follower, "assent topics apply")
    async with publishing(log, follower) as actor, deciding(log, follower, {PARTITION}, pace=PACE):
        await open_some(actor, 12)
    await assert_verified(log, follower)
