"""`audit verify`: intact records are proved, and the first altered record is named."""

import random
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from msgspec.structs import replace

from assent.verify.export_file import export_ledgers
from assent.verify.export_verification import verify_file
from assent.verify.finding import FindingError
from assent.verify.running_log import verify_governance, verify_requests
from assent_contracts.client.connection import open_consumer, open_producer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import verify_signature
from assent_contracts.events import RequestCompleted
from assent_contracts.governance_changes import EditPolicy, RegisterPrincipal, policy_object
from assent_contracts.governance_objects import Account
from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.support.governor import ended, governance_of, governing, released
from tests.support.log import PARTITIONS, Actor, Log

_SAMPLES = 400


def _quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


@pytest.fixture(scope="module")
async def exported(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A file with requests that ended in several ways, including refusals and unreadable commands."""
    for number in range(6):
        request = await actor.released(f"script/{number}.sh", f'"echo {number} – “quoted”"'.encode())
        await actor.claim(request)
        await actor.report(request, "succeeded" if number % 2 else "failed")
        await actor.approve(request)
    await actor.publisher.send_bytes(b"no command", b"script/x", [])
    await actor.reject(
        await actor.opened("app/editor", payload=b'{"version": 1}'), "dave", note="Nein – später."
    )
    await _change_governance(log, follower, actor)
    path = tmp_path_factory.mktemp("export") / "ledger.jsonl"
    await export_ledgers(log.connection, log.identity, follower, PARTITIONS, path, _quiet)
    return path


async def _change_governance(log: Log, follower: GovernanceFollower, actor: Actor) -> None:
    """At once, without success, and with the approval of a second administrator."""
    registers = RegisterPrincipal(account=Account(id="frank", kind="human", person="frank.fox"))
    async with governing(log, follower) as governor:
        assert (await governor.change(registers, "dave")).refusal is not None
        assert (await governor.change(registers)).refusal is None
    governance = governance_of(follower)
    version = governance.version(policy_object("scripts"))
    assert version is not None
    policy = replace(governance.policies["scripts"], name="Scripts")
    request = await released(actor, EditPolicy(policy=policy, version=version))
    assert isinstance(await ended(log, follower, request), RequestCompleted)


async def test_every_command_is_decided_again_the_same_way(
    exported: Path, log: Log, follower: GovernanceFollower
) -> None:
    governance = await verify_governance(log.connection, log.identity, verify_signature)
    tallies = await verify_requests(
        log.connection, follower, PARTITIONS, verify_signature, _quiet, claims=governance.claims
    )
    assert governance.tally.commands + governance.tally.carried == len(follower.history)
    assert governance.tally.refusals == 1
    assert governance.tally.carried == len(governance.claims) == 1
    assert sum(tally.commands for tally in tallies.values()) == 6 * 6 + 2 + 3
    assert sum(tally.unreadable for tally in tallies.values()) == 1
    assert sum(tally.refusals for tally in tallies.values()) == 6


async def test_exported_file_proves_the_same_without_a_broker(
    exported: Path, log: Log, follower: GovernanceFollower
) -> None:
    live = await verify_requests(log.connection, follower, PARTITIONS, verify_signature, _quiet)
    from_file = verify_file(exported, log.identity, _quiet)
    assert {name: tally.head for name, tally in from_file.partitions.items() if name != "governance"} == {
        str(number): tally.head for number, tally in live.items() if tally.records
    }


def _places(content: bytes) -> list[tuple[int, str, int, int]]:
    """(end of the line, ledger, partition, seq) of each line."""
    places: list[tuple[int, str, int, int]] = []
    manifest, *lines = content.splitlines(keepends=True)
    end, seqs = len(manifest), {}
    for line in lines:
        end += len(line)
        ledger = GOVERNANCE if b'"governance"' in line[:60] else LEDGER
        partition = int(line.split(b'"partition":')[1].split(b",")[0])
        seq = seqs.get((ledger, partition), -1) + 1
        seqs[ledger, partition] = seq
        places.append((end, ledger, partition, seq))
    return places


def test_any_altered_byte_of_an_exported_file_names_its_partition_and_seq(
    exported: Path, log: Log, tmp_path: Path
) -> None:
    content = exported.read_bytes()
    places = _places(content)
    choose = random.Random(7)
    altered = tmp_path / "altered.jsonl"
    for position in sorted(choose.sample(range(content.index(b"\n") + 1, len(content)), _SAMPLES)):
        other = choose.choice([byte for byte in b'0aZ"{,' if byte != content[position]])
        altered.write_bytes(content[:position] + bytes([other]) + content[position + 1 :])
        expected = next(place[1:] for place in places if position < place[0])
        with pytest.raises(FindingError) as found:
            verify_file(altered, log.identity, _quiet)
        assert (found.value.ledger, found.value.partition, found.value.seq) == expected, (
            position,
            content[max(0, position - 30) : position + 30],
            str(found.value),
        )


def test_missing_line_is_named(exported: Path, log: Log, tmp_path: Path) -> None:
    lines = exported.read_bytes().splitlines(keepends=True)
    places = _places(exported.read_bytes())
    shortened = tmp_path / "shortened.jsonl"
    for index in range(1, len(lines)):
        shortened.write_bytes(b"".join(lines[:index] + lines[index + 1 :]))
        with pytest.raises(FindingError) as found:
            verify_file(shortened, log.identity, _quiet)
        assert (found.value.ledger, found.value.partition, found.value.seq) == places[index - 1][1:]


def test_file_of_another_log_is_refused(exported: Path) -> None:
    with pytest.raises(FindingError) as found:
        verify_file(exported, "0" * 64, _quiet)
    assert (found.value.ledger, found.value.seq) == (GOVERNANCE, 0)


async def test_injected_altered_record_is_quarantined_and_named(
    exported: Path, log: Log, follower: GovernanceFollower, actor: Actor
) -> None:
    before = await verify_requests(log.connection, follower, PARTITIONS, verify_signature, _quiet)
    partition, tally = next((number, tally) for number, tally in before.items() if tally.records)
    place = TopicPartition(LEDGER, partition)
    consumer = await open_consumer(log.connection, {place: 0})
    record = (await consumer.getmany(place, timeout_ms=5_000))[place][0]
    await consumer.stop()
    producer = await open_producer(log.connection)
    assert record.value is not None
    value = record.value.replace(b'"seq":0', b'"seq":1')
    injected = await producer.send_and_wait(
        LEDGER, value, key=record.key, partition=partition, headers=list(record.headers)
    )
    await producer.stop()
    after = await verify_requests(log.connection, follower, PARTITIONS, verify_signature, _quiet)
    assert after[partition].quarantined == tally.quarantined + 1
    assert after[partition].first_quarantined == injected.offset
    assert after[partition].head == tally.head
