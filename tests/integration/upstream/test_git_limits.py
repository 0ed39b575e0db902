"""What a push can make the service keep has a limit."""

import subprocess
from pathlib import Path

from assent.upstream.git_repository import EMPTY_TREE, GitRepository
from assent.upstream.mapping import Mapping
from assent.upstream.source_settings import GitSource


def _commit(origin: Path, message: bytes) -> None:
    """A repository with one commit, of an author with a long name."""
    identity = ("-c", "user.name=" + "n" * 1_000, "-c", "user.email=e@example.com")

    def git(*arguments: str, stdin: bytes = b"") -> None:
        subprocess.run(["git", "-C", origin, *identity, *arguments], input=stdin, check=True)

    origin.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    (origin / "a").write_text("x")
    git("add", "a")
    git("commit", "--quiet", "--file=-", stdin=message)


async def test_long_message_of_a_commit_is_cut(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    _commit(origin, b"title " * 100_000 + b"\n\n" + b"x" * 1_000_000)
    mapping = Mapping(resource="app/x", operation="edit", justification="x")
    source = GitSource(
        name="git", repository=str(origin), branch="main", folder=tmp_path / "copy", mapping=mapping
    )
    repository = GitRepository(source)
    newest = await repository.fetch()
    commit = await repository.last_commit(EMPTY_TREE, newest, b"a")
    assert commit.id == newest
    assert (len(commit.author_name), len(commit.subject), len(commit.message)) == (256, 8_192, 8_192)
