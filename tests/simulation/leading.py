"""Writers at work: the real `Writer` and `Unconfirmed`, and a broker that delivers when the seed says."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec

from assent_contracts import seal
from assent_contracts.acceptance import Acceptance, Accepted, Head, first_head
from assent_contracts.core.received import Envelope, Omitted, open_envelope
from assent_contracts.core.writer.batches import Batch
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.releases import Releases
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.unconfirmed import Unconfirmed
from assent_contracts.core.writer.writer import Incoming, Sealer, Writer
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.evidence.signed import Signatures, signed
from assent_contracts.findings import compare_input
from assent_contracts.heads import NOTHING, Finding, Found, SignedHead, compare
from assent_contracts.ledger import RecordedCommand, decode_recorded_command
from assent_contracts.topics import COMMANDS, GOVERNANCE_COMMANDS
from tests.simulation.broker import Broker, Entry, Topic
from tests.simulation.following import Following, LedgerReading
from tests.simulation.knowing import Outside, first, missing, sha256_at
from tests.simulation.organisation import START, Founded


class Sent(msgspec.Struct):
    """A batch on its way, or landed."""

    entries: list[Entry]
    offset: int | None = None


class Producer:
    """One connection of one writer: what it has sent lands in that order, later or never."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.on_the_way: deque[Sent] = deque()

    def send(self, entries: list[Entry]) -> Sent:
        """Give a batch to the network."""
        sent = Sent(entries)
        self.on_the_way.append(sent)
        return sent

    def land(self, now: int) -> bool:
        """The oldest batch on its way is appended; whether there was one."""
        if not self.on_the_way:
            return False
        sent = self.on_the_way.popleft()
        sent.offset = self.topic.append([msgspec.structs.replace(each, at=now) for each in sent.entries])
        return True


def _command_sha256(decided: Accepted) -> str | None:
    """Of the command that a record decides, hex, as the ledger has it."""
    command = decode_recorded_command(decided.record)
    if command is None:
        return None
    return sha256_hex(command.value) if isinstance(command, RecordedCommand) else command.sha256


