"""R28: a branch to which people push by hand."""

import msgspec
import pytest

from assent.applier.targets.git.table import GitTable
from assent.applier.targets.git.target import GitTarget
from assent.reconcile.position_file import Position
from tests.support.git_host import GitHost, git
from tests.support.reconciling import RECONCILERS, Reconciling, shape


class Branch:
    def __init__(self, reconciling: Reconciling) -> None:
        self.host = GitHost(reconciling.folder)
        table = msgspec.convert({"url": str(self.host.bare)}, GitTable)
        self.target = GitTarget(table, reconciling.folder / "applier", 20)
        self.file = reconciling.configuration(
            f'kind = "git"\n[git]\nurl = "{self.host.bare}"', types='["script"]'
        )
        self.name = f"{reconciling.name}.sh"
        self.object = f"script/{self.name}"


@pytest.fixture
async def branch(reconciling: Reconciling) -> Branch:
    made = Branch(reconciling)
    # Other tests of this module have applied to other repositories, which this one lacks.
    await reconciling.run(made.file)
    return made


async def test_R28_a_commit_by_hand_is_found_once_with_its_author(
    reconciling: Reconciling, branch: Branch
) -> None:
    await reconciling.applied(branch.target, branch.object, b'"echo one\\n"')
    assert await reconciling.found(branch.file) == []
    commit = branch.host.commit(branch.object, "echo by hand\n")
    run = await reconciling.run(branch.file)
    assert shape(run) == [("unexplained", branch.object, commit, None)]
    assert run.reported[0].by == "somebody@example.test <somebody@example.test>"
    assert await reconciling.found(branch.file) == []
    assert await reconciling.found(branch.file, state="new") == [], "all of the history is read again"


async def test_R28_each_of_several_commits_is_found_the_oldest_first(
    reconciling: Reconciling, branch: Branch
) -> None:
    commits = [branch.host.commit(branch.object, f"echo {number}\n") for number in range(3)]
    other = branch.host.commit(f"script/{reconciling.name}-2.sh", "echo\n")
    found = await reconciling.found(branch.file)
    assert [version for _, _, version, _ in found] == [*commits, other]
    async with (
        reconciling.running(branch.file, state="a") as one,
        reconciling.running(branch.file, RECONCILERS[1], "b") as two,
    ):
        assert [shape(await each.run()) for each in (one, two)] == [[], []]


async def test_R28_a_forged_trailer_explains_nothing(reconciling: Reconciling, branch: Branch) -> None:
    request = await reconciling.applied(branch.target, branch.object, b'"echo one\\n"')
    message = f"edit\n\nAssent-Request: {request.request}\n"
    other_content = branch.host.commit(branch.object, "echo forged\n", message)
    same_content = branch.host.commit(branch.object, "echo one\n", message)
    other_object = branch.host.commit(f"{branch.object}x", "echo one\n", message)
    no_request = branch.host.commit(branch.object, "echo two\n", "edit\n\nAssent-Request: 0-999999\n")
    run = await reconciling.run(branch.file)
    assert {(each.version, each.detail) for each in run.reported} == {
        (other_content, f"It names request {request.request}, which made another content."),
        (same_content, f"It names request {request.request}, which was applied by another commit."),
        (other_object, f"It names request {request.request}, which is about another object."),
        (no_request, "It names request 0-999999, which was never released for this object."),
    }


async def test_R28_a_commit_whose_outcome_is_not_reported_is_waited_for(
    reconciling: Reconciling, branch: Branch
) -> None:
    request, version = await reconciling.claimed(branch.target, branch.object, b'"echo one\\n"')
    later = branch.host.commit(f"{branch.object}x", "echo by hand\n")
    assert [each[2] for each in await reconciling.found(branch.file)] == [later], "others are found"
    await reconciling.report(request, outcome="failed")
    found = await reconciling.run(branch.file)
    assert shape(found) == [("unexplained", branch.object, version, None)], "its position had waited"
    assert found.reported[0].detail.endswith("which has failed.")


