"""Accounts: register, disable, enable. The kind and the person of an account never change."""

from typing import Final

from assent_contracts import limits
from assent_contracts.codec import is_identifier
from assent_contracts.core.governance.change_rules import Asker, ChangeRules, creates, disables
from assent_contracts.core.governance.field_changes import FieldChange, changed_fields
from assent_contracts.core.governance.field_limits import bad_id, bad_text, refuse
from assent_contracts.core.governance.operators import bad_operator
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    DisablePrincipal,
    EnablePrincipal,
    RegisterPrincipal,
    principal_object,
)
from assent_contracts.governance_messages import (
    GovernanceEvent,
    PrincipalDisabled,
    PrincipalEnabled,
    PrincipalRegistered,
)
from assent_contracts.governance_objects import Account
from assent_contracts.refusals import Refusal, RefusalCode

RESERVED = frozenset({"founder", "assent", "recovery"})
"""Reserved names: who sends the founding and recovery commands, and who carries out governance changes."""


def bad_account(account: Account) -> Refusal | None:
    """The refusal of an account's own fields; None if all are good."""
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
    """The refusal of an id that differs from an existing one only in case; None if it does not.

    People would read `Ann` and `ann` as one account or one person, who would count twice for a quorum.
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
    """Register an account. An id is never used again, not even that of a disabled account."""
    account = change.account
    bad = bad_account(account)
    if bad is not None:
        return bad
    if account.id in governance.principals:
        return refuse(RefusalCode.ID_TAKEN, f"There is a principal {account.id!r} already.")
    spelt = spelt_otherwise(governance, account)
    if spelt is not None:
        return spelt
    if account.operator is not None:
        if account.kind == "human":
            return refuse(RefusalCode.MALFORMED, f"{account.id}: only a service has an operator.")
        bad = bad_operator(governance, account.operator)
        if bad is not None:
            return bad
    if account.source != "manual":
        return refuse(RefusalCode.MALFORMED, f"{account.id}: only a synchronisation brings the directory's.")
    return (PrincipalRegistered(account=account),)


def disable_principal(
    governance: Governance, change: DisablePrincipal
) -> tuple[GovernanceEvent, ...] | Refusal:
    """Disable an account. Its approvals no longer count for changes that are not released yet."""
    principal = governance.principals.get(change.principal)
    if principal is None:
        return _unknown(change.principal)
    # An account that the directory has disabled can be disabled by hand too. Then it stays disabled.
    if not principal.enabled and not principal.vanished:
        return refuse(RefusalCode.ALREADY_SO, f"{change.principal} is disabled already.")
    return (PrincipalDisabled(principal=change.principal),)


def enable_principal(
    governance: Governance, change: EnablePrincipal
) -> tuple[GovernanceEvent, ...] | Refusal:
    """Enable an account, which has the same permissions as before it was disabled."""
    principal = governance.principals.get(change.principal)
    if principal is None:
        return _unknown(change.principal)
    if principal.enabled:
        return refuse(RefusalCode.ALREADY_SO, f"{change.principal} is enabled already.")
    return (PrincipalEnabled(principal=change.principal),)


def _unknown(principal: str) -> Refusal:
    return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no principal {principal[:128]!r}.")


def account_words(account: Account) -> str:
    """An account in words: its id, its name and its person."""
    name = f" ({account.name})" if account.name else ""
    if account.person is None:
        operated = f" operated by {account.operator}" if account.operator else ""
        return f"{account.id}{name}, a service{operated}"
    return f"{account.id}{name}, an account of the person {account.person}"


def account_difference(before: Account | None, after: Account) -> tuple[FieldChange, ...]:
    """The fields of an account that differ."""
    return changed_fields(
        ("kind", before and before.kind, after.kind),
        ("person", before and before.person, after.person),
        ("name", (before and before.name) or None, after.name or None),
        ("operator", before and before.operator, after.operator),
    )


def _enabling(governance: Governance, principal: str, after: str) -> tuple[FieldChange, ...]:
    found = governance.principals.get(principal)
    before = None if found is None else "enabled" if found.enabled else "disabled"
    return changed_fields(("account", before, after))


def _why_enabling(_governance: Governance, _change: EnablePrincipal, _asker: Asker) -> str:
    return "it lets a disabled account act again"


REGISTER_PRINCIPAL: Final = ChangeRules[RegisterPrincipal](
    decide=lambda governance, change, _at: register_principal(governance, change),
    operation=creates,
    sentence=lambda change, _: f"Register {account_words(change.account)}.",
    difference=lambda change, _: account_difference(None, change.account),
    brings_in=True,
)
ENABLE_PRINCIPAL: Final = ChangeRules[EnablePrincipal](
    decide=lambda governance, change, _at: enable_principal(governance, change),
    sentence=lambda change, _: f"Enable {change.principal}.",
    difference=lambda change, governance: _enabling(governance, change.principal, "enabled"),
    why_approval=_why_enabling,
    given_power=lambda change: frozenset({principal_object(change.principal)}),
)
DISABLE_PRINCIPAL: Final = ChangeRules[DisablePrincipal](
    decide=lambda governance, change, _at: disable_principal(governance, change),
    operation=disables,
    sentence=lambda change, _: f"Disable {change.principal}.",
    difference=lambda change, governance: _enabling(governance, change.principal, "disabled"),
)
