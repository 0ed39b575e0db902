"""Permissions on a request: the rules of PRODUCT.md as an ordered table, independent of the code under test.

The first rule that applies to a cell determines its answer: the names of the events, or the refusal's code.
Nothing is looked up in governance.
"""

from typing import Final

from assent_contracts.access_policies import BUILT_IN_TYPES
from tests.unit.authorization.release_rules import RELEASE_RULES, reopened
from tests.unit.authorization.request_cells import APPROVERS, ENDED, HIS_OWN, OPEN, RELEASED, SERVICES, Cell
from tests.unit.authorization.rule import Rule, on


def _approved(cell: Cell) -> str:
    events = [] if cell.freds_counts else ["ApprovalLapsed"]
    if cell.status == "approved, quorum lost":
        events += ["RequestReopened", "ApprovalGiven"]
        # carol and root1 are two of the three: the third must be from outside the group.
        return " + ".join([*events, "RequestApproved"] if cell.relation in APPROVERS else events)
    return " + ".join([*events, "ApprovalGiven"])


def _rejected(cell: Cell) -> str:
    # rex was the first of three; for changes to governance one administrator's rejection is enough.
    return reopened(cell) + ("RejectionGiven + RequestRejected" if cell.built_in else "RejectionGiven")


def _canceled(cell: Cell) -> str:
    return reopened(cell) + "RequestCanceled"


_submit = on("submit")
_approve = on("approve", "approve other bytes")
_reject = on("reject")
_decide = on("approve", "approve other bytes", "reject")
_revoke = on("revoke")
_cancel = on("cancel")

RULES: Final = (
    Rule(
        "sender-1",
        "Only the account itself, or a gateway, signs for an account.",
        lambda cell: cell.relation == "approver through a service that is no gateway",
        "unknown-key",
    ),
    Rule(
        "sender-3",
        "For a service a gateway signs only an upstream's commands.",
        lambda cell: (
            cell.relation == "service through a gateway"
            and cell.command not in {"submit", "cancel", "complete"}
        ),
        "unknown-key",
    ),
    Rule(
        "sender-2",
        "A disabled account can do nothing.",
        lambda cell: cell.relation == "disabled approver",
        "not-permitted",
    ),
    Rule(
        "R3",
        "Only an administrator proposes a change to governance.",
        _submit(lambda cell: cell.built_in and not cell.administers),
        "not-permitted",
    ),
    Rule(
        "R18",
        "Only an account with the role requester for a type submits a change of that type.",
        _submit(lambda cell: not cell.built_in and cell.role != "requester"),
        "not-permitted",
    ),
    Rule("R10", "One open request per object.", _submit(lambda cell: cell.status in OPEN), "resource-locked"),
    Rule("R1-submit", "A submission waits for approval.", _submit(lambda cell: True), "ChangeSubmitted"),
    Rule("unknown", "The request must exist.", lambda cell: cell.status == "unknown", "unknown-request"),
    Rule(
        "R13-decide",
        "An ended request can no longer be decided.",
        on(
            *("approve", "approve other bytes", "reject", "revoke", "cancel", "close"),
            *("settle as succeeded", "settle by a retry"),
        )(lambda cell: cell.status in ENDED),
        "not-pending",
    ),
    Rule(
        "R4-service",
        "A service never approves or rejects, whatever group it is in.",
        _decide(lambda cell: cell.relation in SERVICES),
        "not-an-approver",
    ),
    Rule(
        "R9",
        "An account of the same person as the requester never approves or rejects.",
        _decide(lambda cell: cell.relation in HIS_OWN),
        "own-request",
    ),
    Rule(
        "R4",
        "Only the policies' approvers, as of now, approve or reject.",
        _decide(lambda cell: not cell.is_named),
        "not-an-approver",
    ),
    Rule(
        "R12-late",
        "A released request can no longer be decided.",
        _decide(lambda cell: cell.status in RELEASED),
        "not-pending",
    ),
    Rule(
        "R1-enough",
        "A request whose approvals still meet the quorum needs no further approval.",
        _approve(lambda cell: cell.status == "approved"),
        "not-pending",
    ),
    Rule(
        "R8-no-stands",
        "An approver who has rejected cannot approve.",
        _approve(lambda cell: cell.has_rejected),
        "already-decided",
    ),
    Rule(
        "R23-submission",
        "An approval is for exactly what was submitted.",
        on("approve other bytes")(lambda cell: True),
        "digest-mismatch",
    ),
    Rule(
        "R1-distinct",
        "One person's approval counts once.",
        _approve(lambda cell: cell.has_approved),
        "already-decided",
    ),
    Rule(
        "own-signature",
        "Where the policy requires it, and for changes to governance, approvers sign with their own key.",
        _approve(
            lambda cell: (
                cell.kind in {"vault", *BUILT_IN_TYPES} and cell.relation == "approver through a gateway"
            )
        ),
        "own-signature-required",
    ),
    Rule(
        "R1-approve",
        "An approval is added to those that still count; enough of them approve the request.",
        _approve(lambda cell: True),
        _approved,
    ),
    Rule(
        "R4-approved",
        "An approved request cannot be rejected: an approver revokes their approval first.",
        _reject(lambda cell: cell.status == "approved"),
        "not-pending",
    ),
    Rule(
        "R4-once",
        "An approver who has approved or rejected does not reject (again).",
        _reject(lambda cell: cell.has_approved or cell.has_rejected),
        "already-decided",
    ),
    Rule(
        "R4-reject",
        "The required number of rejections ends the request.",
        _reject(lambda cell: True),
        _rejected,
    ),
    Rule(
        "revoke-late",
        "After the release no approval can be revoked.",
        _revoke(lambda cell: cell.status in RELEASED),
        "not-pending",
    ),
    Rule(
        "revoke",
        "An approver may revoke their approval, even if it would no longer count.",
        _revoke(lambda cell: cell.has_approved),
        "ApprovalRevoked",
    ),
    Rule(
        "revoke-own",
        "Nobody revokes another person's approval.",
        _revoke(lambda cell: True),
        "not-an-approver",
    ),
    Rule(
        "R11-requester",
        "Only the account that submitted can cancel, whatever role it has now.",
        _cancel(lambda cell: cell.relation != "requester"),
        "not-requester",
    ),
    Rule(
        "R11-before",
        "It can cancel before approval, and again once an approved request has lost its quorum.",
        _cancel(lambda cell: cell.status in {"needs approval", "approved, quorum lost"}),
        _canceled,
    ),
    Rule("R11-after", "It cannot cancel after approval.", _cancel(lambda cell: True), "not-pending"),
    *RELEASE_RULES,
)


def explain(cell: Cell) -> tuple[str, str] | None:
    """(rule id, answer) of the first rule that applies; None when no rule does."""
    for rule in RULES:
        if rule.applies(cell):
            return rule.id, rule.answer if isinstance(rule.answer, str) else rule.answer(cell)
    return None
