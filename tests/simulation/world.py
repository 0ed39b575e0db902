"""One simulated world: its parts, what may happen, and what is checked afterwards."""

import random
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Final

from assent_contracts.acceptance import Accepted, Head
from assent_contracts.ledger import decode_events
from tests.simulation.applier import Applier, Folder
from tests.simulation.attacker import Attacker
from tests.simulation.boundaries import BrokenError, must
from tests.simulation.broker import Broker, Entry
from tests.simulation.checks import check
from tests.simulation.dispatch import Dispatch
from tests.simulation.known_heads import Outside
from tests.simulation.leader import Leader
from tests.simulation.ledger_readers import Following, LedgerReading
from tests.simulation.organisation import (
    FAST_LOG,
    SERVICES,
    SPARE_WRITERS,
    START,
    WRITERS,
    Founded,
)
from tests.simulation.people import People
from tests.simulation.producer import Producer
from tests.simulation.projector import Projector, Table, empty_table
from tests.simulation.restores import Restores
from tests.simulation.sender import Sender
from tests.simulation.set_program import SetProgram
from tests.simulation.snapshots import Snapshots
from tests.simulation.target import Target
from tests.simulation.thief import Thief

DAY_MS: Final = 24 * 60 * 60 * 1_000
_STEPS_MS: Final = (1, 50, 500, 5_000, 31_000, 70_000, 600_000)
_JUMPS_MS: Final = (-DAY_MS, -3_600_000, -60_000, 60_000, 3_600_000, DAY_MS)


