"""Writers at work: the real writer and its unconfirmed batches; a broker delivers when the seed decides."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from assent.decider.snapshot_start import SnapshotStart
from assent.decider.term import Term, TermReading
from assent_contracts.acceptance import Acceptance, Head, first_head
from assent_contracts.core.received import Envelope, Omitted, open_envelope
from assent_contracts.core.writer.batch import Batch
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.governance_releases import GovernanceReleases
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.requests_snapshot import writer_from
from assent_contracts.core.writer.unconfirmed_batches import UnconfirmedBatches
from assent_contracts.core.writer.writer import Incoming, PartitionWriter, Sealer
from assent_contracts.eras import era_of
from assent_contracts.evidence.command_signatures import CommandSignatures, signed_command
from assent_contracts.findings import compare_decided, compare_input
from assent_contracts.governance_objects import Loss
from assent_contracts.heads import Finding, Found, KnownHead, Place, SignedHead, compare, next_input
from assent_contracts.topics import COMMANDS, GOVERNANCE_COMMANDS
from tests.simulation.broker import Broker, Entry, Topic
from tests.simulation.known_heads import Outside, first, missing, sha256_at
from tests.simulation.ledger_readers import Following, LedgerReading
from tests.simulation.organisation import Founded
from tests.simulation.producer import Producer, Sent, sealed
from tests.simulation.snapshots import Snapshots


def inputs_of(place: Place, term: Term, losses: Sequence[Loss], topic: Topic) -> tuple[int, Finding | None]:
    """Where commands continue according to the ledger and these losses, and which of them are missing."""
    decided, last = term.last.seq, term.head.seq
    read = next_input(*place, losses, read=term.next_input, decided=decided, last=last)
    # After an accepted loss, input continues elsewhere: the command before it is not the last decided one.
    before = term.decided_at() if read == term.next_input else {}
    name = GOVERNANCE_COMMANDS if place[0] == "governance" else COMMANDS
    found = Found(beginning=0, end=topic.end)
    cut = compare_input(name, 0, next_input=read, decided_sha256=None, found=found)
    stands = {at: sha256_at(topic, at) or "" for at in before}
    return read, cut or compare_decided(
        name, 0, next_input=read, decided=before, stands=stands, end=topic.end
    )


class Leader:
    """A process that leads the partition whenever it can, with one key."""

    def __init__(
        self,
        log: Founded,
        broker: Broker,
        key: str,
        *,
        governs: bool,
        made: set[bytes],
        outside: Outside,
        snapshots: Snapshots,
    ) -> None:
        """`made`: receives the value of every record that an honest writer makes."""
        self._snapshots = snapshots
        self.key = key
        self.governs: Final = governs
        self.skew_ms = 0
        self.terms_lost = 0
        self._log = log
        self._broker = broker
        self._made = made
        self._outside = outside
        self._known_head: KnownHead | None = None
        self.finding: Finding | None = None
        """Why it does not lead."""
        self._place: Place = ("governance" if governs else "ledger", 0)
        self._topic = broker.governance if governs else broker.ledger
        self._commands = broker.governance_commands if governs else broker.commands
        self._signatures = CommandSignatures(log.identity, log.signing.verify)
        self._sealer = Sealer(key, log.signing.public(key))
        self._sayable: SignedHead | None = None
        # Kept over terms, as in a decider: it only ever grows.
        self._following: Following | None = None
        self.writer: PartitionWriter[Any] | None = None
        self.confirmed: list[Head] = []
        """Every head that this process regarded as accepted: what it has reported must not be lost."""
        self.orphans: list[Producer] = []
        """From ended terms: what they have sent may still be appended."""

    def become(self, key: str) -> None:
        """Lead with this key from the next term on."""
        self.key, self._sealer = key, Sealer(key, self._log.signing.public(key))

    def take_over(self, hear: Callable[[bytes], object] | None = None) -> None:
        """Read the ledger to its end. `hear` receives the value of each accepted record."""
        self.abandon()
        if self._following is None:
            self._following = Following(self._log, self._broker)
        self._following.catch_up()
        self.finding = self._before(self._following)
        if self.finding is not None:
            return
        releases = GovernanceReleases()
        writer, term = (None if hear else self._resume()) or self.read(self._following, releases, hear)
        self.finding = self._after(writer, term)
        if self.finding is not None:
            return
        self.end = term.head
        self._releases = LedgerReading(self._following, self._broker, releases.take) if self.governs else None
        self._follow(writer)
        writer.begin()
        self.writer = writer
        self._read_to = writer.next_input
        self.unconfirmed = UnconfirmedBatches(self.end)
        self._era = self._acceptance(writer, self.end).era_at(self.end.seq + 1)
        self._head_era = era_of(self._following.losses)
        self._sent: deque[tuple[Sent, Batch]] = deque()
        self._sayable = self._head(msgspec.structs.replace(term.head, next_offset=term.head_end), writer)
        self._producer = Producer(self._topic)

    def _resume(self) -> tuple[PartitionWriter[Any], Term] | None:
        """Start from the newest snapshot, as a decider does; None if there is none that can be used."""
        following = self._known()
        known = -1 if self._known_head is None else self._known_head.seq
        start = self._snapshots.start(
            self._topic, era=era_of(following.losses), governance=len(following.history) - 1, known=known
        )
        if self.governs or start is None:
            return None
        head, content, before = start
        writer = writer_from(content, 0, head, sealer=self._sealer, is_signed=self._signatures.has_signed)
        writer.desk.governance = self._log.state()
        noted = SnapshotStart(head, writer, before).noted(self._known_head)
        return self._read_on(writer, noted, head, None)

    def offer_snapshot(self) -> None:
        """Take a snapshot if the head that the writer has told is all that it has decided."""
        if self.writer is None or self.governs or self.unconfirmed or self._sayable is not None:
            return
        confirmed = self.unconfirmed.confirmed
        if confirmed.seq == self.writer.seq and confirmed.seq != self.end.seq:
            self._snapshots.take(self.writer, confirmed, self._head_era)

    def read(
        self,
        following: Following,
        releases: GovernanceReleases,
        hear: Callable[[bytes], object] | None = None,
    ) -> tuple[PartitionWriter[Any], Term]:
        """Read the ledger as it is: its writer, and the findings. Does not check what is known."""
        self._following = following
        desk = self._governance_desk(releases) if self.governs else RequestsDesk(0)
        start = self._log.head if self.governs else first_head("ledger", self._log.identity)
        writer: PartitionWriter[Any] = PartitionWriter(
            desk, start, sealer=self._sealer, is_signed=self._signatures.has_signed
        )
        if isinstance(desk, RequestsDesk):
            desk.governance = self._log.state()
        return self._read_on(writer, TermReading(self._known_head), start, hear)

    def _read_on(
        self,
        writer: PartitionWriter[Any],
        noted: TermReading,
        start: Head,
        hear: Callable[[bytes], object] | None,
    ) -> tuple[PartitionWriter[Any], Term]:
        acceptance, entries = self._acceptance(writer, start), self._topic.entries
        for offset in range(start.next_offset, len(entries)):
            for accepted in acceptance.offer(offset, entries[offset].value, entries[offset].headers):
                writer.replay(accepted)
                noted.note(accepted)
                if hear is not None:
                    hear(accepted.value)
        return writer, noted.term(acceptance, len(entries))

    def forget(self) -> None:
        """The broker's connections end, and so does the process."""
        self.abandon()
        self.orphans.clear()
        self._following = None

    def _before(self, following: Following) -> Finding | None:
        """What is missing according to the known heads, before the ledger is read."""
        known = self._outside.known(following.writers.public_keys(), following.losses)
        self._known_head = known.get(self._place)
        governance = known.get(("governance", 0))
        return first((missing(governance, self._broker.governance), missing(self._known_head, self._topic)))

    def _after(self, writer: PartitionWriter[Any], term: Term) -> Finding | None:
        """What is missing from the chain and from the commands. Sets where input continues."""
        known, chain = self._known_head, None
        if known is not None:
            # Every world begins after the founding and does not read it.
            founded = self.governs and known.seq == self._log.head.seq
            sha256 = self._log.head.value_sha256 if founded else term.known_sha256
            chain = compare(known, Found(beginning=0, end=self._topic.end, sha256=sha256))
        losses = self._known().losses
        writer.next_input, inputs = inputs_of(self._place, term, losses, self._commands)
        return chain or inputs

    def say(self) -> None:
        """Publish the newest confirmed head, as a decider does every few seconds."""
        unsaid = self.unsaid()
        if unsaid is not None:
            self._outside.sign(*unsaid)
            self._sayable = None

    def _head(
        self, head: Head, writer: PartitionWriter[Any], batch: Batch | None = None
    ) -> SignedHead | None:
        """To be signed: of a confirmed batch, or of the start of a term."""
        if head.seq < 0:
            return None
        return SignedHead(
            ledger=self._place[0],
            partition=self._place[1],
            seq=head.seq,
            sha256=head.value_sha256,
            next_offset=head.next_offset,
            next_input=writer.next_input if batch is None else batch.next_input,
            at=writer.desk.at if batch is None else batch.at,
            epoch=writer.epoch,
        )

    def unsaid(self) -> tuple[str, SignedHead] | None:
        """The key and the newest confirmed head, if that has not been published yet."""
        if self._sayable is None or self._following is None:
            return None
        return self.key, msgspec.structs.replace(self._sayable, era=self._head_era)

    def _governance_desk(self, releases: GovernanceReleases) -> GovernanceDesk:
        desk = GovernanceDesk(releases)
        desk.record = self._log.ledger_state()
        desk.writers = self._log.registry()
        return desk

    def _acceptance(self, writer: PartitionWriter[Any], head: Head) -> Acceptance:
        if not self.governs:
            return self._known().acceptance(head)
        log = self._log
        return Acceptance(
            "governance",
            0,
            identity=log.identity,
            writers=writer.desk.writers,
            verify=log.signing.verify,
            head=head,
        )

    def _known(self) -> Following:
        assert self._following is not None, "a term has begun"
        return self._following

    def _follow(self, writer: PartitionWriter[Any]) -> None:
        following = self._known()
        following.catch_up()
        if self._releases is not None:
            self._releases.read()
        else:
            writer.desk.follow(following.history, len(following.history) - 1)

    def abandon(self) -> None:
        """The process forgets everything: it crashed, or another writer won."""
        if self.writer is not None and self._producer.on_the_way:
            self.orphans.append(self._producer)
        self.writer = None

    def work(self, now: int, commands: int, *, follows: bool, late_follow: bool) -> None:
        """One turn: what is due, then this many commands, as one batch. `now`: true time, ms."""
        if self.writer is None:
            self.take_over()
        writer = self.writer
        if writer is None:
            return
        if follows and not late_follow:
            self._follow(writer)
        entries = self._commands.entries[self._read_to : self._read_to + commands]
        checked = [self._checked(writer, self._read_to + n, entry) for n, entry in enumerate(entries)]
        if follows and late_follow:
            self._follow(writer)
        for incoming in checked:
            if writer.desk.has_deadline(incoming.received_at):
                self._record_due(writer, incoming.received_at)
            if writer.is_retired:
                break
            decided = writer.decide(incoming)
            assert decided.unreadable is None, decided.unreadable
            self._read_to += 1
        # The clock may decide what is due only when all commands that arrived by then are decided.
        all_decided = self._read_to == self._commands.end
        self._record_due(writer, now + self.skew_ms if all_decided else None)
        batch = writer.take_batch()
        if batch is not None:
            self._send(batch)
        if writer.is_retired and not self.unconfirmed:
            self.abandon()

    def _record_due(self, writer: PartitionWriter[Any], now: int | None) -> None:
        for _ in writer.record_due(now):
            pass

    def _checked(self, writer: PartitionWriter[Any], offset: int, entry: Entry) -> Incoming:
        envelope: Envelope | Omitted = open_envelope(entry.value, entry.key, entry.headers)
        if isinstance(envelope, Omitted):
            return Incoming(offset, entry.at, envelope, None, signature_good=False)
        key = writer.desk.signing_key(envelope)
        good = key is not None and self._signatures.is_good(signed_command(envelope, key))
        return Incoming(offset, entry.at, envelope, key, signature_good=good)

    def _send(self, batch: Batch) -> None:
        self._made.update(link.value for link in batch.links)
        head = batch.head
        sealing = sealed(self._log, self.key, self._place, head, self._era)
        last = len(batch.links) - 1
        entries = [
            Entry(link.key, link.value, sealing if n == last else (), 0) for n, link in enumerate(batch.links)
        ]
        self._sent.append((self._producer.send(entries), batch))
        self.unconfirmed.sent(batch)

    def land(self, now: int) -> bool:
        """The network delivers the oldest batch."""
        return self.writer is not None and self._producer.land(now)

    def acknowledge(self) -> bool:
        """The oldest appended batch is acknowledged; returns whether there was one."""
        if self.writer is None or not self._sent or self._sent[0][0].offset is None:
            return False
        sent, batch = self._sent.popleft()
        offset = sent.offset
        assert offset is not None
        between, read = self.unconfirmed.acknowledged(offset), None
        if between is not None:
            # Other writers may have been listed since: the records in between are read as by any reader.
            self._known().catch_up()
            acceptance = self._acceptance(self.writer, self.unconfirmed.confirmed)
            entries = self._topic.entries
            for each in range(between.start, between.end):
                acceptance.offer(each, entries[each].value, entries[each].headers)
            if not self.unconfirmed.is_accepted(acceptance.head):
                self.terms_lost += 1
                self.abandon()
                return True
            read = acceptance.head
        self.unconfirmed.confirm(offset, read)
        head = self.unconfirmed.confirmed
        self.confirmed.append(head)
        self._sayable = self._head(head, self.writer, batch)
        if self.writer.is_retired and not self.unconfirmed:
            self.abandon()
        return True
