"""A log in memory whose writer's key was stolen: what the thief appends is chained and sealed like the rest.

The thief has no other key. He can put any record on either ledger, with any command that was ever signed. His
records are as good as they can be: the events are those that the rules would have made.
"""

from typing import Any, Final

from msgspec import UNSET, Raw

from assent_contracts import commands as c
from assent_contracts.access_policies import PolicyTerms
from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.client.open_requests import OpenRequests
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ApprovalGiven, ChangeReleased, ChangeSubmitted, Event, RequestApproved
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.evidence.requests_evidence import RequestsEvidence
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.governance_objects import Settings
from assent_contracts.ledger import RecordedCommand, decode_events, decode_governance_events
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import request_id
from tests.support.chains import PARTITION, Chains, key_of, signed
from tests.support.people import PARTITIONS

PAYLOAD: Final = b'{"version":2}'
_LIMIT_MS: Final = Settings().expiry_ms


def here(kind: str, number: int = 0) -> str:
    """An object of this type that belongs in the partition that is kept."""
    return _belonging(kind, here=True)[number]


def elsewhere(kind: str) -> str:
    """An object that belongs in another partition."""
    return _belonging(kind, here=False)[0]


def _belonging(kind: str, *, here: bool) -> list[str]:
    names = [f"{kind}/{number}" for number in range(100)]
    return [name for name in names if (partition_for(name.encode(), PARTITIONS) == PARTITION) is here]


