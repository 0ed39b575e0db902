"""Random schedules of overlapping sets, of senders, writers and coordinators that stop, and their check.

The rules, the writers' code and the coordinator's are the real ones. A schedule is made by a seed alone.
"""

import random
from collections.abc import Callable
from typing import Final

from assent_contracts import commands as c
from assent_contracts.core.requests.states import Closed, Unsettled
from assent_contracts.core.set_coordination import Due
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    MembersReserved,
    RequestEnd,
    RequestExpired,
)
from assent_contracts.ledger import decode_events
from assent_contracts.limits import SET_MEMBER_GRACE_MS
from assent_contracts.refusals import Refusal
from tests.support.people import DAY_MS, PARTITIONS
from tests.support.set_log import ENDS, OBJECTS, Coordinator, SetLog

_MINUTE_MS: Final = 60_000


class SetSender:
    """Alice's program: submits a set and its members, and cancels the set when a member is refused."""

    def __init__(self, name: str, dice: random.Random) -> None:
        self.name = name
        self.dice = dice
        self.objects = tuple(dice.sample(OBJECTS, dice.randint(1, 4)))
        self.request = ""
        self.left = list(self.objects)
        dice.shuffle(self.left)

    def attack(self, log: SetLog) -> None:
        """Submit a member again, or one of a set that does not exist. What is refused changes nothing."""
        resource = self.dice.choice(self.objects if self.dice.random() < 0.8 else OBJECTS)
        there = f"{self.dice.randrange(PARTITIONS)}-{self.dice.randrange(400)}"
        log.send(log.member(resource, self.request or there if self.dice.random() < 0.8 else there))

    def step(self, log: SetLog) -> None:
        """Send the next command, if there is one."""
        if not self.request:
            decision = log.send(log.set_of(self.objects, self.name))
            if not isinstance(decision, Refusal):
                assert isinstance(decision[0], ChangeSubmitted)
                self.request = decision[0].request
        elif self.left and isinstance(log.send(log.member(self.left.pop(), self.request)), Refusal):
            self.left.clear()
            log.act(c.Cancel, "alice", self.request, self.name)


