"""From the release to the outcome, on the real broker with the real decider."""

import asyncio
import signal
from pathlib import Path

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.partitioner import partition_for
from assent_contracts.released_change import POSITION_HEADER
from tests.support.handover import Folders, applying, dispatching, events_of, process, read_release
from tests.support.log import PARTITIONS, Actor, Log
from tests.support.stack import until


def written_in(folders: Folders) -> list[Path]:
    return [path for path in folders.target.rglob("*") if path.is_file()]


LIFE = ["change-submitted", "approval-given", "request-approved", "change-released", "change-claimed"]


async def test_R12_released_script_is_on_disk_and_its_request_completed(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        request = await actor.released("script/hardening/disable-smb1.ps1", b'"Set-Smb 0 # \\u00e4\\n"')
        handled = await applier.of(request.request)
    assert handled.result == "succeeded"
    written = folders.target / "script" / "hardening%2Fdisable-smb1.ps1"
    assert written.read_text("utf-8") == "Set-Smb 0 # ä\n"
    assert await events_of(log, follower, request.request) == [*LIFE, "request-completed"]


async def test_change_on_the_topic_is_a_cloudevent_in_its_object_s_partition(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        request = await actor.released("script/cloudevent", b'"echo  1"')
        await applier.of(request.request)
    record, change = await read_release(log.connection, "script/cloudevent")
    headers = dict(record.headers)
    assert record.partition == partition_for(b"script/cloudevent", PARTITIONS)
    assert headers["ce_type"] == b"assent.change.v1"
    assert headers["ce_id"] == request.request.encode()
    assert headers[POSITION_HEADER] == str(change.released).encode()
    # The broker's time and not the release's, because retention uses it.
    assert record.timestamp >= change.at - 1_000
    assert bytes(change.payload) == b'"echo  1"'
    assert (change.request, change.digest, change.requester) == (
        request.request,
        request.digest,
        request.requester,
    )


async def test_R12_R15_failure_is_shown_with_the_applier_s_message(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    async with dispatching(log, follower), applying(log, follower, Folders.of(tmp_path)) as applier:
        request = await actor.released("script/no-text", b'{"text": "echo"}')
        handled = await applier.of(request.request, "failed")
    assert handled.detail == (
        "The payload of a script must be one JSON string, its text; this one begins with '{'."
    )
    assert (await events_of(log, follower, request.request))[-1] == "request-failed"


async def test_delete_removes_the_file_and_succeeds_if_there_is_none(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    written = folders.target / "script" / "gone"
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        for operation, there in (("create", True), ("delete", False), ("delete", False)):
            request = await actor.opened("script/gone", operation=operation, payload=b'"x"')
            await actor.approve(request)
            await actor.complete(request)
            await applier.of(request.request, "succeeded")
            assert written.exists() == there


async def test_id_with_parent_folders_stays_in_the_target(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    ids = ["../../escaped", "/etc/passwd", "..", ".", "a/../../b", "\\..\\c", "%2e%2e/d"]
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        for name in ids:
            request = await actor.released(f"script/{name}", b'"x"')
            await applier.of(request.request, "succeeded")
    assert {path.parent for path in written_in(folders)} == {folders.target / "script"}
    assert len(written_in(folders)) == len(ids)
    assert not (tmp_path / "escaped").exists()


async def test_payload_of_an_app_is_written_byte_for_byte(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    payload = '{"version" :  3, "name": "\\u00e4 ö"}'.encode()
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        request = await actor.opened("app/editor", payload=payload)
        for approver in ("bob", "carol"):
            await actor.approve(request, approver)
        await actor.complete(request)
        await applier.of(request.request, "succeeded")
    assert (folders.target / "app" / "editor").read_bytes() == payload


async def test_many_changes_at_once_over_all_partitions_and_the_same_objects_in_turn(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        for text in ("one", "two"):
            requests = await asyncio.gather(
                *(actor.released(f"script/many-{n}", f'"{text} {n}"'.encode()) for n in range(40))
            )
            handled = await asyncio.gather(*(applier.of(each.request, "succeeded") for each in requests))
    assert {each.resource for each in handled} == {f"script/many-{n}" for n in range(40)}
    assert {path.read_text() for path in written_in(folders)} == {f"two {n}" for n in range(40)}


async def test_payload_of_256_KiB_is_passed_to_the_applier(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    text = "x" * (256 * 1024 - 2)
    request = await actor.released("script/large", f'"{text}"'.encode())
    # Dispatch reads the submission again, because it starts after the release.
    async with dispatching(log, follower), applying(log, follower, folders) as applier:
        await applier.of(request.request, "succeeded")
    assert (folders.target / "script" / "large").read_text() == text


async def test_applier_process_applies_and_ends_cleanly(
    log: Log, follower: GovernanceFollower, actor: Actor, tmp_path: Path
) -> None:
    folders = Folders.of(tmp_path)
    applier = await process("assent.applier", log=log, folders=folders)
    async with dispatching(log, follower):
        request = await actor.released("script/of-a-process")

        async def completed() -> bool:
            return "request-completed" in await events_of(log, follower, request.request)

        await until(completed)
    applier.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(applier.communicate(), 30)
    assert applier.returncode == 0, said.decode()
    assert (folders.target / "script" / "of-a-process").read_text() == "echo hello"
    assert f'"request": "{request.request}"' in said.decode()
