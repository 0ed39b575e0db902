"""With the writer's key and write access to every topic: nothing is dispatched, claimed or applied."""

from pathlib import Path
from typing import Any

import msgspec

from assent.observe.health import Health
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, signed_headers
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.events import ChangeReleased, ChangeSubmitted
from assent_contracts.governance_messages import GovernanceEvent, PolicyDeleted, SettingsChanged
from assent_contracts.governance_objects import Settings
from assent_contracts.ledger import DecisionRecord, RecordedCommand
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.partitioner import partition_for
from assent_contracts.released_change import Change
from assent_contracts.resources import request_id
from assent_contracts.signing import command_message
from assent_contracts.topics import COMMANDS, GOVERNANCE, LEDGER
from tests.integration.bad_input.test_forged_ledger import accepted_governance
from tests.support.forged_records import Place
from tests.support.handover import Folders, applying, dispatching, events_of, forge, read_changes
from tests.support.log import PARTITIONS, UPSTREAM, Actor, Log, read_ledger
from tests.support.raw_records import RawRecord, build_batch, produce_raw, raw_headers
from tests.support.stack import until

EVIL = b'"evil"'


async def test_R1_release_forged_with_a_stolen_writer_key_is_not_dispatched_or_applied(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders, health = Folders.of(tmp_path), Health()
    beside = next(name for n in range(100) if place_of(name := f"script/{n}") == place_of("script/made-up"))
    await actor.opened(beside)
    forged = await made_up_release(log, follower, "script/made-up")
    # The thief can write to assent.changes, too.
    await forge(log, partition_of(forged), encode(forged))
    async with dispatching(log, follower, health), applying(log, follower, folders) as applier:
        handled = await applier.of(forged.request)
        await until(lambda: holds_back(health, forged.request))
        assert [each.value for each in await read_changes(log.connection)] == [encode(forged)]
        good = await actor.released("script/made-up-not", b'"good"')
        await applier.of(good.request, "succeeded")
    assert handled.result == "no-evidence"
    assert "its events are not what its command makes" in handled.detail
    assert files(folders) == {"made-up-not": "good"}
    assert "change-claimed" not in await events_of(log, follower, forged.request)


async def test_R18_release_under_governance_changed_by_a_stolen_writer_key_is_not_applied(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    """The decider accepts it and releases at once. The services that act on the release do not."""
    folders, health = Folders.of(tmp_path), Health()
    async with dispatching(log, follower, health), applying(log, follower, folders) as applier:
        before = await actor.released("script/before", b'"good"')
        await applier.of(before.request, "succeeded")
        await forge_governance(
            log,
            follower,
            PolicyDeleted(policy="scripts"),
            SettingsChanged(settings=Settings(unprotected="pass")),
        )
        decided = await actor.submit("script/after", payload=EVIL)
        submitted, released = decided.events
        assert isinstance(submitted, ChangeSubmitted)
        assert isinstance(released, ChangeReleased)
        await until(lambda: holds_back(health, submitted.request))
        change = Change(
            request=submitted.request,
            resource=submitted.resource,
            operation=submitted.operation,
            requester=submitted.requester,
            justification="It is needed.",
            digest=submitted.digest,
            submission=submitted.submission,
            released=decided.seq,
            at=decided.at,
            payload=msgspec.Raw(EVIL),
        )
        await forge(log, partition_of(change), encode(change))
        handled = await applier.of(change.request)
    assert handled.result == "no-evidence"
    assert "it holds no command" in handled.detail
    assert files(folders) == {"before": "good"}


async def made_up_release(log: Log, follower: GovernanceFollower, resource: str) -> Change:
    """A submission that the thief signs himself and releases at once, in a sealed record.

    He also puts it on the topic of commands, where his record says. Otherwise the decider would stop there.
    """
    partition = place_of(resource)
    place = Place(log, LEDGER, partition, (await read_ledger(log, follower))[partition])
    submission = SubmitChange(
        id=new_command_id(),
        principal=UPSTREAM,
        at=now_ms(),
        resource=resource,
        operation="create",
        justification="It is needed.",
        payload=msgspec.Raw(EVIL),
    )
    value = encode(submission)
    thief = SecretKey(log.keys[UPSTREAM].id, UPSTREAM)
    signature = to_base64url(thief.sign(command_message(log.identity, value)))
    head = place.accepted[-1]
    assert isinstance(head.record.input, int)
    seq, at = head.record.seq + 1, max(head.record.at, now_ms())
    about: dict[str, Any] = {
        "request": request_id(partition, seq),
        "resource": resource,
        "digest": sha256_hex(EVIL),
    }
    record = DecisionRecord(
        seq=seq,
        prev=head.value_sha256,
        epoch=1,
        input=head.record.input + 1,
        received=at,
        at=at,
        governance=follower.writers.head,
        command=RecordedCommand(value=msgspec.Raw(value), key=thief.id, signature=signature),
        events=(
            ChangeSubmitted(
                **about,
                operation="create",
                requester=UPSTREAM,
                person=f"service:{UPSTREAM}",
                submission=sha256_hex(value),
                terms=(),
                deadline=FOR_EVER_MS,
            ),
            ChangeReleased(**about, deadline=FOR_EVER_MS),
        ),
    )
    await place.put(place.sealed(encode(record), log.writer))
    headers = signed_headers(thief, log.identity, submission, value, "/thief")
    command = RawRecord(value, resource.encode(), raw_headers(headers))
    offset = await produce_raw(log.connection, COMMANDS, partition, build_batch([command]))
    assert offset == record.input
    return Change(
        request=about["request"],
        resource=resource,
        operation="create",
        requester=UPSTREAM,
        justification="It is needed.",
        digest=about["digest"],
        submission=sha256_hex(value),
        released=seq,
        at=record.at,
        payload=msgspec.Raw(EVIL),
    )


async def forge_governance(log: Log, follower: GovernanceFollower, *events: GovernanceEvent) -> None:
    """Governance events that nobody requested, in a sealed record."""
    place = Place(log, GOVERNANCE, 0, await accepted_governance(log))
    last = place.accepted[-1]
    at = max(last.record.at, now_ms())
    record = DecisionRecord(
        seq=last.record.seq + 1,
        prev=last.value_sha256,
        epoch=1,
        input=0,
        received=at,
        at=at,
        events=events,
    )
    await place.put(place.sealed(encode(record), log.writer))
    await follower.catch_up()
    assert follower.history[-1] == events


def place_of(resource: str) -> int:
    return partition_for(resource.encode(), PARTITIONS)


def partition_of(change: Change) -> int:
    return int(change.request.partition("-")[0])


def files(folders: Folders) -> dict[str, str]:
    return {path.name: path.read_text() for path in folders.target.rglob("*") if path.is_file()}


async def holds_back(health: Health, request: str) -> bool:
    """Whether dispatch is not ready because of this request."""
    return any(f"request {request} " in reason.why for reason in health.missing().values())
