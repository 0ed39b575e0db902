"""All partitions of a small log in memory, with sets of objects, and the gateway that coordinates them.

Every record is decided by the real rules and really signed. `app` needs one approval.
"""

from typing import Final

import msgspec
from msgspec import UNSET, Raw

from assent.verify.governance_verifier import GovernanceVerifier
from assent.verify.requests_verifier import RequestsVerifier
from assent_contracts import commands as c
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.client.open_requests import OpenRequests
from assent_contracts.codec import encode
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.states import Closed, Request
from assent_contracts.core.set_coordination import Due, SetCoordination, due_command
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeSubmitted, Event
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.governance_changes import AssignRole, GovernanceChange, RegisterKey, RegisterPrincipal
from assent_contracts.governance_objects import Account, RoleAssignment
from assent_contracts.ledger import decode_events, decode_governance_events, decode_refusal
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal
from assent_contracts.resources import parse_request_id
from assent_contracts.set_members import SetPayload, member_of
from tests.support import chains
from tests.support.governance_changes import edit
from tests.support.people import DAY_MS, PARTITIONS, START
from tests.support.people import key_of as unsigned_key

PORTAL: Final = "portal"
"""The gateway that coordinates."""
SET: Final = "app/rollout"
OBJECTS: Final = ("app/1", "app/2", "app/3", "app/4", "app/5")
"""They belong in different partitions."""
ENDS: Final = START + 10 * DAY_MS
_GATEWAY: Final[tuple[GovernanceChange, ...]] = (
    RegisterPrincipal(account=Account(id=PORTAL, kind="service")),
    RegisterKey(key=unsigned_key(PORTAL)),
    AssignRole(assignment=RoleAssignment(id="r-gateway", role="gateway", principals=(PORTAL,))),
)


class SetLog(chains.Chains):
    """The log. Commands are decided in the order in which they are sent."""

    def __init__(self) -> None:
        super().__init__(more=_GATEWAY)
        start = first_head("ledger", self.identity)
        self.written = {n: chains.Written(start) for n in range(PARTITIONS)}
        self._desks: dict[int, RequestsDesk] = {}
        self._writers = {n: self._new_writer(n) for n in range(PARTITIONS)}

    def _new_writer(self, partition: int) -> chains.AnyWriter:
        self._desks[partition] = RequestsDesk(partition)
        self._desks[partition].follow(self.history, len(self.history) - 1)
        return chains.new_writer(self._desks[partition], first_head("ledger", self.identity))

    def crash_writer(self, partition: int) -> None:
        """The partition's writer is lost, and another one takes over from the ledger."""
        self._writers[partition] = self._new_writer(partition)
        for accepted in self.written[partition].records:
            self._writers[partition].replay(accepted)
        self._writers[partition].begin()

    def partition_state(self, partition: int) -> PartitionState:
        """The requests of a partition, as its writer has them."""
        return self._desks[partition].state

    def send(self, command: c.Command, key: SecretKey | None = None) -> tuple[Event, ...] | Refusal:
        """Decide a command in the partition of its object, and record it."""
        partition = partition_for(command.resource.encode(), PARTITIONS)
        recorded = chains.signed(encode(command), key or chains.key_of(command.principal), self.identity)
        envelope = chains.envelope_of(recorded, command.resource.encode())
        record = self.written[partition].decided(self._writers[partition], envelope, self.at).record
        return decode_refusal(record) or decode_events(record)

    def pass_time(self, ms: int) -> None:
        """Time passes, and each writer records what is due."""
        self.at += ms
        for partition, written in self.written.items():
            for last in written.records[-1:]:
                self._writers[partition].passed(last)
            written.due(self._writers[partition], self.at)

    def edit_policy(self, **fields: object) -> None:
        """The policy of `app` is another one from now on."""
        for desk in self._desks.values():
            policy = desk.governance.policies["apps"]
            edit(desk.governance, msgspec.structs.replace(policy, **fields))

    def find(self, request: str, resource: str) -> Request:
        """A request that is known."""
        place = parse_request_id(request)
        assert place is not None
        found = self.partition_state(place[0]).find(request, resource)
        assert found is not None
        return found

    def locks(self) -> set[str]:
        """The objects that an open request holds."""
        return {
            request.submission.resource
            for partition in range(PARTITIONS)
            for request in self.partition_state(partition).requests.values()
            if not isinstance(request, Closed)
        }

    def member(self, resource: str, part_of: str = "0-0") -> c.SubmitChange:
        """Alice's change to one object of the set."""
        return c.SubmitChange(
            **self.about("alice"),
            resource=resource,
            operation="edit",
            justification="Together or not at all.",
            payload=Raw(encode({"of": resource})),
            not_after=ENDS,
            part_of=part_of,
        )

    def set_of(self, resources: tuple[str, ...], name: str = SET) -> c.SubmitChange:
        """Alice's set of changes to these objects."""
        members = tuple(member_of(self.member(resource)) for resource in resources)
        return c.SubmitChange(
            **self.about("alice"),
            resource=name,
            operation="edit",
            justification="Together or not at all.",
            payload=Raw(encode(SetPayload(members=members))),
            not_after=ENDS,
            members=len(members),
        )

    def submit(self, command: c.SubmitChange) -> str:
        """Submit what is not refused; returns the request."""
        decision = self.send(command)
        assert not isinstance(decision, Refusal), decision
        assert isinstance(decision[0], ChangeSubmitted)
        return decision[0].request

    def submitted_set(self, resources: tuple[str, ...] = OBJECTS) -> tuple[str, dict[str, str]]:
        """A set and its members, all submitted: its request, and theirs by their objects."""
        name = self.submit(self.set_of(resources))
        return name, {each: self.submit(self.member(each, name)) for each in resources}

    def act(self, kind: type[c.RequestCommand], who: str, request: str, resource: str) -> str:
        """A command on a request; returns the events' names, or the refusal's code."""
        fields = {**self.about(who), "resource": resource, "request": request}
        if "submission" in kind.__struct_fields__:
            place = parse_request_id(request)
            assert place is not None
            found = self.partition_state(place[0]).find(request, resource)
            match found:
                case None | Closed():
                    fields["submission"] = "0" * 64
                case _:
                    fields["submission"] = found.submission.sha256
        if kind is c.ReportOutcome:
            fields["outcome"] = "succeeded"
        if kind in (c.CloseRequest, c.Settle):
            fields["reason"] = "Not now."
        if kind is c.Settle:
            fields["outcome"] = "failed"
        decision = self.send(kind(**fields))
        if isinstance(decision, Refusal):
            return decision.code.value
        return " + ".join(type(event).__name__ for event in decision)

    def lacking(self, request: str, order: tuple[int, ...] = tuple(range(PARTITIONS))) -> str | None:
        """What the release of a request lacks for an applier, who has read the partitions in this order."""
        evidence = GovernanceEvidence(self.identity, verify_signature)
        for accepted in self.governance.records:
            evidence.take(accepted.record, decode_governance_events(accepted.record))
        known = {n: OpenRequests(n, evidence) for n in range(PARTITIONS)}
        for partition in order:
            for accepted in self.written[partition].records:
                known[partition].take(accepted)
        place = parse_request_id(request)
        assert place is not None
        found = known[place[0]].find(request)
        assert found is not None
        return known[place[0]].lacking(found)

    def verify_sets(self, order: tuple[int, ...] = tuple(range(PARTITIONS))) -> None:
        """Verify all ledgers as `audit verify` does, partitions in this order. Raises FindingError."""
        governance = GovernanceVerifier(self.identity, verify_signature)
        governance.take(self.governance.records)
        for partition in order:
            verifier = RequestsVerifier(
                partition, self.identity, governance.history, verify_signature, governance.claims
            )
            verifier.take(self.written[partition].records)
        governance.claims.confirm()


