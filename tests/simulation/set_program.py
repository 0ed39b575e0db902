"""R29: a program that submits sets, and the real coordination of their members, in a simulated world."""

import random
from typing import Final

import msgspec
from msgspec import UNSET, Raw

from assent_contracts import commands as c
from assent_contracts.acceptance import Accepted
from assent_contracts.codec import encode
from assent_contracts.core.set_coordination import Due, SetCoordination, due_command
from assent_contracts.events import ChangeSubmitted, Event, MembersReserved, RequestEnd
from assent_contracts.ledger import decode_events
from assent_contracts.set_members import SetPayload, member_of
from tests.simulation.broker import Broker
from tests.simulation.known_heads import Outside
from tests.simulation.ledger_readers import Following, LedgerReading
from tests.simulation.organisation import GATEWAY, Founded
from tests.simulation.sender import Sender

OBJECTS: Final = ("app/a", "app/1", "app/2", "app/3")
"""People submit changes to the first one too."""
_NAMES: Final = ("app/set-1", "app/set-2")
_WHO: Final = "alice"
_AHEAD_MS: Final = 10 * 24 * 60 * 60 * 1_000


class _Set(msgspec.Struct):
    """A set that the program has sent."""

    command: c.SubmitChange
    left: list[c.SubmitChange]
    """The members that it has not sent."""
    request: str = ""


class SetProgram:
    """The sets of one account, and a coordinator that may crash, be late and send things twice."""

    def __init__(
        self, log: Founded, broker: Broker, sender: Sender, rng: random.Random, outside: Outside
    ) -> None:
        self._log, self._broker, self._sender = log, broker, sender
        self._rng, self._outside = rng, outside
        self._mine: list[_Set] = []
        self._whole: set[str] = set()
        self._late: list[Due] = []
        """What is due by the ledger, as a coordinator read it at some time."""
        self._restores = broker.restores
        self._begin()

    def _begin(self) -> None:
        """A coordinator keeps nothing: each begins at the start of the ledger."""
        self._coordination = SetCoordination()
        following = Following(self._log, self._broker)
        self._reading = LedgerReading(following, self._broker, self._take, outside=self._outside)

    def _take(self, accepted: Accepted) -> None:
        self._coordination.take(0, accepted.record, decode_events(accepted.record))

    def hear(self, events: tuple[Event, ...]) -> None:
        """An accepted record's events."""
        for event in events:
            for each in self._mine:
                if isinstance(event, ChangeSubmitted) and event.resource == each.command.resource:
                    each.request = event.request if event.members is not UNSET else each.request
            if isinstance(event, RequestEnd):
                self._mine = [each for each in self._mine if each.request != event.request]
            elif isinstance(event, MembersReserved):
                self._whole.add(event.request)

    def act(self, now: int) -> str:
        """The program or the coordinator takes a step."""
        if self._rng.random() < 0.5:
            return self._coordinate(now)
        for each in self._mine:
            if each.request and each.left:
                member = msgspec.structs.replace(each.left.pop(), part_of=each.request)
                return self._submit(member, now)
            if each.request and each.request not in self._whole and self._rng.random() < 0.2:
                about = self._sender.about(_WHO, now)
                cancel = c.Cancel(**about, resource=each.command.resource, request=each.request)
                self._send(cancel, now)
                return f"{_WHO} cancels the set {each.request}"
        if self._mine and self._rng.random() < 0.8:
            return self._coordinate(now)
        if len(self._mine) == len(_NAMES):
            self._mine.pop(0)
        return self._new_set(now)

    def _new_set(self, now: int) -> str:
        rng = self._rng
        members = [
            c.SubmitChange(
                **self._sender.about(_WHO, now),
                resource=resource,
                operation="edit",
                justification="together",
                payload=Raw(b'{"v":%d}' % rng.randrange(99)),
                not_after=now + _AHEAD_MS,
            )
            for resource in rng.sample(OBJECTS, rng.choice((1, 2, 2, 3)))
        ]
        listed = SetPayload(members=tuple(map(member_of, members)))
        command = c.SubmitChange(
            **self._sender.about(_WHO, now),
            resource=rng.choice(_NAMES),
            operation="edit",
            justification="together",
            payload=Raw(encode(listed)),
            not_after=now + _AHEAD_MS,
            members=len(members),
        )
        if rng.random() < 0.1:
            # One that the set does not list.
            members[-1] = msgspec.structs.replace(members[-1], payload=Raw(b"0"))
        self._mine.append(_Set(command, members))
        return self._submit(command, now)

    def _submit(self, command: c.SubmitChange, now: int) -> str:
        self._send(command, now)
        part = "" if command.part_of is UNSET else f", part of {command.part_of}"
        return f"{_WHO} submits {command.resource}{part}, members={command.members or 0}"

    def _coordinate(self, now: int) -> str:
        rng = self._rng
        if self._broker.restores != self._restores or rng.random() < 0.1:
            self._restores = self._broker.restores
            self._begin()
        self._reading.read(rng.choice((1, 5, 1_000, 1_000)))
        due = self._coordination.due()
        self._late = [*self._late, *due][-8:]
        some = rng.sample(self._late, rng.randint(0, len(self._late)))
        for each in some:
            about = self._sender.about(GATEWAY, now)
            command = due_command(each, command_id=about["id"], principal=GATEWAY, at=now)
            self._send(command, now)
        return f"a coordinator sends {[(each.step, each.request) for each in some]}"

    def _send(self, command: c.Command, now: int) -> None:
        self._sender.send_bytes(encode(command), command.resource.encode(), command.principal, now)
