"""Permissions to change governance, and the changes that a second administrator must approve. Pure."""

from assent_contracts.core.governance.change_kinds import rules_of
from assent_contracts.core.governance.change_rules import Asker
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.refusals import Refusal, RefusalCode


def not_permitted(governance: Governance, change: GovernanceChange, principal: str) -> Refusal | None:
    """R3: why this account may not ask for the change, immediately or as a request; None if it may."""
    rules = rules_of(change)
    if rules.is_own(governance, change, principal):
        return None
    kind = rules.administered_type(governance, change)
    if governance.has_role(principal, "administrator", kind):
        return None
    of = f" for {kind}" if kind else ""
    return refuse(RefusalCode.NOT_PERMITTED, f"R3: you do not have the role administrator{of}.")


def administered_type(governance: Governance, change: GovernanceChange) -> str:
    """The type whose administrators may ask for the change and approve it; EVERY_TYPE for most."""
    return rules_of(change).administered_type(governance, change)


def why_approval(
    governance: Governance, change: GovernanceChange, principal: str, through: str | None
) -> str | None:
    """Why the change needs a second administrator; None if it works immediately.

    `through`: the gateway that signed on the principal's behalf, if any.
    """
    if not governance.protected:
        return None
    rules = rules_of(change)
    if through is not None and governance.settings.governance_own_signature and rules.brings_in:
        return "a gateway signed it, and governance asks for administrators' own signatures"
    return rules.why_approval(governance, change, Asker(principal, through))
