"""Both ledgers of a small log in memory, decided by the real rules and really signed; forged on request.

The organisation is that of `people`, with real keys. One partition of the request ledger is kept: that of the
policy which carol proposes, `access-policy/more`.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from assent.verify.governance_verifier import GovernanceVerifier
from assent.verify.release_confirmation import ReleaseReferences
from assent.verify.requests_verifier import RequestsVerifier
from assent_contracts import commands as c
from assent_contracts.acceptance import Accepted, Head, first_head
from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.codec import encode
from assent_contracts.core.governance import decide as rules
from assent_contracts.core.governance.handle import GovernanceLedgerState
from assent_contracts.core.governance.receive import governance_received_again
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, open_envelope
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.receive import received_again
from assent_contracts.core.requests.release_outcome import release_outcomes_due
from assent_contracts.core.writer.chain import Chain
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import Incoming, PartitionWriter
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.events import ChangeReleased, Event
from assent_contracts.governance_changes import CreatePolicy, GovernanceChange, RegisterKey, object_of
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.governance_messages import (
    GOVERNANCE_KEY,
    ChangeGovernance,
    CloseFounding,
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
)
from assent_contracts.governance_objects import Founding, Settings
from assent_contracts.ledger import (
    OmittedCommand,
    RecordedCommand,
    decode_events,
    decode_governance_events,
    decode_record,
    decode_refusal,
)
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal
from assent_contracts.resources import request_id
from assent_contracts.signing import NO_IDENTITY, command_message
from tests.support.people import FOUNDER_NAME, PARTITIONS, START, founding_changes, policy_of

MORE: Final = CreatePolicy(policy=policy_of("more", "app"))
"""A change that needs a second administrator."""
PARTITION: Final = partition_for(object_of(MORE).encode(), PARTITIONS)
WRITER: Final = SecretKey("writer-1", "decider", bytes([1]) * 32)
RECOVERY: Final = SecretKey("recovery", "recovery", bytes([2]) * 32)
DAVE: Final = "dave"


def key_of(principal: str) -> SecretKey:
    """The key that the organisation registers as `<principal>-key`."""
    return SecretKey(f"{principal}-key", principal, bytes.fromhex(sha256_hex(principal.encode())))


def signed(value: bytes, key: SecretKey, identity: str) -> RecordedCommand:
    """The command as the ledger keeps it."""
    signature = to_base64url(key.sign(command_message(identity, value)))
    return RecordedCommand(value=Raw(value), key=key.id, signature=signature)


def envelope_of(recorded: RecordedCommand, kafka_key: bytes) -> Envelope:
    """The command as the ledger keeps it, with its envelope as received."""
    headers = [("assent-key", recorded.key.encode()), ("assent-signature", recorded.signature.encode())]
    envelope = open_envelope(bytes(recorded.value), kafka_key, headers)
    assert isinstance(envelope, Envelope), envelope
    return envelope


AnyWriter = PartitionWriter[Any]


def new_writer(desk: Any, start: Head) -> AnyWriter:
    """A writer that is never retired."""
    writer = PartitionWriter(desk, start, sealer=None, is_signed=lambda _envelope, _key: True)
    writer.begin()
    return writer


class Written:
    """One ledger partition's accepted records."""

    def __init__(self, start: Head) -> None:
        self.start = start
        self.records: list[Accepted] = []
        self.next_input = 0
        """The offset of the first undecided command."""
        self._chain = Chain(start, epoch=1)

    @property
    def next_seq(self) -> int:
        """The seq of the next record."""
        return len(self.records)

    def put(
        self, decision: tuple[Event, ...] | tuple[GovernanceEvent, ...] | Refusal, **fields: Any
    ) -> Accepted:
        """The next record, with any content. If it needs a time of arrival, that is its log time."""
        if fields.get("input_offset", UNSET) is not UNSET:
            fields = {"received_at": fields["at"], **fields}
        return self._keep(self._chain.link(None, decision, **fields).value)

    def decided(self, writer: PartitionWriter[Any], envelope: Envelope, at: int) -> Accepted:
        """The next record, which this writer makes of what it receives. Its signature counts as valid."""
        for last in self.records[-1:]:
            writer.passed(last)
        writer.decide(Incoming(self.next_input, at, envelope, None, signature_good=True))
        batch = writer.take_batch()
        assert batch is not None
        [link] = batch.links
        accepted = self._keep(link.value)
        self._chain.follow(accepted.record.seq, accepted.value_sha256, accepted.record.epoch)
        return accepted

    def due(self, writer: PartitionWriter[Any], at: int) -> list[Accepted]:
        """The writer's own records that are due at log time `at`."""
        written: list[Accepted] = []
        for _own in writer.record_due(at):
            batch = writer.take_batch()
            assert batch is not None
            written += [self._keep(link.value) for link in batch.links]
        for last in written[-1:]:
            self._chain.follow(last.record.seq, last.value_sha256, last.record.epoch)
        return written

    def _keep(self, value: bytes) -> Accepted:
        accepted = Accepted(self.next_seq, decode_record(value), value, sha256_hex(value))
        self.records.append(accepted)
        if accepted.record.input is not UNSET:
            self.next_input = accepted.record.input + 1
        return accepted

    def put_altered(self, old: bytes, new: bytes, decision: Any, **fields: Any) -> None:
        """The next record with some of its bytes replaced. Nothing can follow it."""
        value = self.put(decision, **fields).value.replace(old, new)
        self.records[-1] = Accepted(self.next_seq - 1, decode_record(value), value, sha256_hex(value))


