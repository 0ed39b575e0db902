"""Keys: register, expire earlier, revoke one or all."""

from typing import Final

from assent_contracts.core.governance.change_rules import Asker, ChangeRules, creates, disables
from assent_contracts.core.governance.field_changes import FieldChange, changed_fields
from assent_contracts.core.governance.field_limits import bad_id, is_public_key, refuse
from assent_contracts.core.governance.number_words import counted, moment
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import from_base64url
from assent_contracts.governance_changes import ExpireKey, RegisterKey, RevokeKey, RevokeKeys
from assent_contracts.governance_messages import (
    GovernanceEvent,
    KeyExpires,
    KeyRegistered,
    KeyRevoked,
    KeysRevoked,
)
from assent_contracts.limits import FOR_EVER_MS, KEYS_MAX
from assent_contracts.refusals import Refusal, RefusalCode


def register_key(governance: Governance, change: RegisterKey) -> tuple[GovernanceEvent, ...] | Refusal:
    """Register a key. Neither its id nor the key itself can ever be used again."""
    key = change.key
    bad = bad_id("key", key.id)
    if bad is not None:
        return bad
    if key.id in governance.keys:
        return refuse(RefusalCode.ID_TAKEN, f"There is a key {key.id!r} already.")
    if key.principal not in governance.principals:
        return refuse(
            RefusalCode.UNKNOWN_OBJECT, f"key {key.id}: there is no principal {key.principal[:128]!r}."
        )
    if not is_public_key(key.public_key):
        return refuse(RefusalCode.MALFORMED, f"key {key.id} is not 32 bytes in base64url.")
    if not 0 <= key.not_before < key.not_after <= FOR_EVER_MS:
        return refuse(
            RefusalCode.MALFORMED, f"key {key.id} is never valid: see not_before and not_after (ms)."
        )
    if from_base64url(key.public_key) in governance.public_keys:
        # One key under two ids would let its holder sign as two principals.
        return refuse(RefusalCode.ID_TAKEN, f"key {key.id}: the same key is, or was, registered already.")
    if len(governance.windows(key.principal)) >= KEYS_MAX:
        return refuse(
            RefusalCode.QUOTA_EXCEEDED,
            f"{key.principal} has {KEYS_MAX} keys that are not revoked: revoke some first.",
        )
    return (KeyRegistered(key=key),)


def expire_key(governance: Governance, change: ExpireKey) -> tuple[GovernanceEvent, ...] | Refusal:
    """Let a key expire earlier. For a longer time, a new key is registered."""
    key = governance.keys.get(change.key)
    if key is None or key.revoked:
        return _unknown(change.key)
    ends = f"key {change.key} is valid from {moment(key.not_before)} to {moment(key.not_after)}"
    if change.not_after == key.not_after:
        return refuse(RefusalCode.ALREADY_SO, f"{ends} already.")
    if change.not_after > key.not_after:
        return refuse(RefusalCode.OUTDATED, f"{ends}: it can only end earlier. Register another for longer.")
    if change.not_after < key.not_before:
        return refuse(RefusalCode.OUTDATED, f"{ends}: it cannot end before it begins. Revoke it instead.")
    return (KeyExpires(key=change.key, not_after=change.not_after),)


def revoke_key(governance: Governance, change: RevokeKey) -> tuple[GovernanceEvent, ...] | Refusal:
    """Revoke a key. What it has signed stays decided, but it can no longer sign."""
    key = governance.keys.get(change.key)
    if key is None:
        return _unknown(change.key)
    if key.revoked:
        return refuse(RefusalCode.ALREADY_SO, f"key {change.key} is revoked already.")
    return (KeyRevoked(key=change.key),)


def revoke_keys(governance: Governance, change: RevokeKeys) -> tuple[GovernanceEvent, ...] | Refusal:
    """Revoke all keys that the account has when this is decided, including any registered in the meantime."""
    if change.principal not in governance.principals:
        return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no principal {change.principal[:128]!r}.")
    if not governance.windows(change.principal):
        return refuse(RefusalCode.ALREADY_SO, f"{change.principal} has no key that is not revoked.")
    return (KeysRevoked(principal=change.principal),)


