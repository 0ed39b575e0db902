"""Governance to and from one document, for readers that do not follow the governance ledger. Pure.

A reader has to trust the document's author: nothing in it can be checked against the ledger's seals.
"""

import msgspec

from assent_contracts.access_policies import Policy
from assent_contracts.core.governance.principals_and_keys import Key, Principal
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import from_base64url, to_base64url
from assent_contracts.governance_changes import DIRECTORY, SETTINGS, group_object, policy_object, role_object
from assent_contracts.governance_messages import (
    DirectorySynced,
    GovernanceEvent,
    GroupDefined,
    PolicyCreated,
    PolicyEdited,
    RoleAssigned,
    SettingsChanged,
)
from assent_contracts.governance_objects import (
    Account,
    DirectoryDifference,
    Group,
    RoleAssignment,
    Settings,
    SigningKey,
    Writer,
)


class AccountNow(msgspec.Struct, frozen=True, kw_only=True):
    """The current state of an account."""

    account: Account
    enabled: bool = True
    vanished: bool = False


class KeyNow(msgspec.Struct, frozen=True, kw_only=True):
    """The current state of a registered key."""

    key: SigningKey
    revoked: bool = False


class Versioned(msgspec.Struct, frozen=True, kw_only=True):
    """The `version` of each object: the seq at which it last changed."""

    groups: dict[str, int]
    roles: dict[str, int]
    policies: dict[str, int]
    settings: int | None
    directory: int | None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state of governance at `seq`, without its history."""

    seq: int
    partitions: int
    protected: bool
    principals: tuple[AccountNow, ...]
    keys: tuple[KeyNow, ...]
    groups: tuple[Group, ...]
    roles: tuple[RoleAssignment, ...]
    policies: tuple[Policy, ...]
    policy_since: dict[str, int]
    settings: Settings
    versions: Versioned
    writers: tuple[Writer, ...]
    """The writers whose seals count now."""
    known_writers: tuple[str, ...]
    """The ids of all writers, past ones included."""
    writers_since: int
    public_keys: tuple[str, ...]
    """All keys, past ones included."""


def snapshot_of(governance: Governance) -> Snapshot:
    """The document for this state of governance."""
    versions = Versioned(
        groups={each: _version(governance, group_object(each)) for each in governance.groups},
        roles={each: _version(governance, role_object(each)) for each in governance.assignments},
        policies={each: _version(governance, policy_object(each)) for each in governance.policies},
        settings=governance.version(SETTINGS),
        directory=governance.version(DIRECTORY),
    )
    return Snapshot(
        seq=governance.seq,
        partitions=governance.partitions,
        protected=governance.protected,
        principals=tuple(
            AccountNow(account=each.account, enabled=each.enabled, vanished=each.vanished)
            for each in governance.principals.values()
        ),
        keys=tuple(_key_now(name, key) for name, key in governance.keys.items()),
        groups=tuple(governance.groups.values()),
        roles=tuple(governance.assignments.values()),
        policies=tuple(governance.policies.values()),
        policy_since=dict(governance.policy_since),
        settings=governance.settings,
        versions=versions,
        writers=tuple(
            Writer(id=each, public_key=to_base64url(key)) for each, key in governance.writers.items()
        ),
        known_writers=tuple(sorted(governance.writer_ids)),
        writers_since=governance.writers_since,
        public_keys=tuple(sorted(map(to_base64url, governance.public_keys))),
    )


def _version(governance: Governance, governed: str) -> int:
    version = governance.version(governed)
    assert version is not None, governed
    return version


def _key_now(name: str, key: Key) -> KeyNow:
    return KeyNow(
        key=SigningKey(
            id=name,
            principal=key.principal,
            public_key=to_base64url(key.public_key),
            not_before=key.not_before,
            not_after=key.not_after,
        ),
        revoked=key.revoked,
    )


def governance_in(snapshot: Snapshot) -> Governance:
    """The state that a snapshot was made from, except for the releases that it has carried out.

    Raises KeyError and ValueError for a snapshot that cannot have been made from a state.
    """
    governance = Governance()
    governance.partitions = snapshot.partitions
    for each in snapshot.principals:
        governance.put_principal(
            Principal(account=each.account, enabled=each.enabled, vanished=each.vanished)
        )
    for each in snapshot.keys:
        _put_key(governance, each)
    governance.public_keys = {from_base64url(each) for each in snapshot.public_keys}
    governance.writers = {each.id: from_base64url(each.public_key) for each in snapshot.writers}
    governance.writer_ids = set(snapshot.known_writers)
    governance.writers_since = snapshot.writers_since
    for version, event in _last_words(snapshot):
        # Each as if by the record that last changed it, which gives it its version.
        governance.seq = version - 1
        governance.evolve(version, (event,))
    governance.protected = snapshot.protected
    governance.seq = snapshot.seq
    return governance


def _put_key(governance: Governance, now: KeyNow) -> None:
    key = now.key
    governance.keys[key.id] = Key(
        principal=key.principal,
        public_key=from_base64url(key.public_key),
        not_before=key.not_before,
        not_after=key.not_after,
        revoked=now.revoked,
    )


def _last_words(snapshot: Snapshot) -> list[tuple[int, GovernanceEvent]]:
    versions = snapshot.versions
    words: list[tuple[int, GovernanceEvent]] = [
        *((versions.groups[each.id], GroupDefined(group=each)) for each in snapshot.groups),
        *((versions.roles[each.id], RoleAssigned(assignment=each)) for each in snapshot.roles),
        *((snapshot.policy_since[each.id], PolicyCreated(policy=each)) for each in snapshot.policies),
        *((versions.policies[each.id], PolicyEdited(policy=each)) for each in snapshot.policies),
    ]
    if versions.settings is not None:
        words.append((versions.settings, SettingsChanged(settings=snapshot.settings)))
    if versions.directory is not None:
        words.append((versions.directory, DirectorySynced(difference=DirectoryDifference())))
    return words
