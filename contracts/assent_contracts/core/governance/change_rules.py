"""The rules of one kind of change to governance. The module of each kind of object declares its own. Pure."""

from collections.abc import Callable
from typing import Generic, Literal, TypeVar

import msgspec

from assent_contracts.core.governance.field_changes import FieldChange
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.governance_changes import AssignRole, DefineGroup, GovernanceChange
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.refusals import Refusal

GovernanceOperation = Literal["create", "edit", "delete", "disable"]
AnyChange = TypeVar("AnyChange", bound=GovernanceChange)


class Asker(msgspec.Struct, frozen=True):
    """The account that asks for a change, and the gateway that signed on its behalf, if any."""

    principal: str
    through: str | None = None


def _is_refused(_governance: Governance, _change: GovernanceChange, _principal: str) -> bool:
    return False


def _is_at_once(_governance: Governance, _change: GovernanceChange, _asker: Asker) -> str | None:
    return None


def _is_of_every_type(_governance: Governance, _change: GovernanceChange) -> str:
    return EVERY_TYPE


def _gives_nobody_power(_change: GovernanceChange) -> frozenset[str]:
    return frozenset()


def creates(_change: GovernanceChange) -> GovernanceOperation:
    """R15: the operation of a change that makes an object."""
    return "create"


def deletes(_change: GovernanceChange) -> GovernanceOperation:
    """R15: the operation of a change that removes an object."""
    return "delete"


def disables(_change: GovernanceChange) -> GovernanceOperation:
    """R15: the operation of a change after which an object is there and does nothing."""
    return "disable"


def defines(change: DefineGroup | AssignRole) -> GovernanceOperation:
    """R15: the operation of a change that makes an object or, where it names its version, edits it."""
    return "create" if change.version is None else "edit"


def _edits(_change: GovernanceChange) -> GovernanceOperation:
    return "edit"


class ChangeRules(msgspec.Struct, Generic[AnyChange], frozen=True, kw_only=True):
    """The rules and the texts of one kind of change."""

    decide: Callable[[Governance, AnyChange, int], tuple[GovernanceEvent, ...] | Refusal]
    """Its events at log time (ms), or its refusal, independent of who asks for it."""
    sentence: Callable[[AnyChange, Governance], str]
    """A sentence on what it does to this state of governance."""
    difference: Callable[[AnyChange, Governance], tuple[FieldChange, ...]]
    """The fields that it changes in this state; empty if it changes none."""
    operation: Callable[[AnyChange], GovernanceOperation] = _edits
    """R15: what it does to its object."""
    why_approval: Callable[[Governance, AnyChange, Asker], str | None] = _is_at_once
    """Why it needs a second administrator once governance is protected; None if it works immediately."""
    administered_type: Callable[[Governance, AnyChange], str] = _is_of_every_type
    """The type whose administrators may ask for it and approve it."""
    is_own: Callable[[Governance, AnyChange, str], bool] = _is_refused
    """R3: whether this account may ask for it without being an administrator."""
    given_power: Callable[[AnyChange], frozenset[str]] = _gives_nobody_power
    """The objects that it gives power: groups that decide or get a role, an account that is enabled."""
    brings_in: bool = False
    """Whether it adds or gives something to a principal without requiring a second administrator."""
