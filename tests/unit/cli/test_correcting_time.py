"""`assent settings correct-time`: the typed time, as a change."""

import pytest

from assent.cli.commands.settings import time_correction
from assent_contracts.client.publisher import now_ms
from assent_contracts.governance_changes import CorrectTime


@pytest.mark.parametrize(
    "text", ["2026-01-01T00:00", "2026-01-01", "2026-01-01T01:00+01:00", "2026-01-01T00:00:00Z"]
)
def test_time_is_read_as_utc_unless_it_has_another_zone(text: str) -> None:
    assert time_correction(text) == CorrectTime(to=1_767_225_600_000)


def test_now_is_now() -> None:
    change = time_correction("now")
    assert isinstance(change, CorrectTime)
    assert abs(change.to - now_ms()) < 10_000


def test_invalid_time_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        time_correction("yesterday")
    assert "'yesterday' is not a time" in capsys.readouterr().err
