"""A loss is accepted with the recovery key while everything is stopped; the world continues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from assent.decider.loss_acceptance import ledger_end_of
from assent_contracts.codec import encode
from assent_contracts.core.governance.handle import handle_recovery
from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.core.writer.chain import Chain
from assent_contracts.core.writer.governance_releases import GovernanceReleases
from assent_contracts.digests import to_base64url
from assent_contracts.eras import FIRST_ERA, era_of, is_void
from assent_contracts.evidence.command_signatures import CommandSignatures, signed_command
from assent_contracts.governance_messages import GOVERNANCE_KEY, AcceptLoss
from assent_contracts.governance_objects import LedgerEnd
from assent_contracts.heads import Place, SignedHead
from assent_contracts.ledger import RecordedCommand
from assent_contracts.refusals import Refusal
from assent_contracts.signing import command_message
from assent_contracts.writer_registry import RECOVERY
from tests.simulation import model
from tests.simulation.boundaries import Boundary, Times, must, restart, seq_of, sha256, with_boundary
from tests.simulation.broker import Broker, Copy, Entry, Topic
from tests.simulation.leader import inputs_of
from tests.simulation.ledger_readers import Following, LedgerReading, governance_records
from tests.simulation.producer import sealed
from tests.simulation.projector import empty_table

if TYPE_CHECKING:
    from assent.decider.term import Term
    from assent_contracts.core.writer.writer import PartitionWriter
    from tests.simulation.organisation import Founded
    from tests.simulation.world import World


class Ledgers(NamedTuple):
    """The accepted records of both ledgers."""

    requests: list[bytes]
    governance: list[bytes]
    """After the founding."""


def accepted_ledgers(log: Founded, broker: Broker) -> Ledgers:
    """Both ledgers as a new reader reads them."""
    requests: list[bytes] = []
    reading = LedgerReading(Following(log, broker), broker, lambda it: requests.append(it.value))
    reading.read()
    return Ledgers(requests, [each.value for each in governance_records(log, broker)])


class Losing:
    """The losses of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.era = FIRST_ERA
        """The era that counts, whatever the current governance knows of it."""
        self.accepted = 0
        self._offset = -1
        """Where the last acceptance is on governance."""
        self._ends: dict[str, int] = {}
        """The end offset of each ledger, by the last acceptance."""
        self.kept = Ledgers([], [])
        """What existed when the last loss was accepted."""
        self.boundaries: dict[str, tuple[Boundary, ...]] = {"ledger": (), "governance": ()}
        self._stale: list[tuple[str, SignedHead]] = []
        self._copied: list[tuple[Topic, list[Entry]]] = []
        """What was given up, in a stranger's copy, with its seals."""

    def reach(self, ledger: str) -> int:
        """The end offset of a ledger by the last acceptance, if that still exists."""
        return self._ends.get(ledger, 0) if self._world.broker.governance.end > self._offset else 0

    def is_forgotten(self, newest: list[bytes]) -> bool:
        """Whether the last acceptance is lost itself, and what it gave up is what the request ledger has.

        The log cannot reveal it: it continues from there, and the model does not follow.
        """
        world = self._world
        if world.broker.governance.end > self._offset:
            return False
        there = accepted_ledgers(world.log, world.broker).requests
        return newest[: len(there)] != there

    def accept(
        self,
        newest: Ledgers,
        copied: Copy,
        appended: dict[str, list[int]],
        unsaid: list[tuple[str, SignedHead]],
    ) -> str:
        """Give up what is missing. Everything is stopped.

        `newest`: what existed; `copied`: as the topics had it; `appended`: when each of its commands was, ms;
        `unsaid`: confirmed heads that were never published.
        """
        world = self._world
        log, broker = world.log, world.broker
        there = accepted_ledgers(log, broker)
        _must_begin_with(newest, there)
        self._check_given_up(newest, appended)
        lead = self._read("governance")
        ends = (self._end("governance", lead[1], there.governance), self._end("ledger", None, there.requests))
        given_up = self._unknown_eras()
        command = AcceptLoss(**world.sender.about(RECOVERY, world.now), ends=ends, given_up=given_up)
        value = _append(log, broker, lead[0], command)
        for end, values in zip(ends, (there.governance, there.requests), strict=True):
            last = seq_of(values, log.head.seq if end.ledger == "governance" else -1)
            must(end.seq == last, f"the loss says that {end.ledger} ends at {end.seq}, not {last}")
            before = self.boundaries[end.ledger]
            self.boundaries[end.ledger] = with_boundary(before, last, appended[end.ledger], end.next_input)
            self._ends[end.ledger] = end.next_offset
        self._copied = [
            (topic, entries) for topic, entries in copied if topic in (broker.ledger, broker.governance)
        ]
        self._offset = broker.governance.end - 1
        self.kept = Ledgers(there.requests, [*there.governance, value])
        self.era, self.accepted = command.id, self.accepted + 1
        self._begin_anew(ends[1])
        # A writer that was stopped publishes how far it had come, in an era that is over.
        void = {FIRST_ERA, *given_up, *(each.era for each in lead[0].desk.governance.losses)}
        self._stale = [each for each in (*self._stale, *unsaid) if each[1].era in void]
        return f"a loss is accepted: {self.era}, ends at {[end.seq for end in ends]}, given up {given_up}"

    def goes_on_elsewhere(self, decided: Boundary) -> None:
        """After this record there are other commands than before, though no loss was accepted."""
        before = self.boundaries["ledger"]
        self.boundaries["ledger"] = with_boundary(before, *decided)

    def hear_stale(self) -> str:
        """A head of an ended era arrives."""
        if not self._stale:
            return "nothing"
        key, head = self._stale.pop()
        self._world.outside.sign(key, head)
        return f"{key} says that {head.ledger} was at seq {head.seq}, in an era that is over"

    def send_again(self) -> str:
        """A client with write access to the ledgers resends a part of what was given up, unchanged."""
        rng = self._world.rng
        topic, entries = rng.choice(self._copied)
        since = rng.randint(0, len(entries))
        again = entries[since : since + rng.randint(1, 12)]
        if again:
            topic.append([msgspec.structs.replace(each, at=self._world.now) for each in again])
        return f"{len(again)} records that were given up are sent again"

    def check(self, requests: list[bytes], governance: list[bytes]) -> None:
        """What was kept is there byte for byte, and so is everything published since. Raises BrokenError."""
        _must_begin_with(Ledgers(requests, governance), self.kept)
        first = self._world.log.head.seq + 1
        for head in self._world.outside.said_in(self.era):
            if head.ledger == "governance" and head.seq < first:
                continue
            values = governance[head.seq - first :] if head.ledger == "governance" else requests[head.seq :]
            there = bool(values) and sha256(values[0]) == head.sha256
            must(there, f"{head.ledger} seq {head.seq} was made known in this era and is gone")

    def _check_given_up(self, newest: Ledgers, appended: dict[str, list[int]]) -> None:
        """What was applied so far had been released in the history that ends here."""
        world = self._world
        told = model.governance_told(newest.governance)
        times = Times(self.boundaries["ledger"], appended["ledger"])
        signed, most = world.sender.signed, world.log.per_minute
        requests = model.Requests(signed, told, times, most, lost=bool(self.accepted))
        requests.take_all(newest.requests, world.log.identity)
        model.applied_once(world.target.applied, requests, self.accepted)

    def _read(self, ledger: str) -> tuple[PartitionWriter[Any], Term]:
        """A ledger as it is, to its end."""
        world = self._world
        following = Following(world.log, world.broker)
        following.catch_up()
        return world.leader(RECOVERY, governs=ledger == "governance").read(following, GovernanceReleases())

    def _end(self, ledger: str, term: Term | None, values: list[bytes]) -> LedgerEnd:
        """Where it ends, and from where commands count: the model has to agree."""
        world = self._world
        place: Place = ("governance" if ledger == "governance" else "ledger", 0)
        topic = world.broker.governance_commands if ledger == "governance" else world.broker.commands
        term = term or self._read(ledger)[1]
        following = Following(world.log, world.broker)
        following.catch_up()
        read, finding = inputs_of(place, term, following.losses, topic)
        next_input = read if finding is None else 0
        hashes = [sha256(entry.value or b"") for entry in topic.entries]
        wanted = restart(values, hashes, self._standing(ledger, values))
        must(next_input == wanted, f"{ledger}: commands count from {next_input}, not from {wanted}")
        return ledger_end_of(place, term, next_input)

    def _standing(self, ledger: str, values: list[bytes]) -> tuple[Boundary, ...]:
        """The boundaries of losses whose acceptance still exists."""
        if self._world.broker.governance.end <= self._offset:
            return ()
        last = seq_of(values, -1)
        return tuple(each for each in self.boundaries[ledger] if each.after <= last)

    def _unknown_eras(self) -> tuple[str, ...]:
        """The eras of heads that count but that governance does not know: their acceptance was lost too."""
        world = self._world
        following = Following(world.log, world.broker)
        following.catch_up()
        losses, heads = following.losses, world.outside.heads(following.writers.public_keys())
        return tuple(sorted({each.era for each in heads if not is_void(each.era, losses)} - {era_of(losses)}))

    def _begin_anew(self, end: LedgerEnd) -> None:
        """All processes restart with what survives: the target, the appliers' folders, and known heads."""
        world = self._world
        world.made.clear()
        world.made.update(self.kept.requests, self.kept.governance)
        first = world.log.head.seq
        for leader in world.leaders:
            most = end.seq if not leader.governs else first + len(self.kept.governance) - 1
            leader.confirmed = [head for head in leader.confirmed if head.seq <= most]
        # `restore rebuild`, and no backup of a table with rows that were given up.
        fresh = empty_table(world.log)
        world.table.head, world.table.rows = fresh.head, fresh.rows
        world.backups[:] = [each for each in world.backups if each.head.seq <= end.seq]
        world.target.history = self.accepted
        world.chain.clear()
        world.people.known.clear()
        world.auditor = world.auditing()
        world.auditor.read()
        world.next_input = end.next_input


