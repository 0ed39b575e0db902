"""What the folder's applier remembers of a release, next to its files."""

from pathlib import Path

import msgspec

from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.files.target import FilesTarget
from assent_contracts.client.handler import Applied, Release
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change, idempotency_key


def change(payload: bytes, submission: bytes = b"submitted", **fields: object) -> Change:
    made = Change(
        request="0-1",
        resource="script/run",
        operation="edit",
        requester="somebody",
        justification="why",
        digest=sha256_hex(payload),
        submission=sha256_hex(submission),
        released=3,
        at=1,
        payload=msgspec.Raw(payload),
    )
    return msgspec.structs.replace(made, **fields)


def release(payload: bytes, submission: bytes = b"submitted", **fields: object) -> Release:
    made = change(payload, submission, **fields)
    return Release(change=made, claim=5, idempotency_key=idempotency_key("a" * 64, made), remaining_s=60)


def applier(folder: Path) -> FilesTarget:
    return FilesTarget(FilesTable(folder=str(folder / "target")), folder / "state", "a" * 64)


def written(folder: Path) -> str:
    return (folder / "target" / "script" / "run").read_text()


async def test_applied_release_is_not_applied_again(tmp_path: Path) -> None:
    assert await applier(tmp_path).apply(release(b'"text"')) == Applied()
    (tmp_path / "target" / "script" / "run").write_text("later")
    assert await applier(tmp_path).apply(release(b'"text"')) == Applied()
    assert written(tmp_path) == "later"


async def test_another_release_under_a_reused_id_is_applied(tmp_path: Path) -> None:
    """As after a restore from an older copy, once its loss was accepted."""
    await applier(tmp_path).apply(release(b'"old"'))
    assert await applier(tmp_path).read_back(release(b'"new"', b"another")) is None
    await applier(tmp_path).apply(release(b'"new"', b"another"))
    assert written(tmp_path) == "new"


async def test_same_submission_released_again_after_a_loss_is_applied(tmp_path: Path) -> None:
    await applier(tmp_path).apply(release(b'"text"'))
    (tmp_path / "target" / "script" / "run").write_text("of what was lost")
    await applier(tmp_path).apply(release(b'"text"', at=2))
    assert written(tmp_path) == "text"


async def test_dry_run_shows_the_difference_and_writes_nothing(tmp_path: Path) -> None:
    one = applier(tmp_path)
    assert (
        await one.plan(change(b'"a\\nb\\n"')) == "--- /dev/null\n+++ b/script/run\n@@ -0,0 +1,2 @@\n+a\n+b\n"
    )
    await one.apply(release(b'"a\\nb\\n"'))
    assert await one.plan(change(b'"a\\nc\\n"')) == (
        "--- a/script/run\n+++ b/script/run\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    )
    assert await one.plan(change(b'"a\\nb\\n"')) == "script/run: no change\n"
    assert "-a" in await one.plan(change(b'"x"', operation="delete"))
    assert written(tmp_path) == "a\nb\n"


async def test_dry_run_shows_no_terminal_codes(tmp_path: Path) -> None:
    assert "\x1b" not in await applier(tmp_path).plan(change(b'"\\u001b[31mred"'))
