"""A claim has a number and a lease. An old claim is fenced, and a lease is renewed while it runs."""

import msgspec
import pytest

from assent_contracts.core.requests.states import Applying, Closed, Unsettled
from assent_contracts.events import LeaseRenewed
from assent_contracts.governance_changes import SETTINGS, ChangeSettings
from assent_contracts.limits import CLAIM_MAX_MS
from assent_contracts.refusals import Refusal
from tests.support.people import force, organisation
from tests.support.stories import MINUTE_MS, Story

RELEASED = ("alice submits", "bob approves", "carol approves", "alice completes")
LEASE_MS = 5 * MINUTE_MS


@pytest.fixture
def story() -> Story:
    """A released change, under governance of its own."""
    story = Story(governance=organisation()).given(*RELEASED)
    assert story.governance.settings.lease_ms == LEASE_MS
    return story


def ended_lease(story: Story) -> Story:
    story.given("applier claims")
    story.at += LEASE_MS
    assert story.when("the writer looks at the clock") == "OutcomeUnknown"
    return story


def state(story: Story) -> Applying | Unsettled | Closed:
    found = story.state.find(story.request, story.resource)
    assert isinstance(found, Applying | Unsettled | Closed)
    return found


def renewed(story: Story) -> LeaseRenewed:
    decision = story.send(story.command("applier", "renews the last claim"))
    assert not isinstance(decision, Refusal), decision
    [event] = decision
    assert isinstance(event, LeaseRenewed)
    return event


def test_claim_has_the_seq_of_its_record_as_its_number_until_the_request_has_ended(story: Story) -> None:
    story.given("applier claims")
    number = len(story.records) - 1
    assert state(story).claim == number
    story.given("applier reports unknown")
    assert state(story).claim == number
    story.given("applier reports success")
    assert state(story).claim == number


def test_later_claim_of_a_request_has_a_higher_number(story: Story) -> None:
    ended_lease(story).given("dave settles it by a retry", "applier2 claims")
    first, second = story.claims
    assert first < second
    assert state(story).claim == second


@pytest.mark.parametrize("after", ["", "applier2 claims", "the request ends", "the retry fails"])
def test_late_report_of_an_old_claim_is_refused(story: Story, after: str) -> None:
    ended_lease(story).given("dave settles it by a retry")
    if after:
        story.given("applier2 claims")
    if after == "the request ends":
        story.given("applier2 reports success of the last claim")
    if after == "the retry fails":
        story.given("applier2 reports failure")
    before = story.status()
    assert story.when("applier reports success of the first claim") == "claim-superseded"
    assert story.when("applier reports failure of the first claim") == "claim-superseded"
    assert story.status() == before


def test_old_claim_of_the_same_applier_is_superseded_too(story: Story) -> None:
    ended_lease(story).given("dave settles it by a retry", "applier claims")
    assert story.when("applier reports success of the first claim") == "claim-superseded"
    assert story.when("applier reports success of the last claim") == "RequestCompleted"


def test_report_of_the_current_claim_is_decided_as_one_without_a_number(story: Story) -> None:
    story.given("applier claims")
    assert story.when("applier2 reports success of the last claim") == "not-claimed"
    assert story.when("applier reports success of the last claim") == "RequestCompleted"
    assert story.when("applier reports success of the last claim") == "not-claimed"


def test_report_before_the_claim_is_of_no_claim(story: Story) -> None:
    story.claims.append(99)
    assert story.when("applier reports success of the last claim") == "claim-superseded"
    waiting = Story().given("alice submits")
    waiting.claims.append(99)
    assert waiting.when("applier reports success of the last claim") == "not-claimed"


def test_late_report_of_an_unknown_outcome_still_settles_it(story: Story) -> None:
    ended_lease(story)
    assert story.when("applier reports success of the first claim") == "RequestCompleted"


def test_renewal_extends_the_lease_by_its_length_from_now(story: Story) -> None:
    story.given("applier claims")
    claimed = story.at
    story.at += LEASE_MS - 1
    assert renewed(story).deadline == claimed + 2 * LEASE_MS - 1
    story.at += LEASE_MS - 1
    assert story.when("the writer looks at the clock") == ""
    assert story.status() == "applying"
    story.at += 1
    assert story.when("the writer looks at the clock") == "OutcomeUnknown"


def test_renewal_keeps_the_number_of_the_claim(story: Story) -> None:
    story.given("applier claims", "applier renews the last claim")
    assert state(story).claim == story.claims[0]
    assert story.when("applier reports success of the first claim") == "RequestCompleted"


def test_only_the_applier_that_holds_the_claim_renews_it(story: Story) -> None:
    story.given("applier claims")
    assert story.when("applier2 renews the last claim") == "not-claimed"
    assert story.when("dave renews the last claim") == "not-claimed"


@pytest.mark.parametrize("is_recorded", [True, False])
def test_lease_that_has_ended_is_not_renewed(story: Story, is_recorded: bool) -> None:  # noqa: FBT001
    """An unknown outcome never becomes known by a renewal, even before the writer has recorded it."""
    story.given("applier claims")
    story.at += LEASE_MS
    if is_recorded:
        assert story.when("the writer looks at the clock") == "OutcomeUnknown"
    assert story.when("applier renews the first claim") == "lease-ended"
    assert story.status() == ("outcome unknown" if is_recorded else "applying")


def test_old_claim_is_not_renewed(story: Story) -> None:
    ended_lease(story).given("dave settles it by a retry")
    assert story.when("applier renews the first claim") == "claim-superseded"
    story.given("applier claims")
    assert story.when("applier renews the first claim") == "claim-superseded"
    story.given("applier reports success")
    assert story.when("applier renews the first claim") == "claim-superseded"
    assert story.when("applier renews the last claim") == "not-claimed"


def test_nothing_is_renewed_before_a_claim(story: Story) -> None:
    story.claims.append(3)
    assert story.when("applier renews the last claim") == "claim-superseded"
    waiting = Story().given("alice submits")
    waiting.claims.append(3)
    assert waiting.when("applier renews the last claim") == "not-claimed"


def test_claim_is_held_for_a_day_at_most(story: Story) -> None:
    story.given("applier claims")
    claimed = story.at
    while story.at + LEASE_MS < claimed + CLAIM_MAX_MS:
        story.at += LEASE_MS - 1
        last = renewed(story).deadline
    assert last == claimed + CLAIM_MAX_MS
    assert story.when("applier renews the last claim") == "lease-limit"
    story.at = last
    assert story.when("the writer looks at the clock") == "OutcomeUnknown"


def test_renewal_never_shortens_a_lease(story: Story) -> None:
    story.given("applier claims")
    before = state(story)
    assert isinstance(before, Applying)
    shorter = msgspec.structs.replace(story.governance.settings, lease_ms=MINUTE_MS)
    version = story.governance.version(SETTINGS)
    force(story.governance, ChangeSettings(settings=shorter, version=version))
    assert renewed(story).deadline == before.deadline
