"""Stories: who does what, one line after the other, decided by the writer of a partition.

story = Story()
story.given("alice submits", "bob approves")
assert story.when("alice2 completes") == "not-requester"

A line may end in `via portal`: then that gateway's key has signed, on behalf of the named account.
"""

from typing import Any, Final, get_args

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.acceptance import first_head
from assent_contracts.codec import encode
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Envelope, Received
from assent_contracts.core.requests.decide import RequestDecision
from assent_contracts.core.requests.partition_state import PartitionContent, PartitionState
from assent_contracts.core.requests.receive import receive
from assent_contracts.core.requests.states import (
    Applying,
    Approved,
    Closed,
    NeedsApproval,
    Released,
    Unsettled,
)
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.writer import Incoming, PartitionWriter
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.events import ChangeClaimed, ChangeSubmitted
from assent_contracts.ledger import decode_events, decode_record, decode_refusal
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal
from tests.support.people import DAY_MS, PARTITIONS, START, organisation

SCRIPT: Final = "script/deploy"
"""Two approvals."""
IDENTITY: Final = "1d" * 32
PAYLOAD: Final = b'{"version": 2}'
SIGNATURE: Final = to_base64url(bytes(64))
"""Stories decide themselves whether a signature is good."""

ORGANISATION: Final = organisation()
"""Shared by the stories that do not change it."""

MINUTE_MS: Final = 60 * 1_000
_TIMES: Final = {
    "a minute passes": MINUTE_MS,
    "59 minutes pass": 59 * MINUTE_MS,
    "an hour passes": 60 * MINUTE_MS,
    "a day passes": DAY_MS,
    "29 days pass": 29 * DAY_MS,
    "30 days pass": 30 * DAY_MS,
}


FINDING: Final = {"target": "web", "kind": "unexplained", "version": "v1", "seen_at": START}
VERBS: Final[dict[str, tuple[type[Any], dict[str, Any]]]] = {
    "submits": (c.SubmitChange, {"operation": "edit", "justification": "why"}),
    "approves": (c.Approve, {}),
    "approves other bytes": (c.Approve, {"submission": sha256_hex(b"other")}),
    "rejects": (c.Reject, {}),
    "revokes": (c.Revoke, {}),
    "cancels": (c.Cancel, {}),
    "closes": (c.CloseRequest, {"reason": "Nobody needs it."}),
    "submits for bob": (c.SubmitChange, {"operation": "edit", "justification": "why", "on_behalf_of": "bob"}),
    "completes": (c.Complete, {}),
    "claims": (c.Claim, {}),
    "reports success": (c.ReportOutcome, {"outcome": "succeeded"}),
    "reports failure": (c.ReportOutcome, {"outcome": "failed", "message": "The disk is full."}),
    "reports unknown": (c.ReportOutcome, {"outcome": "unknown"}),
    "reports success of the first claim": (c.ReportOutcome, {"outcome": "succeeded", "claim": 0}),
    "reports failure of the first claim": (c.ReportOutcome, {"outcome": "failed", "claim": 0}),
    "reports success of the last claim": (c.ReportOutcome, {"outcome": "succeeded", "claim": -1}),
    "renews the first claim": (c.RenewLease, {"claim": 0}),
    "renews the last claim": (c.RenewLease, {"claim": -1}),
    "settles the first claim as failed": (c.Settle, {"outcome": "failed", "reason": "It is.", "claim": 0}),
    "settles the last claim as failed": (c.Settle, {"outcome": "failed", "reason": "It is.", "claim": -1}),
    "settles it as succeeded": (c.Settle, {"outcome": "succeeded", "reason": "It is there."}),
    "settles it as failed": (c.Settle, {"outcome": "failed", "reason": "It is not there."}),
    "reports a finding": (c.ReportFinding, FINDING),
    "closes finding 0": (c.CloseFinding, {"finding": "0-0", "reason": "We did it, see CHG-7."}),
    "settles it by a retry": (c.Settle, {"outcome": "retry", "reason": "Nothing was changed."}),
}


