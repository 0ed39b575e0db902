"""The state of a request's approvals: what each rule has, what is missing, and who could approve. Pure."""

import msgspec

from assent_contracts.access_policies import PolicyTerms
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import (
    deleted_policy,
    has_quorum,
    is_automatic,
    lapse,
    rejections_needed,
    standing_terms,
)
from assent_contracts.core.requests.permissions import Deciding, able_to_approve
from assent_contracts.core.requests.requester import requester_refusal
from assent_contracts.core.requests.states import Approval, Rejection
from assent_contracts.core.requests.window import not_yet
from assent_contracts.events import Lapse
from assent_contracts.refusals import Refusal


class RuleStands(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of one policy: whose approvals it has so far, and who else could approve."""

    policy: str
    quorum: int
    groups: tuple[str, ...]
    given: tuple[str, ...]
    """The people whose approvals count for it."""
    missing: int
    can_approve: tuple[str, ...]
    """The accounts that could approve now and would count for it."""
    people: int
    """How many people these accounts belong to."""
    changed_since: bool
    """Whether the policy was changed to this rule after the request was submitted."""


class Lapsing(msgspec.Struct, frozen=True):
    """An approval that no longer counts."""

    approver: str
    reason: Lapse


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a request that waits for approvals or for its completion."""

    rules: tuple[RuleStands, ...]
    lapsing: tuple[Lapsing, ...]
    has_quorum: bool
    automatic: bool
    """Whether the last approval releases it, without a completion."""
    requester_refusal: Refusal | None
    """R19: why the change would not be released for its requester now; None if it would be."""
    not_yet: Refusal | None
    """R27: why it would not be released now, and until when; None if its time has come."""
    rejections: tuple[Rejection, ...]
    rejections_needed: int
    deleted_policy: str | None
    """A deleted policy under which it was submitted. With one, it can never be approved."""


def explain(request: Deciding, governance: Governance, at: int) -> Explanation:
    """The state of the request under this state of governance, at log time `at` (ms)."""
    submission = request.submission
    terms = standing_terms(submission, governance)
    able = able_to_approve(request, governance, at)
    return Explanation(
        rules=tuple(
            stands
            for each in terms
            for stands in _rules(each, request, able, governance, changed=each not in submission.terms)
        ),
        lapsing=_lapsing(request, terms, governance),
        has_quorum=has_quorum(submission, terms, request.approvals, governance),
        automatic=is_automatic(terms),
        requester_refusal=requester_refusal(submission, governance),
        not_yet=not_yet(submission, governance, at),
        rejections=request.rejections,
        rejections_needed=rejections_needed(terms),
        deleted_policy=deleted_policy(submission, governance),
    )


def _lapsing(
    request: Deciding, terms: tuple[PolicyTerms, ...], governance: Governance
) -> tuple[Lapsing, ...]:
    lapsing: list[Lapsing] = []
    for approval in request.approvals:
        reason = lapse(approval, terms, governance)
        if reason is not None:
            lapsing.append(Lapsing(approval.approver, reason))
    return tuple(lapsing)


def _rules(
    terms: PolicyTerms,
    request: Deciding,
    able: tuple[str, ...],
    governance: Governance,
    *,
    changed: bool,
) -> tuple[RuleStands, ...]:
    stands: list[RuleStands] = []
    for rule in terms.rules:
        alone = (msgspec.structs.replace(terms, rules=(rule,)),)
        given = {each.person for each in request.approvals if _counts(each, alone, request, governance)}
        members = governance.members_of_any(rule.groups)
        accounts = tuple(name for name in able if name in members)
        stands.append(
            RuleStands(
                policy=terms.policy,
                quorum=rule.quorum,
                groups=rule.groups,
                given=tuple(sorted(given)),
                missing=max(max(rule.quorum, 1) - len(given), 0),
                can_approve=accounts,
                people=len({governance.principals[name].person for name in accounts}),
                changed_since=changed,
            )
        )
    return tuple(stands)


def _counts(
    approval: Approval, terms: tuple[PolicyTerms, ...], request: Deciding, governance: Governance
) -> bool:
    return approval.person != request.submission.person and lapse(approval, terms, governance) is None
