"""R28: a folder that people change by hand."""

import asyncio
import os

import pytest

from assent.applier.targets.files.table import FilesTable
from assent.applier.targets.files.target import FilesTarget
from assent.reconcile.readers import files
from assent.reconcile.readers.reader import UnreadableTargetError
from assent.reconcile.reconciler import ReportRefusedError
from assent_contracts.digests import sha256_hex
from tests.support.log import APPLIER
from tests.support.reconciling import RECONCILERS, Reconciling, shape


class Folder:
    def __init__(self, reconciling: Reconciling) -> None:
        self.path = reconciling.folder / "target"
        table = FilesTable(folder=str(self.path))
        self.target = FilesTarget(table, reconciling.folder / "applier", reconciling.log.identity)
        self.file = reconciling.configuration(
            f'kind = "files"\n[files]\nfolder = "{self.path}"', types='["script"]'
        )

    def write(self, name: str, text: str) -> str:
        """By hand; the hash."""
        file = self.path / "script" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return sha256_hex(text.encode())

    def resource(self, name: str) -> str:
        return f"script/{name}"


@pytest.fixture
def folder(reconciling: Reconciling) -> Folder:
    return Folder(reconciling)


@pytest.fixture
def prefix(reconciling: Reconciling) -> str:
    return reconciling.name


async def settle_others(reconciling: Reconciling, folder: Folder) -> None:
    """Other tests of this module have applied to other folders, which this target lacks."""
    await reconciling.run(folder.file)


async def test_R28_what_was_applied_is_no_finding_and_a_file_by_hand_is_one(
    reconciling: Reconciling, folder: Folder
) -> None:
    name = reconciling.name
    request = await reconciling.applied(folder.target, f"script/{name}.sh", b'"echo one\\n"')
    await settle_others(reconciling, folder)
    assert await reconciling.found(folder.file) == []
    edited = folder.write(f"{name}.sh", "echo by hand\n")
    added = folder.write(f"{name}-extra.sh", "echo extra\n")
    run = await reconciling.run(folder.file)
    assert shape(run) == [
        ("unexplained", f"script/{name}-extra.sh", added, None),
        ("different", f"script/{name}.sh", edited, request.request),
    ]
    assert run.reported[0].by == f"uid {os.getuid()}"
    assert await reconciling.found(folder.file) == [], "once"
    assert await reconciling.found(folder.file, principal=RECONCILERS[1], state="new") == [], "by anyone"


async def test_R28_a_change_that_comes_back_is_found_again(reconciling: Reconciling, folder: Folder) -> None:
    name = f"{reconciling.name}.sh"
    request = await reconciling.applied(folder.target, f"script/{name}", b'"echo one\\n"')
    await settle_others(reconciling, folder)
    edited = folder.write(name, "echo by hand\n")
    different = ("different", f"script/{name}", edited, request.request)
    assert await reconciling.found(folder.file) == [different]
    put_back = folder.write(name, "echo one\n")
    assert await reconciling.found(folder.file) == [("restored", f"script/{name}", put_back, request.request)]
    assert await reconciling.found(folder.file) == []
    folder.write(name, "echo by hand\n")
    assert await reconciling.found(folder.file) == [different]


async def test_R28_a_file_that_is_gone_is_missing(reconciling: Reconciling, folder: Folder) -> None:
    name = f"{reconciling.name}.sh"
    request = await reconciling.applied(folder.target, f"script/{name}", b'"echo one\\n"')
    await settle_others(reconciling, folder)
    (folder.path / "script" / name).unlink()
    assert await reconciling.found(folder.file) == [("missing", f"script/{name}", None, request.request)]
    assert await reconciling.found(folder.file) == []


async def test_R28_an_object_that_a_request_deleted_must_not_be_there(
    reconciling: Reconciling, folder: Folder
) -> None:
    name = f"{reconciling.name}.sh"
    await reconciling.applied(folder.target, f"script/{name}", b'"echo one\\n"')
    request = await reconciling.applied(folder.target, f"script/{name}", b"null", operation="delete")
    await settle_others(reconciling, folder)
    again = folder.write(name, "echo one\n")
    assert await reconciling.found(folder.file) == [("different", f"script/{name}", again, request.request)]


async def test_R28_a_change_whose_outcome_is_not_known_is_no_finding_yet(
    reconciling: Reconciling, folder: Folder
) -> None:
    name = f"{reconciling.name}.sh"
    await reconciling.applied(folder.target, f"script/{name}", b'"echo one\\n"')
    await settle_others(reconciling, folder)
    request, _ = await reconciling.claimed(folder.target, f"script/{name}", b'"echo two\\n"')
    assert await reconciling.found(folder.file) == []
    await reconciling.report(request, outcome="unknown")
    assert await reconciling.found(folder.file) == []
    await reconciling.report(request)
    assert await reconciling.found(folder.file) == []


