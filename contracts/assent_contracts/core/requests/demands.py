"""R24: the optional fields that policies demand of a submission."""

from msgspec import UNSET

from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.state import Governance
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type


def missing_field(command: SubmitChange, governance: Governance) -> Refusal | None:
    """The refusal of a submission that lacks a demanded field; None if it has them all.

    `emergency` can be demanded too: then a submission must state whether it is one.
    """
    if command.part_of is not UNSET:
        return None  # R29: the set has them
    kind = resource_type(command.resource)
    for field, policy in governance.demands_of(kind):
        if getattr(command, field) is UNSET:
            return Refusal(
                code=RefusalCode.FIELD_REQUIRED,
                detail=f"R24: policy {policy} for {kind} demands the field {field}.",
                field=field,
            )
    return None
