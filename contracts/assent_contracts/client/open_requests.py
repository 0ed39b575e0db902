"""One partition's open requests, as its accepted ledger adds up: what dispatch and appliers ask the ledger.

Only what has to be known to hand a released change over is kept. A request that ends is forgotten.
What the ledger adds up to is what its writer states. Whether signed commands have led there is asked apart,
with `lacking`, before a release is acted on.
"""

import hashlib

import msgspec
from msgspec import UNSET, UnsetType

from assent_contracts.acceptance import Accepted
from assent_contracts.core.requests.evolve import ImpossibleEventError, evolve, open_request
from assent_contracts.core.requests.states import Applying, Closed, Open, Released, Unsettled
from assent_contracts.events import ChangeSubmitted, OfNoRequest, RequestEvent
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.evidence.requests_evidence import RequestsEvidence
from assent_contracts.ledger import RecordedCommand, decode_events, decode_recorded_command
from assent_contracts.released_change import Change
from assent_contracts.resources import parse_request_id


class _Said(msgspec.Struct):
    """What only the command contains: its events do not repeat it."""

    id: str
    justification: str = ""


class _Submission(msgspec.Struct):
    payload: msgspec.Raw


class _SubmissionRecord(msgspec.Struct):
    command: RecordedCommand


_decode_submission_record = msgspec.json.Decoder(_SubmissionRecord).decode
_decode_said = msgspec.json.Decoder(_Said).decode
_decode_submission = msgspec.json.Decoder(_Submission).decode


class ReleasedAt(msgspec.Struct, frozen=True, gc=False):
    """Where and when (log time, ms) a change was released."""

    seq: int
    at: int


class Grant(msgspec.Struct, frozen=True, gc=False):
    """A claim that was granted: to which command of which applier, and until when (log time, ms)."""

    command: str
    applier: str
    digest: str
    deadline: int


class OpenRequest(msgspec.Struct):
    """A request that holds its object, with the offset of the ledger record that has its payload."""

    request: str
    offset: int
    resource: str
    operation: str
    requester: str
    justification: str
    digest: str
    submission: str
    """SHA-256 of the submission command's bytes: what was approved."""
    on_behalf_of: str | UnsetType = UNSET
    release: ReleasedAt | None = None
    grant: Grant | None = None
    unsettled: bool = False
    """Nobody knows whether it was applied: people settle it."""
    state: Open | None = None
    """As the shared fold has it, from its submission on."""

    def change(self, payload: msgspec.Raw) -> Change:
        """The released change, all of it as the ledger has it. Raises ValueError for another payload."""
        assert self.release is not None, "only a released change is handed over"
        if hashlib.sha256(payload).hexdigest() != self.digest:
            msg = f"request {self.request}: SHA-256 of the payload is not the digest that was released"
            raise ValueError(msg)
        return Change(
            request=self.request,
            resource=self.resource,
            operation=self.operation,
            requester=self.requester,
            on_behalf_of=self.on_behalf_of,
            justification=self.justification,
            digest=self.digest,
            submission=self.submission,
            released=self.release.seq,
            at=self.release.at,
            payload=payload,
        )

    def is_release(self, change: Change) -> bool:
        """Whether `change` is this release, in every field and every byte of the payload.

        A digest covers the payload only. Who could write to `assent.changes` could turn an edit into a
        delete and keep the digest: therefore every field is compared.
        """
        if self.release is None:
            return False
        try:
            return self.change(change.payload) == change
        except ValueError:
            return False


def submitted_payload(accepted_value: bytes) -> msgspec.Raw:
    """The payload of the submission that a ledger record's value holds, byte for byte.

    Raises msgspec.DecodeError when it holds none.
    """
    return _decode_submission(_decode_submission_record(accepted_value).command.value).payload.copy()