class Story:
    """One partition's state, and the log time. Every decision becomes a record, as in the ledger."""

    def __init__(
        self, resource: str = SCRIPT, *, governance: Governance | None = None, payload: bytes = PAYLOAD
    ) -> None:
        self.resource = resource
        self.payload = payload
        self._desk = RequestsDesk(partition_for(resource.encode(), PARTITIONS))
        self._desk.governance = governance or ORGANISATION
        # No sealer: it is never retired. A story decides whether a signature is good, also of a new key.
        self._writer = PartitionWriter(
            self._desk, first_head("ledger", IDENTITY), sealer=None, is_signed=lambda _envelope, _key: True
        )
        self._writer.begin()
        self.at = START
        self.records: list[bytes] = []
        """The ledger: each decision's record, byte for byte."""
        self.request = f"{self.state.partition}-999"
        """The id of the last opened request; before, that of none."""
        self.submission = "0" * 64
        """The SHA-256 of its submission's bytes (R23)."""
        self.claims: list[int] = []
        """The numbers of the claims that were granted: the seq of each one's record."""
        self._commands = 0

    @property
    def governance(self) -> Governance:
        """Governance as the writer follows it."""
        return self._desk.governance

    @governance.setter
    def governance(self, governance: Governance) -> None:
        self._desk.governance = governance

    @property
    def state(self) -> PartitionState:
        """The requests, as the writer has them."""
        return self._desk.state

    def start_from_a_snapshot(self) -> None:
        """Go on as another writer, which has read the state from a snapshot of this one."""
        content = msgspec.msgpack.encode(self._desk.state.content())
        self._desk.state = PartitionState.of(msgspec.msgpack.decode(content, type=PartitionContent))

    def given(self, *lines: str) -> "Story":
        """What happened before; it must not have been refused."""
        for line in lines:
            answer = self.when(line)
            assert answer == "" or answer[0].isupper(), f"{line}: {answer}"
        return self

    def when(self, line: str) -> str:
        """One line happens. Returns the events' names joined by ` + `, or the refusal's code."""
        if line in _TIMES:
            self.at += _TIMES[line]
            return ""
        if line in ("the writer looks at the clock", "the writer looks at governance"):
            return " + ".join(self.write_due())
        said, _, gateway = line.partition(" via ")
        who, verb = said.split(" ", 1)
        decision = self.send(self.command(who, verb), signer=gateway or None)
        return decision.code.value if isinstance(decision, Refusal) else names(decision)

    def send(
        self, command: c.Command, *, signer: str | None = None, signature_good: bool = True
    ) -> RequestDecision:
        """Send a command, signed with the key of its principal, or of another `signer`."""
        key_id = None if signer is None else f"{signer}-key"
        return self.take(received(command, key_id), signature_good=signature_good)

    def take(
        self, it: Received[c.Command], *, signature_good: bool = True, received_at: int | None = None
    ) -> RequestDecision:
        """Decide what was received, now unless another time is given, and record it."""
        came = self.at if received_at is None else received_at
        self.at = max(self.at, came)
        envelope = Envelope(
            it.value, it.value_sha256, it.command.resource.encode(), it.key_id, it.signature, None, None
        )
        tried = self._desk.signing_key(envelope)
        offset = len(self.records)
        self._writer.decide(Incoming(offset, came, envelope, tried, signature_good))
        decision = self._written()
        if not isinstance(decision, Refusal) and isinstance(decision[0], ChangeSubmitted):
            self.request, self.submission = decision[0].request, decision[0].submission
        if not isinstance(decision, Refusal) and isinstance(decision[0], ChangeClaimed):
            self.claims.append(decode_record(self.records[-1]).seq)
        return decision

    def write_due(self) -> list[str]:
        """The writer's own records: what log time alone decides, and results of released governance."""
        written: list[str] = []
        for own in self._writer.record_due(self.at):
            self._written()
            written += [type(event).__name__ for event in own.events]
        return written

    def _written(self) -> RequestDecision:
        batch = self._writer.take_batch()
        assert batch is not None
        [link] = batch.links
        self.records.append(link.value)
        record = decode_record(link.value)
        return decode_refusal(record) or decode_events(record)

    def command(self, who: str, verb: str) -> c.Command:
        """The command behind `who verb`: with a fresh id, dated now, on the story's last request."""
        self._commands += 1
        kind, fields = VERBS[verb]
        if kind in get_args(c.FindingCommand):
            return kind(id=f"c-{self._commands}", principal=who, at=self.at, resource=self.resource, **fields)
        if kind is c.SubmitChange:
            fields = {"payload": Raw(self.payload), **fields}
        else:
            fields = {"request": self.request, **fields}
        if "claim" in fields:
            # In VERBS it is the index of a claim of this story. Before the first claim it is that of none.
            fields |= {"claim": self.claims[fields["claim"]] if self.claims else 999}
        if kind in (c.Approve, c.Reject, c.Complete):
            fields = {"submission": self.submission, **fields}
        return kind(id=f"c-{self._commands}", principal=who, at=self.at, resource=self.resource, **fields)

    def status(self) -> str:
        """Of the last request: `none` or its status, in more detail than people see it."""
        match self.state.find(self.request, self.resource):
            case None:
                return "none"
            case NeedsApproval(approvals=approvals):
                return f"needs approval, has {len(approvals)}"
            case Approved():
                return "approved"
            case Released():
                return "released"
            case Applying():
                return "applying"
            case Unsettled():
                return "outcome unknown"
            case Closed(status=status):
                return status


def names(decision: RequestDecision) -> str:
    """The events' names joined by ` + `."""
    assert not isinstance(decision, Refusal)
    return " + ".join(type(event).__name__ for event in decision)


def received(
    command: c.Command, key_id: str | None = None, signature: str = SIGNATURE
) -> Received[c.Command]:
    """The command as read from Kafka, signed with its principal's key by default."""
    headers = [
        ("assent-key", (f"{command.principal}-key" if key_id is None else key_id).encode()),
        ("assent-signature", signature.encode()),
    ]
    it = receive(encode(command), command.resource.encode(), headers)
    assert isinstance(it, Received), it
    return it


def resource_in(partition: int) -> str:
    """A script, not SCRIPT, that belongs in this partition."""
    numbered = (f"script/{n}" for n in range(1_000))
    return next(each for each in numbered if partition_for(each.encode(), PARTITIONS) == partition)
