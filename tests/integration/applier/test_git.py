"""Changes in a git repository: one commit each, exactly once, whatever fails when."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.applier.targets.git import git_program
from assent.applier.targets.git.repository import Repository
from assent.applier.targets.git.table import GitTable
from assent.applier.targets.git.target import GitTarget
from assent_contracts.client.handler import FinalError, RetryableError, UnknownOutcomeError
from assent_contracts.digests import sha256_hex
from tests.support.git_host import TOKEN, GitHost, git, over_http
from tests.support.releases import change, release


@pytest.fixture
def host(tmp_path: Path) -> GitHost:
    return GitHost(tmp_path)


def target(host: GitHost, state: Path, **fields: Any) -> GitTarget:
    return GitTarget(msgspec.convert({"url": str(host.bare), **fields}, GitTable), state, 20)


async def test_change_is_a_commit_that_names_its_request_approvers_and_submission(
    host: GitHost, tmp_path: Path
) -> None:
    one = release("script/net/dns.ps1")
    applied = await target(host, tmp_path / "state", folder="objects/").apply(one)
    assert applied is not None
    assert applied.version == host.tip()
    assert host.show("objects/script/net/dns.ps1") == "echo one\n"
    shown = git(host.bare, "log", "-1", "--format=%s%n%(trailers:only,unfold)", "main").strip().splitlines()
    assert shown == [
        "edit script/net/dns.ps1 (request 2-0)",
        "Assent-Request: 2-0",
        f"Assent-Submission: {one.change.submission}",
        f"Assent-Digest: sha256:{one.change.digest}",
        "Assent-Requested-By: alice",
        "Assent-Approved-By: bob",
        "Assent-Approved-By: carol",
        f"Assent-Idempotency-Key: {one.idempotency_key}",
    ]


async def test_release_that_was_applied_is_found_and_not_applied_again(host: GitHost, tmp_path: Path) -> None:
    first = await target(host, tmp_path / "one").apply(release())
    host.commit("script/run", "changed since\n")
    again = await target(host, tmp_path / "two").apply(release())
    assert again == first
    assert await target(host, tmp_path / "two").read_back(release()) == first
    assert host.show("script/run") == "changed since\n"


async def test_change_that_people_release_again_is_not_made_again_unless_it_was_undone(
    host: GitHost, tmp_path: Path
) -> None:
    one, first = target(host, tmp_path / "state"), release()
    made = await one.apply(first)
    again = msgspec.structs.replace(first, idempotency_key="0" * 64, earlier_keys=(first.idempotency_key,))
    assert await one.apply(again) == made
    host.commit("script/run", "undone\n")
    assert await one.apply(again) != made
    assert host.show("script/run") == "echo one\n"


async def test_content_that_is_there_already_gets_its_commit_too(host: GitHost, tmp_path: Path) -> None:
    host.commit("script/run", "echo one\n")
    applied = await target(host, tmp_path / "state").apply(release())
    assert applied is not None
    assert applied.version == host.tip()


async def test_read_back_of_a_change_that_was_not_made_is_nothing(host: GitHost, tmp_path: Path) -> None:
    host.commit("script/run", "echo one\n")
    assert await target(host, tmp_path / "state").read_back(release()) is None


async def test_deleted_object_is_deleted_and_the_rest_stays(host: GitHost, tmp_path: Path) -> None:
    host.commit("script/run", "old\n")
    await target(host, tmp_path / "state").apply(release(operation="delete"))
    assert host.files() == ["README"]


async def test_executable_file_stays_executable(host: GitHost, tmp_path: Path) -> None:
    clone = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(host.bare), str(clone))
    (clone / "script").mkdir()
    (clone / "script/run").write_text("old\n")
    (clone / "script/run").chmod(0o755)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "-m", "x")
    git(clone, "push", "--quiet", "origin", "main")
    await target(host, tmp_path / "state").apply(release())
    assert git(host.bare, "ls-tree", "main", "script/run").startswith("100755 ")


@pytest.mark.parametrize(
    "resource",
    ["script/.git/config", "script/../../x", "script/a/.GIT/hooks/x", "script/git~1/x", "script/-x"],
)
async def test_no_id_leads_out_of_its_folder_or_into_git_s_own(
    resource: str, host: GitHost, tmp_path: Path
) -> None:
    await target(host, tmp_path / "state", folder="objects/").apply(release(resource))
    [path] = [each for each in host.files() if each != "README"]
    assert path.startswith("objects/script/")
    assert not {".git", "..", ".GIT", "git~1"} & set(path.split("/"))


@pytest.mark.parametrize("path", ["script", "script/run/below"])
async def test_path_that_is_in_the_way_is_final_and_nothing_is_deleted(
    path: str, host: GitHost, tmp_path: Path
) -> None:
    tip = host.commit(path, "in the way\n")
    with pytest.raises(FinalError, match="Nothing was changed: script/run is in the way"):
        await target(host, tmp_path / "state").apply(release())
    assert host.tip() == tip


async def test_link_in_the_repository_is_not_written_through(host: GitHost, tmp_path: Path) -> None:
    clone = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(host.bare), str(clone))
    (clone / "script").mkdir()
    (clone / "script/run").symlink_to("/etc/passwd")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "-m", "x")
    git(clone, "push", "--quiet", "origin", "main")
    with pytest.raises(FinalError, match="a link or a submodule"):
        await target(host, tmp_path / "state").apply(release())


async def test_empty_part_of_an_id_is_final(host: GitHost, tmp_path: Path) -> None:
    with pytest.raises(FinalError, match="empty part"):
        await target(host, tmp_path / "state").apply(release("script/a//b"))


def racing(monkeypatch: pytest.MonkeyPatch, between: Callable[[], object]) -> None:
    """Something happens once, after a commit was made and before it is pushed."""
    real, happened = Repository.push, []

    def push(self: Repository, commit: str, base: str) -> None:
        if not happened:
            happened.append(True)
            between()
        real(self, commit, base)

    monkeypatch.setattr(Repository, "push", push)


async def test_commit_to_another_file_at_the_same_time_is_no_conflict(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    racing(monkeypatch, lambda: host.commit("other", "text\n"))
    await target(host, tmp_path / "state").apply(release())
    assert host.files() == ["README", "other", "script/run"]
    assert len(host.commits()) == 3


async def test_commit_to_the_same_file_at_the_same_time_is_a_conflict_and_final(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    racing(monkeypatch, lambda: host.commit("script/run", "theirs\n"))
    with pytest.raises(FinalError, match="Conflict: script/run was changed on main"):
        await target(host, tmp_path / "state").apply(release())
    assert host.show("script/run") == "theirs\n"


async def test_ten_appliers_of_one_release_make_one_commit(host: GitHost, tmp_path: Path) -> None:
    racers = [target(host, tmp_path / f"state-{number}") for number in range(10)]
    applied = await asyncio.gather(*(each.apply(release()) for each in racers))
    assert len(set(applied)) == 1
    assert len(host.commits()) == 2


async def test_concurrent_changes_to_many_objects_all_arrive(host: GitHost, tmp_path: Path) -> None:
    one = target(host, tmp_path / "state")
    await asyncio.gather(*(one.apply(release(f"script/{n}", request=f"2-{n}")) for n in range(8)))
    assert len(host.files()) == 9


async def test_forged_trailers_do_not_count_without_the_content(host: GitHost, tmp_path: Path) -> None:
    one = release()
    host.commit("other", "x\n", f"Mine\n\nAssent-Idempotency-Key: {one.idempotency_key}")
    assert await target(host, tmp_path / "state").read_back(one) is None
    await target(host, tmp_path / "state").apply(one)
    assert host.show("script/run") == "echo one\n"


async def test_host_s_refusal_is_final_and_shown(host: GitHost, tmp_path: Path) -> None:
    tip = host.tip()
    host.hook("pre-receive", "echo 'protected branch' >&2; exit 1")
    with pytest.raises(FinalError, match="The origin refused the commit, and nothing was changed"):
        await target(host, tmp_path / "state").apply(release())
    assert host.tip() == tip


async def test_hooks_of_the_applier_s_copy_do_not_run(host: GitHost, tmp_path: Path) -> None:
    one = target(host, tmp_path / "state")
    hook = tmp_path / "state/repository.git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    await one.apply(release())
    assert not (tmp_path / "ran").exists()


async def test_push_whose_answer_is_lost_is_found_on_the_branch(host: GitHost, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    with over_http(host, lose_answers=1) as url:
        one = target(host, tmp_path / "state", url=url, token=f"file:{tmp_path}/token", plain_http=True)
        applied = await one.apply(release())
    assert applied is not None
    assert applied.version == host.tip()
    assert len(host.commits()) == 2


async def test_wrong_token_is_retryable_and_not_printed(host: GitHost, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("wrong-secret\n")
    with over_http(host) as url:
        one = target(host, tmp_path / "state", url=url, token=f"file:{tmp_path}/token", plain_http=True)
        with pytest.raises(RetryableError) as raised:
            await one.apply(release())
    assert "wrong-secret" not in str(raised.value)


async def test_host_that_is_gone_is_retryable_before_a_push_and_unknown_after_one(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with over_http(host, lose_answers=1) as url:
        one = target(host, tmp_path / "state", url=url, token=f"file:{tmp_path}/token", plain_http=True)
        real = Repository.push

        def push(self: Repository, commit: str, base: str) -> None:
            try:
                real(self, commit, base)
            finally:
                host.bare.rename(host.bare.with_name("away"))

        monkeypatch.setattr(Repository, "push", push)
        with pytest.raises(UnknownOutcomeError):
            await one.apply(release())
        with pytest.raises(RetryableError):
            await one.read_back(release())
        host.bare.with_name("away").rename(host.bare)
        found = await one.read_back(release())
    assert found is not None
    assert found.version == host.tip()


async def test_branch_that_is_missing_is_final(host: GitHost, tmp_path: Path) -> None:
    with pytest.raises(FinalError, match="no branch other"):
        await target(host, tmp_path / "state", branch="other").apply(release())


async def test_commit_is_signed_with_the_applier_s_key(host: GitHost, tmp_path: Path) -> None:
    key = tmp_path / "key"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    making = await asyncio.create_subprocess_exec(*argv)
    assert await making.wait() == 0
    await target(host, tmp_path / "state", signing_key=str(key), email="assent@example.test").apply(release())
    kind, public, *_ = key.with_suffix(".pub").read_text().split()
    allowed = tmp_path / "allowed"
    allowed.write_text(f'assent@example.test namespaces="git" {kind} {public}\n')
    settings = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={allowed}"]
    assert git(host.bare, *settings, "log", "-1", "--format=%G? %GS", "main") == "G assent@example.test"


async def test_dry_run_shows_the_difference_and_changes_nothing(host: GitHost, tmp_path: Path) -> None:
    tip = host.commit("script/run", "echo zero\n")
    shown = await target(host, tmp_path / "state").plan(change())
    assert shown == "--- a/script/run\n+++ b/script/run\n@@ -1 +1 @@\n-echo zero\n+echo one\n"
    assert host.tip() == tip


async def test_payload_that_is_not_a_file_is_final_and_its_digest_is_not_looked_at(
    host: GitHost, tmp_path: Path
) -> None:
    with pytest.raises(FinalError, match="must be one JSON string"):
        await target(host, tmp_path / "state").apply(release(payload=b"{}"))


async def test_other_type_s_payload_is_written_byte_for_byte(host: GitHost, tmp_path: Path) -> None:
    payload = b'{"version": 2,  "name":"L\\u00f6hne"}'
    await target(host, tmp_path / "state").apply(release("app/payroll", payload))
    assert sha256_hex(host.show("app/payroll").encode()[:-1]) == sha256_hex(payload)


async def test_host_that_sends_without_end_is_cut_off_and_its_commit_is_found(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = target(host, tmp_path / "state")
    await one.read_back(release())  # its copy of the repository is there
    hook = host.bare / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\nyes 'so much to say about this push'\n")
    hook.chmod(0o755)
    monkeypatch.setattr(git_program, "OUTPUT_MAX_BYTES", 200_000)
    async with asyncio.timeout(15):
        # Sooner than git's own time limit. The commit is looked for then.
        applied = await one.apply(release())
    assert applied is not None
    assert applied.version == host.tip()
    assert host.show("script/run") == "echo one\n"
