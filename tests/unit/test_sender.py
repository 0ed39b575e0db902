"""Who sent a command, when, and whether it was sent before: the checks before every rule."""

import msgspec
import pytest

from assent_contracts import commands as c
from assent_contracts.core.received import signature_bytes
from assent_contracts.events import CommandRepeated
from assent_contracts.governance_objects import Settings
from assent_contracts.limits import COMMAND_MAX_AGE_MS, COMMAND_MAX_AHEAD_MS, COMMAND_MEMORY_MS, FOR_EVER_MS
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.governance_changes import disable
from tests.support.people import DAY_MS, PARTITIONS, START, organisation
from tests.support.stories import MINUTE_MS, Story, names, received, resource_in


def submission(story: Story, **fields: object) -> c.SubmitChange:
    command = story.command("alice", "submits")
    assert isinstance(command, c.SubmitChange)
    return msgspec.structs.replace(command, **fields)


def refused(decision: object) -> RefusalCode:
    assert isinstance(decision, Refusal), decision
    return decision.code


def test_unsigned_command_is_refused() -> None:
    story = Story()
    for signature in ("", "AA", "not base64url!", "A" * 87):
        it = received(submission(story), signature=signature)
        assert signature_bytes(it) is None
        assert refused(story.take(it, signature_good=False)) == "bad-signature"


def test_bad_signature_is_refused() -> None:
    story = Story()
    assert refused(story.send(submission(story), signature_good=False)) == "bad-signature"


def test_unregistered_key_is_refused() -> None:
    story = Story()
    for key_id in ("", "nobody-key"):
        assert refused(story.take(received(submission(story), key_id))) == "unknown-key"


def test_key_of_another_principal_is_refused() -> None:
    """bob cannot send as alice, however good his signature is."""
    story = Story()
    assert refused(story.take(received(submission(story), "bob-key"))) == "unknown-key"


def test_disabled_account_does_nothing() -> None:
    story = Story(governance=organisation())
    disable(story.governance, "alice")
    assert refused(story.send(submission(story))) == "not-permitted"


def test_key_is_valid_from_not_before_until_before_not_after() -> None:
    story = Story(governance=organisation(Settings(expiry_ms=1_000 * DAY_MS)))
    story.at = START - 1
    assert refused(story.send(submission(story, at=START))) == "unknown-key"
    story.at = START
    assert names(story.send(submission(story))) == "ChangeSubmitted"
    story.at = START + 400 * DAY_MS - 1
    assert refused(story.send(submission(story))) == "resource-locked"
    story.at += 1
    assert refused(story.send(submission(story))) == "unknown-key"


def test_unauthenticated_commands_do_not_use_up_ids() -> None:
    """Otherwise anybody who can write to the topic could block alice's commands."""
    story = Story()
    good = submission(story, id="mine")
    forged = msgspec.structs.replace(good, justification="forged")
    assert refused(story.send(forged, signature_good=False)) == "bad-signature"
    assert refused(story.take(received(forged, "nobody-key"))) == "unknown-key"
    assert refused(story.take(received(forged, "bob-key"))) == "unknown-key"
    assert names(story.send(good)) == "ChangeSubmitted"


def test_same_bytes_again_refer_to_the_first_decision() -> None:
    story = Story()
    command = submission(story)
    first = len(story.records)
    story.send(command)
    story.given("a minute passes", "bob approves")
    assert story.send(command) == (CommandRepeated(decided=first),)
    assert story.send(command) == (CommandRepeated(decided=first),)


def test_same_bytes_again_refer_to_the_first_refusal_too() -> None:
    """A refused command does not become valid by being repeated when circumstances have changed."""
    story = Story().given("alice submits")
    early = story.command("alice", "completes")
    first = len(story.records)
    assert refused(story.send(early)) == "not-approved"
    story.given("bob approves", "carol approves")
    assert story.send(early) == (CommandRepeated(decided=first),)
    assert story.status() == "approved"


def test_same_id_with_other_bytes_is_refused_and_names_the_first_decision() -> None:
    story = Story()
    story.send(submission(story, id="one"))
    other = story.send(submission(story, id="one", justification="other"))
    assert isinstance(other, Refusal)
    assert (other.code, other.decided) == ("id-reused", 0)


def test_id_with_other_bytes_stays_that_of_the_first() -> None:
    story = Story()
    first = submission(story, id="one")
    story.send(first)
    story.send(submission(story, id="one", justification="other"))
    assert story.send(first) == (CommandRepeated(decided=0),)


@pytest.mark.parametrize(
    ("age_ms", "stale"),
    [
        (COMMAND_MAX_AGE_MS, False),
        (COMMAND_MAX_AGE_MS + 1, True),
        (25 * 60 * 60 * 1_000, True),
        (-COMMAND_MAX_AHEAD_MS, False),
        (-COMMAND_MAX_AHEAD_MS - 1, True),
    ],
)
def test_command_is_accepted_from_5_minutes_ahead_to_24_hours_old(age_ms: int, *, stale: bool) -> None:
    story = Story()
    story.at = START + 2 * DAY_MS
    decision = story.send(submission(story, at=story.at - age_ms))
    assert isinstance(decision, Refusal) == stale
    assert not stale or refused(decision) == "stale"


