"""R17: who is notified of a record. Pure.

Each event states what its notification is about: see `news` and `asks_approvers` in
`assent_contracts.events`.
"""

from collections.abc import Iterable, Sequence
from typing import Final, get_args

from assent.reading.decidable_requests import received_groups, received_types
from assent_contracts.access_policies import ADMINISTRATORS, PolicyTerms, administrators_of
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    RequestApproved,
    RequestEnd,
    RequesterNews,
    RequestEvent,
)
from assent_contracts.governance_objects import SigningKey
from assent_contracts.resources import resource_type

_IMPORTANCE: Final[tuple[RequesterNews, ...]] = get_args(RequesterNews)


def requester_hears(events: Iterable[RequestEvent]) -> RequesterNews | None:
    """R17: the most important news for the requester in a record; None when there is none."""
    found: set[RequesterNews | None] = {event.news for event in events}
    return next((news for news in _IMPORTANCE if news in found), None)


def needs_approval_again(events: Sequence[RequestEvent]) -> bool:
    """Whether this record gives approvers something new to do."""
    asked = any(event.asks_approvers and not isinstance(event, ChangeSubmitted) for event in events)
    return asked and not any(isinstance(event, RequestEnd) for event in events)


def waits_for_approval(events: Iterable[RequestEvent]) -> bool | None:
    """Whether the request needs approval after these events; None when they do not change that."""
    waits: bool | None = None
    for event in events:
        if event.asks_approvers:
            waits = True
        elif isinstance(event, RequestApproved | ChangeReleased):
            waits = False
    return waits


def gained(
    before: Governance, after: Governance, among: frozenset[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """R21: (resource types, groups) of which one of `among` became an approver or a member.

    Only requests of these types, or whose policies name these groups, can have new approvers.
    """
    types: set[str] = set()
    groups: set[str] = set()
    for principal in among:
        types |= {*received_types(after, principal)} - {*received_types(before, principal)}
        asked = (ADMINISTRATORS, *map(administrators_of, _types_of(after)))
        groups |= {*received_groups(after, principal, asked)} - {*received_groups(before, principal, asked)}
    return frozenset(types), frozenset(groups)


def _types_of(governance: Governance) -> set[str]:
    return {policy.resource_type for policy in governance.policies.values()}


def approvers(
    governance: Governance, terms: Iterable[PolicyTerms], person: str, among: frozenset[str]
) -> frozenset[str]:
    """R4, R9: those of `among` who can decide on this person's request: enabled people in its groups."""
    named = frozenset[str]().union(
        *(among & governance.members_of_any(rule.groups) for each in terms for rule in each.rules)
    )
    return frozenset(each for each in _people(governance, named) if _person(governance, each) != person)


def administrators(governance: Governance, resource: str, among: frozenset[str]) -> frozenset[str]:
    """Those of `among` who administer the resource's type: enabled people, including the requester."""
    holders = governance.holders("administrator", resource_type(resource))
    return frozenset(_people(governance, among & holders))


def hear_of_key(governance: Governance, key: SigningKey, among: frozenset[str]) -> frozenset[str]:
    """Those of `among` who are notified of a new key: its owner, and administrators.

    A thief may have registered it, so its owner is notified on all their accounts.
    """
    holder = governance.principals[key.principal]
    accounts = {each.id for each in governance.principals.values() if each.person == holder.person}
    theirs = {holder.id} if holder.person is None else accounts
    every_type = governance.holders("administrator", EVERY_TYPE)
    return enabled_accounts(governance, among & theirs) | frozenset(_people(governance, among & every_type))


def enabled_accounts(governance: Governance, principals: frozenset[str]) -> frozenset[str]:
    """Those of `principals` whose account, a person's or a service's, is enabled."""
    return frozenset(each for each in principals if _is_enabled(governance, each))


def _people(governance: Governance, principals: Iterable[str]) -> Iterable[str]:
    return (
        each for each in principals if _is_enabled(governance, each) and _person(governance, each) is not None
    )


def _person(governance: Governance, principal: str) -> str | None:
    return governance.principals[principal].person


def _is_enabled(governance: Governance, principal: str) -> bool:
    found = governance.principals.get(principal)
    return found is not None and found.enabled
