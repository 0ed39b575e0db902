"""SubmitChange: open a request for one object (R6, R10, R15, R18)."""

from assent.core.requests.context import Context, refuse
from assent_contracts.commands import SubmitChange
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeReleased, ChangeSubmitted, Event
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import request_id, resource_type


def decide_submit(
    open_request: int | None, command: SubmitChange, context: Context
) -> tuple[Event, ...] | Refusal:
    """`open_request` is the seq of the request that holds the object, if one does (R10)."""
    governance, principal = context.governance, context.principal
    kind = resource_type(command.resource)
    if not governance.has_role(principal.id, "requester", kind):
        return refuse(RefusalCode.NOT_PERMITTED, f"You do not have the role requester for {kind}.")
    if open_request is not None:
        held_by = request_id(context.partition, open_request)
        return Refusal(
            code=RefusalCode.RESOURCE_LOCKED,
            detail=f"R10: request {held_by} for this object is open.",
            open_request=held_by,
        )
    terms = governance.terms_for(kind)
    if not terms and governance.settings.unprotected != "pass":
        return refuse(RefusalCode.NO_POLICY, f"R18: no access policy protects the type {kind}.")
    request = request_id(context.partition, context.seq)
    deadline = context.at + governance.settings.expiry_ms
    digest = sha256_hex(command.payload)
    submitted = ChangeSubmitted(
        request=request,
        resource=command.resource,
        operation=command.operation,
        requester=principal.id,
        # A service is nobody's account: it stands for itself.
        person=principal.person or f"service:{principal.id}",
        digest=digest,
        terms=terms,
        deadline=deadline,
    )
    if terms:
        return (submitted,)
    return (
        submitted,
        ChangeReleased(request=request, resource=command.resource, digest=digest, deadline=deadline),
    )
