"""R29: a set of objects is decided as one, and its members are released or freed together.

The set and each member are requests, in the partitions of their objects. A gateway carries facts between them
(`core/set_coordination.py`). Nothing here waits for a lock, so no schedule can end in a deadlock.
"""

from typing import Final

from msgspec import UNSET

from assent_contracts import limits
from assent_contracts.access_policies import BUILT_IN_TYPES, PolicyTerms
from assent_contracts.change_detail_limits import bad_member
from assent_contracts.commands import (
    Approve,
    Cancel,
    Claim,
    CloseRequest,
    Complete,
    ConfirmSet,
    Reject,
    ReportOutcome,
    RequestCommand,
    Revoke,
    SubmitChange,
)
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.requests.approvers import progress_deadline, standing_terms
from assent_contracts.core.requests.complete import release
from assent_contracts.core.requests.decision_context import Context
from assent_contracts.core.requests.states import Closed, NeedsApproval, Open, Released, Request
from assent_contracts.events import Event, MembersReserved, RequestCanceled, RequestCompleted, RequestFailed
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import parse_request_id, resource_type
from assent_contracts.set_members import set_members

_Decision = tuple[Event, ...] | Refusal
_OF_THE_SET_ALONE: Final = ("impact", "fallback", "tested", "expected", "tickets", "members")


def bad_set(command: SubmitChange, terms: tuple[PolicyTerms, ...], context: Context) -> Refusal | None:
    """The refusal of a set or of a member of one; None for any other submission, and if it is in order."""
    if command.members is UNSET and command.part_of is UNSET:
        return None
    if resource_type(command.resource) in BUILT_IN_TYPES:
        return _invalid("changes to governance are submitted one by one.")
    if not terms:
        return _invalid("without an access policy there is nothing to decide together.")
    if any(each.separate_operator for each in terms):
        return _invalid("a policy wants three separate duties (R25): submit the objects one by one.")
    if any(each.own_signature for each in terms):
        # A gateway releases the members, and in their partitions nothing shows that their set was approved.
        return _invalid("a policy wants own signatures: submit the objects one by one.")
    ends = command.not_after
    if ends is UNSET or ends - context.at > limits.SET_AHEAD_MAX_MS:
        return _invalid("state a not_after of at most 30 days ahead: until then the locks are held.")
    if command.part_of is not UNSET:
        return _bad_part(command, command.part_of, context)
    return _bad_list(command)


def _bad_part(command: SubmitChange, part_of: str, context: Context) -> Refusal | None:
    place = parse_request_id(part_of)
    if place is None or place[0] >= context.governance.partitions:
        return _invalid("part_of is not the <partition>-<seq> of a request.")
    for name in _OF_THE_SET_ALONE:
        if getattr(command, name) is not UNSET:
            return _invalid(f"{name} is of the set: leave it out of its members.")
    return None


def _bad_list(command: SubmitChange) -> Refusal | None:
    if command.base is not UNSET:
        return _invalid("base is of each member.")
    members = set_members(bytes(command.payload))
    if members is None or len(members) != command.members:
        return _invalid(f"the payload lists as many members as `members` states, 1 to {_MOST}.")
    kind = resource_type(command.resource)
    resources = {member.resource for member in members}
    if len(resources) < len(members) or command.resource in resources:
        return _invalid("each object is a member once, and the set's own name is not one of them.")
    for member in members:
        if resource_type(member.resource) != kind:
            return _invalid(f"all members have the type {kind} of the set.")
        bad = bad_member(member.resource, member.operation, member.digest, member.base)
        if bad is not None:
            return bad
    return None


_MOST: Final = f"{limits.SET_MEMBERS_MAX:,}"


def _invalid(why: str) -> Refusal:
    return refuse(RefusalCode.SET_INVALID, f"R29: {why}")


