"""A few thousand simulated schedules, and how a failure can be reproduced."""

import subprocess
import sys

import pytest

from assent_contracts.core.set_coordination import Due, SetCoordination
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import PartitionWriter
from tests.simulation.run import fails, run_many, run_one, shortest

_SCHEDULES = 2_000


@pytest.mark.timeout(120)
def test_invariants_hold_in_simulated_schedules() -> None:
    ran, _, failures = run_many(1, _SCHEDULES, stop_at=1)
    assert not failures, f"{failures[0].what}\nagain: python -m tests.simulation --seed {failures[0].seed}"
    assert ran == _SCHEDULES


def test_seed_gives_the_same_schedule_each_time() -> None:
    told: list[list[str]] = [[], []]
    for lines in told:
        run_one(5, tell=lines.append)
    assert told[0] == told[1]
    assert len(told[0]) > 10


def test_fault_is_found_and_its_seed_reproduces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # A writer that never remembers where to continue: its successor decides the last command again.
    begin = PartitionWriter.begin

    def forgetful(writer: PartitionWriter[RequestsDesk]) -> None:
        begin(writer)
        writer.next_input = max(0, writer.next_input - 1)

    monkeypatch.setattr(PartitionWriter, "begin", forgetful)
    _, _, failures = run_many(1, 50, stop_at=1)
    assert failures
    short = shortest(failures[0])
    assert short.events <= failures[0].events
    assert fails(short.seed, short.events) == short


def test_R29_a_coordinator_that_releases_before_its_set_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    due = SetCoordination.due

    def hasty(sets: SetCoordination) -> list[Due]:
        early = [
            Due(step="release", request=each.request, resource=each.resource, submission=each.submission)
            for found in sets._sets.values()
            for each in found.waiting.values()
            if not each.is_released
        ]
        return [*due(sets), *early]

    monkeypatch.setattr(SetCoordination, "due", hasty)
    _, _, failures = run_many(1, 200, stop_at=1)
    assert failures
    assert "is released without its set" in failures[0].what


def test_command_line_runs_and_repeats() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--schedules", "20", "--processes", "1", "--from", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "20 schedules" in done.stdout
    again = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "3"], capture_output=True, text=True, check=True
    )
    assert again.stdout.endswith("everything holds\n")
