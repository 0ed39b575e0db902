"""Rules of requests that a sequence of commands does not show."""

import msgspec
import pytest
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.codec import decode_command, encode
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ApprovalGiven, ChangeClaimed, ChangeReleased, ChangeSubmitted
from assent_contracts.governance_objects import Settings
from assent_contracts.ledger import (
    RecordedCommand,
    decode_events,
    decode_record,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.refusals import Refusal
from tests.support.people import DAY_MS, START, organisation
from tests.support.stories import PAYLOAD, Story, names, resource_in


def recorded(story: Story, seq: int) -> c.Command:
    command = decode_recorded_command(decode_record(story.records[seq]))
    assert isinstance(command, RecordedCommand)
    decoded = decode_command(bytes(command.value))
    assert not isinstance(decoded, Refusal)
    return decoded


def test_R4_approver_of_one_type_is_not_an_approver_of_another() -> None:
    """The request's own policies determine its approvers: `free` has none, so nobody approves."""
    story = Story("free/x", governance=organisation(Settings(unprotected="pass"))).given("alice submits")
    assert story.when("bob approves") == "not-an-approver"


def test_R6_justification_is_kept_with_the_request_in_full() -> None:
    story = Story()
    command = story.command("alice", "submits")
    assert isinstance(command, c.SubmitChange)
    long = "because " * 128
    story.send(msgspec.structs.replace(command, justification=long))
    kept = recorded(story, 0)
    assert isinstance(kept, c.SubmitChange)
    assert kept.justification == long


@pytest.mark.parametrize("justification", ["", " ", "\n\t", "\u3000"])
def test_R6_justification_is_required(justification: str) -> None:
    command = Story().command("alice", "submits")
    assert isinstance(command, c.SubmitChange)
    decoded = decode_command(encode(msgspec.structs.replace(command, justification=justification)))
    assert isinstance(decoded, Refusal)
    assert decoded.code == "justification-required"


def test_R8_note_is_kept_with_the_approval_and_the_rejection() -> None:
    story = Story().given("alice submits")
    for who, verb in (("bob", "approves"), ("carol", "rejects")):
        command = story.command(who, verb)
        assert isinstance(command, c.Approve | c.Reject)
        story.send(msgspec.structs.replace(command, note=f"{who}'s note"))
        kept = recorded(story, len(story.records) - 1)
        assert isinstance(kept, c.Approve | c.Reject)
        assert kept.note == f"{who}'s note"


def test_R10_refusal_names_the_open_request() -> None:
    story = Story().given("alice submits")
    refusal = story.send(story.command("upstream", "submits"))
    assert isinstance(refusal, Refusal)
    assert refusal.open_request == story.request


def test_R10_another_object_is_free() -> None:
    story = Story().given("alice submits")
    story.resource = resource_in(story.state.partition)
    assert story.when("alice submits") == "ChangeSubmitted"


@pytest.mark.parametrize("operation", ["create", "edit", "modify", "delete", "assign", "reticulate-splines"])
def test_R15_every_operation_is_protected(operation: str) -> None:
    story = Story()
    command = story.command("alice", "submits")
    assert isinstance(command, c.SubmitChange)
    decision = story.send(msgspec.structs.replace(command, operation=operation))
    assert names(decision) == "ChangeSubmitted"
    assert story.when("alice completes") == "not-approved"


def test_R16_refused_commands_are_recorded_with_their_code() -> None:
    story = Story().given("alice submits")
    assert story.when("alice approves") == "own-request"
    refusal = decode_refusal(decode_record(story.records[-1]))
    assert refusal is not None
    assert refusal.code == "own-request"
    assert isinstance(recorded(story, 1), c.Approve)


def test_R18_unprotected_type_is_refused() -> None:
    assert Story("free/x").when("alice submits") == "no-policy"


def test_R18_unprotected_type_passes_where_the_setting_allows_it() -> None:
    """It is released at once, and the record states that no policy required anything."""
    story = Story("free/x", governance=organisation(Settings(unprotected="pass")))
    assert story.when("alice submits") == "ChangeSubmitted + ChangeReleased"
    submitted, _ = decode_events(decode_record(story.records[0]))
    assert isinstance(submitted, ChangeSubmitted)
    assert submitted.terms == ()
    assert story.when("applier claims") == "ChangeClaimed"


def test_R18_protected_types_stay_protected_where_others_pass() -> None:
    story = Story(governance=organisation(Settings(unprotected="pass"))).given("alice submits")
    assert story.when("alice completes") == "not-approved"


def test_release_and_claim_name_the_digest_of_the_bytes_as_submitted() -> None:
    """Including spaces: what was approved is what is applied."""
    story = Story("app/x")
    payload = b'{ "a" : 1.0 }'
    command = story.command("alice", "submits")
    assert isinstance(command, c.SubmitChange)
    story.send(msgspec.structs.replace(command, payload=Raw(payload)))
    approval = story.command("bob", "approves")
    assert isinstance(approval, c.Approve)
    assert sha256_hex(payload) != sha256_hex(PAYLOAD)
    story.send(approval)
    story.given("alice completes", "applier claims")
    events = [event for record in story.records for event in decode_events(decode_record(record))]
    digests = [e.digest for e in events if isinstance(e, ChangeSubmitted | ChangeReleased | ChangeClaimed)]
    assert digests == [sha256_hex(payload)] * 3


def test_R14_deadlines_follow_the_settings() -> None:
    settings = Settings(expiry_ms=5 * DAY_MS, lease_ms=60_000)
    story = Story("app/x", governance=organisation(settings))
    story.given("alice submits", "a day passes", "bob approves", "alice completes", "applier claims")
    events = [event for record in story.records for event in decode_events(decode_record(record))]
    submitted, given, _, released, claimed = events
    assert isinstance(submitted, ChangeSubmitted)
    assert isinstance(given, ApprovalGiven)
    assert isinstance(released, ChangeReleased)
    assert isinstance(claimed, ChangeClaimed)
    assert submitted.deadline == START + 5 * DAY_MS
    assert given.deadline == released.deadline == START + 6 * DAY_MS
    assert claimed.deadline == START + DAY_MS + 60_000


@pytest.mark.parametrize(
    ("given", "who", "verb", "seen", "answer"),
    [
        (("alice submits",), "bob", "approves", 0, "ApprovalGiven"),
        (("alice submits",), "bob", "approves", 1, "outdated"),
        (("alice submits",), "bob", "rejects", 7, "outdated"),
        (("alice submits",), "alice", "cancels", 1, "outdated"),
        (("alice submits", "bob approves", "carol approves"), "alice", "completes", 1, "outdated"),
        (("alice submits", "bob approves", "carol approves"), "alice", "completes", 2, "ChangeReleased"),
        (("alice submits", "bob approves"), "bob", "revokes", 0, "outdated"),
        # A command that is not a decision, or comes too late, is refused for that reason first.
        (("alice submits",), "alice", "approves", 1, "own-request"),
        (("alice submits", "carol rejects"), "bob", "approves", 0, "not-pending"),
    ],
)
def test_R16_R23_decision_on_a_request_that_changed_since_is_refused_on_record(
    given: tuple[str, ...], who: str, verb: str, seen: int, answer: str
) -> None:
    story = Story().given(*given)
    command = story.command(who, verb)
    assert isinstance(command, c.Approve | c.Reject | c.Revoke | c.Cancel | c.Complete)
    decided = story.send(msgspec.structs.replace(command, seen=seen))
    assert (decided.code if isinstance(decided, Refusal) else names(decided)) == answer
    assert len(story.records) == len(given) + 1


def test_refused_decision_does_not_change_what_was_seen() -> None:
    story = Story().given("alice submits")
    assert story.when("alice approves") == "own-request"
    command = story.command("bob", "approves")
    assert isinstance(command, c.Approve)
    assert not isinstance(story.send(msgspec.structs.replace(command, seen=0)), Refusal)
