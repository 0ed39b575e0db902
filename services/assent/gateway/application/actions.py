"""Act on a request: approve, reject, revoke, cancel, complete or close it (R4, R8, R11, R12, R22, R23)."""

import re
from typing import Annotated, Final

import msgspec

from assent.gateway.application.decisions import Decision, command_fields, decide
from assent.gateway.application.requests import find
from assent.gateway.caller import Caller
from assent.gateway.components import Gateway
from assent.gateway.problems import Problem, of_refusal
from assent.store.queries import RequestView
from assent_contracts.codec import check_fields
from assent_contracts.commands import Note, Reason, SubmissionHash
from assent_contracts.core.requests.permissions import COMMANDS, Action

Seen = Annotated[
    int | None,
    msgspec.Meta(description="`last_seq` of the request as it was shown: refused when it has changed since."),
]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Yes, or no, to everything that was shown: the request's `submission` names it (R23)."""

    submission: SubmissionHash
    note: Note = ""
    seen: Seen = None


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The change that is released, by the request's `submission` (R23)."""

    submission: SubmissionHash
    seen: Seen = None


class Remark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The note of a revocation."""

    note: Note = ""
    seen: Seen = None


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action that needs no more than its name."""

    seen: Seen = None


class Closing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an administrator closes a request."""

    reason: Reason
    seen: Seen = None


Details = Verdict | Release | Remark | Nothing | Closing
DETAILS: Final[dict[Action, type[Details]]] = {
    "approve": Verdict,
    "reject": Verdict,
    "revoke": Remark,
    "cancel": Nothing,
    "complete": Release,
    "close": Closing,
}
"""What each action needs to be given."""


async def act(
    gateway: Gateway,
    caller: Caller,
    request_id: str,
    action: Action,
    details: Details,
    *,
    idempotency_key: str | None = None,
    if_match: str | None = None,
) -> Decision:
    """The decision on an action on a request that the caller may see. Raises Problem.

    `lagging` where the tables may not have the newest state of the request, and so cannot say whether that
    was seen.
    """
    if details.seen is not None or if_match is not None:
        await gateway.lag.settled(request_id)
    shown = await find(gateway, caller, request_id)
    fields = command_fields(caller, shown.resource, idempotency_key) | msgspec.structs.asdict(details)
    # R16: the ledger compares, so that a refused decision is on record.
    fields["seen"] = details.seen if details.seen is not None else seen_of(if_match, shown)
    if fields["seen"] is None:
        del fields["seen"]
    command = COMMANDS[action](**fields, request=request_id)
    refusal = check_fields(command)
    if refusal is not None:
        raise of_refusal(refusal)
    return await decide(gateway, command, once=idempotency_key is not None)


def seen_of(if_match: str | None, shown: RequestView) -> int | None:
    """The seq that If-Match, by RFC 9110, names as seen; the ledger compares it. Raises Problem otherwise.

    A refused action makes another ETag and leaves the request as it was: that is no reason to refuse.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = [re.fullmatch(r'"([0-9]{1,18})-[0-9]+"', tag.strip()) for tag in if_match.split(",")]
    seen = [int(tag[1]) for tag in tags if tag is not None]
    if not seen:
        raise _changed_since(shown)
    return shown.last_seq if shown.last_seq in seen else seen[0]


def _changed_since(shown: RequestView) -> Problem:
    return Problem(
        412,
        "changed-since",
        f"Request {shown.id} has gone on since you looked: it is {shown.status.replace('_', ' ')} now.",
        todo="Look at what has changed, and decide on that.",
        status_now=shown.status,
        last_seq=shown.last_seq,
    )
