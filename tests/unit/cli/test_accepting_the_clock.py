"""`assent doctor --accept-clock`: the decider of this machine's log accepts the current clock."""

from pathlib import Path

import pytest

from assent.cli.commands.doctor import accept_this_clock
from assent.cli.options import Options
from assent.decider.clock_file import believed_offset
from assent.local.data_directory import Directory
from assent.local.founded_log import FoundedLog, write_founded
from assent.observe.machine_clocks import read_clock


def test_accepted_clock_is_noted_next_to_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = Directory(tmp_path)
    write_founded(directory, FoundedLog(identity="5e" * 32, partitions=4))
    accept_this_clock(Options(data=tmp_path))
    offset = believed_offset(directory.clock)
    assert offset is not None
    assert abs(offset - read_clock().offset) < 1_000
    assert "accepted as right" in capsys.readouterr().out


def test_without_a_local_log_or_decider_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        accept_this_clock(Options(data=tmp_path))
    assert "assent init" in capsys.readouterr().err
    monkeypatch.setenv("ASSENT_KAFKA", "broker:9092")
    with pytest.raises(SystemExit):
        accept_this_clock(Options(data=tmp_path))
    assert "set the clock" in capsys.readouterr().err.lower()
