"""A request's progress for its page: what each rule has and lacks, and who could approve. Pure."""

import msgspec

from assent.reading.explanations import Next, next_step
from assent.reading.lapse_sentences import LAPSES
from assent_contracts.access_policies import ADMINISTRATORS
from assent_contracts.core.governance.policies import group_words
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.explain import RuleStands, explain
from assent_contracts.core.requests.permissions import Deciding


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of one policy."""

    policy: str | None
    """Its name; None for changes to governance."""
    policy_id: str
    groups: tuple[str, ...]
    """In words: `Security team (sec, 4 people)`."""
    quorum: int
    given: tuple[str, ...]
    """The people whose approvals count, each by one account."""
    missing: int
    can: tuple[str, ...]
    """One account of each person who could approve it now."""
    changed_since: bool


class RequestProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The progress of a request."""

    rules: tuple[RuleView, ...]
    next: Next
    lapsing: tuple[tuple[str, str], ...]
    """(account, why its approval no longer counts)"""
    rejections: tuple[str, ...]
    rejections_needed: int
    automatic: bool
    deleted_policy: str | None
    requester_refusal: str | None
    """R19: why the change cannot be released for its requester now; None if it can."""
    not_yet: str | None
    """R27: why its time has not come, and when it does; None if it has."""


def progress_of(state: Deciding, governance: Governance, at: int) -> RequestProgress:
    """The progress of the request at log time `at` (ms)."""
    explained = explain(state, governance, at)
    accounts = {each.person: each.approver for each in state.approvals}
    barred = explained.requester_refusal
    return RequestProgress(
        rules=tuple(_rule(each, accounts, governance) for each in explained.rules),
        next=next_step(explained),
        lapsing=tuple((each.approver, LAPSES[each.reason]) for each in explained.lapsing),
        rejections=tuple(each.approver for each in explained.rejections),
        rejections_needed=explained.rejections_needed,
        automatic=explained.automatic,
        deleted_policy=explained.deleted_policy,
        requester_refusal=barred.detail if barred else None,
        not_yet=explained.not_yet.detail if explained.not_yet else None,
    )


def _rule(rule: RuleStands, accounts: dict[str, str], governance: Governance) -> RuleView:
    policy = governance.policies.get(rule.policy)
    return RuleView(
        policy=None if rule.policy == ADMINISTRATORS else policy.name if policy else rule.policy,
        policy_id=rule.policy,
        groups=tuple(group_words(group, governance) for group in rule.groups),
        quorum=rule.quorum,
        given=tuple(accounts.get(person, person) for person in rule.given),
        missing=rule.missing,
        can=one_account_each(rule.can_approve, governance),
        changed_since=rule.changed_since,
    )


def one_account_each(accounts: tuple[str, ...], governance: Governance) -> tuple[str, ...]:
    """The first account of each person, because two accounts of one person count as one (R9)."""
    found: dict[str | None, str] = {}
    for account in accounts:
        found.setdefault(governance.principals[account].person, account)
    return tuple(found.values())
