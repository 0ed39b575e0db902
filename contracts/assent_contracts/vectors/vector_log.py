"""A small log, decided by the real rules, signed and sealed: what the vectors of ledgers are made from.

alice requests, bob approves, carol and dave administer, `applier` applies. `app` needs one approval. All
secret keys are made up, for these files only.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw

from assent_contracts import commands as c
from assent_contracts import governance_changes as changes
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.client.keys import SecretKey, seal_headers
from assent_contracts.codec import encode
from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.core.received import Envelope, Omitted, open_envelope
from assent_contracts.core.writer.chain import Chain
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import Incoming, PartitionWriter
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.governance_messages import ChangeGovernance, CloseFounding, FoundLog, GovernanceCommand
from assent_contracts.governance_objects import Account, Founding, Group, Role, RoleAssignment, SigningKey
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_governance_events, decode_record
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal
from assent_contracts.signing import KEY_HEADER, NO_IDENTITY, SIGNATURE_HEADER, command_message
from assent_contracts.topics import LedgerName
from assent_contracts.vectors.vector_forms import Entry
from assent_contracts.writer_registry import WriterRegistry

AT: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z in ms: log time of the founding."""
PARTITIONS: Final = 4
RESOURCE: Final = "app/payroll"
PARTITION: Final = partition_for(RESOURCE.encode(), PARTITIONS)
PAYLOAD: Final = '{"version": 2,  "name":"L\\u00f6hne ✓", "rate": 1e400}'.encode()
"""With spaces, an escape, text beyond ASCII and a number that no float has."""
_YEAR_MS: Final = 365 * 24 * 60 * 60 * 1_000

WRITER: Final = SecretKey("writer-1", "decider", bytes(range(32, 64)))
RECOVERY: Final = SecretKey("recovery", "recovery", bytes(range(96, 128)))
FOUNDER: Final = SecretKey("founder-key", "founder", bytes(range(64, 96)))
_HUMANS: Final = ("alice", "bob", "carol", "dave")
_GROUPS: Final = {"requesters": ("alice",), "approvers": ("bob", "carol"), "admins": ("carol", "dave")}
_ROLES: Final[tuple[tuple[Role, str], ...]] = (
    ("requester", "requesters"),
    ("approver", "approvers"),
    ("administrator", "admins"),
)


def key_seed_of(principal: str) -> bytes:
    """The seed of `<principal>-key`."""
    return bytes.fromhex(sha256_hex(f"vectors/{principal}".encode()))


def key_of(principal: str) -> SecretKey:
    """The key that governance knows as `<principal>-key`."""
    return SecretKey(f"{principal}-key", principal, key_seed_of(principal))


def signed(key: SecretKey, value: bytes, identity: str) -> RecordedCommand:
    """A command as the ledger embeds it."""
    signature = to_base64url(key.sign(command_message(identity, value)))
    return RecordedCommand(value=Raw(value), key=key.id, signature=signature)


def founding_changes() -> list[changes.GovernanceChange]:
    """What the founder's commands between the first and the last one change."""
    accounts = [Account(id=name, kind="human", person=f"p-{name}") for name in _HUMANS]
    accounts.append(Account(id="applier", kind="service"))
    rule = ApprovalRule(quorum=1, groups=("approvers",))
    policy = Policy(id="apps", name="Apps", resource_type="app", approvals=(rule,))
    return [
        *(changes.RegisterPrincipal(account=account) for account in accounts),
        *(changes.RegisterKey(key=signing_key(account.id)) for account in accounts),
        *(changes.DefineGroup(group=Group(id=name, members=who)) for name, who in _GROUPS.items()),
        *(
            changes.AssignRole(assignment=RoleAssignment(id=f"r-{role}", role=role, groups=(group,)))
            for role, group in _ROLES
        ),
        changes.AssignRole(
            assignment=RoleAssignment(id="r-applier", role="applier", principals=("applier",))
        ),
        changes.CreatePolicy(policy=policy),
    ]


def signing_key(principal: str) -> SigningKey:
    """The key of `key_of`, as governance registers it."""
    return SigningKey(
        id=f"{principal}-key",
        principal=principal,
        public_key=key_of(principal).public,
        not_before=AT,
        not_after=AT + _YEAR_MS,
    )