async def test_R28_what_a_failed_request_has_made_after_all_is_a_finding_that_says_so(
    reconciling: Reconciling, folder: Folder
) -> None:
    name = f"{reconciling.name}.sh"
    request, _ = await reconciling.claimed(folder.target, f"script/{name}", b'"echo one\\n"')
    await reconciling.report(request, outcome="failed")
    run = await reconciling.run(folder.file)
    [found] = [each for each in run.reported if each.resource == f"script/{name}"]
    assert (found.kind, found.version) == ("unexplained", sha256_hex(b"echo one\n"))
    assert found.detail == f"It is what request {request.request} would have made, which has failed."


async def test_R28_two_reconcilers_record_each_change_once(reconciling: Reconciling, folder: Folder) -> None:
    names = [f"{reconciling.name}-{number}.sh" for number in range(5)]
    async with (
        reconciling.running(folder.file) as one,
        reconciling.running(folder.file, RECONCILERS[1], "other") as other,
    ):
        await settle_others(reconciling, folder)
        for round_ in range(3):
            for name in names:
                folder.write(name, f"echo {round_}\n")
            await asyncio.gather(one.run(), other.run())
            await asyncio.gather(one.run(), other.run())
    recorded = await reconciling.recorded()
    mine = [each for each in recorded if each.resource in {f"script/{name}" for name in names}]
    assert len(mine) == len(names) * 3
    assert len({(each.resource, each.version) for each in mine}) == len(mine)


async def test_R28_a_link_is_not_followed(reconciling: Reconciling, folder: Folder) -> None:
    await settle_others_of_empty(reconciling, folder)
    secret = reconciling.folder / "secret"
    secret.write_text("secret")
    (folder.path / "script").mkdir(exist_ok=True)
    name = f"{reconciling.name}.sh"
    (folder.path / "script" / name).symlink_to(secret)
    assert await reconciling.found(folder.file) == [("unexplained", f"script/{name}", "not-a-file", None)]


async def test_R28_a_file_is_found_whatever_its_name(
    reconciling: Reconciling, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle_others_of_empty(reconciling, folder)
    name = reconciling.name
    for odd in (f"{name}-\udcff", f"{name}-\n", f".new-{name}"):
        folder.write(odd, "echo\n")
    odd_names = [f"script/{name}-%0A", f"script/{name}-%FF"]
    assert [resource for _, resource, _, _ in await reconciling.found(folder.file)] == odd_names
    monkeypatch.setattr(files, "TEMPORARY_S", 0.0)
    assert [resource for _, resource, _, _ in await reconciling.found(folder.file)] == [f"script/.new-{name}"]
    assert await reconciling.found(folder.file) == []


async def test_R28_a_second_file_of_an_object_is_not_hidden_by_the_applied_one(
    reconciling: Reconciling, folder: Folder
) -> None:
    name = f"{reconciling.name} with a space"
    request = await reconciling.applied(folder.target, f"script/{name}", b'"echo one\\n"')
    await settle_others(reconciling, folder)
    folder.write(name, "echo by hand\n")
    [(kind, resource, version, of)] = await reconciling.found(folder.file)
    assert (kind, resource, of) == ("different", f"script/{name}", request.request)
    assert version is not None
    assert version.startswith("several:")
    (folder.path / "script" / name).unlink()
    assert [kind for kind, *_ in await reconciling.found(folder.file)] == ["restored"]


async def settle_others_of_empty(reconciling: Reconciling, folder: Folder) -> None:
    folder.path.mkdir(exist_ok=True)
    await settle_others(reconciling, folder)


async def test_R28_a_folder_that_cannot_be_read_is_no_finding(
    reconciling: Reconciling, folder: Folder
) -> None:
    for file in sorted(folder.path.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    folder.path.rmdir()
    with pytest.raises(UnreadableTargetError, match="cannot be read"):
        await reconciling.run(folder.file)
    assert await reconciling.recorded() == []


async def test_R28_more_files_than_the_limit_are_not_compared(
    reconciling: Reconciling, folder: Folder
) -> None:
    file = reconciling.configuration(
        f'kind = "files"\n[files]\nfolder = "{folder.path}"', types='["script"]', objects_max="1"
    )
    for number in range(2):
        folder.write(f"{number}.sh", "echo\n")
    with pytest.raises(UnreadableTargetError, match="more than 1 files"):
        await reconciling.run(file)


async def test_R28_an_account_without_the_role_reports_nothing(
    reconciling: Reconciling, folder: Folder
) -> None:
    folder.write(f"{reconciling.name}.sh", "echo\n")
    with pytest.raises(ReportRefusedError, match="not-permitted"):
        await reconciling.run(folder.file, APPLIER)
    assert await reconciling.recorded() == []


async def test_R28_findings_beyond_the_limit_follow_in_the_next_run(
    reconciling: Reconciling, folder: Folder
) -> None:
    await settle_others_of_empty(reconciling, folder)
    file = reconciling.configuration(
        f'kind = "files"\n[files]\nfolder = "{folder.path}"', types='["script"]', findings_max="2"
    )
    for number in range(3):
        folder.write(f"{reconciling.name}-{number}.sh", "echo\n")
    async with reconciling.running(file) as reconciler:
        assert [(len(run.reported), run.left) for run in [await reconciler.run() for _ in range(3)]] == [
            (2, 1), (1, 0), (0, 0),
        ]  # fmt: skip
