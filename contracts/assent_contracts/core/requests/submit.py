"""SubmitChange: open a request for one object (R6, R10, R15, R18, R20)."""

from typing import Final

from msgspec import UNSET

from assent_contracts.access_policies import (
    ADMINISTRATORS,
    BUILT_IN_TYPES,
    ApprovalRule,
    PolicyTerms,
    administrators_of,
)
from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.change_permissions import administered_type, not_permitted
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approvers import progress_deadline
from assent_contracts.core.requests.base_version import newer_than_base
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.demands import missing_field
from assent_contracts.core.requests.separate_operator import unknown_requester
from assent_contracts.core.requests.sets import bad_set, set_deadline
from assent_contracts.core.requests.window import window_over
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeReleased, ChangeSubmitted, Event
from assent_contracts.governance_changes import object_of
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import request_id, resource_type

SERVICE_PERSON: Final = "service:"
"""The prefix of the person id for a service that names no person."""


def decide_submit(
    open_request: int | None,
    open_already: int,
    command: SubmitChange,
    context: Context,
    newest: str | None = None,
) -> tuple[Event, ...] | Refusal:
    """Decide a submission. `open_request`: the seq of the request that locks the object, if any (R10).

    `open_already`: how many requests of the principal are open in this partition. `newest`: the newest known
    version of the object.
    """
    governance, principal = context.governance, context.principal
    kind = resource_type(command.resource)
    terms = _terms_of_governance(command, context) if kind in BUILT_IN_TYPES else _terms(kind, context)
    if isinstance(terms, Refusal):
        return terms
    if open_request is not None:
        held_by = request_id(context.partition, open_request)
        return Refusal(
            code=RefusalCode.RESOURCE_LOCKED,
            detail=f"R10: request {held_by} for this object is open.",
            open_request=held_by,
        )
    if open_already >= governance.settings.open_requests_max:
        return refuse(
            RefusalCode.QUOTA_EXCEEDED,
            f"{principal.id} has {open_already:,} open requests in this partition: the quota.",
        )
    person = _person(command, context)
    if isinstance(person, Refusal):
        return person
    missing = (
        bad_set(command, terms, context)
        or unknown_requester(command, context)
        or missing_field(command, governance)
        or window_over(command, context.at)
    )
    if missing is not None:
        return missing
    newer = newer_than_base(command, newest, governance)
    if isinstance(newer, Refusal):
        return newer
    request = request_id(context.partition, context.seq)
    deadline = set_deadline(
        command,
        progress_deadline(
            terms,
            governance,
            context.at,
            0 if command.not_before is UNSET else command.not_before,
            FOR_EVER_MS if command.not_after is UNSET else command.not_after,
        ),
        context.at,
    )
    digest = sha256_hex(command.payload)
    submitted = ChangeSubmitted(
        request=request,
        resource=command.resource,
        operation=command.operation,
        requester=principal.id,
        person=person,
        submission=context.value_sha256.hex(),
        digest=digest,
        terms=terms,
        deadline=deadline,
        on_behalf_of=command.on_behalf_of,
        emergency=command.emergency,
        not_before=command.not_before,
        not_after=command.not_after,
        newest=newer,
        members=command.members,
        part_of=command.part_of,
    )
    if terms:
        return (submitted,)
    return (
        submitted,
        ChangeReleased(request=request, resource=command.resource, digest=digest, deadline=deadline),
    )


def _person(command: SubmitChange, context: Context) -> str | Refusal:
    """R9, R20: the id of the person who counts as the requester."""
    governance, principal, named = context.governance, context.principal, command.on_behalf_of
    if named is UNSET:
        kind = resource_type(command.resource)
        if principal.person is None and governance.asks_on_behalf_of(kind):
            return refuse(
                RefusalCode.ON_BEHALF_OF_REQUIRED,
                f"R20: a policy for {kind} wants to know on whose behalf a service submits a change.",
            )
        # A service that names no person belongs to no person: it counts as itself.
        return principal.person or f"{SERVICE_PERSON}{principal.id}"
    if principal.person is not None:
        return refuse(
            RefusalCode.ON_BEHALF_OF_INVALID, "R20: only a service submits on behalf of somebody else."
        )
    account = governance.principals.get(named)
    if account is None or account.person is None or not account.enabled:
        return refuse(
            RefusalCode.ON_BEHALF_OF_INVALID, f"R20: {named} is not the enabled account of a human."
        )
    return account.person


def _terms(kind: str, context: Context) -> tuple[PolicyTerms, ...] | Refusal:
    governance = context.governance
    if not governance.has_role(context.principal.id, "requester", kind):
        return refuse(RefusalCode.NOT_PERMITTED, f"You do not have the role requester for {kind}.")
    terms = governance.terms_for(kind)
    if not terms and governance.settings.unprotected != "pass":
        return refuse(RefusalCode.NO_POLICY, f"R18: no access policy protects the type {kind}.")
    return terms


def _terms_of_governance(command: SubmitChange, context: Context) -> tuple[PolicyTerms, ...] | Refusal:
    """R3, R18: an administrator proposes a change that fits now, and another administrator approves it."""
    governance = context.governance
    change = decode_governance_change(bytes(command.payload))
    if isinstance(change, Refusal):
        return change
    if object_of(change) != command.resource:
        return refuse(
            RefusalCode.MALFORMED,
            f"The payload is a change to {object_of(change)}: name that as the resource.",
        )
    forbidden = not_permitted(governance, change, context.principal.id)
    if forbidden is not None:
        return forbidden
    decision = decide_change(governance, change, context.at)
    if isinstance(decision, Refusal):
        return decision
    kind = administered_type(governance, change)
    approvers = administrators_of(kind) if kind else ADMINISTRATORS
    administrators = PolicyTerms(
        policy=ADMINISTRATORS,
        rules=(ApprovalRule(groups=(approvers,)),),
        own_signature=context.governance.settings.governance_own_signature,
    )
    return (administrators, *governance.terms_for(resource_type(command.resource)))
