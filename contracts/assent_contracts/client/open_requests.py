"""The open requests of one partition, computed from its accepted ledger, for dispatch and appliers.

Only what is needed to deliver a released change is kept, and a request that ends is forgotten. The result is
what the ledger's writer states. Whether signed commands led to it is checked separately, with `lacking`,
before a release is acted on.
"""

import hashlib
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from assent_contracts.acceptance import Accepted
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.core.requests.evolve import ImpossibleEventError, evolve, open_request
from assent_contracts.core.requests.states import Applying, Approved, Closed, Open, Released, Unsettled
from assent_contracts.events import ChangeClaimed, ChangeSubmitted, OfNoRequest, RequestEvent
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.evidence.requests_evidence import RequestsEvidence
from assent_contracts.ledger import RecordedCommand, decode_events, decode_recorded_command
from assent_contracts.released_change import Change
from assent_contracts.resources import parse_request_id, resource_type

_EARLIER_MAX: Final = 8
"""How many earlier releases are known. A copy of an even older one counts as forged, which does no harm."""


class _Said(msgspec.Struct):
    """The fields that only the command contains, because its events do not repeat them."""

    id: str
    justification: str = ""
    base: str | UnsetType = UNSET


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
    """A granted claim: its number (the ledger seq of its record), the command, its applier, and until when it
    is valid (log time, ms).
    """

    claim: int
    command: str
    applier: str
    digest: str
    deadline: int


class OpenRequest(msgspec.Struct):
    """A request that locks its object, with the offset of the ledger record that has its payload."""

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
    base: str | UnsetType = UNSET
    release: ReleasedAt | None = None
    approvers: tuple[str, ...] = ()
    """The accounts whose approvals led to the release."""
    earlier: tuple[ReleasedAt, ...] = ()
    """The releases before the last: people had it applied again after an unknown outcome."""
    grant: Grant | None = None
    unsettled: bool = False
    """Whether it is unknown if it was applied, so that people must settle it."""
    state: Open | None = None
    """The request's state by the core's rules, from its submission on."""

    @property
    def is_for_appliers(self) -> bool:
        """R18: a change to governance is carried out by governance itself. R29: a set by its members."""
        is_set = self.state is not None and self.state.submission.members > 0
        return not is_set and resource_type(self.resource) not in BUILT_IN_TYPES

    def change(self, payload: msgspec.Raw) -> Change:
        """The released change, with all fields from the ledger. Raises ValueError for another payload."""
        assert self.release is not None, "only a released change is delivered"
        return self._change(payload, self.release)

    def _change(self, payload: msgspec.Raw, release: ReleasedAt) -> Change:
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
            released=release.seq,
            at=release.at,
            payload=payload,
            base=self.base,
        )

    def is_release(self, change: Change) -> bool:
        """Whether `change` is this release, in every field and every byte of the payload.

        A digest covers only the payload. A sender with write access to `assent.changes` could turn an edit
        into a delete and keep the digest. So every field is compared.
        """
        return self.release is not None and self._is_of(self.release, change)

    def was_release(self, change: Change) -> bool:
        """Whether `change` is an earlier release of this request, which has been released again since."""
        return any(self._is_of(earlier, change) for earlier in self.earlier)

    def _is_of(self, release: ReleasedAt, change: Change) -> bool:
        try:
            return self._change(change.payload, release) == change
        except ValueError:
            return False


def submitted_payload(accepted_value: bytes) -> msgspec.Raw:
    """The payload of the submission in a ledger record's value, byte for byte.

    Raises msgspec.DecodeError if there is none.
    """
    return _decode_submission(_decode_submission_record(accepted_value).command.value).payload.copy()


class OpenRequests:
    """The open requests of one partition. Its one owner advances it with `take`."""

    def __init__(self, partition: int, governance: GovernanceEvidence) -> None:
        """`governance` must always be as far as the accepted records that are passed to `take` name it."""
        self.partition = partition
        self._open: dict[int, OpenRequest] = {}
        self._evidence = RequestsEvidence(partition, governance)
        self._unreadable: int | None = None
        self._impossible: dict[int, int] = {}
        """By the seq of an open request, the record on it that no decision could have made."""

    def take(self, accepted: Accepted) -> OpenRequest | None:
        """Consume the next accepted record. Returns the request whose change it released, if any."""
        released = None
        try:
            events = decode_events(accepted.record)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # Only a writer can have sealed it. It is unknown which requests it ends, so nothing is acted on.
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
        """The request, if it is open and in this partition."""
        place = parse_request_id(request)
        return None if place is None or place[0] != self.partition else self._open.get(place[1])

    def lacking(self, request: OpenRequest, *, confirmed: bool = True) -> str | None:
        """Why the release of an open request must not be acted on; None if its evidence is complete.

        `confirmed`: all partitions have been read, and must confirm governance. Signatures are checked here,
        once each.
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
        """The released requests for appliers that none has claimed, in the order of their release."""
        found = [
            each
            for each in self._open.values()
            if each.release is not None and each.grant is None and each.is_for_appliers
        ]
        return sorted(found, key=_release_seq)

    def requests(self) -> list[OpenRequest]:
        """The open requests, in the order of their submission."""
        return list(self._open.values())

    def __len__(self) -> int:
        """How many requests are open."""
        return len(self._open)

    def _submit(self, event: ChangeSubmitted, accepted: Accepted) -> None:
        said = _said(accepted)
        self._open[accepted.record.seq] = OpenRequest(
            request=event.request,
            offset=accepted.offset,
            resource=event.resource,
            operation=event.operation,
            requester=event.requester,
            justification=said.justification,
            digest=event.digest,
            submission=event.submission,
            on_behalf_of=event.on_behalf_of,
            base=said.base,
            state=open_request(event, accepted.record.seq),
        )

    def _advance(self, event: RequestEvent, accepted: Accepted) -> OpenRequest | None:
        """Apply an event to an open request. Returns the request if the event released its change."""
        found = self.find(event.request)
        if found is None or found.state is None:
            return None
        record, seq = accepted.record, found.state.submission.seq
        try:
            after = evolve(found.state, event, record.at, record.seq)
        except ImpossibleEventError:
            # Only a writer can have sealed it. Its meaning is unknown, so nothing is applied.
            self._impossible[seq] = record.seq
            return None
        if isinstance(found.state, Approved):
            found.approvers = tuple(each.approver for each in found.state.approvals)
        if isinstance(after, Closed):
            del self._open[seq]
            self._impossible.pop(seq, None)
            return None
        found.state = after
        match after:
            case Released():
                if found.release is not None:
                    found.earlier = (*found.earlier, found.release)[-_EARLIER_MAX:]
                found.release = ReleasedAt(record.seq, record.at)
                found.grant, found.unsettled = None, False
                return found
            case Applying() if isinstance(event, ChangeClaimed):
                found.grant = Grant(
                    after.claim, _said(accepted).id, after.applier, found.digest, after.deadline
                )
            case Applying():
                assert found.grant is not None, "only a claimed change is being applied"
                found.grant = msgspec.structs.replace(found.grant, deadline=after.deadline)
            case Unsettled():
                found.unsettled = True
            case _:
                pass
        return None


def _said(accepted: Accepted) -> _Said:
    """The fields of the record's command; empty if a writer has sealed something else instead."""
    try:
        recorded = decode_recorded_command(accepted.record)
        return _decode_said(recorded.value) if isinstance(recorded, RecordedCommand) else _Said("")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Said("")


def _release_seq(request: OpenRequest) -> int:
    assert request.release is not None
    return request.release.seq