class Book:
    """One ledger partition: what is sealed there, and where its chain is."""

    def __init__(self, identity: str, ledger: LedgerName, partition: int) -> None:
        self.identity = identity
        self.ledger: LedgerName = ledger
        self.partition = partition
        self.entries: list[Entry] = []
        self.accepted: list[Accepted] = []
        self.chain = Chain(first_head(ledger, identity), epoch=1)

    def seal(self, value: bytes, key: SecretKey = WRITER, *, era: str = "") -> Entry:
        """A record of this partition with the headers that seal it."""
        seq = decode_record(value).seq
        digest = bytes.fromhex(sha256_hex(value))
        return Entry(value, seal_headers(key, self.identity, self.ledger, self.partition, seq, digest, era))

    def keep(self, value: bytes, *, identity: str | None = None) -> LedgerRecord:
        """Append the next record of the chain, sealed."""
        self.identity = identity or self.identity
        record = decode_record(value)
        self.accepted.append(Accepted(len(self.entries), record, value, sha256_hex(value)))
        self.entries.append(self.seal(value))
        self.chain.follow(record.seq, sha256_hex(value), record.epoch)
        return record


class VectorLog:
    """A log: `govern` and `send` decide honestly and append."""

    def __init__(self, more: Sequence[changes.GovernanceChange] = ()) -> None:
        """Founded, with its founding closed. `more`: what else the founder changes."""
        self.at = AT
        self.governance = Book(NO_IDENTITY, "governance", 0)
        self.writers = WriterRegistry()
        self.history: list[Any] = []
        self.commands: list[tuple[bytes, list[tuple[str, bytes]]]] = []
        """What is on the partition of `assent.commands`, by offset."""
        self._ids = 0
        self._governor = GovernanceDesk()
        self._found(more)
        self.identity = self.governance.identity
        self.requests = Book(self.identity, "ledger", PARTITION)
        self._desk = RequestsDesk(PARTITION)
        self._writer: PartitionWriter[Any] = PartitionWriter(
            self._desk,
            first_head("ledger", self.identity),
            sealer=None,
            is_signed=lambda _envelope, _key: True,
        )
        self._writer.begin()

    def _found(self, more: Sequence[changes.GovernanceChange]) -> None:
        founding = Founding(
            founder=FOUNDER.public,
            recovery=RECOVERY.public,
            writers={WRITER.id: WRITER.public},
            partitions=PARTITIONS,
        )
        self._founded(FoundLog(**self.about("founder"), founding=founding))
        for change in [*founding_changes(), *more]:
            self._founded(ChangeGovernance(**self.about("founder"), change=change))
        self._founded(CloseFounding(**self.about("founder")))

    def _founded(self, command: GovernanceCommand) -> None:
        identity = self.governance.identity
        recorded = signed(FOUNDER, encode(command), identity)
        received = governance_received_again(recorded)
        assert not isinstance(received, Refusal), received
        seq, times = len(self.governance.accepted), {"at": self.at, "received_at": self.at}
        decision = self._governor.handle(received, signature_good=True, seq=seq, **times)
        assert not isinstance(decision, Refusal), decision
        self._governor.apply_decision(received, decision, seq=seq, at=self.at, by_topic=False)
        value = self.governance.chain.link(None, decision, at=self.at, command=recorded).value
        record = self.governance.keep(value, identity=identity if seq else sha256_hex(value))
        self.history.append(decode_governance_events(record))
        self.writers.apply(seq, decode_governance_events(record))

    def about(self, principal: str) -> dict[str, Any]:
        """What every command contains, with an id of its own."""
        self._ids += 1
        return {"id": f"c-{self._ids}", "principal": principal, "at": self.at}

    def send(self, command: c.Command) -> LedgerRecord:
        """Decide a command on a request, and append the record."""
        return self.send_bytes(encode(command), key_of(command.principal), command.resource.encode())

    def send_bytes(
        self, value: bytes, key: SecretKey, kafka_key: bytes, *, signature_good: bool = True
    ) -> LedgerRecord:
        """Decide whatever was sent, and append the record."""
        signature = to_base64url(key.sign(command_message(self.identity, value)))
        headers = [(KEY_HEADER, key.id.encode()), (SIGNATURE_HEADER, signature.encode())]
        envelope = open_envelope(value, kafka_key, headers)
        self.commands.append((value, headers))
        return self._decide(envelope, signature_good=signature_good)

    def _decide(self, envelope: Envelope | Omitted, *, signature_good: bool) -> LedgerRecord:
        self.at += 1_000
        self._desk.follow(self.history, len(self.history) - 1)
        public_key = None
        if isinstance(envelope, Envelope):
            public_key = self._desk.signing_key(envelope)
        offset = len(self.commands) - 1
        incoming = Incoming(offset, self.at, envelope, public_key, signature_good=signature_good)
        self._writer.decide(incoming)
        return self._take()

    def let_pass(self, ms: int) -> None:
        """Append what becomes due by itself once so much log time has passed."""
        self.at += ms
        for _ in self._writer.record_due(self.at):
            self._take()

    def _take(self) -> LedgerRecord:
        batch = self._writer.take_batch()
        assert batch is not None
        [link] = batch.links
        return self.requests.keep(link.value)

    def submission(self, resource: str = RESOURCE, payload: bytes = PAYLOAD) -> c.SubmitChange:
        """Alice's submission of a change."""
        return c.SubmitChange(
            **self.about("alice"),
            resource=resource,
            operation="edit",
            justification="New rates. <&>\u2028 ✓",
            payload=Raw(payload),
        )

    def submit(self, resource: str = RESOURCE, payload: bytes = PAYLOAD) -> tuple[str, c.SubmitChange]:
        """Alice submits a change; the request's id and the command."""
        command = self.submission(resource, payload)
        return f"{PARTITION}-{self.send(command).seq}", command

    def on(self, principal: str, request: str, command: c.SubmitChange) -> dict[str, Any]:
        """What a command about a request contains."""
        return {**self.about(principal), "resource": command.resource, "request": request}

    def approve(self, request: str, command: c.SubmitChange) -> LedgerRecord:
        """Bob approves."""
        return self.send(c.Approve(**self.on("bob", request, command), submission=hash_of(command)))

    def complete(self, request: str, command: c.SubmitChange) -> LedgerRecord:
        """Alice releases the change."""
        return self.send(c.Complete(**self.on("alice", request, command), submission=hash_of(command)))

    def released(self, resource: str = RESOURCE, payload: bytes = PAYLOAD) -> tuple[str, c.SubmitChange]:
        """A change that was submitted, approved and released."""
        request, command = self.submit(resource, payload)
        self.approve(request, command)
        self.complete(request, command)
        return request, command

    def claim(self, request: str, command: c.SubmitChange) -> LedgerRecord:
        """The applier claims it."""
        return self.send(c.Claim(**self.on("applier", request, command)))

    def report(
        self, request: str, command: c.SubmitChange, outcome: c.Outcome = "succeeded", **fields: Any
    ) -> LedgerRecord:
        """The applier reports what became of it."""
        return self.send(c.ReportOutcome(**self.on("applier", request, command), outcome=outcome, **fields))

    def renew(self, request: str, command: c.SubmitChange, claim: int) -> LedgerRecord:
        """The applier renews its lease."""
        return self.send(c.RenewLease(**self.on("applier", request, command), claim=claim))

    def settle(self, request: str, command: c.SubmitChange, outcome: c.Settlement) -> LedgerRecord:
        """Carol settles an unknown outcome."""
        about = self.on("carol", request, command)
        return self.send(c.Settle(**about, outcome=outcome, reason=f"It is settled as {outcome}."))


def hash_of(command: c.Command) -> str:
    """The SHA-256 of a command's bytes."""
    return sha256_hex(encode(command))


def named_governance_seq(record: LedgerRecord) -> int:
    """The governance seq that a record of the request ledger names."""
    assert record.governance is not UNSET
    return record.governance


def replaced(value: bytes, **fields: Any) -> bytes:
    """A record with other fields, encoded again."""
    record = msgspec.structs.replace(decode_record(value), **fields)
    return encode(record)