def _must_begin_with(longer: Ledgers, shorter: Ledgers) -> None:
    for name, more, less in zip(("the request ledger", "governance"), longer, shorter, strict=True):
        must(more[: len(less)] == less, f"{name} does not begin with what was kept")


def _append(log: Founded, broker: Broker, writer: PartitionWriter[Any], command: AcceptLoss) -> bytes:
    """The one record of it, sealed by the recovery key; returns its value."""
    value = encode(command)
    signature = to_base64url(log.signing.sign(RECOVERY, command_message(log.identity, value)))
    recorded = RecordedCommand(value=msgspec.Raw(value), key=RECOVERY, signature=signature)
    received = governance_received_again(recorded)
    assert not isinstance(received, Refusal), received
    record, chain = writer.desk.record, Chain(writer.head, writer.epoch + 1)
    good = CommandSignatures(log.identity, log.signing.verify).is_good(
        signed_command(received, record.governance.recovery)
    )
    decision = handle_recovery(record, received, signature_good=good)
    assert not isinstance(decision, Refusal), decision
    link = chain.link(GOVERNANCE_KEY, decision, at=max(record.at, command.at), command=recorded)
    headers = sealed(log, RECOVERY, ("governance", 0), chain.head(-1, next_offset=0))
    broker.governance.append([Entry(link.key, link.value, headers, command.at)])
    return link.value