async def test_R28_a_change_that_was_settled_without_a_version_is_explained_by_its_first_commit(
    reconciling: Reconciling, branch: Branch
) -> None:
    request, _ = await reconciling.claimed(branch.target, branch.object, b'"echo one\\n"')
    await reconciling.report(request)
    assert await reconciling.found(branch.file) == []
    branch.host.commit(branch.object, "echo by hand\n")
    copied = branch.host.commit(branch.object, "echo one\n", f"edit\n\nAssent-Request: {request.request}\n")
    assert copied in [version for _, _, version, _ in await reconciling.found(branch.file)]


async def test_R28_a_change_that_a_forced_push_took_away_is_found(
    reconciling: Reconciling, branch: Branch
) -> None:
    before = branch.host.tip()
    request = await reconciling.applied(branch.target, branch.object, b'"echo one\\n"')
    assert await reconciling.found(branch.file) == []
    git(branch.host.bare, "update-ref", "refs/heads/main", before)
    missing = ("missing", branch.object, None, request.request)
    assert await reconciling.found(branch.file) == [missing]
    assert await reconciling.found(branch.file) == []


async def test_R28_an_older_finding_of_the_history_does_not_hide_what_a_forced_push_took_away(
    reconciling: Reconciling, branch: Branch
) -> None:
    before = branch.host.tip()
    request = await reconciling.applied(branch.target, branch.object, b'"echo one\\n"')
    for text in ("echo by hand\n", "echo one\n"):
        commit = branch.host.commit(branch.object, text)
        assert await reconciling.found(branch.file) == [("unexplained", branch.object, commit, None)]
    missing = ("missing", branch.object, None, request.request)
    git(branch.host.bare, "update-ref", "refs/heads/main", before)
    assert await reconciling.found(branch.file) == [missing]
    by_hand = branch.host.commit(branch.object, "echo again\n")
    assert await reconciling.found(branch.file) == [("unexplained", branch.object, by_hand, None)]
    git(branch.host.bare, "update-ref", "refs/heads/main", before)
    assert await reconciling.found(branch.file) == [missing], "it was not missing in between"
    assert await reconciling.found(branch.file) == []


@pytest.mark.parametrize("version", ["--name-only", "HEAD", "0" * 40])
async def test_R28_a_finding_that_names_no_commit_of_the_branch_hides_nothing(
    reconciling: Reconciling, branch: Branch, version: str
) -> None:
    before = branch.host.tip()
    request = await reconciling.applied(branch.target, branch.object, b'"echo one\\n"')
    await reconciling.reported(branch.object, kind="unexplained", version=version)
    git(branch.host.bare, "update-ref", "refs/heads/main", before)
    assert await reconciling.found(branch.file) == [("missing", branch.object, None, request.request)]


async def test_R28_a_merge_that_keeps_the_other_side_takes_a_change_away(
    reconciling: Reconciling, branch: Branch
) -> None:
    before = branch.host.tip()
    request = await reconciling.applied(branch.target, branch.object, b'"echo one\\n"')
    tree = git(branch.host.bare, "rev-parse", f"{before}^{{tree}}")
    tip = branch.host.tip()
    merge = git(branch.host.bare, "commit-tree", tree, "-p", before, "-p", tip, "-F", "-", stdin="Merge")
    git(branch.host.bare, "update-ref", "refs/heads/main", merge)
    assert await reconciling.found(branch.file) == [("missing", branch.object, None, request.request)]


async def test_R28_a_reconciler_killed_before_it_kept_its_position_reports_nothing_twice(
    reconciling: Reconciling, branch: Branch
) -> None:
    branch.host.commit(branch.object, "echo by hand\n")
    [position] = (reconciling.folder / "state").rglob("position.json")
    kept = position.read_bytes()
    assert len(await reconciling.found(branch.file)) == 1
    position.write_bytes(kept)
    assert await reconciling.found(branch.file) == []
    position.write_bytes(b"\xff")
    assert await reconciling.found(branch.file) == []
    assert msgspec.json.decode(position.read_bytes(), type=Position).at == branch.host.tip()


async def test_R28_history_before_the_named_commit_is_not_read(
    reconciling: Reconciling, branch: Branch
) -> None:
    since = branch.host.commit(branch.object, "echo before\n")
    file = reconciling.configuration(
        f'kind = "git"\n[git]\nurl = "{branch.host.bare}"\nsince = "{since}"', types='["script"]'
    )
    commit = branch.host.commit(branch.object, "echo after\n")
    assert await reconciling.found(file, state="new") == [("unexplained", branch.object, commit, None)]
