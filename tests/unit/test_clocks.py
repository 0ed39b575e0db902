"""Whether the clocks agree: the broker's, the wall clock, and the monotonic one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from assent.decider.believed_times import put_right
from assent.decider.clock_file import believed_offset, note_offset
from assent.decider.clocks import APART_MS, STEP_MAX_MS, Appends, SeenAppend, WallClock, first_doubt
from assent.decider.wall_clock_watch import MachineClock
from assent.observe.failure_reasons import clock_stepped, clocks_apart
from assent.observe.machine_clocks import Reading

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z"""


def reading(steady: int, *, ahead: int = 0) -> Reading:
    """At `steady` ms after noon, by a wall clock that is this far ahead."""
    return Reading(wall=NOON + steady + ahead, steady=steady)


def seen(at: int, *, ahead: int = 0, known: bool = True) -> SeenAppend:
    """Appended within a second before `at` ms after noon, by a broker whose clock is this far ahead."""
    return SeenAppend(NOON + at + ahead, at - 1_000 if known else None, at)


@pytest.mark.parametrize("ahead", [APART_MS, -APART_MS, 0])
def test_clocks_may_differ_by_five_minutes(ahead: int) -> None:
    assert seen(9_000, ahead=ahead).agrees(NOON)
    assert seen(9_000, ahead=ahead).received_at(NOON) == NOON + 9_000 + ahead


@pytest.mark.parametrize("ahead", [APART_MS + 1, 2 * HOUR_MS, 2 * DAY_MS])
def test_command_that_a_broker_dates_ahead_counts_as_received_when_it_was_read(ahead: int) -> None:
    it = seen(9_000, ahead=ahead)
    assert it.ahead(NOON) == ahead
    assert not it.agrees(NOON)
    assert it.received_at(NOON) == NOON + 9_000


@pytest.mark.parametrize("behind", [APART_MS + 1_001, 2 * HOUR_MS, 40 * DAY_MS])
def test_command_that_a_broker_dates_behind_counts_as_received_when_it_was_not_there_yet(behind: int) -> None:
    it = seen(9_000, ahead=-behind)
    assert not it.agrees(NOON)
    assert it.received_at(NOON) == NOON + 8_000


def test_command_that_arrived_while_no_decider_ran_is_as_old_as_the_broker_states() -> None:
    """A decider that was down for days refuses nothing that arrived in time."""
    it = seen(9_000, ahead=-9 * DAY_MS, known=False)
    assert it.agrees(NOON)
    assert it.received_at(NOON) == it.appended


def test_first_append_that_cannot_be_believed_is_found() -> None:
    good = [seen(1_000), seen(2_000), seen(3_000)]
    assert first_doubt(good, NOON, None) is None
    assert first_doubt([*good, seen(4_000, ahead=2 * HOUR_MS)], NOON, None) == 3
    assert first_doubt([seen(1_000, ahead=-2 * HOUR_MS), *good], NOON, None) == 0


def test_append_long_before_the_previous_one_is_in_doubt_even_if_no_decider_was_running() -> None:
    """The broker's clock went back in between, so one of the two times is wrong."""
    backlog = [seen(0, ahead=-3 * DAY_MS, known=False), seen(0, ahead=-3 * DAY_MS - HOUR_MS, known=False)]
    assert first_doubt(backlog, NOON, None) == 1
    assert first_doubt(backlog[1:], NOON, backlog[0].appended) == 0
    assert first_doubt(backlog[:1], NOON, backlog[0].appended + APART_MS) is None


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.none() | st.integers(-9, 0)), max_size=6),
    st.none() | st.integers(-9, 9),
)
@example([(3, None)], 3)
@example([(-3, 0)], -3)
@example([(-3, None)], 0)
def test_fast_check_agrees_with_the_check_one_by_one(
    appends: list[tuple[int, int | None]], before: int | None
) -> None:
    """In steps of two minutes, so that some are apart and some are not."""
    unit = 2 * MINUTE_MS
    afters = sorted((after for _, after in appends), key=lambda after: -10 if after is None else after)
    them = Appends(
        [NOON + time * unit for time, _ in appends],
        [None if after is None else after * unit for after in afters],
        by=0,
    )
    before_ms = None if before is None else NOON + before * unit
    if them.plainly_agree(NOON, before_ms):
        assert first_doubt(them.each(), NOON, before_ms) is None
        assert [each.received_at(NOON) for each in them.each()] == them.times
        if before_ms is not None:
            assert put_right([before_ms, *them.times])[1:] == them.times
    assert them.possible(NOON) == [each.received_at(NOON) for each in them.each()]


