"""R27: when a change can be released and claimed: its own window, and the freeze periods of its type."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.founding.governance_file import parse_governance_file
from assent.founding.table_meaning import policy_of as policy_of_table
from assent.reading.explanations import next_step
from assent.reading.utc_times import freeze_line, freeze_of, utc_ms, utc_text
from assent_contracts import limits
from assent_contracts.access_policies import Freeze, Policy
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.policies import policy_sentence
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.explain import explain
from assent_contracts.core.requests.states import Approved
from assent_contracts.governance_changes import CreatePolicy
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.governance_changes import edit
from tests.support.people import DAY_MS, START, organisation, policy_of
from tests.support.stories import Story

APP = "app/x"
HOUR_MS = DAY_MS // 24
FREEZE = Freeze(start=START + HOUR_MS, end=START + DAY_MS, reason="Year end.")
APPS = policy_of("apps", "app")
FROZEN = msgspec.structs.replace(APPS, freezes=(FREEZE,))


@pytest.fixture
def governance() -> Governance:
    return organisation()


def asked(story: Story, **window: Any) -> str:
    """The answer to Alice's submission with this window."""
    decision = story.send(msgspec.structs.replace(story.command("alice", "submits"), **window))
    return decision.code.value if isinstance(decision, Refusal) else ""


def again_at(story: Story, line: str) -> int | None:
    """Until when the refusal of this line says to wait."""
    who, verb = line.split(" ", 1)
    decision = story.send(story.command(who, verb))
    assert isinstance(decision, Refusal), decision
    assert decision.code is RefusalCode.NOT_YET
    return decision.again_at


def test_R27_change_is_released_when_its_window_begins(governance: Governance) -> None:
    story = Story(APP, governance=governance)
    assert asked(story, not_before=START + DAY_MS) == ""
    story.given("bob approves")
    assert again_at(story, "alice completes") == START + DAY_MS
    assert story.status() == "approved"
    story.at = START + DAY_MS - 1
    assert story.when("alice completes") == "not-yet"
    story.at += 1
    assert story.when("alice completes") == "ChangeReleased"
    assert story.when("applier claims") == "ChangeClaimed"


def test_R27_automatic_release_waits_and_is_done_by_hand(governance: Governance) -> None:
    edit(governance, msgspec.structs.replace(APPS, completion="automatic"))
    story = Story(APP, governance=governance)
    assert asked(story, not_before=START + DAY_MS) == ""
    assert story.when("bob approves") == "ApprovalGiven + RequestApproved"
    story.given("a day passes")
    assert story.when("alice completes") == "ChangeReleased"


def test_R27_request_expires_when_its_window_ends(governance: Governance) -> None:
    story = Story(APP, governance=governance)
    assert asked(story, not_after=START + DAY_MS) == ""
    story.given("bob approves", "alice completes")
    story.at = START + DAY_MS - 1
    assert story.when("the writer looks at the clock") == ""
    story.at += 1
    assert story.when("applier claims") == "not-released"
    assert story.when("the writer looks at the clock") == "RequestExpired"
    assert story.status() == "expired"


def test_R27_claim_in_time_keeps_its_lease_beyond_the_window(governance: Governance) -> None:
    story = Story(APP, governance=governance)
    assert asked(story, not_after=START + DAY_MS) == ""
    story.given("bob approves", "alice completes")
    story.at = START + DAY_MS - 1
    story.given("applier claims", "a minute passes")
    assert story.when("applier reports success") == "RequestCompleted"


def test_R27_waiting_for_the_window_is_not_a_lack_of_progress(governance: Governance) -> None:
    story = Story(APP, governance=governance)
    assert asked(story, not_before=START + 40 * DAY_MS) == ""
    story.given("bob approves", "30 days pass", "the writer looks at the clock")
    assert story.status() == "approved"
    story.given("29 days pass", "a day passes")
    story.given("a day passes", "29 days pass")
    assert story.when("the writer looks at the clock") == "RequestExpired"


@pytest.mark.parametrize("revoked", [False, True])
def test_R27_progress_does_not_move_the_end_of_the_window(governance: Governance, *, revoked: bool) -> None:
    story = Story(APP, governance=governance)
    assert asked(story, not_after=START + DAY_MS) == ""
    story.given("an hour passes", "bob approves")
    if revoked:
        story.given("bob revokes")
    story.given("a day passes")
    assert story.when("the writer looks at the clock") == "RequestExpired"


def test_R27_window_that_is_over_is_refused(governance: Governance) -> None:
    story = Story(APP, governance=governance)
    assert asked(story, not_after=START) == "window-over"
    assert asked(story, not_after=START + 1) == ""


@pytest.mark.parametrize(
    ("at", "frozen"),
    [(FREEZE.start - 1, False), (FREEZE.start, True), (FREEZE.end - 1, True), (FREEZE.end, False)],
)
def test_R27_nothing_is_released_in_a_freeze_period(governance: Governance, at: int, *, frozen: bool) -> None:
    edit(governance, FROZEN)
    story = Story(APP, governance=governance).given("alice submits", "bob approves")
    story.at = at
    if frozen:
        assert again_at(story, "alice completes") == FREEZE.end
    else:
        assert story.when("alice completes") == "ChangeReleased"


