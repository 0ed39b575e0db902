"""Both ledgers of a small log, decided by their writers, with a request decider that may lag behind.

The log has one partition. Nothing is signed: the sender decides whether the signature is good.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.acceptance import Accepted, Head, first_head
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, Received, open_envelope
from assent_contracts.core.requests.decide import RequestDecision
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.writer.chain import Chain
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.governance_releases import GovernanceReleases
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import Incoming, PartitionWriter
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.events import ChangeSubmitted, Event
from assent_contracts.governance_changes import GovernanceChange, RegisterKey, RegisterPrincipal, object_of
from assent_contracts.governance_messages import (
    GOVERNANCE_KEY,
    ChangeGovernance,
    CloseFounding,
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
    ReleaseCarriedOut,
)
from assent_contracts.governance_objects import Account, Founding, SigningKey
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_events,
    decode_governance_events,
    decode_record,
    decode_refusal,
)
from assent_contracts.refusals import Refusal
from assent_contracts.signing import NO_IDENTITY

DAY_MS: Final = 24 * 60 * 60 * 1_000
START: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z in ms."""
KEYS_END: Final = START + 9_999 * DAY_MS
"""When the keys of `signing_key` end."""
SIGNATURE: Final = to_base64url(bytes(64))
FOUNDING: Final = Founding(
    founder=to_base64url(bytes(32)),
    recovery=to_base64url(bytes([2] * 32)),
    writers={"writer-1": to_base64url(bytes([1] * 32)), "writer-2": to_base64url(bytes([3] * 32))},
    partitions=1,
)


class RequestRecord(msgspec.Struct, frozen=True):
    """One record of the request ledger, as an auditor finds it."""

    seq: int
    governance: int
    """The governance seq under which it was decided."""
    events: tuple[Event, ...]
    command: c.Command | None
    key: str
    """The principal whose key signed the command."""


class GovernanceRecord(msgspec.Struct, frozen=True):
    """One record of the governance ledger."""

    events: tuple[GovernanceEvent, ...]
    command: GovernanceCommand | None
    key: str


class Listener:
    """Is notified of each record of both ledgers."""

    def governance_record(self, record: GovernanceRecord) -> None: ...

    def request_record(self, record: RequestRecord) -> None: ...


def account(name: str, person: str | None) -> tuple[GovernanceChange, ...]:
    """An account with its key, `<name>-key`; without a person it is a service."""
    kind = "service" if person is None else "human"
    return (
        RegisterPrincipal(account=Account(id=name, kind=kind, person=person)),
        RegisterKey(key=signing_key(f"{name}-key", name)),
    )


def signing_key(key: str, principal: str) -> SigningKey:
    """A key invented from its id, valid for years."""
    public_key = to_base64url(bytes.fromhex(sha256_hex(key.encode())))
    return SigningKey(id=key, principal=principal, public_key=public_key, not_before=0, not_after=KEYS_END)


