"""/requests/{id}: one request with all that is needed to decide on it, and the bytes of its payload."""

import asyncio
import re
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.params import QueryParameter

from assent.gateway.application.actions import DETAILS
from assent.gateway.application.governance_changes import effects_of
from assent.gateway.application.requests import find, records_of
from assent.gateway.application.shown_submission import Doubt, doubted, shown_submission, was_applied
from assent.gateway.application.targets import notified_people
from assent.gateway.caller import Caller
from assent.gateway.console.detail_fields import stated_details
from assent.gateway.console.pages import page
from assent.gateway.console.payload_view import FIRST_LINES, PayloadView, full_text, payload_view
from assent.gateway.console.request_progress import RequestProgress, progress_of
from assent.gateway.console.request_summaries import look_of
from assent.gateway.console.set_members import PAGES_MAX, SetMembers, members_shown
from assent.gateway.console.timeline import Happening, happenings
from assent.gateway.console.unknown_outcome import UnknownOutcome, unknown_outcome
from assent.gateway.gateway_components import Gateway
from assent.gateway.problems import not_found
from assent.gateway.table_lag import AfterHeader
from assent.reading.detail_facts import detail_facts
from assent.reading.governance_diff import GovernanceDiff, change_of, governance_diff
from assent.reading.overlooked_text import is_odd, plain_ends
from assent.reading.payloads import shown_payload
from assent.reading.policy_effects import PolicyEffects
from assent.reading.request_rows import state_of_row
from assent.reading.submitted_content import Submitted, as_submitted
from assent.reading.visible_text import hides_something
from assent.store.queries import RequestView, last_applied, timeline
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import ACTIONS, Action, RequestId
from assent_contracts.core.requests.permissions import (
    Deciding,
    approval_refusal,
    possible_actions,
)
from assent_contracts.core.requests.states import Unsettled
from assent_contracts.file_payloads import file_of_payload
from assent_contracts.refusals import WHAT_TO_DO, Refusal, RefusalCode

_NEVER_KEPT = {"Cache-Control": "private, no-store"}
_UNFIT_FOR_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


_BY_HASH: Final = frozenset(name for name, kind in ACTIONS.items() if "submission" in kind.__struct_fields__)
"""R23: actions that name the submission by its hash. They need a page that shows what the ledger has."""
_TEXTS: Final = frozenset({"note", "reason"})


_ENDED: Final = frozenset({"completed", "rejected", "canceled", "expired", "failed"})
_TITLES: Final[tuple[Action, ...]] = ("settle", "complete", "cancel", "reject", "revoke", "close")
"""The decision card is titled after the first of these that is possible."""


class ActionForm(msgspec.Struct, frozen=True):
    """The form of an action other than approve and reject."""

    action: Action
    text: str | None
    """The name of its text field: `note` or `reason`."""
    is_required: bool
    is_aside: bool
    """Whether it is folded, because the page is mainly for another action."""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a request's page."""

    row: RequestView
    """Everything that was submitted is taken from the bytes that the page renders."""
    submission: str
    """R23: SHA-256 (hex) of those bytes. A decision on this page names it. Empty if there are none."""
    doubt: Doubt | None
    """Why this page offers no decision on that hash; None if it does."""
    look: str
    is_own: bool
    can: frozenset[Action]
    forms: tuple[ActionForm, ...]
    may_submit_again: bool
    """Whether it has ended, and the caller may request changes of its type."""
    sent_to: tuple[str, ...]
    """For the caller's own request that needs approval: one account of each possible approver."""
    told: tuple[str, ...]
    """R17: those of them who are notified."""
    title: str
    """The last part of the decision card's text key."""
    why_not: Refusal | None
    todo: str
    """What to do about `why_not`."""
    standing: RequestProgress | None
    unknown: UnknownOutcome | None
    """What is known of an unknown outcome, and who can settle it."""
    payload: PayloadView | None
    hides: bool
    """Whether the justification has characters that are shown as code points."""
    details: tuple[str, ...]
    """R24: the names of the optional fields that the submission states."""
    hides_in_details: bool
    name_mixes: bool
    """Whether the object's name may look like another one."""
    members: SetMembers | None
    """R29: a page of a set's objects."""
    before: str | None
    """The last request that was applied to the same object before this one."""
    is_before_unsure: bool
    """Whether the ledger does not confirm the request that Postgres names as applied last."""
    change: GovernanceDiff | None
    effects: PolicyEffects | None
    """How a change to a policy would affect the open requests under it."""
    happened: list[Happening]
    is_whole: bool
    """False while the audit log is behind, and `happened` is incomplete."""