def test_wall_clock_is_believed_once_a_broker_confirms_it() -> None:
    """Otherwise a decider started with a clock a month ahead would expire every open request."""
    wall = WallClock(reading(0, ahead=31 * DAY_MS), one_machine=False)
    assert not wall.is_borne_out
    assert not wall.is_believed(reading(1, ahead=31 * DAY_MS))
    wall.bear_out(seen(2_000), reading(2_000, ahead=31 * DAY_MS).offset)
    assert not wall.is_borne_out
    assert wall.disagrees == seen(2_000)
    right = reading(3_000)
    assert wall.step(right) == -31 * DAY_MS
    wall.bear_out(seen(3_000), right.offset)
    assert wall.step(right) == 0
    assert wall.is_believed(right)
    assert not wall.is_believed(reading(1, ahead=31 * DAY_MS))


def test_append_of_an_unknown_moment_confirms_nothing() -> None:
    wall = WallClock(reading(0), one_machine=False)
    wall.bear_out(seen(2_000, known=False), NOON)
    wall.bear_out(SeenAppend(NOON + 9, 0, APART_MS + 1), NOON)
    assert not wall.is_borne_out


@pytest.mark.parametrize("step", [APART_MS + 2_000, -APART_MS - 2_000, HOUR_MS, 2 * DAY_MS, -2 * DAY_MS])
def test_unconfirmed_step_of_a_wall_clock_is_held_until_it_is_reverted(
    step: int,
) -> None:
    wall = WallClock(reading(0), one_machine=False)
    wall.bear_out(seen(1_000), NOON)
    stepped = reading(2_000, ahead=step)
    assert wall.step(stepped) == step
    wall.bear_out(seen(3_000), stepped.offset)
    assert wall.step(reading(3_000, ahead=step)) == step
    assert not wall.is_believed(stepped)
    assert wall.step(reading(4_000)) == 0
    wall.bear_out(seen(4_000), NOON)
    assert wall.is_believed(reading(4_000))


def test_wall_clock_corrected_in_small_steps_is_followed() -> None:
    wall = WallClock(reading(0), one_machine=True)
    for steps in range(1, 20):
        assert wall.step(reading(steps * 10 * MINUTE_MS, ahead=steps * APART_MS)) == 0
    assert wall.is_believed(reading(200 * MINUTE_MS, ahead=19 * APART_MS))


@pytest.mark.parametrize("each", [59 * MINUTE_MS, -59 * MINUTE_MS, 4 * MINUTE_MS])
def test_on_one_machine_successive_steps_are_held_like_one_step(each: int) -> None:
    wall = WallClock(reading(0), one_machine=True)
    held = [wall.step(reading(number * 1_000, ahead=number * each)) for number in range(1, 50)]
    taken = [number for number, step in enumerate(held, start=1) if step == 0]
    assert taken == [number for number in range(1, 50) if number * abs(each) <= STEP_MAX_MS]
    assert held[-1] == 49 * each
    # No passing hour makes it right: a person accepts it, or it is reverted.
    assert wall.step(reading(3 * HOUR_MS, ahead=49 * each)) == 49 * each
    assert wall.step(reading(3 * HOUR_MS, ahead=taken[-1] * each)) == 0
    accepted = reading(4 * HOUR_MS, ahead=49 * each)
    assert wall.step(accepted, accepted=accepted.offset) == 0
    assert wall.step(reading(4 * HOUR_MS + 1_000, ahead=50 * each)) == 0


