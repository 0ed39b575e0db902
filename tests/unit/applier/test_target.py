"""The target folder: replaced file by file, never through a link, and failures are reported honestly."""

import resource
from pathlib import Path

import msgspec
import pytest

from assent.applier.targets.content import content_of
from assent.applier.targets.files.folder import Folder, NotWrittenError
from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.files.target import FilesTarget
from assent_contracts.client.handler import Applied, FinalError, Release
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change, idempotency_key


def change(
    resource: str = "script/run", payload: bytes = b'"echo"', operation: str = "edit", request: str = "0-1"
) -> Change:
    return Change(
        request=request,
        resource=resource,
        operation=operation,
        requester="somebody",
        justification="why",
        digest=sha256_hex(payload),
        submission=sha256_hex(b"submitted"),
        released=3,
        at=1,
        payload=msgspec.Raw(payload),
    )


def release(
    resource: str = "script/run", payload: bytes = b'"echo"', operation: str = "edit", request: str = "0-1"
) -> Release:
    made = change(resource, payload, operation, request)
    return Release(change=made, claim=5, idempotency_key=idempotency_key("a" * 64, made), remaining_s=60)


def put(folder: Folder, of: Change) -> None:
    folder.apply(of.resource, content_of(of), of.request)


def files(folder: Folder, state: Path, identity: str) -> FilesTarget:
    return FilesTarget(FilesTable(folder=str(folder.root)), state / "state", identity)


def names_in(target: Folder, kind: str) -> list[str]:
    return [path.name for path in (target.root / kind).iterdir()]


@pytest.fixture
def target(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "target")


@pytest.mark.parametrize("operation", ["create", "edit", "modify", "assign", "anything"])
def test_R15_every_operation_but_delete_writes(operation: str, target: Folder) -> None:
    put(target, change(operation=operation))
    assert target.path("script/run").read_text() == "echo"


@pytest.mark.parametrize("payload", [b"{}", b"1", b"null", b'["echo"]', b'"\\ud800"'])
def test_script_that_is_not_text_is_not_written(payload: bytes, target: Folder) -> None:
    with pytest.raises(FinalError, match="must be one JSON string"):
        put(target, change(payload=payload))
    assert not target.path("script/run").exists()


def test_file_is_replaced_and_nothing_else_is_left(target: Folder) -> None:
    for text in (b'"one"', b'"two"'):
        put(target, change(payload=text))
    assert [path.name for path in target.root.rglob("*")] == ["script", "run"]
    assert target.path("script/run").read_text() == "two"


def test_crash_leftovers_of_the_same_request_do_not_interfere(target: Folder) -> None:
    (target.root / "script").mkdir()
    (target.root / "script" / ".new-0-1").write_text("half")
    put(target, change())
    assert names_in(target, "script") == ["run"]


async def test_link_in_place_of_a_file_is_replaced_not_followed(target: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    (target.root / "script").mkdir()
    target.path("script/run").symlink_to(outside)
    assert not await files(target, tmp_path, "a" * 64).read_back(release())
    put(target, change())
    assert outside.read_text() == "untouched"
    assert not target.path("script/run").is_symlink()


@pytest.mark.parametrize("operation", ["edit", "delete"])
def test_link_in_place_of_a_type_s_folder_is_refused(operation: str, target: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "run").write_text("untouched")
    (target.root / "script").symlink_to(outside)
    with pytest.raises(NotWrittenError, match="Nothing was changed: script/run: "):
        put(target, change(operation=operation))
    assert (outside / "run").read_text() == "untouched"


def test_folder_in_place_of_a_file_is_a_failure_and_leaves_nothing_behind(target: Folder) -> None:
    target.path("script/run").mkdir(parents=True)
    with pytest.raises(NotWrittenError, match="Is a directory"):
        put(target, change())
    assert names_in(target, "script") == ["run"]


def test_full_disk_is_a_reported_failure_and_keeps_the_old_file(target: Folder) -> None:
    put(target, change(payload=b'"old"'))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, limits[1]))
    try:
        with pytest.raises(NotWrittenError, match="Nothing was changed: script/run: File too large"):
            put(target, change(payload=b'"' + b"x" * 8_192 + b'"'))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.path("script/run").read_text() == "old"
    assert names_in(target, "script") == ["run"]


def test_removed_target_is_a_failure(target: Folder) -> None:
    target.root.rmdir()
    with pytest.raises(NotWrittenError, match="No such file or directory"):
        put(target, change())


async def test_request_is_applied_once_whatever_happens_to_the_file(target: Folder, tmp_path: Path) -> None:
    applier = files(target, tmp_path, "a" * 64)
    assert (await applier.apply(release())) == Applied()
    target.path("script/run").write_text("edited by hand")
    assert (await applier.apply(release())) == Applied()
    assert target.path("script/run").read_text() == "edited by hand"
    assert (await applier.apply(release(request="0-2"))) == Applied()
    assert target.path("script/run").read_text() == "echo"


async def test_marks_of_another_log_do_not_count(target: Folder, tmp_path: Path) -> None:
    await files(target, tmp_path, "a" * 64).apply(release())
    target.path("script/run").write_text("edited by hand")
    other = files(target, tmp_path, "b" * 64)
    assert await other.read_back(release()) is None
    await other.apply(release())
    assert target.path("script/run").read_text() == "echo"


@pytest.mark.parametrize(("operation", "before"), [("edit", "echo"), ("delete", None)])
async def test_reading_back_detects_from_the_target_what_a_crash_left_unmarked(
    operation: str, before: str | None, target: Folder, tmp_path: Path
) -> None:
    applier = files(target, tmp_path, "a" * 64)
    if before is not None:
        put(target, change())
    shown = await applier.read_back(release(operation=operation))
    assert shown == Applied()


async def test_reading_back_reports_nothing_if_the_target_contains_something_else(
    target: Folder, tmp_path: Path
) -> None:
    put(target, change(payload=b'"before"'))
    assert await files(target, tmp_path, "a" * 64).read_back(release()) is None
