"""Why a request is in its state, and why an account cannot approve it: as data and in sentences. Pure."""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from assent.reading.lapse_sentences import LAPSES
from assent.store.queries import RequestView
from assent_contracts.access_policies import ADMINISTRATORS, ApprovalRule
from assent_contracts.core.governance.policies import rule_words
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.explain import Explanation, RuleStands, explain
from assent_contracts.core.requests.permissions import Deciding, why_not
from assent_contracts.core.requests.states import ReleaseProgress, Request
from assent_contracts.events import Status
from assent_contracts.refusals import WHAT_TO_DO, Refusal

Next = Literal["resubmit", "permit-requester", "complete", "wait", "add-approvers", "approve"]
"""What has to happen next: cancel or close it and submit it again, restore its requester's permission,
complete it, wait for its time and then complete it, find more approvers or give them keys, or approve it."""

WAITS_FOR_REQUESTER: Final = (
    "Once that is resolved, the requester has to complete it by hand,"
    " even if the last approval would have released it."
)


class StandingOf(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one account can approve a request. `refusal`: the refusal if not; None once it is decided."""

    principal: str
    can_approve: bool
    refusal: Refusal | None = None
    what_to_do: str | None = None


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a request. `explanation` is None once there is nothing left to approve."""

    request: str
    status: Status
    explanation: Explanation | None
    for_: StandingOf | UnsetType = msgspec.field(name="for", default=UNSET)
    """Whether the account that was asked about can approve it."""


def explained(
    row: RequestView, state: Request, governance: Governance, at: int, principal: str | None = None
) -> Explained:
    """The request's state under this governance, at log time `at` (ms), and for `principal` if given."""
    return Explained(
        request=row.id,
        status=row.status,
        explanation=explain(state, governance, at) if isinstance(state, Deciding) else None,
        for_=UNSET if principal is None else standing_of(principal, state, governance, at),
    )


def standing_of(principal: str, state: Request, governance: Governance, at: int) -> StandingOf:
    """R4, R9: whether this account can approve the request at log time `at` (ms), and why not."""
    if not isinstance(state, Deciding):
        return StandingOf(principal=principal, can_approve=False)
    refusal = why_not(state, principal, governance, at)
    what_to_do = None if refusal is None else WHAT_TO_DO[refusal.code]
    return StandingOf(
        principal=principal, can_approve=refusal is None, refusal=refusal, what_to_do=what_to_do
    )


def standing_sentence(standing: StandingOf) -> str:
    """Whether an account can approve. If not, why, and what to do."""
    if standing.can_approve:
        return f"{standing.principal} can approve it."
    refusal = standing.refusal
    if refusal is None:
        return f"{standing.principal} cannot approve it: there is nothing left to approve."
    return f"{standing.principal} cannot approve it: {refusal.code}. {refusal.detail} {standing.what_to_do}"


def status_words(status: Status, progress: ReleaseProgress | None) -> str:
    """R13: `needs approval`; `approved, released`."""
    return status.replace("_", " ") + (f", {progress}" if progress else "")


def explanation_lines(explanation: Explanation, governance: Governance) -> list[str]:
    """What each rule requires and has, whose approval no longer counts, and who rejected it."""
    lines = [rule_sentence(rule, governance) for rule in explanation.rules]
    lines += [
        f"The approval of {each.approver}, who {LAPSES[each.reason]}, no longer counts."
        for each in explanation.lapsing
    ]
    if explanation.rejections:
        given = ", ".join(each.approver for each in explanation.rejections)
        lines.append(f"Rejected by {given}: {explanation.rejections_needed} rejections would end it.")
    if explanation.requester_refusal is not None:
        lines.append(f"{explanation.requester_refusal.detail} {WAITS_FOR_REQUESTER}")
    if explanation.not_yet is not None:
        lines.append(f"{explanation.not_yet.detail} {WAITS_FOR_REQUESTER}")
    if explanation.deleted_policy is not None:
        lines.append(
            f"Policy {explanation.deleted_policy}, under which it was submitted, was deleted. So it can never"
            " be approved. Its requester can cancel it, its approvers can reject it, and an administrator can"
            " close it. Then the change can be submitted again."
        )
    return lines


def rule_sentence(rule: RuleStands, governance: Governance) -> str:
    """One rule of a policy: what it requires, who has approved, what is missing and who can approve."""
    asked = rule_words(ApprovalRule(quorum=rule.quorum, groups=rule.groups), governance)
    policy = "changes to governance" if rule.policy == ADMINISTRATORS else f"policy {rule.policy}"
    since = " (changed since the request was submitted)" if rule.changed_since else ""
    given = f"; given by {', '.join(rule.given)}" if rule.given else ""
    missing = f"{rule.missing} missing" if rule.missing else "met"
    able = f", {', '.join(rule.can_approve)} can approve" if rule.missing and rule.can_approve else ""
    return f"{policy}{since}: {asked}{given}: {missing}{able}."


def next_step(explanation: Explanation) -> Next:
    """What has to happen next."""
    if explanation.deleted_policy is not None:
        return "resubmit"
    if explanation.has_quorum:
        if explanation.requester_refusal is not None:
            return "permit-requester"
        return "complete" if explanation.not_yet is None else "wait"
    if any(rule.missing > rule.people for rule in explanation.rules):
        return "add-approvers"
    return "approve"


def next_sentence(row: RequestView, step: Next) -> str:
    """What has to happen next, in words. How to do it is explained where it can be done."""
    match step:
        case "resubmit":
            return f"{row.requester} can cancel it, or an administrator can close it; then submit it again."
        case "complete":
            return f"Nothing is missing: {row.requester} can complete it."
        case "wait":
            return f"It has its approvals: {row.requester} can complete it once its time has come."
        case "permit-requester":
            return (
                f"It has its approvals, but {row.requester} is not permitted to request it now. An"
                f" administrator has to restore the permission of {row.requester} or close the request."
                " Otherwise it expires."
            )
        case "add-approvers":
            return (
                "There are not enough people left who can approve it."
                " An administrator must add some, or give them keys."
            )
        case "approve":
            return "Missing: approvals."
