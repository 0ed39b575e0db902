"""The kit for authors of handlers says what would be reported, wherever the applier is killed."""

import asyncio
import json

import pytest

from assent_contracts.client.handler import Applied, FinalError, Release
from assent_contracts.client.handler_run import Report
from assent_contracts.testing import HandlerTrial, Killed, a_release


class Target:
    """Remembers what was made by idempotency key, as a good target does."""

    def __init__(self) -> None:
        self.made: dict[str, bytes] = {}
        self.calls = 0
        self.kill = ""

    def apply(self, release: Release) -> Applied:
        self.calls += 1
        self._die("before")
        self.made.setdefault(release.idempotency_key, bytes(release.change.payload))
        self._die("after")
        return Applied("Made.", version="v1")

    def read_back(self, release: Release) -> Applied | None:
        return Applied("It is there.") if release.idempotency_key in self.made else None

    def _die(self, point: str) -> None:
        if self.kill == point:
            self.kill = ""
            raise Killed


RELEASE = a_release("app/payroll", payload={"limit": 5})
MADE = Report("succeeded", "Made.", "v1")


@pytest.fixture
def target() -> Target:
    return Target()


def test_release_has_the_payload_and_another_key_for_each_other_release() -> None:
    assert json.loads(bytes(RELEASE.change.payload)) == {"limit": 5}
    assert a_release("app/payroll", payload={"limit": 5}) == RELEASE
    assert a_release("app/payroll", payload={"limit": 6}).idempotency_key != RELEASE.idempotency_key
    assert a_release("app/payroll", payload={"limit": 5}, claim=9).idempotency_key != RELEASE.idempotency_key


def test_handler_that_is_not_killed_is_reported_as_it_answers(target: Target) -> None:
    assert HandlerTrial(target.apply).run(RELEASE) == MADE


@pytest.mark.parametrize(
    ("trial", "calls"),
    [("killed_before_effect", 1), ("killed_after_effect", 2), ("repeated", 2), ("retryable_first", 1)],
)
def test_effect_is_made_once_and_reported_wherever_the_applier_is_killed(
    trial: str, calls: int, target: Target
) -> None:
    assert getattr(HandlerTrial(target.apply), trial)(RELEASE) == MADE
    assert (len(target.made), target.calls) == (1, calls)


@pytest.mark.parametrize(("point", "made"), [("before", 0), ("after", 1)])
def test_handler_killed_while_it_works_is_called_again(point: str, made: int, target: Target) -> None:
    target.kill = point
    assert HandlerTrial(target.apply).killed_during_effect(RELEASE) == MADE
    assert (len(target.made), target.calls) == (1, 2)


def test_with_reading_back_what_was_made_is_not_made_again(target: Target) -> None:
    trial = HandlerTrial(target.apply, read_back=target.read_back)
    assert trial.killed_after_effect(RELEASE) == Report("succeeded", "It is there.")
    assert target.calls == 1


@pytest.mark.parametrize(
    ("trial", "made"), [("lease_ended_before_effect", 0), ("lease_ended_after_effect", 1)]
)
def test_nothing_is_applied_after_the_lease_and_what_nobody_can_tell_is_unknown(
    trial: str, made: int, target: Target
) -> None:
    assert getattr(HandlerTrial(target.apply), trial)(RELEASE).outcome == "unknown"
    assert (len(target.made), target.calls) == (made, made)


def test_after_the_lease_reading_back_still_tells(target: Target) -> None:
    trial = HandlerTrial(target.apply, read_back=target.read_back)
    assert trial.lease_ended_after_effect(RELEASE).outcome == "succeeded"


def test_failure_after_a_kill_is_reported_as_unknown_unless_it_can_be_read_back() -> None:
    def exists(_: Release) -> None:
        msg = "It exists already."
        raise FinalError(msg)

    assert HandlerTrial(exists).run(RELEASE).outcome == "failed"
    assert HandlerTrial(exists).killed_before_effect(RELEASE).outcome == "unknown"
    assert HandlerTrial(exists, read_back=lambda _: None).killed_before_effect(RELEASE).outcome == "failed"


def test_handler_that_hangs_is_left_when_its_lease_ends() -> None:
    async def hang(_: Release) -> None:
        await asyncio.Event().wait()

    assert HandlerTrial(hang).hangs(RELEASE).outcome == "unknown"


def test_trial_of_a_kill_fails_if_nothing_killed(target: Target) -> None:
    with pytest.raises(AssertionError, match="raise Killed"):
        HandlerTrial(target.apply).killed_during_effect(RELEASE)
