"""R7, R13: the effect of each event on a request's row; the rows are folded from decided records."""

from typing import Any

import msgspec

from assent.status.row_fold import RequestRow, take_record
from assent_contracts.codec import encode
from assent_contracts.core.governance.decide import Release, carry_out
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_changes import EditPolicy, object_of
from assent_contracts.ledger import decode_events, decode_record
from assent_contracts.refusals import Refusal
from tests.support.governance_changes import add_gateway, delete, disable, edit
from tests.support.people import organisation, policy_of
from tests.support.stories import Story

APP = "app/x"
APPS = policy_of("apps", "app")


def row_of(story: Story) -> RequestRow:
    """The row of the story's last request."""
    rows: dict[int, RequestRow] = {}
    for value in story.records:
        record = decode_record(value)
        if decode_events(record):
            take_record(rows, record, decode_events(record))
    return rows[int(story.request.partition("-")[2])]


def said(story: Story, who: str, verb: str, **fields: Any) -> None:
    """A command with these fields is sent, and is not refused."""
    decision = story.send(msgspec.structs.replace(story.command(who, verb), **fields))
    assert not isinstance(decision, Refusal), decision


def change_of_policy() -> Story:
    """dave has submitted that `apps` requires two approvals; carol has approved it, and it is released."""
    governance = organisation()
    version = governance.version("access-policy/apps")
    assert version is not None
    change = EditPolicy(policy=policy_of("apps", "app", 2), version=version)
    story = Story(object_of(change), governance=governance, payload=encode(change))
    return story.given("dave submits", "carol approves", "dave completes")


def carry(story: Story) -> None:
    """Governance carries out or refuses the release of the story's change."""
    change = msgspec.json.decode(story.payload, type=EditPolicy)
    governance = story.governance
    release = Release(
        request=story.request,
        released=len(story.records) - 1,
        digest=sha256_hex(story.payload),
        as_of=governance.seq,
        requester="dave",
    )
    events = carry_out(governance, change, release, story.at)
    governance.evolve(governance.seq + 1, events)


def test_R8_approval_is_shown_with_its_note_and_the_gateway_that_signed() -> None:
    story = Story(governance=organisation())
    add_gateway(story.governance)
    story.given("alice submits", "bob approves via portal")
    said(story, "carol", "approves", note="Fine.")
    first, second = row_of(story).approvals
    assert (first.approver, first.through, first.note) == ("bob", "portal", "")
    assert (second.approver, second.through, second.note) == ("carol", None, "Fine.")


def test_R13_reopened_request_needs_approval_and_its_lapsed_approval_is_removed() -> None:
    story = Story(APP, governance=organisation()).given("alice submits", "bob approves")
    assert row_of(story).status == "approved"
    disable(story.governance, "bob")
    row = row_of(story.given("alice completes"))
    assert (row.status, row.progress, row.approvals) == ("needs_approval", None, ())
    assert row.deadline is not None
    row = row_of(story.given("carol approves"))
    assert (row.status, [each.approver for each in row.approvals]) == ("approved", ["carol"])


def test_R13_lost_quorum_that_another_approval_restores_stays_approved() -> None:
    story = Story(APP, governance=organisation()).given("alice submits", "bob approves")
    disable(story.governance, "bob")
    row = row_of(story.given("carol approves"))
    assert (row.status, [each.approver for each in row.approvals]) == ("approved", ["carol"])


def test_R8_every_rejection_is_shown_and_the_last_one_has_ended_the_request() -> None:
    story = Story(APP, governance=organisation())
    edit(story.governance, msgspec.structs.replace(APPS, rejections=2))
    story.given("alice submits")
    said(story, "bob", "rejects", note="No.")
    row = row_of(story)
    assert (row.status, row.rejecter) == ("needs_approval", None)
    said(story, "carol", "rejects", note="No, really.")
    row = row_of(story)
    assert (row.status, row.rejecter, row.rejection_note) == ("rejected", "carol", "No, really.")
    assert [(each.approver, each.person, each.note) for each in row.rejections] == [
        ("bob", "p-bob", "No."),
        ("carol", "p-carol", "No, really."),
    ]


def test_R12_automatic_completion_is_released_at_once() -> None:
    story = Story(APP, governance=organisation())
    edit(story.governance, msgspec.structs.replace(APPS, completion="automatic"))
    row = row_of(story.given("alice submits", "bob approves"))
    assert (row.status, row.progress) == ("approved", "released")


def test_R12_failure_is_shown_with_the_applier_s_message() -> None:
    story = Story(APP).given("alice submits", "bob approves", "alice completes", "applier claims")
    row = row_of(story.given("applier reports failure"))
    assert (row.status, row.reporter, row.outcome_message) == ("failed", "applier", "The disk is full.")


def test_R18_released_governance_change_waits_for_nobody_and_is_completed_by_assent() -> None:
    story = change_of_policy()
    row = row_of(story)
    assert (row.status, row.progress, row.deadline) == ("approved", "released", None)
    assert story.when("applier claims") == "not-an-applier"
    assert story.when("the writer looks at governance") == ""
    carry(story)
    assert story.when("the writer looks at governance") == "RequestCompleted"
    assert story.when("the writer looks at governance") == ""
    row = row_of(story)
    assert (row.status, row.progress, row.reporter, row.applier) == ("completed", None, "assent", None)


def test_R18_governance_change_that_no_longer_fits_has_failed_and_gives_the_reason() -> None:
    story = change_of_policy()
    delete(story.governance, "apps")
    carry(story)
    assert story.when("the writer looks at governance") == "RequestFailed"
    row = row_of(story)
    assert (row.status, row.reporter) == ("failed", "assent")
    assert row.outcome_message is not None
    assert row.outcome_message.startswith("unknown-object: ")
