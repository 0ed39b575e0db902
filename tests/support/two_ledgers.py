"""Both ledgers of a small log, decided by the real rules, with a request decider that may lag behind.

The log has one partition. Nothing is signed: who sends says itself whether the signature is good.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.core.governance.carry_out import carry_release
from assent_contracts.core.governance.handle import (
    GovernanceLedgerState,
    apply_governance_decision,
    handle_governance,
)
from assent_contracts.core.governance.receive import receive_governance
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Omitted
from assent_contracts.core.requests.decide import Decision
from assent_contracts.core.requests.expire import decide_expiry
from assent_contracts.core.requests.handle import apply_decision, handle
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.receive import receive
from assent_contracts.core.requests.release_outcome import release_outcomes_due
from assent_contracts.core.requests.states import Closed, Unsettled
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.events import ChangeReleased, ChangeSubmitted, Event
from assent_contracts.governance import (
    GOVERNANCE_KEY,
    ChangeGovernance,
    CloseFounding,
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
    ReleaseCarriedOut,
)
from assent_contracts.governance_changes import GovernanceChange, RegisterKey, RegisterPrincipal, object_of
from assent_contracts.governed import Account, Founding, SigningKey
from assent_contracts.policies import BUILT_IN_TYPES
from assent_contracts.refusals import Refusal
from assent_contracts.resources import request_id, resource_type

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
    """One record of the request ledger, as whoever audits it finds it."""

    seq: int
    governance: int
    """The governance seq that it was decided under."""
    events: tuple[Event, ...]
    command: c.Command | None
    key: str
    """Whose key signed the command."""


class GovernanceRecord(msgspec.Struct, frozen=True):
    """One record of the governance ledger."""

    events: tuple[GovernanceEvent, ...]
    command: GovernanceCommand | None
    key: str


class Listener:
    """Is told of each record of both ledgers."""

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
    """A key made up from its id, valid for years."""
    public_key = to_base64url(bytes.fromhex(sha256_hex(key.encode())))
    return SigningKey(id=key, principal=principal, public_key=public_key, not_before=0, not_after=KEYS_END)


class TwoLedgers:
    """A log, founded with these changes. `found` and `close` go on with the founding."""

    def __init__(self, founding: Iterable[GovernanceChange], listener: Listener | None = None) -> None:
        self.at = START
        self.record = GovernanceLedgerState()
        self.history: list[tuple[GovernanceEvent, ...]] = []
        self.seen = Governance()
        """Governance as the request decider has read it."""
        self.state = PartitionState(0)
        self.seq = 0
        self._listener = listener or Listener()
        self.released: deque[tuple[str, int, str]] = deque()
        """(request, seq, digest) of the releases that governance has not carried out yet."""
        self._submitted: dict[str, tuple[c.SubmitChange, int]] = {}
        self._commands = 0
        self._govern(FoundLog(**self._about("founder"), founding=FOUNDING))
        for change in founding:
            self.found(change)

    @property
    def governance(self) -> Governance:
        """Governance as its own decider has it: the newest."""
        return self.record.governance

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
        """Somebody changes governance directly, and the record is kept."""
        return self._govern(ChangeGovernance(**self._about(who), change=change), key)

    def would_change(
        self, who: str, change: GovernanceChange, *, key: str | None = None
    ) -> tuple[GovernanceEvent, ...] | Refusal:
        """What the answer would be; nothing is kept."""
        return self._govern(ChangeGovernance(**self._about(who), change=change), key, keeps=False)

    def _govern(
        self, command: GovernanceCommand, key: str | None = None, *, keeps: bool = True
    ) -> tuple[GovernanceEvent, ...] | Refusal:
        headers = signed(key or f"{command.principal}-key")
        received = receive_governance(msgspec.json.encode(command), GOVERNANCE_KEY, headers)
        assert not isinstance(received, Omitted), received
        decision = handle_governance(
            self.record, received, signature_good=True, at=self.at, received_at=self.at
        )
        if keeps:
            seq = self.governance.seq + 1
            apply_governance_decision(self.record, received, decision, seq=seq, at=self.at)
            self._governed(() if isinstance(decision, Refusal) else decision, command, received.key_id)
        return decision

    def carry(self) -> tuple[GovernanceEvent, ...]:
        """Governance carries the first release out that waits for it."""
        request, seq, digest = self.released.popleft()
        submission, as_of = self._submitted[request]
        value = msgspec.json.encode(submission)
        events = carry_release(
            self.governance, value, self.at, request=request, released=seq, digest=digest, as_of=as_of
        )
        self.governance.evolve(self.governance.seq + 1, events)
        self._governed(events, None, "")
        return events

    def _governed(
        self, events: tuple[GovernanceEvent, ...], command: GovernanceCommand | None, key: str
    ) -> None:
        self.history.append(events)
        self._listener.governance_record(GovernanceRecord(events, command, key))

    def catch_up(self, behind: int = 0) -> None:
        """The request decider reads governance on, up to `behind` records before its end; never back."""
        while self.seen.seq < self.governance.seq - behind:
            following = self.seen.seq + 1
            self.seen.evolve(following, self.history[following])
        for _, event in release_outcomes_due(self.state, self.seen):
            self._keep((event,))

    def command(self, who: str, kind: type[Any], resource: str, **fields: Any) -> c.Command:
        """A command of this account, dated now."""
        return kind(**self._about(who), resource=resource, **fields)

    def send(self, command: c.Command, *, key: str | None = None, keeps: bool = True) -> Decision:
        """The request decider's answer to a command, signed with this key or the sender's own."""
        value = msgspec.json.encode(command)
        received = receive(value, command.resource.encode(), signed(key or f"{command.principal}-key"))
        assert not isinstance(received, Omitted), received
        decision = handle(
            self.state,
            received,
            signature_good=True,
            seq=self.seq,
            at=self.at,
            received_at=self.at,
            governance=self.seen,
        )
        if keeps:
            apply_decision(self.state, received, decision, seq=self.seq, at=self.at, governance=self.seen.seq)
            self._took(decision, command, received.key_id)
        return decision

    def submit(
        self, who: str, resource: str, payload: bytes = b"{}", *, on_behalf_of: str | None = None, **how: Any
    ) -> Decision:
        """A submission of this payload, by a service perhaps on behalf of somebody."""
        fields: dict[str, Any] = {"operation": "edit", "justification": "why", "payload": Raw(payload)}
        if on_behalf_of is not None:
            fields["on_behalf_of"] = on_behalf_of
        return self.send(self.command(who, c.SubmitChange, resource, **fields), **how)

    def propose(self, who: str, change: GovernanceChange, **how: Any) -> Decision:
        """A submission of a change to governance."""
        return self.submit(who, object_of(change), msgspec.json.encode(change), **how)

    def propose_and_carry(self, change: GovernanceChange, requester: str, approver: str) -> None:
        """A change to governance goes all its way; nothing may be refused."""
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
        for seq in self.state.due(self.at):
            request = self.state.requests[seq]
            assert not isinstance(request, Closed | Unsettled)
            self._keep((decide_expiry(request_id(0, seq), request),))

    def _keep(self, events: tuple[Event, ...]) -> None:
        self.state.record(self.seq, self.at, events, governance=self.seen.seq)
        self._took(events, None, "")

    def _took(self, decision: Decision, command: c.Command | None, key: str) -> None:
        events = () if isinstance(decision, Refusal) else decision
        for event in events:
            if isinstance(event, ChangeSubmitted):
                assert isinstance(command, c.SubmitChange)
                self._submitted[event.request] = (command, self.seen.seq)
            elif isinstance(event, ChangeReleased) and resource_type(event.resource) in BUILT_IN_TYPES:
                self.released.append((event.request, self.seq, event.digest))
        self._listener.request_record(RequestRecord(self.seq, self.seen.seq, events, command, key))
        self.seq += 1


def signed(key: str) -> Sequence[tuple[str, bytes]]:
    """The headers of a record that is signed with this key."""
    return (("assent-key", key.encode()), ("assent-signature", SIGNATURE.encode()))


def answer(decision: tuple[Any, ...] | Refusal) -> str:
    """The events' names joined by ` + `, or the refusal's code."""
    if isinstance(decision, Refusal):
        return decision.code.value
    return " + ".join(type(event).__name__ for event in decision)
