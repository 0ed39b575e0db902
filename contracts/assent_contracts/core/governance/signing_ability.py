"""Which people can sign, and when: with their own key, or through a gateway. By person, not by account.

Keys are valid for a limited time. So the functions answer for one log time, or for all time from a moment on:
a key that expires tomorrow does not protect from being locked out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate

from assent_contracts.core.governance.principals_and_keys import Windows
from assent_contracts.core.governance.state import Governance


def signing_people(
    governance: Governance, accounts: Iterable[str], types: Collection[str], *, own_signature: bool = False
) -> dict[str, Windows]:
    """By person, when the people of these accounts can sign. Only enabled human accounts count.

    `types`: the resource types that they sign for; a gateway must have its role for all of them.
    `own_signature`: whether a gateway's signature does not count.
    """
    through_gateway = () if own_signature else _gateways(governance, types)
    people: dict[str, Windows] = {}
    for name in accounts:
        account = governance.principals[name]
        if account.enabled and account.person is not None:
            before = people.get(account.person, through_gateway)
            people[account.person] = before + governance.windows(name)
    return people


def _gateways(governance: Governance, types: Collection[str]) -> Windows:
    """When a gateway could sign for a person."""
    return tuple(window for name in _serving(governance, types) for window in governance.windows(name))


def _serving(governance: Governance, types: Collection[str]) -> list[str]:
    """The gateways for all of these types. Only services can be gateways."""
    holders = frozenset[str].intersection(*(governance.holders("gateway", kind) for kind in types))
    accounts = (governance.principals[name] for name in sorted(holders))
    return [account.id for account in accounts if account.enabled and account.person is None]


def has_key(governance: Governance, principal: str, at: int) -> bool:
    """Whether the principal can sign with its own key at log time `at` (ms)."""
    return _holds(governance.windows(principal), at)


def gateway_for(governance: Governance, resource_type: str, at: int) -> str | None:
    """A gateway that could sign for people about this type at log time `at` (ms); None if there is none."""
    gateways = _serving(governance, (resource_type,))
    return next((name for name in gateways if has_key(governance, name, at)), None)


def _holds(windows: Windows, at: int) -> bool:
    return any(start <= at < end for start, end in windows)


def able_at(people: Mapping[str, Windows], at: int) -> frozenset[str]:
    """The people who can sign at log time `at` (ms)."""
    return frozenset(person for person, windows in people.items() if _holds(windows, at))


def first_loss(
    before: Mapping[str, Windows], after: Mapping[str, Windows], needed: int, at: int
) -> tuple[int, int] | None:
    """The first log time from `at` on at which `after` is worse than `before`, and how many people are left.

    Worse means fewer people than before, and fewer than are `needed`. None if there is no such time.
    """
    were, are = 0, 0
    then, now = _counts(before, at), _counts(after, at)
    for time in sorted({*then, *now}):
        were, are = then.get(time, were), now.get(time, are)
        if are < needed and are < were:
            return time, are
    return None


def _counts(people: Mapping[str, Windows], at: int) -> dict[int, int]:
    """How many people can sign from each of these log times until the next. `at` is the first."""
    change: defaultdict[int, int] = defaultdict(int, {at: 0})
    for windows in people.values():
        for start, end in _joined(windows, at):
            change[start] += 1
            change[end] -= 1
    times = sorted(change)
    return dict(zip(times, accumulate(change[time] for time in times), strict=True))


def _joined(windows: Windows, at: int) -> list[tuple[int, int]]:
    """The same times from `at` on, without overlaps, because two keys at once are still one person."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(start, at), end) for start, end in windows if end > at):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