def _unknown(key: str) -> Refusal:
    return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no key {key[:128]!r} that stands.")


def keys_of(governance: Governance, principal: str) -> list[str]:
    """The ids of the principal's keys that are not revoked."""
    found = governance.keys.items()
    return [key_id for key_id, key in found if key.principal == principal and not key.revoked]


def _is_human(governance: Governance, principal: str) -> bool:
    account = governance.principals.get(principal)
    return account is not None and account.person is not None


def _is_own_registration(governance: Governance, change: RegisterKey, principal: str) -> bool:
    """Humans only. A service gets its keys from people: a thief of its key could register more."""
    return change.key.principal == principal and _is_human(governance, principal)


def _is_own_key(governance: Governance, change: ExpireKey | RevokeKey, principal: str) -> bool:
    key = governance.keys.get(change.key)
    return key is not None and key.principal == principal


def _why_registering(governance: Governance, change: RegisterKey, asker: Asker) -> str | None:
    if asker.through is None and _is_own_registration(governance, change, asker.principal):
        return None
    return "it registers a key that its holder did not sign for"


def _until(not_after: int) -> str:
    return "for ever" if not_after >= FOR_EVER_MS else f"until {moment(not_after)}"


def _of(key: str, governance: Governance) -> str:
    found = governance.keys.get(key)
    return "" if found is None else f" of {found.principal}"


def _revocation(change: RevokeKeys, governance: Governance) -> str:
    keys = keys_of(governance, change.principal)
    return f"Revoke all keys of {change.principal} ({counted(len(keys), 'key')})."


def _registered(change: RegisterKey, _governance: Governance) -> tuple[FieldChange, ...]:
    return changed_fields(
        ("principal", None, change.key.principal),
        ("public key", None, change.key.public_key),
        ("valid from", None, moment(change.key.not_before)),
        ("valid until", None, moment(change.key.not_after)),
    )


def _expired(change: ExpireKey, governance: Governance) -> tuple[FieldChange, ...]:
    before = governance.keys.get(change.key)
    return changed_fields(
        ("valid until", None if before is None else moment(before.not_after), moment(change.not_after))
    )


def _revoked(change: RevokeKey, governance: Governance) -> tuple[FieldChange, ...]:
    before = governance.keys.get(change.key)
    state = None if before is None else "revoked" if before.revoked else "registered"
    return changed_fields(("key", state, "revoked"))


REGISTER_KEY: Final = ChangeRules[RegisterKey](
    decide=lambda governance, change, _at: register_key(governance, change),
    operation=creates,
    sentence=lambda change, _: (
        f"Register the key {change.key.id} for {change.key.principal}, valid {_until(change.key.not_after)}."
    ),
    difference=_registered,
    why_approval=_why_registering,
    is_own=_is_own_registration,
)
EXPIRE_KEY: Final = ChangeRules[ExpireKey](
    decide=lambda governance, change, _at: expire_key(governance, change),
    sentence=lambda change, governance: (
        f"Let the key {change.key}{_of(change.key, governance)} end at {moment(change.not_after)}."
    ),
    difference=_expired,
    is_own=_is_own_key,
)
REVOKE_KEY: Final = ChangeRules[RevokeKey](
    decide=lambda governance, change, _at: revoke_key(governance, change),
    operation=disables,
    sentence=lambda change, governance: f"Revoke the key {change.key}{_of(change.key, governance)}.",
    difference=_revoked,
    is_own=_is_own_key,
)
REVOKE_KEYS: Final = ChangeRules[RevokeKeys](
    decide=lambda governance, change, _at: revoke_keys(governance, change),
    operation=disables,
    sentence=_revocation,
    difference=lambda change, governance: tuple(
        FieldChange(f"key {key_id}", "registered", "revoked")
        for key_id in keys_of(governance, change.principal)
    ),
    is_own=lambda _governance, change, principal: change.principal == principal,
)
