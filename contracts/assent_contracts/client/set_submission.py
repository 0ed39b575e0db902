"""R29: submit a set of changes, which is approved as one and released as a whole or not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

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


class SetCommands(msgspec.Struct, frozen=True, kw_only=True):
    """The commands that submit a set."""

    of_set: SubmitChange
    members: tuple[SubmitChange, ...]
    """Without `part_of`, which is known once the ledger has the set."""


class SentRequest(Protocol):
    """A request that the ledger has, of a set or of a member."""

    @property
    def id(self) -> str:
        """The request's id, such as `2-0`."""
        ...

    async def cancel(self) -> object:
        """Withdraw it. Raises RefusedError."""
        ...


R = TypeVar("R")
_Sent = TypeVar("_Sent", bound=SentRequest)


class SubmittedSet(msgspec.Struct, Generic[R], frozen=True):
    """A set that the ledger has, with all its members."""

    set: R
    """The set's request. Its `wait_applied` ends once all members have ended."""
    members: dict[str, R]
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
) -> SubmittedSet[AsyncSubmitted]:
    """Submit a set and its members. Returns once the ledger has all of them.

    `name`: the set's own `<type>/<id>`, of the type of all its objects; at most 1,000 `changes`. `not_after`
    is by default 30 days ahead, which is the most. `id`, `at` and `fields` are those of
    `AsyncUpstream.submit`; with an `id`, state `not_after` too, so that the same call finds the same set.

    Raises RefusedError if the set is refused, and MemberRefusedError if a member is: then the set was
    canceled. Raises NotDecidedError after `timeout_s` for one command. A set whose members are not all there
    within an hour expires.
    """
    commands = set_commands(
        upstream.log.key.principal,
        name,
        changes,
        justification=justification,
        operation=operation,
        id=id,
        at=at,
        **fields,
    )
    return await send_set(commands, partial(upstream.submit_command, timeout_s=timeout_s))


def set_commands(
    principal: str,
    name: str,
    changes: Sequence[SetChange],
    *,
    justification: str,
    operation: str = "change-set",
    id: str | None = None,  # noqa: A002  the field's name
    at: int | None = None,
    **fields: Any,
) -> SetCommands:
    """The commands of a set, for `send_set`. The arguments are those of `submit_set`."""
    at = now_ms() if at is None else at
    fields = {"not_after": at + limits.SET_AHEAD_MAX_MS - limits.COMMAND_MAX_AHEAD_MS, **fields}
    common = {name: value for name, value in fields.items() if name in _OF_MEMBERS}
    prefix = id or new_command_id()
    members = tuple(
        SubmitChange(
            id=f"{prefix}-{number}",
            principal=principal,
            at=at,
            resource=each.resource,
            operation=each.operation,
            justification=justification,
            payload=raw_payload(each.payload),
            base=each.base,
            **common,
        )
        for number, each in enumerate(changes, 1)
    )
    listed = SetPayload(members=tuple(member_of(each) for each in members))
    of_set = SubmitChange(
        id=prefix,
        principal=principal,
        at=at,
        resource=name,
        operation=operation,
        justification=justification,
        payload=msgspec.Raw(encode(listed)),
        members=len(members),
        **fields,
    )
    return SetCommands(of_set=of_set, members=members)


async def send_set(
    commands: SetCommands, submit: Callable[[SubmitChange], Awaitable[_Sent]]
) -> SubmittedSet[_Sent]:
    """Submit the set, and then its members, some at once. If one is refused, the set is canceled.

    `submit` raises RefusedError for a refused command. Raises RefusedError if the set is refused, and
    MemberRefusedError if a member is. Other errors of `submit` are raised with a note that names the set.
    """
    submitted = await submit(commands.of_set)
    there: dict[str, _Sent] = {}
    for start in range(0, len(commands.members), _AT_ONCE):
        some = commands.members[start : start + _AT_ONCE]
        sent = (submit(msgspec.structs.replace(each, part_of=submitted.id)) for each in some)
        answers = await asyncio.gather(*sent, return_exceptions=True)
        for member, answer in zip(some, answers, strict=True):
            if isinstance(answer, RefusedError):
                raise await _canceled(submitted, member, answer) from answer
            if isinstance(answer, BaseException):
                answer.add_note(
                    f"The set is request {submitted.id}, and not all of its members are known to be there."
                    " Cancel it, or it expires within an hour. Nothing is changed by it."
                )
                raise answer
            there[member.resource] = answer
    return SubmittedSet(submitted, there)


async def _canceled(submitted: SentRequest, member: SubmitChange, refused: RefusedError) -> RefusedError:
    error = MemberRefusedError(member.resource, refused)
    try:
        await submitted.cancel()
    except RefusedError as kept:
        # It is not whole, so it cannot be approved.
        error.add_note(f"The set is request {submitted.id}. It could not be canceled ({kept.code}).")
    return error
