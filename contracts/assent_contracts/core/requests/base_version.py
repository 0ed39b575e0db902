"""R26: whether a submission was made from the newest known version of its object."""

from msgspec import UNSET, UnsetType

from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.state import Governance
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def newer_than_base(
    command: SubmitChange, newest: str | None, governance: Governance
) -> str | UnsetType | Refusal:
    """The newest version, if the submission was made from another one; UNSET if not, or if that is not known.

    It is a refusal if a policy for the type refuses such a submission. This is decided at the submission
    only: while the request is open, no other change to its object is made through Assent (R10).
    """
    if command.base is UNSET or newest is None or command.base == newest:
        return UNSET
    kind = resource_type(command.resource)
    if all(policy.stale_base != "refuse" for policy in governance.policies_of(kind)):
        return newest
    return Refusal(
        code=RefusalCode.STALE_BASE,
        detail=f"R26: the change was made from {command.base[:60]}, and the newest version is {newest[:60]}.",
        current=newest,
    )
