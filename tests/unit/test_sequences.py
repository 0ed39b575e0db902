"""Sequences of commands: after each line the answer, and the status that the request then has.

Rows about `script` need two approvals. Each name begins with its rule; each row says why it ends as it does.
"""

import pytest

from tests.support.stories import Story

SEQUENCES = {
    "R1_nothing_is_applied_before_another_person_has_approved": (
        "Neither the requester nor the applier gets past the missing approval.",
        """
        alice submits           -> ChangeSubmitted | needs approval, has 0
        alice completes         -> not-approved | needs approval, has 0
        applier claims          -> not-released | needs approval, has 0
        applier reports success -> not-claimed | needs approval, has 0
        """,
    ),
    "R1_approval_alone_does_not_release": (
        "The applier gets the change when the requester completes, not before.",
        """
        alice submits   -> ChangeSubmitted | needs approval, has 0
        bob approves    -> ApprovalGiven | needs approval, has 1
        carol approves  -> ApprovalGiven + RequestApproved | approved
        applier claims  -> not-released | approved
        alice completes -> ChangeReleased | released
        alice claims    -> not-an-applier | released
        dave claims     -> not-an-applier | released
        applier claims  -> ChangeClaimed | applying
        """,
    ),
    "R3_only_requesters_submit": (
        "mallory has no role at all, and carol is an approver and an administrator.",
        """
        alice submits   -> ChangeSubmitted | needs approval, has 0
        alice cancels   -> RequestCanceled | canceled
        mallory submits -> not-permitted | canceled
        carol submits   -> not-permitted | canceled
        """,
    ),
    "R4_only_members_of_the_approver_groups_decide": (
        "dave administers, mallory has no role, services never approve.",
        """
        alice submits    -> ChangeSubmitted | needs approval, has 0
        dave approves    -> not-an-approver | needs approval, has 0
        mallory approves -> not-an-approver | needs approval, has 0
        applier approves -> not-an-approver | needs approval, has 0
        dave rejects     -> not-an-approver | needs approval, has 0
        applier rejects  -> not-an-approver | needs approval, has 0
        """,
    ),
    "R9_requester_cannot_decide_on_their_own_request": (
        "Being an approver does not help alice.",
        """
        alice submits  -> ChangeSubmitted | needs approval, has 0
        alice approves -> own-request | needs approval, has 0
        alice rejects  -> own-request | needs approval, has 0
        """,
    ),
    "R9_requester_cannot_approve_own_request_from_second_account": (
        "alice2 is the same person: the person counts, not the account.",
        """
        alice submits   -> ChangeSubmitted | needs approval, has 0
        alice2 approves -> own-request | needs approval, has 0
        alice2 rejects  -> own-request | needs approval, has 0
        bob approves    -> ApprovalGiven | needs approval, has 1
        alice2 approves -> own-request | needs approval, has 1
        """,
    ),
    "R9_service_s_request_is_no_person_s_own": (
        "upstream is not a person, so every approver may decide.",
        """
        upstream submits   -> ChangeSubmitted | needs approval, has 0
        alice approves     -> ApprovalGiven | needs approval, has 1
        bob approves       -> ApprovalGiven + RequestApproved | approved
        upstream completes -> ChangeReleased | released
        """,
    ),
    "R10_one_open_request_per_object": (
        "The object is free again when the request has ended.",
        """
        alice submits    -> ChangeSubmitted | needs approval, has 0
        upstream submits -> resource-locked | needs approval, has 0
        alice submits    -> resource-locked | needs approval, has 0
        alice cancels    -> RequestCanceled | canceled
        upstream submits -> ChangeSubmitted | needs approval, has 0
        """,
    ),
    "R10_object_stays_locked_while_the_outcome_is_unknown": (
        "A second change on top of one that may have been applied would hide the first.",
        """
        alice submits           -> ChangeSubmitted | needs approval, has 0
        bob approves            -> ApprovalGiven | needs approval, has 1
        carol approves          -> ApprovalGiven + RequestApproved | approved
        alice completes         -> ChangeReleased | released
        applier claims          -> ChangeClaimed | applying
        applier reports unknown -> OutcomeUnknown | outcome unknown
        alice submits           -> resource-locked | outcome unknown
        dave reports failure    -> RequestFailed | failed
        alice submits           -> ChangeSubmitted | needs approval, has 0
        """,
    ),
    "R11_only_the_requester_cancels": (
        "Not even the requester's other account.",
        """
        alice submits  -> ChangeSubmitted | needs approval, has 0
        alice2 cancels -> not-requester | needs approval, has 0
        bob cancels    -> not-requester | needs approval, has 0
        dave cancels   -> not-requester | needs approval, has 0
        alice cancels  -> RequestCanceled | canceled
        """,
    ),
    "R11_no_cancel_after_approval": (
        "Approved is too late; after an approver revoked, it is in time again.",
        """
        alice submits  -> ChangeSubmitted | needs approval, has 0
        bob approves   -> ApprovalGiven | needs approval, has 1
        carol approves -> ApprovalGiven + RequestApproved | approved
        alice cancels  -> not-pending | approved
        carol revokes  -> ApprovalRevoked | needs approval, has 1
        alice cancels  -> RequestCanceled | canceled
        """,
    ),
    "R12_only_the_requester_completes": (
        "Not the approver, not an administrator, not alice's other account.",
        """
        alice submits    -> ChangeSubmitted | needs approval, has 0
        bob approves     -> ApprovalGiven | needs approval, has 1
        carol approves   -> ApprovalGiven + RequestApproved | approved
        bob completes    -> not-requester | approved
        dave completes   -> not-requester | approved
        alice2 completes -> not-requester | approved
        alice completes  -> ChangeReleased | released
        alice completes  -> already-decided | released
        """,
    ),
    "R12_success_is_completed": (
        "Only the applier that claimed it reports success, and only once.",
        """
        alice submits            -> ChangeSubmitted | needs approval, has 0
        bob approves             -> ApprovalGiven | needs approval, has 1
        carol approves           -> ApprovalGiven + RequestApproved | approved
        alice completes          -> ChangeReleased | released
        applier reports success  -> not-claimed | released
        applier claims           -> ChangeClaimed | applying
        bob claims               -> not-an-applier | applying
        applier2 claims          -> already-decided | applying
        applier2 reports success -> not-claimed | applying
        applier reports success  -> RequestCompleted | completed
        applier reports failure  -> not-claimed | completed
        """,
    ),
    "R12_failure_is_failed": (
        "A failure is an end: the change must be submitted again.",
        """
        alice submits           -> ChangeSubmitted | needs approval, has 0
        bob approves            -> ApprovalGiven | needs approval, has 1
        carol approves          -> ApprovalGiven + RequestApproved | approved
        alice completes         -> ChangeReleased | released
        applier claims          -> ChangeClaimed | applying
        applier reports failure -> RequestFailed | failed
        applier claims          -> not-released | failed
        """,
    ),
    "R12_lease_that_ends_leaves_the_outcome_unknown_until_people_settle_it": (
        "Never retried silently: no second claim, by anybody.",
        """
        alice submits                -> ChangeSubmitted | needs approval, has 0
        bob approves                 -> ApprovalGiven | needs approval, has 1
        carol approves               -> ApprovalGiven + RequestApproved | approved
        alice completes              -> ChangeReleased | released
        applier claims               -> ChangeClaimed | applying
        a day passes                 -> | applying
        the writer looks at the clock -> OutcomeUnknown | outcome unknown
        applier claims               -> already-decided | outcome unknown
        applier2 claims              -> already-decided | outcome unknown
        bob reports success          -> not-claimed | outcome unknown
        dave reports unknown         -> already-decided | outcome unknown
        dave reports success         -> RequestCompleted | completed
        """,
    ),
    "R12_late_report_of_the_applier_counts": (
        "The applier knows the outcome better than the lease does, even after its end.",
        """
        alice submits           -> ChangeSubmitted | needs approval, has 0
        bob approves            -> ApprovalGiven | needs approval, has 1
        carol approves          -> ApprovalGiven + RequestApproved | approved
        alice completes         -> ChangeReleased | released
        applier claims          -> ChangeClaimed | applying
        a day passes            -> | applying
        the writer looks at the clock -> OutcomeUnknown | outcome unknown
        applier reports success -> RequestCompleted | completed
        """,
    ),
    "R13_one_rejection_ends_the_request": (
        "Whatever the quorum, and after another's approval.",
        """
        alice submits  -> ChangeSubmitted | needs approval, has 0
        bob approves   -> ApprovalGiven | needs approval, has 1
        carol rejects  -> RejectionGiven + RequestRejected | rejected
        bob revokes    -> not-pending | rejected
        alice completes -> not-approved | rejected
        """,
    ),
    "R13_approver_revokes_before_they_reject": (
        "One person holds one opinion at a time.",
        """
        alice submits -> ChangeSubmitted | needs approval, has 0
        bob approves  -> ApprovalGiven | needs approval, has 1
        bob rejects   -> already-decided | needs approval, has 1
        bob2 rejects  -> already-decided | needs approval, has 1
        bob revokes   -> ApprovalRevoked | needs approval, has 0
        bob rejects   -> RejectionGiven + RequestRejected | rejected
        """,
    ),
    "R13_revoking_reopens_an_approved_request": (
        "And the approval can be given again.",
        """
        alice submits   -> ChangeSubmitted | needs approval, has 0
        bob approves    -> ApprovalGiven | needs approval, has 1
        carol approves  -> ApprovalGiven + RequestApproved | approved
        bob revokes     -> ApprovalRevoked | needs approval, has 1
        alice completes -> not-approved | needs approval, has 1
        bob approves    -> ApprovalGiven + RequestApproved | approved
        """,
    ),
    "quorum_counts_people_not_accounts": (
        "bob and bob2 are one person: their approvals count once; the other account can revoke it.",
        """
        alice submits  -> ChangeSubmitted | needs approval, has 0
        bob approves   -> ApprovalGiven | needs approval, has 1
        bob2 approves  -> already-decided | needs approval, has 1
        bob2 revokes   -> ApprovalRevoked | needs approval, has 0
        bob2 approves  -> ApprovalGiven | needs approval, has 1
        carol approves -> ApprovalGiven + RequestApproved | approved
        """,
    ),
    "R14_request_without_progress_expires_after_30_days": (
        "To the millisecond: the rules apply the deadline before the writer has recorded the expiry.",
        """
        alice submits -> ChangeSubmitted | needs approval, has 0
        30 days pass  -> | needs approval, has 0
        bob approves  -> not-pending | needs approval, has 0
        alice cancels -> not-pending | needs approval, has 0
        the writer looks at the clock -> RequestExpired | expired
        bob approves  -> not-pending | expired
        alice submits -> ChangeSubmitted | needs approval, has 0
        """,
    ),
    "R14_progress_restarts_the_30_days": (
        "An approval is progress, a refused command is not.",
        """
        alice submits                 -> ChangeSubmitted | needs approval, has 0
        29 days pass                  -> | needs approval, has 0
        bob approves                  -> ApprovalGiven | needs approval, has 1
        29 days pass                  -> | needs approval, has 1
        the writer looks at the clock -> | needs approval, has 1
        mallory approves              -> not-an-approver | needs approval, has 1
        a day passes                  -> | needs approval, has 1
        the writer looks at the clock -> RequestExpired | expired
        """,
    ),
    "R14_approved_and_released_requests_expire_too": (
        "Nobody completes a change that was approved a month ago; nobody claims one that old.",
        """
        alice submits                 -> ChangeSubmitted | needs approval, has 0
        bob approves                  -> ApprovalGiven | needs approval, has 1
        carol approves                -> ApprovalGiven + RequestApproved | approved
        29 days pass                  -> | approved
        alice completes               -> ChangeReleased | released
        30 days pass                  -> | released
        applier claims                -> not-released | released
        the writer looks at the clock -> RequestExpired | expired
        """,
    ),
    "approval_names_the_submission_that_was_seen": (
        "An approval of other bytes counts for nothing.",
        """
        alice submits              -> ChangeSubmitted | needs approval, has 0
        bob approves other bytes   -> digest-mismatch | needs approval, has 0
        bob approves               -> ApprovalGiven | needs approval, has 1
        carol approves other bytes -> digest-mismatch | needs approval, has 1
        """,
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence_ends_as_its_row_states(name: str) -> None:
    story = Story()
    _, lines = SEQUENCES[name]
    for line in lines.strip().splitlines():
        does, _, expected = line.strip().partition("->")
        answer, _, status = expected.partition("|")
        assert story.when(does.strip()) == answer.strip(), line
        assert story.status() == status.strip(), line
