"""The broker's data is restored from an older copy; later the newest is restored, or the loss is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assent_contracts.digests import sha256_hex
from tests.simulation.boundaries import Boundary, must
from tests.simulation.known_heads import first, missing
from tests.simulation.ledger_readers import Following
from tests.simulation.losses import Losing, accepted_ledgers

if TYPE_CHECKING:
    from assent_contracts.heads import SignedHead
    from tests.simulation.broker import Copy, Topic
    from tests.simulation.world import World


class Restores:
    """Copies of the broker's data, and which of its topics are older copies now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._copies: list[Copy] = []
        self._newest: Copy | None = None
        self._made: frozenset[bytes] = frozenset()
        self._unsaid: list[tuple[str, SignedHead]] = []
        self._decided = Boundary(-1, [], 0)
        """How far commands were decided when the data was restored."""
        self.losing = Losing(world)
        self.gives_up = 0.0
        """How often a loss is accepted while an older copy is in place."""

    @property
    def is_older(self) -> bool:
        """Whether an older copy is in place."""
        return self._newest is not None

    def act(self) -> str:
        """A copy is made, an older one is restored, the newest one is restored, or it is given up."""
        rng = self._world.rng
        if self._newest is not None:
            if self._is_made_good(self._newest):
                return self._go_on()
            roll = rng.random()
            if roll < self.gives_up:
                return self._give_up(self._newest)
            return self.undo() if rng.random() < 0.35 else "the data is an older copy"
        if self.losing.accepted and rng.random() < 0.4:
            return self.losing.hear_stale() if rng.random() < 0.4 else self.losing.send_again()
        if not self._copies or rng.random() < 0.4:
            self._copies.append(self._world.broker.copied())
            return "the broker's data is copied"
        return self._restore(rng.choice(self._copies))

    def _restore(self, copy: Copy) -> str:
        world = self._world
        broker, newest = world.broker, world.broker.copied()
        world.auditor.read()
        appended = [each.at for each in broker.commands.entries]
        decided = Boundary(len(world.chain) - 1, appended, world.next_input)
        chosen = world.rng.choice(
            (
                broker.topics,
                broker.topics,
                (broker.ledger,),
                (broker.commands,),
                (broker.governance,),
                (broker.ledger, broker.commands),
            )
        )
        shorter = [(topic, there) for topic, there in copy if topic in chosen and len(there) < topic.end]
        broker.restore(shorter)
        if not shorter or not self._is_noticed([topic for topic, _ in shorter]):
            broker.restore(newest)
            return "an older copy would not be noticed"
        self._stop_all()
        self._newest = [(topic, entries) for topic, entries in newest if topic in chosen]
        self._decided = decided
        self._made = frozenset(world.made)
        return f"put back to {[topic.end for topic in broker.topics]}"

    def _is_noticed(self, shorter: list[Topic]) -> bool:
        """Whether the missing records had been published. Otherwise nobody can know that they are missing."""
        world, broker = self._world, self._world.broker
        following = Following(world.log, broker)
        following.catch_up()
        keys = following.writers.public_keys()
        era, losing = self.losing.era, self.losing
        reached = max(world.outside.reach("governance", keys, era), losing.reach("governance"))
        if reached > broker.governance.end:
            return True
        if broker.governance in shorter or broker.governance_commands in shorter:
            return False
        if max(world.outside.reach("ledger", keys, era), losing.reach("ledger")) > broker.ledger.end:
            return True
        return broker.ledger not in shorter and broker.commands.end < world.next_input

    def _give_up(self, newest: Copy) -> str:
        """The newest copy never returns: the recovery key accepts the loss, and all processes restart."""
        world, broker = self._world, self._world.broker
        self._stop_all()
        older = broker.copied()
        broker.restore(_replaced(newest))
        lost, copied = accepted_ledgers(world.log, broker), broker.copied()
        appended = {
            "ledger": [each.at for each in broker.commands.entries],
            "governance": [each.at for each in broker.governance_commands.entries],
        }
        broker.restore(older)
        if self.losing.is_forgotten(lost.requests):
            return "what an earlier loss gave up counts again: the loss is not accepted"
        self._newest = None
        # A copy of what was given up would restore it.
        self._copies = [
            copy for copy in self._copies if all(topic.entries[: len(each)] == each for topic, each in copy)
        ]
        said = self.losing.accept(lost, copied, appended, self._unsaid)
        self._unsaid = []
        self._stop_all()
        # Some heads of the new era are published, so that it can be lost too.
        world.go_well(world.rng.choice((0, 2, 4)))
        return said

    def _is_made_good(self, newest: Copy) -> bool:
        """Whether only commands were lost, and each decided one was sent again at its old place."""
        commands, end = self._world.broker.commands, self._decided.next_input
        if {topic for topic, _ in _replaced(newest)} != {commands} or commands.end < end:
            return False
        lost = next(entries for topic, entries in newest if topic is commands)
        return all(one.value == other.value for one, other in zip(commands.entries[:end], lost, strict=False))

    def _go_on(self) -> str:
        """No decided command is missing any more: the world continues with what is there."""
        self._newest = None
        self.losing.goes_on_elsewhere(self._decided)
        return "what was lost of the commands was sent again"

    def undo(self) -> str:
        """The newest copy is restored. Raises BrokenError if a writer has continued without it."""
        world, newest = self._world, self._newest
        if newest is None:
            return "nothing"
        if self._is_made_good(newest):
            return self._go_on()
        broker, replaced = world.broker, _replaced(newest)
        if any(topic in (broker.ledger, broker.governance, broker.commands) for topic, _ in replaced):
            ledgers = [broker.ledger]
            if any(topic is broker.governance for topic, _ in replaced):
                ledgers.append(broker.governance)
            new = {each.value for topic in ledgers for each in topic.entries} & (world.made - self._made)
            must(not new, "a writer went on behind an older copy")
        broker.restore(replaced)
        self._newest = None
        self._stop_all()
        return "the newest copy is back"

    def _stop_all(self) -> None:
        """The broker was stopped for it: every connection has ended, and every process restarts."""
        world = self._world
        for leader in world.leaders:
            unsaid = leader.unsaid()
            self._unsaid += [] if unsaid is None else [unsaid]
            leader.forget()
        world.late.clear()
        for projector in world.projectors:
            projector.restart()
        world.stop_appliers()
        world.auditor = world.auditing(world.auditor.acceptance.head)


def _replaced(newest: Copy) -> Copy:
    """The topics that have not only grown since."""
    return [(topic, entries) for topic, entries in newest if topic.entries[: len(entries)] != entries]


def check_known(world: World) -> None:
    """Every published head exists at the end. Raises BrokenError."""
    following = Following(world.log, world.broker)
    following.catch_up()
    known = world.outside.known(following.writers.public_keys(), following.losses)
    topics = {"ledger": world.broker.ledger, "governance": world.broker.governance}
    finding = first(missing(each, topics[ledger]) for (ledger, _), each in known.items())
    must(finding is None, f"a head that was made known is gone: {finding}")
    ledger = known.get(("ledger", 0))
    if ledger is not None and ledger.seq >= 0:
        there = sha256_hex(world.chain[ledger.seq]) if ledger.seq < len(world.chain) else ""
        must(there == ledger.sha256, "a head that was made known is not in the accepted chain")