@get("/requests/{request_id:str}", include_in_schema=False, name="console-request")
async def show_request_page(
    request: Request[Any, Any, Any],
    request_id: RequestId,
    caller: Caller,
    gateway: Gateway,
    after: AfterHeader = None,
    members: Annotated[int, QueryParameter(ge=1, le=PAGES_MAX)] = 1,
) -> Response[str]:
    """One request; `members`: which page of a set's objects. Raises Problem."""
    await gateway.lag.reach(after)
    found = await find(gateway, caller, request_id)
    return await request_page(request, gateway, caller, found, members=members)


async def request_page(
    request: Request[Any, Any, Any],
    gateway: Gateway,
    caller: Caller,
    found: RequestView,
    *,
    status: int = 200,
    problem: dict[str, Any] | None = None,
    seen: int | None = None,
    note: str = "",
    key: str | None = None,
    members: int = 1,
) -> Response[str]:
    """The page. `problem`: why a decision failed; `seen`: the seq that was shown when it was made.

    `key`: the form's key, if it was sent before and has to count once.
    """
    review = await review_of(gateway, caller, found, members)
    return await page(
        request,
        gateway,
        caller,
        "request.html",
        status=status,
        review=review,
        row=review.row,
        problem=problem,
        since=_since(review, seen),
        note=note,
        first_lines=FIRST_LINES,
        server=gateway.settings.public_url,
        key=key or new_command_id(),
    )


def _since(review: Review, seen: int | None) -> list[Happening]:
    """The events that changed the request since it was seen. A refused decision is not one."""
    if seen is None:
        return []
    return [each for each in review.happened if each.is_after(seen) and each.refusal is None]


async def review_of(gateway: Gateway, caller: Caller, row: RequestView, members: int = 1) -> Review:
    """Everything that the page shows about a request. `members`: which page of a set's objects."""
    governance, now = gateway.log.governance, now_ms()
    through = gateway.log.signs_for(caller.id)
    records, is_whole = await records_of(gateway, row)
    shown = await shown_submission(gateway, row, records)
    submitted = shown.submitted
    row = row if submitted is None else as_submitted(row, submitted)
    state = state_of_row(row)
    deciding = state if isinstance(state, Deciding) else None
    refusal = (
        approval_refusal(deciding, governance, caller.principal, now, through=through) if deciding else None
    )
    # Nothing is derived from what the ledger does not confirm.
    change = governance_diff(submitted, gateway.log.follower.past.at) if shown.doubt is None else None
    before, is_unsure = await _before(gateway, row) if change is None else (None, False)
    can = (
        possible_actions(state, governance, caller.principal, now, through=through)
        if state
        else frozenset[Action]()
    )
    can = can if shown.doubt is None else can - _BY_HASH
    standing = progress_of(deciding, governance, now) if deciding else None
    sent_to = _sent_to(standing) if standing and "cancel" in can and "complete" not in can else ()
    return Review(
        row=row,
        submission=submitted.sha256 if submitted else "",
        doubt=shown.doubt,
        look=look_of(row),
        is_own=caller.principal.person is not None and caller.principal.person == row.person,
        can=can,
        forms=_forms(can),
        may_submit_again=row.status in _ENDED
        and row.resource_type not in BUILT_IN_TYPES
        and shown.doubt is None
        and governance.has_role(caller.id, "requester", row.resource_type),
        sent_to=sent_to,
        told=tuple(await notified_people(gateway, sent_to)) if sent_to else (),
        title="doubt" if _is_withheld(row, can, shown.doubt) else _card_title(row, can, refusal, sent_to),
        why_not=refusal,
        todo=WHAT_TO_DO[refusal.code] if refusal else "",
        standing=standing,
        unknown=unknown_outcome(row, state, governance, caller.principal, now, through=through)
        if isinstance(state, Unsettled)
        else None,
        payload=await asyncio.to_thread(_payload, submitted, before) if submitted and not change else None,
        hides=hides_something(plain_ends(row.justification), also="\n\t"),
        details=stated_details(row.details),
        hides_in_details=any(
            hides_something(plain_ends(text), also="\n\t") for _, text in detail_facts(row.details)
        ),
        name_mixes=is_odd(row.resource),
        members=await members_shown(gateway, submitted, members),
        before=before.request if before else None,
        is_before_unsure=is_unsure,
        change=change,
        effects=await _effects(gateway, submitted) if change and submitted and deciding else None,
        happened=happenings(shown.records),
        is_whole=is_whole,
    )