@pytest.mark.parametrize("step", [STEP_MAX_MS, -STEP_MAX_MS, APART_MS])
def test_on_one_machine_a_step_of_up_to_an_hour_is_accepted(step: int) -> None:
    wall = WallClock(reading(0), one_machine=True)
    assert wall.step(reading(1_000, ahead=step)) == 0
    assert wall.is_believed(reading(1_000, ahead=step))


@pytest.mark.parametrize("step", [STEP_MAX_MS + 1, -STEP_MAX_MS - 1, 31 * DAY_MS])
def test_on_one_machine_a_longer_step_is_held_until_it_is_accepted_or_reverted(step: int) -> None:
    for right in (reading(2_000), reading(2_000, ahead=step)):
        wall = WallClock(reading(0), one_machine=True)
        stepped = reading(1_000, ahead=step)
        assert wall.step(stepped) == step
        assert wall.step(stepped, accepted=NOON) == step
        # The broker reads the same clock, so its time proves nothing.
        wall.bear_out(seen(1_500, ahead=step), stepped.offset)
        assert wall.step(stepped) == step
        assert wall.step(right, accepted=right.offset) == 0


class Hands:
    """The clocks of a machine, set by a test."""

    def __init__(self) -> None:
        self.ahead = 0
        self.steady = 0

    def __call__(self) -> Reading:
        self.steady += 1
        return reading(self.steady, ahead=self.ahead)


def test_step_is_noticed_across_a_restart_and_accepted_by_the_file(tmp_path: Path) -> None:
    file, hands = tmp_path / "state" / "clock.json", Hands()
    assert MachineClock(hands, file).step() == 0
    hands.ahead = 2 * DAY_MS
    started_again = MachineClock(hands, file)
    assert started_again.step() == 2 * DAY_MS
    note_offset(file, hands())
    assert started_again.step() == 0
    assert believed_offset(file) == NOON + 2 * DAY_MS


def test_decider_s_own_note_accepts_no_successive_small_steps(tmp_path: Path) -> None:
    file, hands = tmp_path / "clock.json", Hands()
    machine = MachineClock(hands, file)
    steps: list[int] = []
    for hands.ahead in range(0, DAY_MS, 4 * MINUTE_MS):
        steps.append(machine.step())
    assert steps.index(64 * MINUTE_MS) == steps.count(0)
    believed = believed_offset(file)
    assert believed is not None
    assert believed - NOON <= STEP_MAX_MS
    note_offset(file, hands())
    assert machine.step() == 0


def test_several_processes_may_note_the_clock_at_once_and_leave_no_other_files(tmp_path: Path) -> None:
    """The decider does it by itself, and `assent doctor --accept-clock` at the same time."""
    file = tmp_path / "clock.json"

    def note(ahead: int) -> None:
        for _ in range(200):
            note_offset(file, reading(0, ahead=ahead))

    with ThreadPoolExecutor(4) as several:
        for done in [several.submit(note, ahead) for ahead in range(4)]:
            done.result()
    assert believed_offset(file) in {NOON + ahead for ahead in range(4)}
    assert [each.name for each in tmp_path.iterdir()] == ["clock.json"]


def test_note_from_another_boot_of_the_machine_or_none_has_no_effect(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    assert believed_offset(file) is None
    for content in (b"", b"{}", b"\xff", b'{"boot":"another","offset":5}', b'{"boot":"x","offset":"5"}'):
        file.write_bytes(content)
        assert believed_offset(file) is None


def test_reasons_name_both_clocks_and_what_to_do() -> None:
    apart = clocks_apart(NOON + 2 * HOUR_MS, NOON)
    assert "2026-01-01 14:00:00Z" in apart.why
    assert "2026-01-01 12:00:00Z" in apart.why
    assert apart.todo.startswith("Set the clock that is wrong.")
    here = clock_stepped(-26 * HOUR_MS, NOON, one_machine=True)
    assert "2026-01-01 12:00:00Z" in here.why
    assert "2026-01-02 14:00:00Z" in here.why
    assert "26 h 0 min back" in here.why
    assert "assent doctor --accept-clock" in here.todo
    assert "a broker confirms it" in clock_stepped(6 * MINUTE_MS, NOON, one_machine=False).todo