class OpenRequests:
    """The open requests of one partition. It has one owner, who moves it forward with `take`."""

    def __init__(self, partition: int, governance: GovernanceEvidence) -> None:
        """`governance` is always as far as the accepted records that are taken in name it."""
        self.partition = partition
        self._open: dict[int, OpenRequest] = {}
        self._evidence = RequestsEvidence(partition, governance)
        self._unreadable: int | None = None
        self._impossible: dict[int, int] = {}
        """By the seq of an open request: the record that no decision on it could have made."""

    def take(self, accepted: Accepted) -> OpenRequest | None:
        """Consume the next accepted record; the request whose change it released, if it did."""
        released = None
        try:
            events = decode_events(accepted.record)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # Nobody but a writer can have sealed it. What it ends is not known, so nothing is acted on.
            self._unreadable = accepted.record.seq
            return None
        self._evidence.take(accepted.record, events)
        for event in events:
            if isinstance(event, ChangeSubmitted):
                self._submit(event, accepted)
            elif not isinstance(event, OfNoRequest):
                released = self._advance(event, accepted) or released
        return released

    def find(self, request: str) -> OpenRequest | None:
        """The request, if it is open and of this partition."""
        place = parse_request_id(request)
        return None if place is None or place[0] != self.partition else self._open.get(place[1])

    def lacking(self, request: OpenRequest, *, confirmed: bool = True) -> str | None:
        """Why the release of an open request must not be acted on; None when its evidence is complete.

        `confirmed`: all partitions have been read, and must bear governance out. It checks signatures, once.
        """
        if self._unreadable is not None:
            return f"seq {self._unreadable} of partition {self.partition} cannot be read"
        place = parse_request_id(request.request)
        seq = -1 if place is None else place[1]
        if seq in self._impossible:
            return f"seq {self._impossible[seq]} of partition {self.partition} does not fit the request"
        return self._evidence.lacking(seq, confirmed=confirmed)

    def opened_at(self, seq: int) -> OpenRequest | None:
        """The request that the record `seq` opened, if it is open."""
        return self._open.get(seq)

    def unclaimed(self) -> list[OpenRequest]:
        """The requests that are released and that nobody has claimed, in the order of their release."""
        found = [each for each in self._open.values() if each.release is not None and each.grant is None]
        return sorted(found, key=_release_seq)

    def __len__(self) -> int:
        """How many requests are open."""
        return len(self._open)

    def _submit(self, event: ChangeSubmitted, accepted: Accepted) -> None:
        self._open[accepted.record.seq] = OpenRequest(
            request=event.request,
            offset=accepted.offset,
            resource=event.resource,
            operation=event.operation,
            requester=event.requester,
            justification=_said(accepted).justification,
            digest=event.digest,
            submission=event.submission,
            on_behalf_of=event.on_behalf_of,
            state=open_request(event, accepted.record.seq),
        )

    def _advance(self, event: RequestEvent, accepted: Accepted) -> OpenRequest | None:
        """Move an open request past an event; the request, if the event released its change."""
        found = self.find(event.request)
        if found is None or found.state is None:
            return None
        record, seq = accepted.record, found.state.submission.seq
        try:
            after = evolve(found.state, event, record.at)
        except ImpossibleEventError:
            # Only a writer can have sealed it. What it means is unknown, so nothing is applied.
            self._impossible[seq] = record.seq
            return None
        if isinstance(after, Closed):
            del self._open[seq]
            self._impossible.pop(seq, None)
            return None
        found.state = after
        match after:
            case Released():
                found.release = ReleasedAt(record.seq, record.at)
                return found
            case Applying():
                found.grant = Grant(_said(accepted).id, after.applier, found.digest, after.deadline)
            case Unsettled():
                found.unsettled = True
            case _:
                pass
        return None


def _said(accepted: Accepted) -> _Said:
    """What only a command says; where a writer has sealed something else instead, nothing."""
    try:
        recorded = decode_recorded_command(accepted.record)
        return _decode_said(recorded.value) if isinstance(recorded, RecordedCommand) else _Said("")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Said("")


def _release_seq(request: OpenRequest) -> int:
    assert request.release is not None
    return request.release.seq
