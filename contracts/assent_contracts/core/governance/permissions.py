"""Who may change what in governance, and what a second administrator has to approve first."""

from typing import assert_never

from assent_contracts.core.governance.changing_settings import only_tightens
from assent_contracts.core.governance.fields import refuse
from assent_contracts.core.governance.policies import approver_groups
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.governance_changes import (
    AddWriter,
    AssignRole,
    ChangeSettings,
    CorrectTime,
    CreatePolicy,
    DefineGroup,
    DeleteGroup,
    DeletePolicy,
    DisablePrincipal,
    EditPolicy,
    EnablePrincipal,
    ExpireKey,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
    RetireWriter,
    RevokeKey,
    RevokeKeys,
    SyncDirectory,
    WithdrawRole,
    group_object,
    principal_object,
)
from assent_contracts.governed import Role
from assent_contracts.policies import BUILT_IN_TYPES
from assent_contracts.refusals import Refusal, RefusalCode

GUARDED_ROLES: frozenset[Role] = frozenset({"administrator", "approver", "gateway", "directory"})
"""The roles that let somebody decide, or speak for those who do: granted by two people only."""


_GIVES = (RegisterPrincipal, DefineGroup, AssignRole, SyncDirectory)
"""They bring somebody in, or give them something, where nothing else asks for a second administrator."""


def not_permitted(governance: Governance, change: GovernanceChange, principal: str) -> Refusal | None:
    """R3: why this account may not ask for the change at all, at once or as a request; None when it may."""
    if _is_own_key(governance, change, principal):
        return None
    if isinstance(change, SyncDirectory) and governance.has_role(principal, "directory", EVERY_TYPE):
        return None
    kind = administered_type(governance, change)
    if governance.has_role(principal, "administrator", kind):
        return None
    of = f" for {kind}" if kind else ""
    return refuse(RefusalCode.NOT_PERMITTED, f"R3: you do not have the role administrator{of}.")


def _is_own_key(governance: Governance, change: GovernanceChange, principal: str) -> bool:
    """Whether the change is about the account's own keys.

    A service gets its keys from people: with a stolen one it could register others that outlast it.
    """
    if isinstance(change, RegisterKey):
        return change.key.principal == principal and _is_human(governance, principal)
    if isinstance(change, RevokeKeys):
        return change.principal == principal
    if isinstance(change, RevokeKey | ExpireKey):
        key = governance.keys.get(change.key)
        return key is not None and key.principal == principal
    return False


def _is_human(governance: Governance, principal: str) -> bool:
    account = governance.principals.get(principal)
    return account is not None and account.person is not None


def administered_type(governance: Governance, change: GovernanceChange) -> str:
    """The type whose administrators may ask for the change and approve it; EVERY_TYPE for most.

    For policies of the built-in types too: whoever made those would rule over all administrators.
    """
    kind = EVERY_TYPE
    if isinstance(change, CreatePolicy | EditPolicy):
        kind = change.policy.resource_type
    elif isinstance(change, DeletePolicy) and change.policy in governance.policies:
        kind = governance.policies[change.policy].resource_type
    return EVERY_TYPE if kind in BUILT_IN_TYPES else kind


def why_approval(  # noqa: C901, PLR0912  an arm each
    governance: Governance, change: GovernanceChange, principal: str, through: str | None
) -> str | None:
    """Why the change needs a second administrator; None when it works at once.

    `through`: the gateway that signed on the principal's behalf, if one did.
    """
    if not governance.protected:
        return None
    if through is not None and governance.settings.governance_own_signature and isinstance(change, _GIVES):
        return "a gateway signed it, and governance asks for administrators' own signatures"
    match change:
        case CreatePolicy() | EditPolicy() | DeletePolicy():
            return "it changes a policy"
        case ChangeSettings(settings=settings):
            return None if only_tightens(governance.settings, settings) else "it loosens a setting"
        case DefineGroup(group=group):
            return _why_group(governance, group.id)
        case DeleteGroup(group=group):
            return _why_group(governance, group)
        case AssignRole(assignment=assignment):
            return _why_role(governance, assignment.id, assignment.role)
        case WithdrawRole(assignment=assignment):
            return _why_role(governance, assignment)
        case RegisterKey(key=key):
            own = key.principal == principal and through is None and _is_human(governance, principal)
            return None if own else "it registers a key that its holder did not sign for"
        case AddWriter() | RetireWriter():
            return "it concerns who writes the log"
        case CorrectTime():
            return "it sets log time back"
        case EnablePrincipal():
            return "it lets a disabled account act again"
        case SyncDirectory():
            return _why_sync(governance, change, principal)
        case RegisterPrincipal() | DisablePrincipal() | ExpireKey() | RevokeKey() | RevokeKeys():
            return None
        case _:
            assert_never(change)


def given_power(change: GovernanceChange) -> frozenset[str]:
    """Whom the change lets act, as objects: groups that decide or get a role, an account that is enabled."""
    match change:
        case CreatePolicy(policy=policy) | EditPolicy(policy=policy):
            return frozenset(map(group_object, approver_groups(policy)))
        case AssignRole(assignment=assignment):
            return frozenset(map(group_object, assignment.groups))
        case EnablePrincipal(principal=principal):
            return frozenset({principal_object(principal)})
        case (
            RegisterPrincipal()
            | DisablePrincipal()
            | RegisterKey()
            | ExpireKey()
            | RevokeKey()
            | RevokeKeys()
            | AddWriter()
            | RetireWriter()
            | DefineGroup()
            | DeleteGroup()
            | WithdrawRole()
            | ChangeSettings()
            | DeletePolicy()
            | SyncDirectory()
            | CorrectTime()
        ):
            return frozenset()
        case _:
            assert_never(change)


def is_guarded_group(governance: Governance, group: str) -> bool:
    """Whether who is in the group decides on changes: a policy names it, or a guarded role goes by it."""
    return any(group in approver_groups(policy) for policy in governance.policies.values()) or any(
        group in assignment.groups
        for assignment in governance.assignments.values()
        if assignment.role in GUARDED_ROLES
    )


def _why_group(governance: Governance, group: str) -> str | None:
    return f"group {group} decides on changes" if is_guarded_group(governance, group) else None


def _why_role(governance: Governance, assignment: str, *roles: Role) -> str | None:
    before = governance.assignments.get(assignment)
    for role in roles if before is None else (*roles, before.role):
        if role in GUARDED_ROLES:
            return f"it concerns the role {role}"
    return None


def _why_sync(governance: Governance, change: SyncDirectory, principal: str) -> str | None:
    if governance.has_role(principal, "directory", EVERY_TYPE):
        return None
    touched = [*(group.id for group in change.difference.groups), *change.difference.vanished_groups]
    for group in touched:
        if is_guarded_group(governance, group):
            return f"group {group} decides on changes"
    for account in change.difference.accounts:
        before = governance.principals.get(account.id)
        if before is not None and not before.enabled:
            return f"it lets the disabled account {account.id} act again"
    return None