class Release(msgspec.Struct, frozen=True):
    """What a governance record states about a release, and the submission that it contains."""

    request: str
    released: int
    digest: str
    as_of: int
    submission: RecordedCommand

    @property
    def submission_sha256(self) -> str:
        """R23: of the submission's bytes."""
        return sha256_hex(bytes(self.submission.value))

    def changed(self, **fields: Any) -> "Release":
        """The same with some fields changed."""
        return msgspec.structs.replace(self, **fields)


class Chains:
    """A log, founded and closed. What is decided here is decided honestly; `put` writes anything."""

    def __init__(self, settings: Settings | None = None, more: Sequence[GovernanceChange] = ()) -> None:
        """`settings`: those of the founding. `more`: changes that the founder makes too."""
        self.at = START
        self.governance = Written(first_head("governance", NO_IDENTITY))
        self._desk, self._requests_desk = GovernanceDesk(), RequestsDesk(PARTITION)
        self._governor = new_writer(self._desk, self.governance.start)
        self.history: list[tuple[GovernanceEvent, ...]] = []
        self._ids = 0
        self._found(settings, more)
        self.requests = Written(first_head("ledger", self.identity))
        self._decider = new_writer(self._requests_desk, self.requests.start)

    @property
    def record(self) -> GovernanceLedgerState:
        """Governance, as its writer has it."""
        return self._desk.record

    @property
    def state(self) -> PartitionState:
        """The requests, as their writer has them."""
        return self._requests_desk.state

    @property
    def _seen(self) -> Governance:
        return self._requests_desk.governance

    @property
    def identity(self) -> str:
        """The log's identity; while record 0 is made, its placeholder."""
        return self.governance.records[0].value_sha256 if self.governance.records else NO_IDENTITY

    def _found(self, settings: Settings | None, more: Sequence[GovernanceChange]) -> None:
        founder = SecretKey("founder", FOUNDER_NAME, bytes(32))
        founding = Founding(
            founder=founder.public,
            recovery=RECOVERY.public,
            writers={WRITER.id: WRITER.public},
            partitions=PARTITIONS,
        )
        self.govern(FoundLog(**self.about(FOUNDER_NAME), founding=founding), founder)
        for change in (*founding_changes(settings), *more):
            if isinstance(change, RegisterKey):
                key = msgspec.structs.replace(change.key, public_key=key_of(change.key.principal).public)
                change = RegisterKey(key=key)
            decision = self.govern(ChangeGovernance(**self.about(FOUNDER_NAME), change=change), founder)
            assert not isinstance(decision, Refusal), decision
        self.govern(CloseFounding(**self.about(FOUNDER_NAME)), founder)

    def about(self, principal: str) -> dict[str, Any]:
        """The fields of every command, with a new id."""
        self._ids += 1
        return {"id": f"c-{self._ids}", "principal": principal, "at": self.at}

    def govern(
        self, command: GovernanceCommand, key: SecretKey | None = None
    ) -> tuple[GovernanceEvent, ...] | Refusal:
        """Decide a governance command honestly, and record it."""
        key = key or key_of(command.principal)
        recorded = signed(encode(command), key, self.identity)
        if command.principal == FOUNDER_NAME:
            decision = self._founded(recorded)
        else:
            envelope = envelope_of(recorded, GOVERNANCE_KEY)
            record = self.governance.decided(self._governor, envelope, self.at).record
            decision = decode_refusal(record) or decode_governance_events(record)
        self.history.append(() if isinstance(decision, Refusal) else decision)
        return decision

    def _founded(self, recorded: RecordedCommand) -> tuple[GovernanceEvent, ...] | Refusal:
        """The founder's commands arrive on no topic."""
        received = governance_received_again(recorded)
        assert not isinstance(received, Refusal), received
        seq, times = self.governance.next_seq, {"at": self.at, "received_at": self.at}
        decision = self._desk.handle(received, signature_good=True, seq=seq, **times)
        self._desk.apply_decision(received, decision, seq=seq, at=self.at, by_topic=False)
        self.governance.put(decision, at=self.at, command=recorded)
        return decision

    def change(self, principal: str, change: GovernanceChange) -> tuple[GovernanceEvent, ...] | Refusal:
        """An account changes governance at once."""
        return self.govern(self.changing(principal, change))

    def changing(self, principal: str, change: GovernanceChange) -> ChangeGovernance:
        """The command for it."""
        return ChangeGovernance(**self.about(principal), change=change)

    def put_governance(
        self,
        decision: tuple[GovernanceEvent, ...] | Refusal,
        command: RecordedCommand | OmittedCommand | UnsetType,
        **fields: Any,
    ) -> int:
        """Write any record on the governance ledger; returns its seq."""
        fields = {"at": self.at, "input_offset": self.governance.next_input, "command": command, **fields}
        self.governance.put(decision, **fields)
        events = () if isinstance(decision, Refusal) else decision
        self._desk.apply(events, seq=self.governance.next_seq - 1, at=self.at)
        self.history.append(events)
        return self.governance.next_seq - 1

    def send(self, command: c.Command, key: SecretKey | None = None) -> tuple[Event, ...] | Refusal:
        """Decide a command on a request honestly, under all of governance, and record it.

        `key`: the key that signs it, although the signature is assumed to be valid.
        """
        self._catch_up()
        recorded = signed(encode(command), key or key_of(command.principal), self.identity)
        envelope = envelope_of(recorded, command.resource.encode())
        record = self.requests.decided(self._decider, envelope, self.at).record
        return decode_refusal(record) or decode_events(record)

    def end_carried(self) -> None:
        """The request decider ends what governance has carried out or refused."""
        self._catch_up()
        for _, event in release_outcomes_due(self.state, self._seen):
            self.state.record(self.requests.next_seq, self.at, (event,), governance=self._seen.seq)
            self.put_request((event,))

    def put_request(self, events: tuple[Event, ...]) -> int:
        """Write any record of the writer's own on the request ledger; returns its seq."""
        self._catch_up()
        self.requests.put(events, at=self.at, governance=self._seen.seq)
        return self.requests.next_seq - 1

    def _catch_up(self) -> None:
        self._requests_desk.follow(self.history, len(self.history) - 1)

    def submission(self, change: GovernanceChange = MORE, resource: str | None = None) -> c.SubmitChange:
        """Carol's submission of a change to governance."""
        return c.SubmitChange(
            **self.about("carol"),
            resource=resource or object_of(change),
            operation="create",
            justification="It is needed.",
            payload=Raw(encode(change)),
        )

    def submitted(self, change: GovernanceChange = MORE) -> Release:
        """Carol submits it: what its release will be, if the next record but one is the release."""
        command = self.submission(change)
        seq = self.requests.next_seq
        decision = self.send(command)
        assert not isinstance(decision, Refusal), decision
        return Release(
            request=request_id(PARTITION, seq),
            released=seq + 2,
            digest=sha256_hex(command.payload),
            as_of=self._seen.seq,
            submission=signed(encode(command), key_of("carol"), self.identity),
        )

    def approve(self, release: Release) -> None:
        """Dave approves it."""
        resource = _resource(release)
        about = {**self.about(DAVE), "resource": resource, "request": release.request}
        approval = c.Approve(**about, submission=release.submission_sha256)
        assert not isinstance(self.send(approval), Refusal)

    def complete(self, release: Release) -> None:
        """Carol releases it."""
        about = {**self.about("carol"), "resource": _resource(release), "request": release.request}
        command = c.Complete(**about, submission=release.submission_sha256)
        decision = self.send(command)
        assert not isinstance(decision, Refusal), decision
        assert isinstance(decision[-1], ChangeReleased)

    def released(self, change: GovernanceChange = MORE) -> Release:
        """A change that was submitted, approved and released."""
        release = self.submitted(change)
        self.approve(release)
        self.complete(release)
        return release

    def outcome(self, release: Release) -> tuple[GovernanceEvent, ...]:
        """What the rules decide on the submission in it."""
        command = received_again(release.submission)
        assert not isinstance(command, Refusal)
        assert isinstance(command.command, c.SubmitChange)
        change = decode_governance_change(bytes(command.command.payload))
        assert not isinstance(change, Refusal)
        return rules.carry_out(
            self.record.governance,
            change,
            rules.Release(
                request=release.request,
                released=release.released,
                digest=release.digest,
                as_of=release.as_of,
                requester=command.command.principal,
            ),
            self.at,
        )

    def carry(self, release: Release) -> int:
        """Governance carries out this release, whether or not it exists; returns the record's seq."""
        return self.put_carried(self.outcome(release), release)

    def put_carried(self, events: tuple[GovernanceEvent, ...], release: Release) -> int:
        """A record that states the result of a release; returns its seq."""
        return self.put_governance(events, release.submission, input_offset=UNSET)

    def verified(self) -> tuple[GovernanceVerifier, RequestsVerifier]:
        """Both ledgers, verified as `audit verify` does. Raises FindingError."""
        governance = GovernanceVerifier(self.identity, verify_signature)
        governance.take(self.governance.records)
        requests = requests_verifier(self.identity, governance.history, governance.claims)
        requests.take(self.requests.records)
        governance.claims.confirm()
        return governance, requests


def requests_verifier(
    identity: str, history: Sequence[tuple[GovernanceEvent, ...]], claims: ReleaseReferences | None = None
) -> RequestsVerifier:
    """The verifier of the one partition."""
    return RequestsVerifier(PARTITION, identity, history, verify_signature, claims)


def _resource(release: Release) -> str:
    received = received_again(release.submission)
    assert not isinstance(received, Refusal)
    return received.command.resource
