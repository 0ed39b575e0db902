"""R17: who is notified of a record. Pure.

Each event states what its notification is about: see `news`, `asks_approvers` and `asks_settlers` in
`assent_contracts.events`. `assent_contracts.core.requests.permissions` answers who can approve a request, and
who can settle its outcome.
"""

from collections.abc import Iterable
from typing import Final, get_args

from assent.reading.decidable_requests import received_groups, received_types
from assent_contracts.access_policies import ADMINISTRATORS, BUILT_IN_TYPES, administrators_of
from assent_contracts.core.governance.signing_ability import gateway_for, has_key
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.core.requests.close_finding import can_close_findings
from assent_contracts.core.requests.permissions import Deciding, able_to_approve, able_to_settle
from assent_contracts.core.requests.states import NeedsApproval, Request, Unsettled
from assent_contracts.events import RequesterNews, RequestEvent
from assent_contracts.governance_objects import SigningKey

_IMPORTANCE: Final[tuple[RequesterNews, ...]] = get_args(RequesterNews)


_OF_MEMBERS: Final[frozenset[RequesterNews]] = frozenset({"failed", "outcome-unknown", "closed"})


def requester_hears(events: Iterable[RequestEvent], *, part_of: str | None = None) -> RequesterNews | None:
    """R17: the most important news for the requester in a record; None when there is none.

    R29: of a member of the set `part_of` they are notified only of what needs attention.
    """
    found: set[RequesterNews | None] = {event.news for event in events}
    if part_of is not None:
        found &= _OF_MEMBERS
    return next((news for news in _IMPORTANCE if news in found), None)


def asks_approvers(events: Iterable[RequestEvent], after: Request) -> bool:
    """Whether a record gives approvers something new to do. `after`: the state after the record."""
    return isinstance(after, NeedsApproval) and any(event.asks_approvers for event in events)


def approvers(request: Request, governance: Governance, at: int, among: frozenset[str]) -> frozenset[str]:
    """R4, R9: those of `among` whose approval would be accepted at log time `at` (ms), whatever signs it."""
    if not isinstance(request, Deciding):
        return frozenset()
    return frozenset(able_to_approve(request, governance, at, among))


def asks_settlers(events: Iterable[RequestEvent], after: Request) -> bool:
    """Whether a record gives those who can settle an unknown outcome something to do. `after`: as above."""
    return isinstance(after, Unsettled) and any(event.asks_settlers for event in events)


def settlers(request: Request, governance: Governance, at: int, among: frozenset[str]) -> frozenset[str]:
    """Those of `among` who could settle the unknown outcome at log time `at` (ms), whatever signs it."""
    if not isinstance(request, Unsettled):
        return frozenset()
    return frozenset(able_to_settle(request, governance, at, among))


def finding_closers(governance: Governance, kind: str, among: frozenset[str]) -> frozenset[str]:
    """R28: those of `among` who can close findings of this resource type, so that they look at them."""
    return frozenset(
        each
        for each in among
        if (found := governance.principals.get(each)) is not None
        and can_close_findings(found, kind, governance)
    )


def gained(
    before: Governance, after: Governance, among: frozenset[str], at: int
) -> tuple[frozenset[str], frozenset[str]]:
    """R21: (resource types, groups) in which one of `among` may be able to approve after, and not before.

    Only requests of these types, or whose policies name these groups, can have new approvers. Somebody who
    can sign in a way that they could not before, at log time `at` (ms), may have gained all that is theirs.
    """
    types: set[str] = set()
    groups: set[str] = set()
    asked = (ADMINISTRATORS, *map(administrators_of, _types_of(after)))
    served_before, served = _served_types(before, at), _served_types(after, at)
    for principal in among:
        ways_before = _ways_to_sign(before, principal, served_before, at)
        theirs = received_types(after, principal), received_groups(after, principal, asked)
        if _ways_to_sign(after, principal, served, at) <= ways_before:
            types |= {*theirs[0]} - {*received_types(before, principal)}
            groups |= {*theirs[1]} - {*received_groups(before, principal, asked)}
        else:
            types |= {*theirs[0]}
            groups |= {*theirs[1]}
    return frozenset(types), frozenset(groups)


_OWN_KEY: Final = ""
"""Among the resource types that gateways serve: a key of one's own, which is good for all."""


def _ways_to_sign(governance: Governance, principal: str, served: frozenset[str], at: int) -> frozenset[str]:
    if not _is_enabled(governance, principal):
        return frozenset()
    return served | {_OWN_KEY} if has_key(governance, principal, at) else served


def _served_types(governance: Governance, at: int) -> frozenset[str]:
    types = _types_of(governance) | BUILT_IN_TYPES
    return frozenset(kind for kind in types if gateway_for(governance, kind, at) is not None)


def _types_of(governance: Governance) -> set[str]:
    return {policy.resource_type for policy in governance.policies.values()}


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