class SetSchedule:
    """One random run, and the check of what it left."""

    def __init__(
        self, seed: int, *, without_coordinator: bool = False, tell: Callable[[str], None] | None = None
    ) -> None:
        self._tell = tell
        self.dice = random.Random(seed)
        self.log = SetLog()
        self.senders: list[SetSender] = []
        self._without = without_coordinator
        self._coordinators = [Coordinator(self.log), Coordinator(self.log)]
        self._late: list[Due] = []
        """What a coordinator has sent and the broker has not delivered yet."""

    def run(self, steps: int = 150) -> None:
        """Random steps, then time until every lock has ended."""
        actions = (self._send, self._send, self._people, self._apply, self._crash, self._time)
        for number in range(steps):
            coordinates = not self._without and self.dice.random() < 0.5
            action = self._coordinate if coordinates else self.dice.choice(actions)
            action()
            if self._tell is not None:
                self._tell(f"{number:4}  {action.__name__.strip('_')}")
        if not self._without:
            Coordinator(self.log).run()
            self.check_released()
        self.log.pass_time(max(0, ENDS - self.log.at) + SET_MEMBER_GRACE_MS)
        self._settle()
        if not self._without:
            Coordinator(self.log).run()

    def _send(self) -> None:
        if not self.senders or self.dice.random() < 0.05:
            self.senders.append(SetSender(f"app/set-{len(self.senders) % 3}", self.dice))
        sender = self.dice.choice(self.senders[-2:])
        if self.dice.random() < 0.4 and not sender.left:
            sender.attack(self.log)
        else:
            sender.step(self.log)

    def _people(self) -> None:
        for sender in self.senders[-3:]:
            if sender.request:
                kind, who = self.dice.choice(
                    [(c.Approve, "bob"), (c.Complete, "alice"), (c.Reject, "carol"), (c.Cancel, "alice")]
                    if self.dice.random() < 0.3
                    else [(c.Approve, "bob"), (c.Complete, "alice")]
                )
                self.log.act(kind, who, sender.request, sender.name)

    def _apply(self) -> None:
        for resource in OBJECTS:
            for partition in range(PARTITIONS):
                state = self.log.partition_state(partition)
                seq = state.open_request(resource)
                if seq is not None:
                    kind = self.dice.choice((c.Claim, c.ReportOutcome))
                    self.log.act(kind, "applier", f"{partition}-{seq}", resource)

    def _coordinate(self) -> None:
        coordinator = self.dice.choice(self._coordinators)
        for _ in range(self.dice.randint(0, 4)):
            coordinator.read(self.dice.randrange(PARTITIONS), self.dice.randint(1, 6))
        due = coordinator.sets.due()
        self._late += self.dice.sample(due, self.dice.randint(0, len(due)))
        for _ in range(self.dice.randint(0, len(self._late))):
            # Late, in another order, and some twice: every one of them must be harmless.
            each = self.dice.choice(self._late)
            if self.dice.random() < 0.7:
                self._late.remove(each)
            coordinator.send(each)

    def _settle(self) -> None:
        """People settle every unknown outcome: nothing else ends it (R12)."""
        self.log.pass_time(DAY_MS)
        for partition in range(PARTITIONS):
            for seq, request in tuple(self.log.partition_state(partition).requests.items()):
                if isinstance(request, Unsettled):
                    resource = request.submission.resource
                    assert self.log.act(c.Settle, "dave", f"{partition}-{seq}", resource) == "RequestFailed"

    def _crash(self) -> None:
        if self.dice.random() < 0.5:
            self.log.crash_writer(self.dice.randrange(PARTITIONS))
        else:
            self._coordinators[self.dice.randrange(2)] = Coordinator(self.log)

    def _time(self) -> None:
        self.log.pass_time(self.dice.choice((1_000, _MINUTE_MS, _MINUTE_MS, 61 * _MINUTE_MS)))

    def check_released(self) -> None:
        """While a coordinator runs, every member of a released set is released or over."""
        for partition in range(PARTITIONS):
            for request in self.log.partition_state(partition).requests.values():
                if isinstance(request, Closed) or request.submission.part_of is None:
                    continue
                name = request.submission.part_of
                if name in self.released_sets() and request.submission.resource in self._listed(name):
                    assert type(request).__name__ != "NeedsApproval", f"{name}: {request}"

    def _listed(self, name: str) -> tuple[str, ...]:
        return next(each.objects for each in self.senders if each.request == name)

    def released_sets(self) -> set[str]:
        """The sets that were released."""
        sets = {each.request for each in self.senders}
        return {event.request for event in self.events() if isinstance(event, ChangeReleased)} & sets

    def events(self) -> list[object]:
        """All events, partition by partition."""
        return [
            event
            for written in self.log.written.values()
            for accepted in written.records
            for event in decode_events(accepted.record)
        ]

    def check(self) -> None:
        """What must hold after every schedule."""
        assert self.log.locks() == set(), "every lock has ended"
        released = self.released_sets()
        part_of: dict[str, tuple[str, str]] = {}
        """The set and the object of each member, by its request."""
        whole: set[str] = set()
        gone: dict[tuple[str, str], set[str]] = {}
        """The requests that were released of each member."""
        for event in self.events():
            if isinstance(event, ChangeSubmitted) and isinstance(event.part_of, str):
                part_of[event.request] = event.part_of, event.resource
            elif isinstance(event, MembersReserved):
                whole.add(event.request)
        for event in self.events():
            if isinstance(event, ChangeReleased) and event.request in part_of:
                assert part_of[event.request][0] in released, "no member without its set"
                gone.setdefault(part_of[event.request], set()).add(event.request)
        assert released <= whole, "no set before its members"
        assert all(len(requests) == 1 for requests in gone.values()), "R1: each member once"
        for sender in self.senders:
            if sender.request in released:
                members = {(sender.request, each) for each in sender.objects}
                assert members <= {*part_of.values()}, "all members held their locks"
                assert gone.keys() & members == members or self._without, "all or nothing"


def seen(schedule: SetSchedule) -> dict[str, int]:
    """How often the interesting ends came up, so that a test can require them."""
    events = schedule.events()
    return {
        "released": len(schedule.released_sets()),
        "expired": sum(isinstance(event, RequestExpired) for event in events),
        "ended": sum(isinstance(event, RequestEnd) for event in events),
    }
