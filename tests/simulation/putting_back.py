"""The broker's data is put back to an older copy, and after a while the newest one is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assent_contracts.digests import sha256_hex
from tests.simulation import model
from tests.simulation.following import Following, LedgerReading
from tests.simulation.knowing import first, missing

if TYPE_CHECKING:
    from tests.simulation.broker import Copy, Topic
    from tests.simulation.world import World


class PuttingBack:
    """Copies of the broker's data, and which of it is an older one now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._copies: list[Copy] = []
        self._newest: Copy | None = None
        self._made: frozenset[bytes] = frozenset()

    def act(self) -> str:
        """A copy is made, or the broker's data is put back, or the newest is back."""
        rng = self._world.rng
        if self._newest is not None:
            return self.undo() if rng.random() < 0.35 else "the data is an older copy"
        if not self._copies or rng.random() < 0.4:
            self._copies.append(self._world.broker.copied())
            return "the broker's data is copied"
        return self._put_back(rng.choice(self._copies))

    def _put_back(self, copy: Copy) -> str:
        world = self._world
        broker, newest = world.broker, world.broker.copied()
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
        broker.put_back(shorter)
        if not shorter or not self._is_noticed([topic for topic, _ in shorter]):
            broker.put_back(newest)
            return "an older copy would not be noticed"
        self._stop_all()
        self._newest = [(topic, entries) for topic, entries in newest if topic in chosen]
        self._made = frozenset(world.made)
        return f"put back to {[topic.end for topic in broker.topics]}"

    def _is_noticed(self, shorter: list[Topic]) -> bool:
        """Whether what is gone had been made known: else nobody can say that it is gone."""
        world, broker = self._world, self._world.broker
        following = Following(world.log, broker)
        following.catch_up()
        keys = following.writers.public_keys()
        if world.outside.reach("governance", keys) > broker.governance.end:
            return True
        if broker.governance in shorter or broker.governance_commands in shorter:
            return False
        if world.outside.reach("ledger", keys) > broker.ledger.end:
            return True
        return broker.ledger not in shorter and broker.commands.end < world.next_input

    def undo(self) -> str:
        """The newest copy is back. Raises BrokenError if a writer has gone on without it."""
        world, newest = self._world, self._newest
        if newest is None:
            return "nothing"
        broker = world.broker
        replaced = [
            (topic, entries)
            for topic, entries in newest
            if topic.entries[: len(entries)] != entries  # what has only grown stays
        ]
        if any(topic in (broker.ledger, broker.governance, broker.commands) for topic, _ in replaced):
            ledgers = [broker.ledger]
            if any(topic is broker.governance for topic, _ in replaced):
                ledgers.append(broker.governance)
            new = {each.value for topic in ledgers for each in topic.entries} & (world.made - self._made)
            model.must(not new, "a writer went on behind an older copy")
        broker.put_back(replaced)
        self._newest = None
        self._stop_all()
        return "the newest copy is back"

    def _stop_all(self) -> None:
        """The broker was stopped for it: every connection has ended, and every process begins anew."""
        world = self._world
        for leader in world.leaders:
            leader.forget()
        world.late.clear()
        for projector in world.projectors:
            projector.restart()
        world.stop_appliers()
        following = Following(world.log, world.broker)
        world.auditor = LedgerReading(following, world.broker, world.audit, world.auditor.acceptance.head)


def check_known(world: World) -> None:
    """Every head that was made known is there, in the end. Raises BrokenError."""
    following = Following(world.log, world.broker)
    following.catch_up()
    known = world.outside.known(following.writers.public_keys())
    topics = {"ledger": world.broker.ledger, "governance": world.broker.governance}
    finding = first(missing(each, topics[ledger]) for (ledger, _), each in known.items())
    model.must(finding is None, f"a head that was made known is gone: {finding}")
    ledger = known.get(("ledger", 0))
    if ledger is not None:
        there = sha256_hex(world.chain[ledger.seq]) if ledger.seq < len(world.chain) else ""
        model.must(there == ledger.sha256, "a head that was made known is not in the accepted chain")