class StolenLog(Chains):
    """The organisation of `people`, its honest decider, and the thief."""

    def submission_of(self, resource: str, principal: str = "alice") -> c.SubmitChange:
        """A submission that is not sent yet."""
        return c.SubmitChange(
            **self.about(principal),
            resource=resource,
            operation="edit",
            justification="It is needed.",
            payload=Raw(PAYLOAD),
        )

    def submit(self, resource: str) -> tuple[str, c.SubmitChange]:
        """Alice submits, and all records are honest."""
        command = self.submission_of(resource)
        request = request_id(PARTITION, self.requests.next_seq)
        self.accepted(command)
        return request, command

    def approve_of(self, request: str, submission: c.SubmitChange, principal: str) -> c.Approve:
        """An approval that is not sent yet."""
        return c.Approve(**self._naming(request, submission, principal))

    def complete_of(self, request: str, submission: c.SubmitChange, principal: str = "alice") -> c.Complete:
        """A completion that is not sent yet."""
        return c.Complete(**self._naming(request, submission, principal))

    def revoke_of(self, request: str, submission: c.SubmitChange, principal: str) -> c.Revoke:
        """A revocation that is not sent yet."""
        about = self._naming(request, submission, principal)
        del about["submission"]
        return c.Revoke(**about)

    def _naming(self, request: str, submission: c.SubmitChange, principal: str) -> dict[str, Any]:
        sha256 = sha256_hex(encode(submission))
        about = {**self.about(principal), "resource": submission.resource}
        return {**about, "request": request, "submission": sha256}

    def approved(self, resource: str, *approvers: str) -> tuple[str, c.SubmitChange]:
        """A request that alice submitted and others approved."""
        request, submission = self.submit(resource)
        for approver in approvers:
            self.accepted(self.approve_of(request, submission, approver))
        return request, submission

    def completed(self, resource: str, *approvers: str) -> tuple[str, c.SubmitChange]:
        """The same, completed by her."""
        request, submission = self.approved(resource, *approvers)
        self.accepted(self.complete_of(request, submission))
        return request, submission

    def accepted(self, command: c.Command) -> tuple[Event, ...]:
        """The honest decision on a command, which is not a refusal."""
        decision = self.send(command)
        assert not isinstance(decision, Refusal), decision
        return decision

    def refused(self, command: c.Command) -> RecordedCommand:
        """A command that was honestly refused, as the thief finds it on the ledger."""
        assert isinstance(self.send(command), Refusal)
        return self.as_signed(command)

    def refused_once(self, command: c.Command) -> RecordedCommand:
        """A command that was refused when it did not fit; by now it would."""
        self._catch_up()
        recorded = self.as_signed(command)
        refusal = Refusal(code=RefusalCode.NOT_PERMITTED, detail="It did not fit.")
        about = {"at": self.at, "governance": self._seen.seq, "input_offset": self.requests.next_seq}
        self.requests.put(refusal, command=recorded, **about)
        return recorded

    def as_signed(self, command: c.Command) -> RecordedCommand:
        """A command as its principal has signed it."""
        return signed(encode(command), key_of(command.principal), self.identity)

    def forge(self, command: c.Command) -> str:
        """The thief signs for a principal and decides the command; returns the request that it would open."""
        key = SecretKey(f"{command.principal}-key", command.principal, bytes([9]) * 32)
        request = request_id(PARTITION, self.requests.next_seq)
        decision = self.send(command, key)
        assert not isinstance(decision, Refusal), decision
        return request

    def append(self, *events: Event, command: RecordedCommand | None = None, governance: int = -1) -> str:
        """The thief appends a record with these events; returns the request that it would open."""
        self._catch_up()
        seq = self.requests.next_seq
        self.requests.put(
            events,
            at=self.at,
            governance=self._seen.seq if governance < 0 else governance,
            input_offset=seq,
            command=UNSET if command is None else command,
        )
        self.state.record(seq, self.at, events, governance=self._seen.seq)
        return request_id(PARTITION, seq)

    def append_submission(
        self, submission: c.SubmitChange, *, terms: bool, release: bool = False, signed_for: bool = True
    ) -> str:
        """The thief opens a request with a command that its principal has signed."""
        self._catch_up()
        kind = submission.resource.partition("/")[0]
        request = request_id(PARTITION, self.requests.next_seq)
        opened = self._submitted(request, submission, self._seen.terms_for(kind) if terms else ())
        more = (self.release_of(request, submission),) if release else ()
        return self.append(opened, *more, command=self.as_signed(submission) if signed_for else None)

    def _submitted(
        self, request: str, submission: c.SubmitChange, terms: tuple[PolicyTerms, ...]
    ) -> ChangeSubmitted:
        return ChangeSubmitted(
            request=request,
            resource=submission.resource,
            operation=submission.operation,
            requester=submission.principal,
            person=f"p-{submission.principal}",
            submission=sha256_hex(encode(submission)),
            digest=sha256_hex(submission.payload),
            terms=terms,
            deadline=self.at + _LIMIT_MS,
        )

    def approval_of(self, request: str, approver: str, person: str) -> tuple[Event, ...]:
        """The events of the last approval."""
        deadline = self.at + _LIMIT_MS
        given = ApprovalGiven(request=request, approver=approver, person=person, deadline=deadline)
        return (given, RequestApproved(request=request))

    def append_release(self, request: str, submission: c.SubmitChange) -> str:
        """The thief releases what alice has truly completed; returns the request."""
        completed = self.as_signed(self.complete_of(request, submission))
        self.append(self.release_of(request, submission), command=completed)
        return request

    def release_of(self, request: str, submission: c.SubmitChange) -> ChangeReleased:
        """The event of a release."""
        return ChangeReleased(
            request=request,
            resource=submission.resource,
            digest=sha256_hex(submission.payload),
            deadline=self.at + _LIMIT_MS,
        )

    def append_governance(self, *events: GovernanceEvent, command: RecordedCommand | None = None) -> None:
        """The thief appends a record to the governance ledger; the honest decider follows it."""
        self.put_governance(events, UNSET if command is None else command)

    def signed_change(self, principal: str, change: GovernanceChange) -> RecordedCommand:
        """A command for a change to governance that its principal has signed."""
        return signed(encode(self.changing(principal, change)), key_of(principal), self.identity)

    def _lacking_if_judged_at_once(self, request: str, *, confirmed: bool) -> str | None:
        """The same, for a reader that judges at once."""
        evidence, _ = self.judged()
        at_once = RequestsEvidence(PARTITION, evidence, waiting_max_bytes=0)
        for accepted in self.requests.records:
            at_once.take(accepted.record, decode_events(accepted.record))
        return at_once.lacking(int(request.partition("-")[2]), confirmed=confirmed)

    def judged(self) -> tuple[GovernanceEvidence, OpenRequests]:
        """Both ledgers as an applier judges them."""
        evidence = GovernanceEvidence(self.identity, verify_signature)
        for accepted in self.governance.records:
            evidence.take(accepted.record, decode_governance_events(accepted.record))
        requests = OpenRequests(PARTITION, evidence)
        for accepted in self.requests.records:
            requests.take(accepted)
        return evidence, requests

    def lacking(self, request: str, *, confirmed: bool = True) -> str | None:
        """What the release of a request lacks. Everything else about it is right."""
        _, requests = self.judged()
        found = requests.find(request)
        assert found is not None
        assert found.is_release(found.change(Raw(PAYLOAD)))
        lacks = requests.lacking(found, confirmed=confirmed)
        assert lacks == self._lacking_if_judged_at_once(request, confirmed=confirmed)
        return lacks