class Leader:
    """A process that leads the partition whenever it can, with one key."""

    def __init__(
        self, log: Founded, broker: Broker, key: str, *, governs: bool, made: set[bytes], outside: Outside
    ) -> None:
        """`made`: gets the value of every record that an honest writer makes."""
        self.key = key
        self.governs: Final = governs
        self.skew_ms = 0
        self.terms_lost = 0
        self._log = log
        self._broker = broker
        self._made = made
        self._outside = outside
        self.finding: Finding | None = None
        """Why it does not lead."""
        self._topic = broker.governance if governs else broker.ledger
        self._commands = broker.governance_commands if governs else broker.commands
        self._signatures = Signatures(log.identity, log.signing.verify)
        self._sealer = Sealer(key, log.signing.public(key))
        self._sayable: SignedHead | None = None
        # Kept over terms, as a decider keeps it: it only ever grows.
        self._following: Following | None = None
        self.writer: Writer[Any] | None = None
        self.confirmed: list[Head] = []
        """Every head that this process took for accepted: what it has told of is not to be lost."""
        self.orphans: list[Producer] = []
        """Of terms that ended: what they have sent may land still."""

    def become(self, key: str) -> None:
        """Lead with this key from the next term on."""
        self.key, self._sealer = key, Sealer(key, self._log.signing.public(key))

    def take_over(self, hear: Callable[[bytes], object] | None = None) -> None:
        """Read the ledger to its end. `hear` gets the value of each accepted record."""
        self.abandon()
        if self._following is None:
            self._following = Following(self._log, self._broker)
        self._following.catch_up()
        self.finding = self._before(self._following)
        if self.finding is not None:
            return
        releases = Releases()
        desk = self._governance_desk(releases) if self.governs else RequestsDesk(0)
        start = self._log.head if self.governs else first_head("ledger", self._log.identity)
        writer: Writer[Any] = Writer(desk, start, sealer=self._sealer, is_signed=self._signatures.has_signed)
        if isinstance(desk, RequestsDesk):
            desk.governance = self._log.state()
        acceptance = self._acceptance(writer, start)
        entries, decided = self._topic.entries, None
        for offset in range(start.next_offset, len(entries)):
            for accepted in acceptance.offer(offset, entries[offset].value, entries[offset].headers):
                writer.replay(accepted)
                if self._known_head is not None and accepted.record.seq == self._known_head.seq:
                    self._known_sha256 = accepted.value_sha256
                if isinstance(accepted.record.input, int):
                    decided = accepted
                if hear is not None:
                    hear(accepted.value)
        self.finding = self._after(writer.next_input, decided)
        if self.finding is not None:
            return
        self.end = acceptance.head_at(len(entries))
        self._releases = LedgerReading(self._following, self._broker, releases.take) if self.governs else None
        self._follow(writer)
        writer.begin()
        self.writer = writer
        self._read_to = writer.next_input
        self.unconfirmed = Unconfirmed(self.end)
        self._sent: deque[tuple[Sent, Batch]] = deque()
        self._sayable = None
        self._producer = Producer(self._topic)

    def forget(self) -> None:
        """The broker's connections end, and so does the process."""
        self.abandon()
        self.orphans.clear()
        self._following = None

    def _before(self, following: Following) -> Finding | None:
        """What is missing by the heads that are known, before the ledger is read."""
        known = self._outside.known(following.writers.public_keys())
        self._known_head = known.get(("governance" if self.governs else "ledger", 0))
        self._known_sha256 = NOTHING
        governance = known.get(("governance", 0))
        return first((missing(governance, self._broker.governance), missing(self._known_head, self._topic)))

    def _after(self, next_input: int, decided: Accepted | None) -> Finding | None:
        """What is missing by the chain as it was read, and of the commands that it has decided."""
        known, topic = self._known_head, self._commands
        chain = None
        if known is not None:
            found = Found(beginning=0, end=self._topic.end, sha256=self._known_sha256)
            chain = compare(known, found)
        sha256 = None if decided is None else _command_sha256(decided)
        name = GOVERNANCE_COMMANDS if self.governs else COMMANDS
        found = Found(beginning=0, end=topic.end, sha256=sha256_at(topic, next_input - 1))
        return chain or compare_input(name, 0, next_input=next_input, decided_sha256=sha256, found=found)

    def say(self) -> None:
        """Make the newest confirmed head known, as a decider does every few seconds."""
        if self._sayable is not None:
            self._outside.sign(self.key, self._sayable)
            self._sayable = None

    def _governance_desk(self, releases: Releases) -> GovernanceDesk:
        desk = GovernanceDesk(releases)
        desk.record.governance = self._log.state()
        desk.record.at = START
        desk.writers = self._log.registry()
        return desk

    def _acceptance(self, writer: Writer[Any], head: Head) -> Acceptance:
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

    def _follow(self, writer: Writer[Any]) -> None:
        following = self._known()
        following.catch_up()
        if self._releases is not None:
            self._releases.read()
        else:
            writer.desk.follow(following.history, len(following.history) - 1)

    def abandon(self) -> None:
        """The process forgets everything: it crashed, or has lost."""
        if self.writer is not None and self._producer.on_the_way:
            self.orphans.append(self._producer)
        self.writer = None

    def work(self, now: int, commands: int, *, follows: bool, late_follow: bool) -> None:
        """One turn: what is due, then so many commands, as one batch. `now`: true time, ms."""
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
        # The clock says what is due only when everything that came by then is decided.
        all_decided = self._read_to == self._commands.end
        self._record_due(writer, now + self.skew_ms if all_decided else None)
        batch = writer.take_batch()
        if batch is not None:
            self._send(batch)
        if writer.is_retired and not self.unconfirmed:
            self.abandon()

    def _record_due(self, writer: Writer[Any], now: int | None) -> None:
        for _ in writer.record_due(now):
            pass

    def _checked(self, writer: Writer[Any], offset: int, entry: Entry) -> Incoming:
        envelope: Envelope | Omitted = open_envelope(entry.value, entry.key, entry.headers)
        if isinstance(envelope, Omitted):
            return Incoming(offset, entry.at, envelope, None, signature_good=False)
        key = writer.desk.signing_key(envelope)
        good = key is not None and self._signatures.is_good(signed(envelope, key))
        return Incoming(offset, entry.at, envelope, key, signature_good=good)

    def _send(self, batch: Batch) -> None:
        self._made.update(link.value for link in batch.links)
        head = batch.head
        message = seal.seal_message(
            self._log.identity,
            "governance" if self.governs else "ledger",
            0,
            head.seq,
            bytes.fromhex(head.value_sha256),
        )
        signature = to_base64url(self._log.signing.sign(self.key, message))
        sealing = ((seal.WRITER_HEADER, self.key.encode()), (seal.SEAL_HEADER, signature.encode()))
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
        """The oldest landed batch is acknowledged; whether there was one."""
        if self.writer is None or not self._sent or self._sent[0][0].offset is None:
            return False
        sent, batch = self._sent.popleft()
        offset = sent.offset
        assert offset is not None
        between = self.unconfirmed.acknowledged(offset)
        if between is not None:
            # Other writers may have been listed since: what lies between is read as any reader reads it.
            self._known().catch_up()
            acceptance = self._acceptance(self.writer, self.unconfirmed.confirmed)
            entries = self._topic.entries
            for each in range(between.start, between.end):
                acceptance.offer(each, entries[each].value, entries[each].headers)
            if not self.unconfirmed.is_accepted(acceptance.head):
                self.terms_lost += 1
                self.abandon()
                return True
        self.unconfirmed.confirm(offset)
        head = self.unconfirmed.confirmed
        self.confirmed.append(head)
        self._sayable = SignedHead(
            ledger="governance" if self.governs else "ledger",
            partition=0,
            seq=head.seq,
            sha256=head.value_sha256,
            next_offset=head.next_offset,
            next_input=batch.next_input,
            at=batch.at,
            epoch=self.writer.epoch,
        )
        if self.writer.is_retired and not self.unconfirmed:
            self.abandon()
        return True
