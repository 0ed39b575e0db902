"""The current state of accounts, keys and role holders."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from assent_contracts.digests import from_base64url
from assent_contracts.governance_objects import Account, DirectoryDifference, Role, RoleAssignment, SigningKey

Windows = tuple[tuple[int, int], ...]
"""Intervals of log time (ms), each from <= at < to."""


class Principal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A registered account in its current state, enabled or not."""

    account: Account
    enabled: bool = True
    vanished: bool = False
    """Disabled because the directory no longer has it. If it returns there, it is enabled again."""

    @property
    def id(self) -> str:
        """The account's id."""
        return self.account.id

    @property
    def person(self) -> str | None:
        """R9: the person behind a human account; None for a service."""
        return self.account.person


class Key(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A principal's public key and when it is valid: not_before <= log time < not_after."""

    principal: str
    public_key: bytes
    not_before: int
    not_after: int
    revoked: bool = False

    def is_valid(self, at: int) -> bool:
        """Whether it may sign at log time `at` (ms)."""
        return not self.revoked and self.not_before <= at < self.not_after


def registered_key(key: SigningKey) -> Key:
    """The state of a newly registered key."""
    return Key(
        principal=key.principal,
        public_key=from_base64url(key.public_key),
        not_before=key.not_before,
        not_after=key.not_after,
    )


def all_revoked(keys: Mapping[str, Key], principal: str) -> dict[str, Key]:
    """All keys of a principal, by id, in their revoked state."""
    return {
        key_id: msgspec.structs.replace(key, revoked=True)
        for key_id, key in keys.items()
        if key.principal == principal
    }


def windows_of(keys: Iterable[Key]) -> dict[str, Windows]:
    """When each principal can sign with one of these keys, if the key is not revoked."""
    found: dict[str, list[tuple[int, int]]] = {}
    for key in keys:
        if not key.revoked:
            found.setdefault(key.principal, []).append((key.not_before, key.not_after))
    return {name: tuple(windows) for name, windows in found.items()}


def synchronised(principals: Mapping[str, Principal], difference: DirectoryDifference) -> Iterator[Principal]:
    """The accounts that a synchronisation of the directory changes, in their new state."""
    for account in difference.accounts:
        before = principals.get(account.id)
        # An account that people have disabled stays disabled, even if the directory has it.
        yield Principal(account=account, enabled=before is None or before.enabled or before.vanished)
    for name in difference.vanished:
        before = principals[name]
        yield Principal(account=before.account, enabled=False, vanished=before.enabled or before.vanished)


def holders_of(
    assignments: Iterable[RoleAssignment],
    role: Role,
    resource_type: str,
    members: Callable[[str], frozenset[str]],
) -> frozenset[str]:
    """The principals to whom one of these assignments gives the role for this resource type."""
    return frozenset(
        principal
        for assignment in assignments
        if assignment.role == role
        and (not assignment.resource_types or resource_type in assignment.resource_types)
        for principal in (
            *assignment.principals,
            *(member for group in assignment.groups for member in members(group)),
        )
    )
