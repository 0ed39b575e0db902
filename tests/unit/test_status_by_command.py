"""Every command in every status of a request, from everybody, and its answer. Two approvals are needed.

alice has submitted; bob's approval is the first and carol's the second; `applier` has claimed. In the last
four rows governance has changed, or requires two rejections.
"""

from typing import Final

import msgspec
import pytest

from assent_contracts.core.governance.state import Governance
from tests.support.answers import TABLE
from tests.support.governance_changes import define, delete, edit
from tests.support.people import PRINCIPALS, organisation, policy_of
from tests.support.stories import Story

APPROVED = ("alice submits", "bob approves", "carol approves")
APPLYING = (*APPROVED, "alice completes", "applier claims")
STATUSES: dict[str, tuple[str, ...]] = {
    "none": (),
    "needs approval, has 0": APPROVED[:1],
    "needs approval, has 1": APPROVED[:2],
    "approved": APPROVED,
    "released": APPLYING[:-1],
    "applying": APPLYING,
    "outcome unknown": (*APPLYING, "applier reports unknown"),
    "completed": (*APPLYING, "applier reports success"),
    "failed": (*APPLYING, "applier reports failure"),
    "rejected": (*APPROVED[:1], "carol rejects"),
    "canceled": (*APPROVED[:1], "alice cancels"),
    "expired": (*APPROVED[:1], "30 days pass", "the writer looks at the clock"),
    # Past its deadline, and the writer has not recorded that yet.
    "overdue approval": (*APPROVED[:2], "30 days pass"),
    "overdue approved": (*APPROVED, "30 days pass"),
    "overdue released": (*APPLYING[:-1], "30 days pass"),
    "overdue applying": (*APPLYING, "30 days pass"),
    "rejected by one": ("two rejections are asked for", APPROVED[0], "bob rejects"),
    # It is still approved, but would not be again: mallory and dave are approvers now, and carol is not.
    "approval lost": (*APPROVED, "carol leaves the approvers"),
    "reopened": (*APPROVED, "carol leaves the approvers", "alice completes"),
    "policy deleted": (*APPROVED[:2], "the policy is deleted"),
}


def _governance() -> dict[str, Governance]:
    """The effect of each line about governance."""
    strict, moved, gone = organisation(), organisation(), organisation()
    edit(strict, msgspec.structs.replace(policy_of("scripts", "script", 2), rejections=2))
    define(moved, "approvers", "alice", "alice2", "bob", "bob2", "dave", "mallory")
    delete(gone, "scripts")
    return {
        "two rejections are asked for": strict,
        "carol leaves the approvers": moved,
        "the policy is deleted": gone,
    }


GOVERNANCE: Final = _governance()


def story_in(status: str) -> Story:
    """A request in this status."""
    story = Story()
    for line in STATUSES[status]:
        if line in GOVERNANCE:
            story.governance = GOVERNANCE[line]
        else:
            story.given(line)
    return story


YES = {
    "submits": "ChangeSubmitted",
    "approves": "ApprovalGiven",
    "rejects": "RejectionGiven + RequestRejected",
    "revokes": "ApprovalRevoked",
    "cancels": "RequestCanceled",
    "completes": "ChangeReleased",
    "closes": "RequestClosed",
    "claims": "ChangeClaimed",
    "reports success": "RequestCompleted",
    "reports failure": "RequestFailed",
    "reports unknown": "OutcomeUnknown",
}
ANSWERS = {
    "quorum": "ApprovalGiven + RequestApproved",
    "again": "ApprovalLapsed + RequestReopened + ApprovalGiven + RequestApproved",
    "reopen": "ApprovalLapsed + RequestReopened",
    "lost-no": "ApprovalLapsed + RequestReopened + RejectionGiven + RequestRejected",
    "lost-c": "ApprovalLapsed + RequestReopened + RequestCanceled",
    "applied": "being-applied",
    "no-pol": "no-policy",
    "locked": "resource-locked",
    "no-role": "not-permitted",
    "no-such": "unknown-request",
    "own": "own-request",
    "outside": "not-an-approver",
    "closed": "not-pending",
    "done": "already-decided",
    "other": "digest-mismatch",
    "notmine": "not-requester",
    "unappr": "not-approved",
    "no-appl": "not-an-applier",
    "unrel": "not-released",
    "unclaim": "not-claimed",
}


def cells() -> dict[tuple[str, str, str], str]:
    """(verb, status, who) to the table's word."""
    read: dict[tuple[str, str, str], str] = {}
    for verb, grid in TABLE.items():
        head, *rows = grid.strip().splitlines()
        for row in rows:
            status, words = row.split(":")
            for who, word in zip(head.split(), words.split(), strict=True):
                assert (verb, status, who) not in read
                read[verb, status, who] = word
    return read


CELLS = cells()


def test_table_has_every_cell() -> None:
    verbs = {*YES, "approves other bytes"}
    assert set(CELLS) == {(verb, status, who) for verb in verbs for status in STATUSES for who in PRINCIPALS}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("verb", TABLE)
def test_answer_is_the_cell_of_the_table(verb: str, status: str) -> None:
    for who in PRINCIPALS:
        story = story_in(status)
        before = story.status()
        word = CELLS[verb, status, who]
        expected = YES[verb] if word == "yes" else ANSWERS[word]
        assert story.when(f"{who} {verb}") == expected, who
        refused = expected.islower()
        assert not refused or story.status() == before, who
