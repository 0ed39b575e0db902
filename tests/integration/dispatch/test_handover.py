"""From the release to the outcome, on the real broker with the real decider."""

from pathlib import Path

from assent_contracts.changes import POSITION_HEADER, decode_change
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.partitioner import partition_for
from tests.support.handover import Folders, applying, dispatching, events_of, read_changes
from tests.support.log import PARTITIONS, Actor, Log

LIFE = ["change-submitted", "approval-given", "request-approved", "change-released", "change-claimed"]


async def test_R12_a_released_script_is_on_disk_and_its_request_completed(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        request = await actor.released("script/hardening/disable-smb1.ps1", '"Set-Smb 0 # \\u00e4\\n"'.encode())
        handled = await applier.of(request.request)
    assert handled.result == "succeeded"
    written = folders.target / "script" / "hardening%2Fdisable-smb1.ps1"
    assert written.read_text("utf-8") == "Set-Smb 0 # ä\n"
    assert await events_of(log, follower, request.request) == [*LIFE, "request-completed"]


async def test_a_change_on_the_topic_is_a_cloudevent_in_its_objects_partition(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        request = await actor.released("script/cloudevent", b'"echo  1"')
        await applier.of(request.request)
    [record] = [each for each in await read_changes(log.connection) if each.key == b"script/cloudevent"]
    change = decode_change(record.value)
    headers = dict(record.headers)
    assert record.partition == partition_for(b"script/cloudevent", PARTITIONS)
    assert headers["ce_type"] == b"assent.change.v1"
    assert headers["ce_id"] == request.request.encode()
    assert headers[POSITION_HEADER] == str(change.released).encode()
    assert record.timestamp == change.at
    assert bytes(change.payload) == b'"echo  1"'
    assert (change.request, change.digest, change.requester) == (request.request, request.digest, request.requester)
