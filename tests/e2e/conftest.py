"""One system for all of these tests, run by the command that users run."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent.infra_files import infra_path
from tests.support.cli import Cli, Up


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A founded log; nothing is running yet."""
    made = Cli(tmp_path_factory.mktemp("e2e") / "data")
    answer = made("init", str(infra_path("demo/governance.toml")), "--make-keys", "--json")
    assert answer.code == 0, answer
    assert answer.json.keys() == {"identity", "records"}
    return made


@pytest.fixture(scope="session")
def up(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The founded log with all of Assent running. A test that stops it starts it again."""
    running = Up(cli, tmp_path_factory.mktemp("up") / "up.txt")
    yield running
    # Ctrl-C; a test sends SIGTERM.
    assert running.stop(signal.SIGINT) == 0


@pytest.fixture
def changes() -> Path:
    return infra_path("demo/changes")