def _forms(can: frozenset[Action]) -> tuple[ActionForm, ...]:
    """One form for each possible action, by its fields. Approving, rejecting and settling have their own."""
    forms: list[ActionForm] = []
    for action, details in DETAILS.items():
        if action in can and action not in ("approve", "reject", "settle"):
            text = next((each for each in msgspec.structs.fields(details) if each.name in _TEXTS), None)
            forms.append(
                ActionForm(
                    action,
                    None if text is None else text.name,
                    is_required=text is not None and text.required,
                    # Ending a request takes a second step.
                    is_aside=action == "cancel" or (action == "close" and len(can) > 1),
                )
            )
    return tuple(forms)


def _is_withheld(row: RequestView, can: frozenset[Action], doubt: Doubt | None) -> bool:
    """Whether the decision card says why no decision is offered, rather than what the reader can do."""
    if doubt == "not-yet":
        return row.status not in _ENDED and can <= {"close"}
    return doubt is not None


def _card_title(
    row: RequestView, can: frozenset[Action], why_not: Refusal | None, sent_to: tuple[str, ...]
) -> str:
    if row.status in _ENDED:
        return "failed" if row.status == "failed" else "ended"
    return "sent" if sent_to and "approve" not in can else _title(can, why_not)


def _sent_to(standing: RequestProgress) -> tuple[str, ...]:
    return tuple(dict.fromkeys(account for rule in standing.rules if rule.missing for account in rule.can))


def _title(can: frozenset[Action], why_not: Refusal | None) -> str:
    if "approve" in can:
        return "yours"
    if why_not is not None and why_not.code is RefusalCode.OWN_SIGNATURE_REQUIRED:
        return next((action for action in ("complete", "cancel") if action in can), "own_key")
    return next((action for action in _TITLES if action in can), "none")


async def _effects(gateway: Gateway, submitted: Submitted) -> PolicyEffects | None:
    wanted = change_of(submitted)
    return None if wanted is None else await effects_of(gateway, wanted)


async def _before(gateway: Gateway, row: RequestView) -> tuple[Submitted | None, bool]:
    """(what was last applied to the object before, whether the ledger does not confirm what Postgres has)"""
    named = await last_applied(gateway.db, row)
    if named is None:
        return None, False
    found = await was_applied(gateway, row, named)
    return found, found is None


def _payload(submitted: Submitted, before: Submitted | None) -> PayloadView:
    return payload_view(
        shown_payload(bytes(submitted.payload), submitted.resource),
        shown_payload(bytes(before.payload), before.resource) if before else None,
    )


@get("/requests/{request_id:str}/content", include_in_schema=False)
async def show_content(request_id: RequestId, caller: Caller, gateway: Gateway) -> Response[str]:
    """Every line of the payload, for a separate window. Raises Problem."""
    row, payload = await request_and_payload(gateway, caller, request_id)
    text = await asyncio.to_thread(lambda: full_text(shown_payload(payload, row.resource)))
    return Response(text, media_type="text/plain", headers=_NEVER_KEPT)


@get("/requests/{request_id:str}/payload", include_in_schema=False)
async def send_payload(request_id: RequestId, caller: Caller, gateway: Gateway) -> Response[bytes]:
    """The exact bytes to save, which the browser never shows. Raises Problem.

    A file has its original bytes. Any other payload is the JSON that was submitted.
    """
    row, payload = await request_and_payload(gateway, caller, request_id)
    content = file_of_payload(payload)
    name = _UNFIT_FOR_A_NAME.sub("-", row.resource).strip("-.")[:100]
    saved = f"{row.id}-{name}{'.json' if content is None else ''}"
    return Response(
        payload if content is None else content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{saved}"', **_NEVER_KEPT},
    )


async def request_and_payload(gateway: Gateway, caller: Caller, request_id: str) -> tuple[RequestView, bytes]:
    """A request that the caller may see, and the exact bytes of its payload. Raises Problem."""
    row = await find(gateway, caller, request_id)
    shown = await shown_submission(gateway, row, await timeline(gateway.db, row.id))
    if shown.submitted is None:
        raise not_found("payload")
    if shown.doubt is not None:
        raise doubted(row.id, shown.doubt)
    return as_submitted(row, shown.submitted), bytes(shown.submitted.payload)