@pytest.mark.parametrize("ahead_ms", [0, COMMAND_MAX_AHEAD_MS])
def test_replayed_command_is_never_decided_twice(ahead_ms: int) -> None:
    """Whenever a copy arrives, it is known or stale, even if its sender's clock ran ahead."""
    for later_ms in (
        0,
        1,
        DAY_MS,
        COMMAND_MEMORY_MS - 1,
        COMMAND_MEMORY_MS,
        COMMAND_MEMORY_MS + 1,
        2 * DAY_MS,
    ):
        story = Story()
        command = submission(story, at=START + ahead_ms)
        assert names(story.send(command)) == "ChangeSubmitted"
        story.given("alice cancels")
        story.at += later_ms
        # Another command comes first, so that everything that can be forgotten is.
        story.send(story.command("mallory", "cancels"))
        decision = story.send(command)
        assert decision == (CommandRepeated(decided=0),) or refused(decision) == "stale"


def test_command_ids_are_forgotten_after_their_time() -> None:
    """Memory is bounded: after 24 hours and 5 minutes nothing is left of an id."""
    story = Story().given("alice submits")
    story.at += COMMAND_MEMORY_MS
    story.send(submission(story))
    assert story.state.memory.recall("alice", "c-1") is not None
    story.at += 1
    story.send(submission(story))
    assert story.state.memory.recall("alice", "c-1") is None


@pytest.mark.parametrize("dated", [START + 3 * DAY_MS, FOR_EVER_MS, START - 2 * DAY_MS])
def test_command_refused_for_its_date_uses_up_no_id(dated: int) -> None:
    """Otherwise commands dated ahead would fill the writer's memory until their time comes."""
    story = Story()
    assert refused(story.send(submission(story, id="mine", at=dated))) == "stale"
    assert story.state.memory.recall("alice", "mine") is None
    assert names(story.send(submission(story, id="mine"))) == "ChangeSubmitted"
    assert refused(story.send(submission(story, id="mine", at=dated))) == "id-reused"


def test_command_that_arrived_in_time_is_not_stale_however_late_it_is_decided() -> None:
    """The broker's append time counts, not when a decider that was down is back."""
    story = Story()
    story.at += 5 * DAY_MS
    story.send(story.command("mallory", "cancels"))
    late = submission(story, at=START)
    assert names(story.take(received(late), received_at=START + 1)) == "ChangeSubmitted"


def test_key_must_be_valid_when_the_command_arrived_not_when_it_is_decided() -> None:
    story = Story(governance=organisation(Settings(expiry_ms=1_000 * DAY_MS)))
    story.at = START + 401 * DAY_MS
    story.send(story.command("mallory", "cancels"))
    before = START + 400 * DAY_MS - 1
    assert names(story.take(received(submission(story, at=before)), received_at=before)) == "ChangeSubmitted"
    assert (
        refused(story.take(received(submission(story, at=before)), received_at=before + 1)) == "unknown-key"
    )


def test_copy_of_a_forgotten_command_is_stale_whatever_the_broker_s_date() -> None:
    """Log time ran two days ahead and has forgotten the id; by the broker's clock the copy would be new."""
    story = Story()
    command = submission(story)
    assert names(story.send(command)) == "ChangeSubmitted"
    story.given("alice cancels")
    story.at += 2 * DAY_MS
    story.send(story.command("mallory", "cancels"))
    assert story.state.memory.recall("alice", command.id) is None
    assert refused(story.take(received(command), received_at=START + 1_000)) == "stale"
    later = submission(story, at=START + 10 * MINUTE_MS)
    assert names(story.take(received(later), received_at=START + 10 * MINUTE_MS)) == "ChangeSubmitted"


def test_id_belongs_to_its_principal() -> None:
    """Learning an id first does not let another account use it up."""
    story = Story()
    assert refused(story.send(submission(story, id="order-1", principal="mallory"))) == "not-permitted"
    assert names(story.send(submission(story, id="order-1"))) == "ChangeSubmitted"


def test_wrong_partition_is_refused_and_named() -> None:
    """Otherwise two partitions could have one object's lock."""
    story = Story()
    elsewhere = resource_in((story.state.partition + 1) % PARTITIONS)
    commands = [submission(story, resource=elsewhere)]
    commands += [
        msgspec.structs.replace(story.command("bob", verb), resource=elsewhere)
        for verb in ("approves", "cancels")
    ]
    for command in commands:
        decision = story.send(command)
        assert isinstance(decision, Refusal)
        assert decision.code == "misrouted"
        assert decision.partition == partition_for(elsewhere.encode(), PARTITIONS)


def test_request_must_be_about_the_named_object() -> None:
    """A command that reached its partition under another object's key decides nothing."""
    story = Story().given("alice submits")
    beside = resource_in(story.state.partition)
    approval = msgspec.structs.replace(story.command("bob", "approves"), resource=beside)
    assert refused(story.send(approval)) == "unknown-request"
    of_other_partition = msgspec.structs.replace(
        story.command("bob", "approves"), request=f"{(story.state.partition + 1) % PARTITIONS}-0"
    )
    assert refused(story.send(of_other_partition)) == "unknown-request"


def test_ended_request_is_forgotten_after_a_day() -> None:
    story = Story().given("alice submits", "alice cancels", "a day passes")
    assert story.when("bob approves") == "not-pending"
    story.given("a day passes")
    story.when("mallory cancels")
    assert story.when("bob approves") == "unknown-request"
