"""`assent demo --once` exits with 0 only if every step succeeds."""

import signal

import pytest

from tests.support.cli import Cli


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(tmp_path_factory.mktemp("demo") / "data")


def test_demo_succeeds_from_nothing_and_again_on_what_it_left(demo: Cli) -> None:
    for _ in range(2):
        answer = demo("demo", "--once")
        assert answer.code == 0, answer
        assert "✘" not in answer.out
        assert "✔ Verified" in answer.out


def test_demo_fails_if_a_change_cannot_be_applied(demo: Cli) -> None:
    """A file is in the place of the applier's folder."""
    target = demo.data / "target" / "script"
    target.rename(demo.data / "away")
    target.write_text("in the way")
    answer = demo("demo", "--once")
    assert answer.code == 1
    assert "✘ NOT AS EXPECTED applier applies" in answer.out
    assert "script/disable-smb1.ps1 is failed" in answer.out
    target.unlink()
    (demo.data / "away").rename(target)


def test_interrupted_demo_stops_cleanly_and_does_not_report_a_failure(demo: Cli) -> None:
    process = demo.start("demo", "--once")
    # Its first output: from then on it has something to stop.
    assert process.stderr is not None
    assert process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "did not hold" not in err


def test_demo_without_its_applier_leaves_released_changes_to_another_one(demo: Cli) -> None:
    answer = demo("demo", "--once", "--without", "applier")
    assert answer.code == 0, answer
    assert "Without applier: released changes wait for your own applier." in answer.err
    assert "applier applies" not in answer.out
    assert "✔ Verified" in answer.out
