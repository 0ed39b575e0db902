"""R29: submit a set of changes, which is approved as one and released as a whole or not at all."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from assent_contracts import limits
from assent_contracts.client.assent_connection import ANSWER_WITHIN_S, RefusedError
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.client.upstream_async import AsyncSubmitted, AsyncUpstream, Payload, raw_payload
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.set_members import SetPayload, member_of

_AT_ONCE: Final = 32
_OF_MEMBERS: Final = ("on_behalf_of", "emergency", "not_before", "not_after")


class SetChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change to one object of a set."""

    resource: str
    operation: str
    payload: Payload
    base: str | UnsetType = UNSET


class MemberRefusedError(RefusedError):
    """A member was refused, and its set was canceled: nothing is changed."""

    def __init__(self, resource: str, refused: RefusedError) -> None:
        super().__init__(refused.refusal, repeated=refused.repeated)
        self.resource: Final = resource
        self.add_note(f"The object is {resource}.")


class SubmittedSet(msgspec.Struct, frozen=True):
    """A set that the ledger has, with all its members."""

    set: AsyncSubmitted
    """The set's request. Its `wait_applied` ends once all members have ended."""
    members: dict[str, AsyncSubmitted]
    """The members' requests by their objects, for the outcome of each."""


async def submit_set(
    upstream: AsyncUpstream,
    name: str,
    changes: Sequence[SetChange],
    *,
    justification: str,
    operation: str = "change-set",
    id: str | None = None,  # noqa: A002  the field's name
    at: int | None = None,
    timeout_s: float = ANSWER_WITHIN_S,
    **fields: Any,
) -> SubmittedSet:
    """Submit a set and its members. Returns once the ledger has all of them.

    `name`: the set's own `<type>/<id>`, of the type of all its objects; at most 1,000 `changes`. `not_after`
    is by default 30 days ahead, which is the most. `id`, `at` and `fields` are those of
    `AsyncUpstream.submit`; with an `id`, state `not_after` too, so that the same call finds the same set.

    Raises RefusedError if the set is refused, and MemberRefusedError if a member is: then the set was
    canceled. Raises NotDecidedError after `timeout_s` for one command. A set whose members are not all there
    within an hour expires.
    """
    at = now_ms() if at is None else at
    fields = {"not_after": at + limits.SET_AHEAD_MAX_MS - limits.COMMAND_MAX_AHEAD_MS, **fields}
    common = {name: value for name, value in fields.items() if name in _OF_MEMBERS}
    prefix = id or new_command_id()
    members = [
        SubmitChange(
            id=f"{prefix}-{number}",
            principal=upstream.log.key.principal,
            at=at,
            resource=each.resource,
            operation=each.operation,
            justification=justification,
            payload=raw_payload(each.payload),
            base=each.base,
            **common,
        )
        for number, each in enumerate(changes, 1)
    ]
    listed = SetPayload(members=tuple(member_of(each) for each in members))
    submitted = await upstream.submit(
        name,
        operation,
        msgspec.Raw(encode(listed)),
        justification=justification,
        id=prefix,
        at=at,
        timeout_s=timeout_s,
        members=len(members),
        **fields,
    )
    named = [msgspec.structs.replace(each, part_of=submitted.id) for each in members]
    return SubmittedSet(submitted, await _submit_members(upstream, submitted, named, timeout_s))


async def _submit_members(
    upstream: AsyncUpstream, submitted: AsyncSubmitted, members: Sequence[SubmitChange], timeout_s: float
) -> dict[str, AsyncSubmitted]:
    there: dict[str, AsyncSubmitted] = {}
    for start in range(0, len(members), _AT_ONCE):
        some = members[start : start + _AT_ONCE]
        sent = (upstream.submit_command(each, timeout_s=timeout_s) for each in some)
        answers = await asyncio.gather(*sent, return_exceptions=True)
        for member, answer in zip(some, answers, strict=True):
            if isinstance(answer, RefusedError):
                await submitted.cancel()
                raise MemberRefusedError(member.resource, answer) from answer
            if isinstance(answer, BaseException):
                raise answer
            there[member.resource] = answer
    return there
