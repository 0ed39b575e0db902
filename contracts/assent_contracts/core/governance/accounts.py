"""Accounts: register, disable, enable. Neither the kind nor the person of an account ever changes."""

from assent_contracts import limits
from assent_contracts.codec import is_identifier
from assent_contracts.core.governance.fields import bad_id, bad_text, refuse
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance import (
    GovernanceEvent,
    PrincipalDisabled,
    PrincipalEnabled,
    PrincipalRegistered,
)
from assent_contracts.governance_changes import DisablePrincipal, EnablePrincipal, RegisterPrincipal
from assent_contracts.governed import Account
from assent_contracts.refusals import Refusal, RefusalCode

RESERVED = frozenset({"founder", "assent", "recovery"})
"""Who the founding commands come from, and who carries changes to governance out: nobody's account."""


def bad_account(account: Account) -> Refusal | None:
    """The refusal of an account's own fields; None when all are good."""
    if account.id.lower() in RESERVED:
        return refuse(RefusalCode.ID_TAKEN, f"The id {account.id!r} is reserved.")
    if (account.kind == "human") != (account.person is not None):
        return refuse(RefusalCode.MALFORMED, f"{account.id}: a human has a person id, a service has none.")
    if account.person is not None and not is_identifier(account.person, limits.NAME_MAX_CHARS):
        return refuse(RefusalCode.MALFORMED, f"{account.id}: the person id is no identifier.")
    return bad_id("principal", account.id) or bad_text(
        f"{account.id}: the name", account.name, limits.NAME_MAX_CHARS
    )


def spelt_otherwise(governance: Governance, account: Account) -> Refusal | None:
    """The refusal of an id that differs from one there is in case only; None when it does not.

    People take `Ann` and `ann` for one account, and for one person, who would count as two for a quorum.
    """
    there = governance.account_spelt.get(account.id.lower(), account.id)
    if there != account.id:
        return refuse(
            RefusalCode.ID_TAKEN, f"The id {account.id!r} differs from that of {there!r} in case only."
        )
    person = account.person
    if person is not None and (there := governance.person_spelt.get(person.lower(), person)) != person:
        return refuse(
            RefusalCode.ID_TAKEN,
            f"{account.id}: the person id {person!r} differs from {there!r} in case only; write it that way"
            " if it is the same person.",
        )
    return None


def register_principal(
    governance: Governance, change: RegisterPrincipal
) -> tuple[GovernanceEvent, ...] | Refusal:
    """An id is never used again, not even that of a disabled account."""
    account = change.account
    bad = bad_account(account)
    if bad is not None:
        return bad
    if account.id in governance.principals:
        return refuse(RefusalCode.ID_TAKEN, f"There is a principal {account.id!r} already.")
    spelt = spelt_otherwise(governance, account)
    if spelt is not None:
        return spelt
    if account.source != "manual":
        return refuse(RefusalCode.MALFORMED, f"{account.id}: only a synchronisation brings the directory's.")
    return (PrincipalRegistered(account=account),)


def disable_principal(
    governance: Governance, change: DisablePrincipal
) -> tuple[GovernanceEvent, ...] | Refusal:
    """Its approvals stop counting with this, wherever they have not been released yet."""
    principal = governance.principals.get(change.principal)
    if principal is None:
        return _unknown(change.principal)
    # Whom the directory has disabled may be disabled by hand too: then it stays so.
    if not principal.enabled and not principal.vanished:
        return refuse(RefusalCode.ALREADY_SO, f"{change.principal} is disabled already.")
    return (PrincipalDisabled(principal=change.principal),)


def enable_principal(
    governance: Governance, change: EnablePrincipal
) -> tuple[GovernanceEvent, ...] | Refusal:
    """The account is what it was before it was disabled."""
    principal = governance.principals.get(change.principal)
    if principal is None:
        return _unknown(change.principal)
    if principal.enabled:
        return refuse(RefusalCode.ALREADY_SO, f"{change.principal} is enabled already.")
    return (PrincipalEnabled(principal=change.principal),)


def _unknown(principal: str) -> Refusal:
    return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no principal {principal[:128]!r}.")