class Coordinator:
    """One run of a coordinator. A crash is a new one."""

    def __init__(self, log: SetLog) -> None:
        self._log = log
        self.sets = SetCoordination()
        self._read = dict.fromkeys(log.written, 0)

    def read(self, partition: int, most: int = 1_000_000) -> None:
        """Read up to so many records of a partition."""
        fresh: list[Accepted] = self._log.written[partition].records[self._read[partition] :][:most]
        for accepted in fresh:
            self.sets.take(partition, accepted.record, decode_events(accepted.record))
        self._read[partition] += len(fresh)

    def read_all(self) -> None:
        """Read every partition to its end."""
        for partition in self._read:
            self.read(partition)

    def send(self, due: Due) -> tuple[Event, ...] | Refusal:
        """Send one command that is due."""
        about = self._log.about(PORTAL)
        return self._log.send(due_command(due, command_id=about["id"], principal=PORTAL, at=about["at"]))

    def run(self) -> list[str]:
        """Read and send until nothing is due; returns the steps that were made."""
        steps: list[str] = []
        due: list[Due] = []
        for _ in range(20):
            self.read_all()
            due = self.sets.due()
            if not due:
                return steps
            for each in due:
                self.send(each)
                steps.append(each.step)
        raise AssertionError(f"it never ends: {due}")


def sha256_of(command: c.SubmitChange) -> str:
    """R23: of a submission's bytes."""
    return sha256_hex(encode(command))


def changed(command: c.SubmitChange, **fields: object) -> c.SubmitChange:
    """The same with some fields changed; UNSET removes one."""
    return msgspec.structs.replace(command, **fields)


__all__ = ["ENDS", "OBJECTS", "PORTAL", "SET", "UNSET", "Coordinator", "SetLog", "changed", "sha256_of"]
