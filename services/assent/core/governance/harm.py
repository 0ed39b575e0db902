"""What a change must not do to those who are left: lock everybody out.

R3: two people can administer, always. And every policy can still be met.
"""

from assent.core.governance.eligible import ADMINISTRATORS_MIN, acting_administrators
from assent.core.governance.fields import refuse
from assent.core.governance.policies import unmet
from assent.core.governance.state import Governance
from assent_contracts.governance import GovernanceEvent
from assent_contracts.governance_changes import (
    CreatePolicy,
    EnablePrincipal,
    ExpireKey,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
)
from assent_contracts.refusals import Refusal, RefusalCode

_ONLY_ADDS = (RegisterPrincipal, EnablePrincipal, RegisterKey)


def harm(
    governance: Governance, change: GovernanceChange, events: tuple[GovernanceEvent, ...], at: int
) -> Refusal | None:
    """Why the events must not come true at log time `at` (ms); None when they do no harm."""
    if isinstance(change, CreatePolicy):
        # Its own rule has looked at the policy itself, and it changes nothing for the others.
        return _too_few(len(acting_administrators(governance, at)))
    if not governance.protected or isinstance(change, _ONLY_ADDS):
        return None
    after = governance.after(events)
    if isinstance(change, ExpireKey):
        # Else a key that ends a moment from now would be no loss.
        at = max(at, change.not_after)
    administrators = len(acting_administrators(after, at))
    if administrators < len(acting_administrators(governance, at)):
        refusal = _too_few(administrators)
        if refusal is not None:
            return refusal
    for policy in after.policies.values():
        refusal = unmet(after, policy)
        # What could not be met before is no fault of this change.
        if refusal is not None and (
            policy != governance.policies.get(policy.id) or unmet(governance, policy) is None
        ):
            return refusal
    return None


def _too_few(administrators: int) -> Refusal | None:
    if administrators >= ADMINISTRATORS_MIN:
        return None
    return refuse(
        RefusalCode.TOO_FEW_ADMINISTRATORS,
        f"R3: {administrators} {'person' if administrators == 1 else 'people'} with the role administrator"
        f" for every type could act; there must be {ADMINISTRATORS_MIN}.",
    )
