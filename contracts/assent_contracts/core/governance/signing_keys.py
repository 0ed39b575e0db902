"""Keys: register, let end earlier, revoke one or all."""

from assent_contracts.core.governance.differences import moment
from assent_contracts.core.governance.fields import bad_id, is_public_key, refuse
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import from_base64url
from assent_contracts.governance import GovernanceEvent, KeyExpires, KeyRegistered, KeyRevoked, KeysRevoked
from assent_contracts.governance_changes import ExpireKey, RegisterKey, RevokeKey, RevokeKeys
from assent_contracts.limits import FOR_EVER_MS, KEYS_MAX
from assent_contracts.refusals import Refusal, RefusalCode


def register_key(governance: Governance, change: RegisterKey) -> tuple[GovernanceEvent, ...] | Refusal:
    """Neither a key's id nor the key itself is ever used again."""
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
        # One key behind two names would let its holder sign as two principals.
        return refuse(RefusalCode.ID_TAKEN, f"key {key.id}: the same key is, or was, registered already.")
    if len(governance.windows(key.principal)) >= KEYS_MAX:
        return refuse(
            RefusalCode.QUOTA_EXCEEDED,
            f"{key.principal} has {KEYS_MAX} keys that are not revoked: revoke some first.",
        )
    return (KeyRegistered(key=key),)


def expire_key(governance: Governance, change: ExpireKey) -> tuple[GovernanceEvent, ...] | Refusal:
    """A key can only end earlier: for a longer time a new one is registered."""
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
    """What it has signed stays decided; it signs nothing more."""
    key = governance.keys.get(change.key)
    if key is None:
        return _unknown(change.key)
    if key.revoked:
        return refuse(RefusalCode.ALREADY_SO, f"key {change.key} is revoked already.")
    return (KeyRevoked(key=change.key),)


def revoke_keys(governance: Governance, change: RevokeKeys) -> tuple[GovernanceEvent, ...] | Refusal:
    """All that the account has now: one registered while this was on its way does not escape."""
    if change.principal not in governance.principals:
        return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no principal {change.principal[:128]!r}.")
    if not governance.windows(change.principal):
        return refuse(RefusalCode.ALREADY_SO, f"{change.principal} has no key that is not revoked.")
    return (KeysRevoked(principal=change.principal),)


def _unknown(key: str) -> Refusal:
    return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no key {key[:128]!r} that stands.")