class TwoLedgers:
    """A log, founded with these changes. `found` and `close` continue the founding."""

    def __init__(self, founding: Iterable[GovernanceChange], listener: Listener | None = None) -> None:
        self.at = START
        self.history: list[tuple[GovernanceEvent, ...]] = []
        self._releases = GovernanceReleases()
        self._desk, self._requests = GovernanceDesk(self._releases), RequestsDesk(0)
        self._governor = _writer(self._desk, first_head("governance", NO_IDENTITY))
        self._decider = _writer(self._requests, first_head("ledger", NO_IDENTITY))
        self._listener = listener or Listener()
        self._commands = 0
        self._govern(FoundLog(**self._about("founder"), founding=FOUNDING))
        for change in founding:
            self.found(change)

    @property
    def governance(self) -> Governance:
        """Governance as its own decider has it: the newest."""
        return self._desk.governance

    @property
    def seen(self) -> Governance:
        """Governance as the request decider has read it."""
        return self._requests.governance

    @seen.setter
    def seen(self, governance: Governance) -> None:
        self._requests.governance = governance

    @property
    def state(self) -> PartitionState:
        """The requests, as their decider has them."""
        return self._requests.state

    @property
    def released(self) -> list[str]:
        """The requests whose releases governance has not carried out yet."""
        carried = self.governance.release_outcomes
        return [each.request for each in self._releases.waiting() if each.request not in carried]

    def _about(self, who: str) -> dict[str, Any]:
        self._commands += 1
        return {"id": f"c{self._commands}", "principal": who, "at": self.at}

    def found(self, change: GovernanceChange) -> None:
        """The founder makes a change; it must not be refused."""
        decision = self.change("founder", change)
        assert not isinstance(decision, Refusal), (change, decision)

    def close(self) -> None:
        """The founding ends."""
        decision = self._govern(CloseFounding(**self._about("founder")))
        assert not isinstance(decision, Refusal), decision

    def change(
        self, who: str, change: GovernanceChange, *, key: str | None = None
    ) -> tuple[GovernanceEvent, ...] | Refusal:
        """An account changes governance directly, and the record is kept."""
        return self._govern(ChangeGovernance(**self._about(who), change=change), key)

    def would_change(
        self, who: str, change: GovernanceChange, *, key: str | None = None
    ) -> tuple[GovernanceEvent, ...] | Refusal:
        """The answer that it would get; nothing is kept."""
        return self._govern(ChangeGovernance(**self._about(who), change=change), key, keeps=False)

    def _govern(
        self, command: GovernanceCommand, key: str | None = None, *, keeps: bool = True
    ) -> tuple[GovernanceEvent, ...] | Refusal:
        envelope = _envelope(command, GOVERNANCE_KEY, key)
        is_founding = command.principal == "founder"
        if is_founding or not keeps:
            decision = self._judged(self._desk, envelope)
        if not keeps:
            return decision
        if is_founding:
            # It arrives on no topic, so that no writer receives it: the first one reads it.
            command_kept = RecordedCommand(
                value=Raw(envelope.value), key=envelope.key_id, signature=envelope.signature
            )
            chain = Chain(self._governor.head, self._governor.epoch)
            link = chain.link(None, decision, at=self.at, command=command_kept)
            record = decode_record(link.value)
            self._governor.replay(Accepted(record.seq, record, link.value, sha256_hex(link.value)))
        else:
            record = self._decided(self._governor, envelope)
            decision = decode_refusal(record) or decode_governance_events(record)
        self._governed(() if isinstance(decision, Refusal) else decision, command, envelope.key_id)
        return decision

    def _judged(self, desk: GovernanceDesk | RequestsDesk, envelope: Envelope) -> Any:
        """The answer to a command; nothing is kept."""
        received = desk.read(envelope)
        assert isinstance(received, Received), received
        return desk.handle(received, signature_good=True, seq=self.seq, at=self.at, received_at=self.at)

    def _decided(self, writer: PartitionWriter[Any], envelope: Envelope) -> LedgerRecord:
        writer.decide(Incoming(writer.next_input, self.at, envelope, None, signature_good=True))
        return self._written(writer)

    def _written(self, writer: PartitionWriter[Any]) -> LedgerRecord:
        """The only record that a writer has made. Governance's decider notes those of requests."""
        batch = writer.take_batch()
        assert batch is not None
        [link] = batch.links
        record = decode_record(link.value)
        if writer is self._decider:
            self._releases.take(Accepted(record.seq, record, link.value, sha256_hex(link.value)))
        return record

    def carry(self) -> tuple[GovernanceEvent, ...]:
        """Governance carries out the first release that waits for it."""
        next(self._governor.record_due(self.at))
        events = decode_governance_events(self._written(self._governor))
        self._governed(events, None, "")
        return events

    def _governed(
        self, events: tuple[GovernanceEvent, ...], command: GovernanceCommand | None, key: str
    ) -> None:
        self.history.append(events)
        self._listener.governance_record(GovernanceRecord(events, command, key))

    def catch_up(self, behind: int = 0) -> None:
        """The request decider reads governance further, up to `behind` records before its end; never back."""
        self._requests.follow(self.history, max(self.seen.seq, self.governance.seq - behind))
        self._record_due()

    def command(self, who: str, kind: type[Any], resource: str, **fields: Any) -> c.Command:
        """A command of this account, dated now."""
        return kind(**self._about(who), resource=resource, **fields)

    def send(self, command: c.Command, *, key: str | None = None, keeps: bool = True) -> RequestDecision:
        """The request decider's answer to a command, signed with this key or the sender's own."""
        envelope = _envelope(command, command.resource.encode(), key)
        if not keeps:
            return self._judged(self._requests, envelope)
        record = self._decided(self._decider, envelope)
        decision = decode_refusal(record) or decode_events(record)
        self._took(() if isinstance(decision, Refusal) else decision, command, envelope.key_id)
        return decision

    def submit(
        self, who: str, resource: str, payload: bytes = b"{}", *, on_behalf_of: str | None = None, **how: Any
    ) -> RequestDecision:
        """A submission of this payload, by a service optionally on behalf of a person."""
        fields: dict[str, Any] = {"operation": "edit", "justification": "why", "payload": Raw(payload)}
        if on_behalf_of is not None:
            fields["on_behalf_of"] = on_behalf_of
        return self.send(self.command(who, c.SubmitChange, resource, **fields), **how)

    def propose(self, who: str, change: GovernanceChange, **how: Any) -> RequestDecision:
        """A submission of a change to governance."""
        return self.submit(who, object_of(change), msgspec.json.encode(change), **how)

    def propose_and_carry(self, change: GovernanceChange, requester: str, approver: str) -> None:
        """A change to governance goes through all steps; nothing may be refused."""
        self.catch_up()
        submitted = self.propose(requester, change)
        assert not isinstance(submitted, Refusal), submitted
        assert isinstance(submitted[0], ChangeSubmitted)
        resource = object_of(change)
        seen = {"request": submitted[0].request, "submission": submitted[0].submission}
        self.send(self.command(approver, c.Approve, resource, **seen))
        self.send(self.command(requester, c.Complete, resource, **seen))
        carried = self.carry()
        assert isinstance(carried[-1], ReleaseCarriedOut), carried
        self.catch_up()

    def expire(self) -> None:
        """The request decider looks at the clock."""
        self._record_due()

    def _record_due(self) -> None:
        for _ in self._decider.record_due(self.at):
            self._took(decode_events(self._written(self._decider)), None, "")

    def _took(self, events: tuple[Event, ...], command: c.Command | None, key: str) -> None:
        record = RequestRecord(self._decider.seq, self.seen.seq, events, command, key)
        self._listener.request_record(record)

    @property
    def seq(self) -> int:
        """Of the next record of the request ledger."""
        return self._decider.seq + 1


def _writer(desk: Any, head: Head) -> PartitionWriter[Any]:
    """A writer that is never retired and accepts every signature."""
    writer = PartitionWriter(desk, head, sealer=None, is_signed=lambda _envelope, _key: True)
    writer.begin()
    return writer


def _envelope(command: c.Command | GovernanceCommand, kafka_key: bytes, key: str | None) -> Envelope:
    """The command as received, signed with this key or its principal's own."""
    headers = signed(key or f"{command.principal}-key")
    envelope = open_envelope(msgspec.json.encode(command), kafka_key, headers)
    assert isinstance(envelope, Envelope), envelope
    return envelope


def signed(key: str) -> Sequence[tuple[str, bytes]]:
    """The headers of a record that is signed with this key."""
    return (("assent-key", key.encode()), ("assent-signature", SIGNATURE.encode()))


def answer(decision: tuple[Any, ...] | Refusal) -> str:
    """The events' names joined by ` + `, or the refusal's code."""
    if isinstance(decision, Refusal):
        return decision.code.value
    return " + ".join(type(event).__name__ for event in decision)