def set_deadline(command: SubmitChange, deadline: int, at: int) -> int:
    """When a new set or member expires, ms; `deadline` for any other submission.

    A member outlives the window of its set, so that none is lost between confirmation and release.
    """
    if command.members is not UNSET:
        return min(deadline, at + limits.SET_CONFIRM_MS)
    if command.part_of is not UNSET and command.not_after is not UNSET:
        return command.not_after + limits.SET_MEMBER_GRACE_MS
    return deadline


def decide_in_set(request: Request, command: RequestCommand, context: Context) -> _Decision | None:
    """The decision of a command on a set or a member where R29 has a rule of its own; else None."""
    if isinstance(command, ConfirmSet):
        return _confirm(request, command, context)
    if isinstance(request, Closed):
        return None
    submission = request.submission
    if submission.part_of is not None and isinstance(request, NeedsApproval):
        return _decide_member(request, submission.part_of, command, context)
    return _decide_set(request, command, context) if submission.members else None


def _confirm(request: Request, command: ConfirmSet, context: Context) -> _Decision:
    forbidden = _not_a_gateway(context, command.resource)
    if forbidden is not None:
        return forbidden
    if not isinstance(request, NeedsApproval) or request.submission.is_whole:
        return refuse(RefusalCode.NOT_PENDING, "R29: this is no set that waits for its members.")
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
    submission, governance = request.submission, context.governance
    deadline = progress_deadline(
        standing_terms(submission, governance),
        governance,
        context.at,
        submission.not_before,
        submission.not_after,
    )
    return (MembersReserved(request=command.request, deadline=deadline),)


def _decide_member(
    request: NeedsApproval, part_of: str, command: RequestCommand, context: Context
) -> _Decision | None:
    """A member that waits for its set: a gateway releases it or frees it, and nobody else decides on it."""
    if not isinstance(command, Approve | Reject | Revoke | Cancel | Complete | CloseRequest):
        return None
    submission = request.submission
    if not isinstance(command, Cancel | Complete) or _not_a_gateway(context, submission.resource):
        return refuse(RefusalCode.PART_OF_SET, f"R29: it is part of the set {part_of} and decided there.")
    if request.deadline <= context.at:
        return refuse(RefusalCode.NOT_PENDING, "R14: the request has expired.")
    if isinstance(command, Cancel):
        return (RequestCanceled(request=command.request),)
    if command.submission != submission.sha256:
        return refuse(RefusalCode.DIGEST_MISMATCH, "R23: another submission was to be released.")
    terms = standing_terms(submission, context.governance)
    if any(each.own_signature for each in terms):
        return refuse(
            RefusalCode.OWN_SIGNATURE_REQUIRED, "R29: a gateway releases members, and the policy trusts none."
        )
    return (release(command.request, submission, terms, context),)


def _decide_set(request: Open, command: RequestCommand, context: Context) -> _Decision | None:
    match command:
        case Approve() | Reject() | Complete() if not request.submission.is_whole:
            return refuse(RefusalCode.SET_INCOMPLETE, "R29: not all members of this set are there yet.")
        case Claim():
            return refuse(RefusalCode.NOT_RELEASED, "R29: a set is not applied itself, its members are.")
        case ReportOutcome() if isinstance(request, Released):
            return _end(command, context)
        case _:
            return None


def _end(command: ReportOutcome, context: Context) -> _Decision:
    """All members have ended. A gateway reports it, as no applier has claimed the set."""
    forbidden = _not_a_gateway(context, command.resource)
    if forbidden is not None:
        return forbidden
    if command.outcome == "succeeded":
        return (RequestCompleted(request=command.request, reporter=context.principal.id),)
    return (RequestFailed(request=command.request, reporter=context.principal.id),)


def _not_a_gateway(context: Context, resource: str) -> Refusal | None:
    kind = resource_type(resource)
    principal = context.principal
    if principal.person is None and context.governance.has_role(principal.id, "gateway", kind):
        return None
    return refuse(RefusalCode.NOT_PERMITTED, f"R29: only a gateway for {kind} can send this.")
