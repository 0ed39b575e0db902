"""The rules of each kind of change to governance. The one place that lists all kinds. Pure."""

from typing import Any, assert_never

from assent_contracts.core.governance import (
    accounts,
    directory_difference,
    groups,
    operators,
    policies,
    roles,
    settings,
    signing_keys,
    time_corrections,
    writers,
)
from assent_contracts.core.governance.change_rules import ChangeRules, GovernanceOperation
from assent_contracts.core.governance.field_changes import FieldChange
from assent_contracts.core.governance.state import Governance
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
    SetOperator,
    SyncDirectory,
    WithdrawRole,
)


def rules_of(change: GovernanceChange) -> ChangeRules[Any]:  # noqa: C901, PLR0912  an arm each
    """The rules for this kind of change."""
    match change:
        case RegisterPrincipal():
            return accounts.REGISTER_PRINCIPAL
        case EnablePrincipal():
            return accounts.ENABLE_PRINCIPAL
        case DisablePrincipal():
            return accounts.DISABLE_PRINCIPAL
        case SetOperator():
            return operators.SET_OPERATOR
        case RegisterKey():
            return signing_keys.REGISTER_KEY
        case ExpireKey():
            return signing_keys.EXPIRE_KEY
        case RevokeKey():
            return signing_keys.REVOKE_KEY
        case RevokeKeys():
            return signing_keys.REVOKE_KEYS
        case AddWriter():
            return writers.ADD_WRITER
        case RetireWriter():
            return writers.RETIRE_WRITER
        case DefineGroup():
            return groups.DEFINE_GROUP
        case DeleteGroup():
            return groups.DELETE_GROUP
        case AssignRole():
            return roles.ASSIGN_ROLE
        case WithdrawRole():
            return roles.WITHDRAW_ROLE
        case ChangeSettings():
            return settings.CHANGE_SETTINGS
        case CreatePolicy():
            return policies.CREATE_POLICY
        case EditPolicy():
            return policies.EDIT_POLICY
        case DeletePolicy():
            return policies.DELETE_POLICY
        case SyncDirectory():
            return directory_difference.SYNC_DIRECTORY
        case CorrectTime():
            return time_corrections.CORRECT_TIME
        case _:
            assert_never(change)


def change_operation(change: GovernanceChange) -> GovernanceOperation:
    """R15: what the change does to its object."""
    return rules_of(change).operation(change)


def change_sentence(change: GovernanceChange, governance: Governance) -> str:
    """What the change does to this state of governance."""
    return rules_of(change).sentence(change, governance)


def change_difference(change: GovernanceChange, governance: Governance) -> tuple[FieldChange, ...]:
    """The fields that the change changes in this state of governance; empty if it changes none."""
    return rules_of(change).difference(change, governance)
