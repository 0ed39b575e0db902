"""What the folder's applier remembers of a release, next to its files."""

from pathlib import Path

import msgspec

from assent.applier.service import FolderApplier
from assent.applier.target import Target
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


def applier(folder: Path) -> FolderApplier:
    return FolderApplier(Target(folder / "target"), folder / "state", "a" * 64)


def written(folder: Path) -> str:
    return (folder / "target" / "script" / "run").read_text()


def test_applied_release_is_not_applied_again(tmp_path: Path) -> None:
    assert applier(tmp_path).apply(release(b'"text"')) == Applied()
    (tmp_path / "target" / "script" / "run").write_text("later")
    assert applier(tmp_path).apply(release(b'"text"')) == Applied()
    assert written(tmp_path) == "later"


def test_another_release_under_a_reused_id_is_applied(tmp_path: Path) -> None:
    """As after a restore from an older copy, once its loss was accepted."""
    applier(tmp_path).apply(release(b'"old"'))
    assert applier(tmp_path).read_back(release(b'"new"', b"another")) is None
    applier(tmp_path).apply(release(b'"new"', b"another"))
    assert written(tmp_path) == "new"


def test_same_submission_released_again_after_a_loss_is_applied(tmp_path: Path) -> None:
    applier(tmp_path).apply(release(b'"text"'))
    (tmp_path / "target" / "script" / "run").write_text("of what was lost")
    applier(tmp_path).apply(release(b'"text"', at=2))
    assert written(tmp_path) == "text"