def test_R27_nothing_is_claimed_in_a_freeze_period(governance: Governance) -> None:
    edit(governance, FROZEN)
    story = Story(APP, governance=governance).given("alice submits", "bob approves", "alice completes")
    story.given("an hour passes")
    assert again_at(story, "applier claims") == FREEZE.end
    story.given("a day passes")
    assert story.when("applier claims") == "ChangeClaimed"


def test_R27_freeze_period_of_the_present_policy_counts(governance: Governance) -> None:
    story = Story(APP, governance=governance).given("alice submits", "bob approves", "an hour passes")
    edit(governance, FROZEN)
    assert story.when("alice completes") == "not-yet"
    edit(governance, APPS)
    story.given("alice completes")


@pytest.mark.parametrize(
    ("passes", "emergency", "answer"),
    [
        (True, True, "ChangeReleased"),
        (True, False, "not-yet"),
        (True, None, "not-yet"),
        (False, True, "not-yet"),
    ],
)
def test_R27_only_an_emergency_passes_and_only_where_the_policy_says_so(
    governance: Governance, *, passes: bool, emergency: bool | None, answer: str
) -> None:
    edit(governance, msgspec.structs.replace(FROZEN, emergency_passes_freeze=passes))
    story = Story(APP, governance=governance)
    assert asked(story, **({} if emergency is None else {"emergency": emergency})) == ""
    story.given("bob approves", "an hour passes")
    assert story.when("alice completes") == answer


def test_R27_outcome_is_not_retried_in_a_freeze_period(governance: Governance) -> None:
    edit(governance, FROZEN)
    story = Story(APP, governance=governance)
    story.given("alice submits", "bob approves", "alice completes", "applier claims")
    story.given("applier reports unknown", "an hour passes")
    assert again_at(story, "carol settles it by a retry") == FREEZE.end


def test_R27_explanation_says_to_wait(governance: Governance) -> None:
    story = Story(APP, governance=governance)
    assert asked(story, not_before=START + DAY_MS) == ""
    story.given("bob approves")
    request = story.state.find(story.request, APP)
    assert isinstance(request, Approved)
    explanation = explain(request, governance, story.at)
    assert next_step(explanation) == "wait"
    assert explanation.not_yet is not None
    assert "can be applied from 2026-01-02 00:00Z on" in explanation.not_yet.detail
    assert next_step(explain(request, governance, START + DAY_MS)) == "complete"


BAD_POLICIES: dict[str, Policy] = {
    "backwards": msgspec.structs.replace(APPS, freezes=(Freeze(start=2, end=2, reason="x"),)),
    "no reason": msgspec.structs.replace(APPS, freezes=(Freeze(start=1, end=2, reason=" "),)),
    "a long reason": msgspec.structs.replace(APPS, freezes=(Freeze(start=1, end=2, reason="x" * 129),)),
    "too many": msgspec.structs.replace(APPS, freezes=(FREEZE,) * (limits.FREEZES_MAX + 1)),
    "of governance": msgspec.structs.replace(FROZEN, resource_type="access-policy"),
}


@pytest.mark.parametrize("policy", BAD_POLICIES.values(), ids=list(BAD_POLICIES))
def test_R27_freeze_periods_have_limits(governance: Governance, policy: Policy) -> None:
    refusal = decide_change(governance, CreatePolicy(policy=msgspec.structs.replace(policy, id="new")), START)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.POLICY_INVALID


@pytest.mark.parametrize(
    "window",
    [
        {"not_before": -1},
        {"not_after": limits.FOR_EVER_MS},
        {"not_before": START + 2, "not_after": START + 2},
        {"not_before": START + limits.WINDOW_AHEAD_MAX_MS + 1},
        {"not_after": START + limits.LONGEST_MS + 1},
    ],
    ids=str,
)
def test_windows_have_limits(window: dict[str, int]) -> None:
    command = msgspec.structs.replace(Story(APP).command("alice", "submits"), **window)
    assert isinstance(command, SubmitChange)
    refusal = decode_command(encode(command))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.MALFORMED


def test_R27_policy_says_it_in_words(governance: Governance) -> None:
    said = policy_sentence(msgspec.structs.replace(FROZEN, emergency_passes_freeze=True), governance)
    assert "Nothing is applied from 2026-01-01 01:00Z to 2026-01-02 00:00Z: Year end." in said
    assert said.endswith(" An emergency passes freeze periods.")


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 4_000_000_000_000))
def test_times_and_freeze_periods_are_read_as_they_were_written(start: int, end: int) -> None:
    assert utc_ms(utc_text(start)) == start
    freeze = Freeze(start=start, end=end, reason="Year end")
    assert freeze_of(freeze_line(freeze)) == freeze


@pytest.mark.parametrize("text", ["", "tomorrow", "1969-01-01T00:00Z", "2026-13-01"])
def test_what_is_no_time_is_not_read_as_one(text: str) -> None:
    assert utc_ms(text) is None


def test_R27_governance_file_has_freeze_periods() -> None:
    file = parse_governance_file(
        b'[[policies]]\nid = "apps"\nname = "Apps"\nresource_type = "app"\napprover_groups = ["a"]\n'
        b'freezes = [{ from = 2026-01-01T01:00:00Z, to = 2026-01-02T00:00:00Z, reason = "Year end." }]\n',
        "file",
    )
    assert policy_of_table(file.policies[0]).freezes == (FREEZE,)