class World:
    """A seed creates it and decides what happens in it."""

    def __init__(
        self, seed: int, *, log: Founded = FAST_LOG, tell: Callable[[str], None] | None = None
    ) -> None:
        self.rng = rng = random.Random(seed)
        self.tell = tell
        self.log = log
        self.now = START + 1_000
        self.broker = broker = Broker()
        broker.governance.entries = [Entry(None, each.value, (), START) for each in log.records]
        self.made: set[bytes] = set()
        self.sender = Sender(log, broker)
        self.people = People(log, self.sender, rng)
        self.attacker = Attacker(log, broker, rng)
        self.target = Target()
        self.chain: list[bytes] = []
        """What an auditor, who reads while the ledger grows, has found accepted."""
        self.next_input = 0
        """The next command, according to what the auditor has read."""
        self.outside = Outside(log)
        self.snapshots = Snapshots(seed)
        self.auditor = self.auditing()
        self.leaders = [self.leader(key, governs=False) for key in WRITERS[: rng.choice((1, 2, 2))]]
        self.late: list[Producer] = []
        actions: list[tuple[str, Callable[[], str], int]] = [
            ("people", lambda: self.people.act(self.now), 8),
            ("turn", self._turn, 10),
            ("lead", self._lead, 4),
            ("network", self._network, 4),
            ("time", self._pass_time, 2),
            ("crash", self._crash, 1),
            ("late", self._land_late, 1),
        ]
        self._governed = rng.random() < 0.4
        if self._governed:
            self.leaders.append(self.leader(WRITERS[0], governs=True))
            if rng.random() < 0.3:
                self.leaders.append(self.leader(WRITERS[1], governs=True))
            if rng.random() < 0.5:
                self.leaders.append(self.leader(SPARE_WRITERS[0], governs=False))
            actions.append(("govern", lambda: self.people.govern(self.now), 2))
        if rng.random() < 0.5:
            actions.append(("attack", self._attack, 4))
        if rng.random() < 0.4:
            actions.append(("clock", self._jump, 1))
        self.restores = Restores(self)
        self._says = rng.random() < 0.3
        if self._says:
            loses = rng.random() < 0.4
            self.restores.gives_up = 0.7 if loses else 0.1
            actions.append(("broker", self.restores.act, 12 if loses else 5))
        self.thief = Thief(self)
        if rng.random() < 0.05:
            actions.append(("steal", self.thief.act, 1))
        self.table = empty_table(log)
        self.backups: list[Table] = []
        self.projectors: list[Projector] = []
        if rng.random() < 0.4:
            count = rng.choice((1, 2))
            self.projectors = [Projector(log, broker, self.table, self.outside) for _ in range(count)]
            actions.append(("project", self._project, 4))
        self._prelude = (0, 0, 2, 4, 6)
        self.sets = self._set_program() if rng.random() < 0.25 else None
        actions += [("sets", partial(self._act_on_sets, each), 8) for each in (self.sets,) if each]
        self._dispatch: Dispatch | None = None
        self.appliers: list[Applier] = []
        if rng.random() < (0.3 if self.sets is None else 0.7):
            # Something must be released early enough.
            self._prelude = (4, 6, 8, 10) if self.sets is None else (8, 12, 16)
            self._dispatch = Dispatch(log, broker, self.outside)
            self._folders: list[tuple[Applier, Folder]] = []
            self.appliers = [
                Applier(log, broker, name, self.sender, self.target, self.outside) for name in SERVICES
            ]
            actions.append(("dispatch", self._hand_over, 5))
            actions.append(("apply", self._apply, 6))
        self._names = [name for name, _, _ in actions]
        self._doing = [act for _, act, _ in actions]
        self._weights = list(accumulate(weight for _, _, weight in actions))

    def _set_program(self) -> SetProgram:
        return SetProgram(self.log, self.broker, self.sender, self.rng, self.outside)

    def leader(self, key: str, *, governs: bool) -> Leader:
        """A new process that leads with this key."""
        return Leader(
            self.log,
            self.broker,
            key,
            governs=governs,
            made=self.made,
            outside=self.outside,
            snapshots=self.snapshots,
        )

    def auditing(self, head: Head | None = None) -> LedgerReading:
        """A new auditor, who continues after this head."""
        following = Following(self.log, self.broker)
        return LedgerReading(following, self.broker, self.audit, head, self.outside)

    def audit(self, accepted: Accepted) -> None:
        """An auditor continues reading."""
        self.chain.append(accepted.value)
        if isinstance(accepted.record.input, int):
            self.next_input = accepted.record.input + 1
        events = decode_events(accepted.record)
        self.people.hear(events)
        if self.sets is not None:
            self.sets.hear(events)

    def run(self, events: int) -> None:
        """This many things happen; then everything comes to rest and is checked."""
        self.go_well(self.rng.choice(self._prelude))
        for number in range(events):
            which = self.rng.choices(range(len(self._doing)), cum_weights=self._weights)[0]
            said = self._doing[which]()
            if self.tell is not None:
                self.tell(f"{number:4}  {self._names[which]:9} {said}")
        self._come_to_rest()
        check(self)

    def go_well(self, times: int) -> None:
        """People continue their requests, and writers decide them."""
        for _ in range(times):
            self.people.go_on(self.now)
            if self.sets is not None:
                self._act_on_sets(self.sets)
                self._deliver()
            for leader in self.leaders[-1:] + self.leaders[:1]:
                leader.work(self.now, 8, follows=True, late_follow=False)
                self._settle(leader)
            self.auditor.read()
            self.now += 50

    # Events

    def _turn(self) -> str:
        """A leader works, and everything goes well."""
        leader = self._some_leader(0.85)
        leader.work(self.now, 8, follows=True, late_follow=self.rng.random() < 0.2)
        self._settle(leader)
        return f"{leader.key} works, governs={leader.governs}; {self.auditor.read()} records are accepted"

    def _some_leader(self, same: float) -> Leader:
        """Mostly one that leads already; it may have lost without knowing."""
        leading = [each for each in self.leaders if each.writer is not None]
        return self.rng.choice(leading if leading and self.rng.random() < same else self.leaders)

    def _settle(self, leader: Leader) -> None:
        while leader.land(self.now):
            pass
        while leader.acknowledge():
            pass
        if self._says and self.rng.random() < 0.7:
            leader.say()
            leader.offer_snapshot()

    def _lead(self) -> str:
        rng = self.rng
        leader = self._some_leader(0.5)
        started = leader.writer is None
        leader.work(
            self.now, rng.choice((0, 1, 2, 5)), follows=rng.random() < 0.7, late_follow=rng.random() < 0.3
        )
        return f"{leader.key} {'takes over and ' if started else ''}works, governs={leader.governs}"

    def _network(self) -> str:
        leader = self.rng.choice(self.leaders)
        landed = leader.land(self.now)
        if self.rng.random() < 0.75:
            acknowledged = leader.acknowledge()
            return f"{leader.key}: landed={landed} acknowledged={acknowledged}"
        return f"{leader.key}: landed={landed}"

    def _crash(self) -> str:
        """A crash, or an acknowledgement that never comes: for the writer's state they are the same."""
        rng = self.rng
        leader = rng.choice(self.leaders)
        leader.abandon()
        for projector in self.projectors:
            if rng.random() < 0.3:
                projector.crash()
        return f"{leader.key} crashes"

    def _land_late(self) -> str:
        """What a dead producer has sent arrives after all."""
        for leader in self.leaders:
            self.late += leader.orphans
            leader.orphans.clear()
        if not self.late:
            return "nothing"
        producer = self.rng.choice(self.late)
        return f"a late batch: {producer.land(self.now)}"

    def _pass_time(self) -> str:
        step = self.rng.choice(_STEPS_MS)
        if self.rng.random() < 0.03:
            step = self.rng.choice((2, 31)) * DAY_MS
        self.now += step
        return f"{step} ms pass"

    def _jump(self) -> str:
        if self.rng.random() < 0.4:
            self.broker.skew_ms = self.rng.choice((0, *_JUMPS_MS))
            return f"the broker's clock is {self.broker.skew_ms} ms off"
        leader = self.rng.choice(self.leaders)
        leader.skew_ms = self.rng.choice(_JUMPS_MS)
        return f"{leader.key}'s clock is {leader.skew_ms} ms off"

    def _attack(self) -> str:
        return self.attacker.act(self.now, list(self.people.known.values()))

    def _act_on_sets(self, sets: SetProgram) -> str:
        return "; ".join(sets.act(self.now) for _ in range(self.rng.choice((1, 2, 4))))

    def _deliver(self) -> None:
        """Dispatch and an applier go on, if there are any."""
        if self._dispatch is not None:
            self._dispatch.work(self.now)
            self.appliers[0].work(self.now, self.rng.randrange(8), recalls=True)

    def _project(self) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.06:
            self.backups.append(self.table.copied())
            return "the table is copied"
        if roll < 0.1 and self.backups:
            old = rng.choice(self.backups).copied()
            self.table.head, self.table.rows = old.head, old.rows
            # The database was stopped for it: every client restarts.
            for each in self.projectors:
                each.crash()
            return f"the table is put back to seq {old.head.seq}"
        projector = rng.choice(self.projectors)
        projector.work(rng.choice((1, 2, 5, 50)), commits=rng.random() < 0.8)
        return f"the table is at seq {self.table.head.seq}"

    def stop_appliers(self) -> None:
        """Dispatch and appliers restart."""
        for each in self.appliers:
            each.crash()
        if self._dispatch is not None:
            self._dispatch.crash()

    def _hand_over(self) -> str:
        assert self._dispatch is not None
        if self.rng.random() < 0.15:
            self._dispatch.crash()
            return "dispatch crashes"
        self._dispatch.work(self.now)
        return f"{self.broker.changes.end} changes"

    def _apply(self) -> str:
        rng = self.rng
        applier = rng.choice(self.appliers)
        if rng.random() < 0.15:
            applier.crash()
            return "an applier crashes"
        roll = rng.random()
        if roll < 0.05:
            self._folders.append((applier, applier.on_disk.copied()))
        elif roll < 0.09 and self._folders:
            applier, folder = rng.choice(self._folders)
            applier.restore(folder)
            return "an applier's folder is put back"
        for _ in range(rng.choice((1, 1, 4, 8))):
            applier.work(self.now, rng.randrange(8), recalls=rng.random() < 0.5)
            if rng.random() < 0.8:
                self._turn()
        return f"in hand: {len(applier.on_disk.journal)}; applied: {len(self.target.applied)}"

    # The end

    def _come_to_rest(self) -> None:
        """Everything that was sent is appended; a permitted writer leads and decides the rest."""
        self.restores.undo()
        for leader in self.leaders:
            leader.abandon()
            self.late += leader.orphans
        self.rng.shuffle(self.late)
        for producer in self.late:
            while producer.land(self.now):
                pass
        self.now += 1_000
        last = [self.leader("", governs=True), self.leader("", governs=False)]
        quiet = not self._governed and not self.broker.governance_commands.entries
        for _ in range(6):
            # Governance first: writers of requests must know whom it retires.
            busy = [self._finish(leader) for leader in last[quiet:]]
            if not any(busy):
                break
        else:
            msg = "the world does not come to rest"
            raise BrokenError(msg)
        self.last = last[1]

    def _finish(self, leader: Leader) -> bool:
        """Whether there was anything to write."""
        if leader.writer is None:
            following = Following(self.log, self.broker)
            following.catch_up()
            leader.become(min(following.writers.public_keys()))
        topic = self.broker.governance if leader.governs else self.broker.ledger
        before = topic.end
        leader.work(self.now, 1 << 20, follows=True, late_follow=False)
        must(leader.finding is None, f"everything is there, and a writer does not lead: {leader.finding}")
        self._settle(leader)
        must(not leader.terms_lost, "a writer that is alone has lost")
        return topic.end > before
