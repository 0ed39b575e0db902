"""What there is to know of one kind of change to governance. Each noun's module declares its own. Pure."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from assent_contracts.core.governance.field_changes import FieldChange
from assent_contracts.core.governance.state import EVERY_TYPE, Governance
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.refusals import Refusal

AnyChange = TypeVar("AnyChange", bound=GovernanceChange)


class Asker(msgspec.Struct, frozen=True):
    """Who asks for a change, and the gateway that signed on their behalf, if one did."""

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


class ChangeRules(msgspec.Struct, Generic[AnyChange], frozen=True, kw_only=True):
    """The rules and the words of one kind of change."""

    decide: Callable[[Governance, AnyChange, int], tuple[GovernanceEvent, ...] | Refusal]
    """What it makes true at log time (ms), whoever asks for it."""
    sentence: Callable[[AnyChange, Governance], str]
    """What it does to this state of governance."""
    difference: Callable[[AnyChange, Governance], tuple[FieldChange, ...]]
    """The fields that it changes in this state; none if it changes none."""
    why_approval: Callable[[Governance, AnyChange, Asker], str | None] = _is_at_once
    """Why it needs a second administrator, once governance is protected; None if it applies at once."""
    administered_type: Callable[[Governance, AnyChange], str] = _is_of_every_type
    """The type whose administrators may ask for it and approve it."""
    is_own: Callable[[Governance, AnyChange, str], bool] = _is_refused
    """R3: whether this account may ask for it without being an administrator."""
    given_power: Callable[[AnyChange], frozenset[str]] = _gives_nobody_power
    """Whom it lets act, as objects: groups that decide or get a role, an account that is enabled."""
    brings_in: bool = False
    """It adds somebody, or gives them something, where nothing else asks for a second administrator."""
