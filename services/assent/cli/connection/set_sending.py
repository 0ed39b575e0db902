"""R29: a set, sent over any way to a log that decides one command."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from assent_contracts.client.assent_connection import RefusedError
from assent_contracts.client.publisher import Decided, new_command_id, now_ms
from assent_contracts.client.set_submission import MemberRefusedError, SetCommands, send_set
from assent_contracts.commands import Cancel, Command, SubmitChange

Decide = Callable[[Command], Awaitable[Decided]]


class SentSet(msgspec.Struct, frozen=True, kw_only=True):
    """A set that the ledger has, with all its members."""

    request: str
    members: dict[str, str]
    """The members' requests by their objects."""


class SetRefused(msgspec.Struct, frozen=True, kw_only=True):
    """The set or one of its members was refused, and nothing is changed."""

    decided: Decided
    resource: str
    """Of what was refused."""
    notes: tuple[str, ...]
    """Sentences about the set."""


async def decide_set(commands: SetCommands, decide: Decide) -> SentSet | SetRefused:
    """Send a set and its members. Raises what `decide` raises, with a note that names the set."""
    refused: dict[str, Decided] = {}

    async def submit(command: SubmitChange) -> _SentRequest:
        decided = await decide(command)
        if decided.refusal is not None:
            refused[command.resource] = decided
            raise RefusedError(decided.refusal)
        return _SentRequest(decide, command, f"{decided.partition}-{decided.seq}")

    try:
        there = await send_set(commands, submit)
    except RefusedError as error:
        of = error.resource if isinstance(error, MemberRefusedError) else commands.of_set.resource
        notes = tuple(getattr(error, "__notes__", ()))
        return SetRefused(decided=refused[of], resource=of, notes=notes)
    members = {resource: member.id for resource, member in there.members.items()}
    return SentSet(request=there.set.id, members=members)


@dataclass(frozen=True)
class _SentRequest:
    decide: Decide
    command: SubmitChange
    id: str

    async def cancel(self) -> Decided:
        cancel = Cancel(
            id=new_command_id(),
            principal=self.command.principal,
            at=now_ms(),
            resource=self.command.resource,
            request=self.id,
        )
        decided = await self.decide(cancel)
        if decided.refusal is not None:
            raise RefusedError(decided.refusal)
        return decided
