"""What must hold of both ledgers, added up from their records alone, apart from the code under test.

It keeps each state of governance that ever was, as plain sets and dictionaries.
"""

import hashlib
from copy import deepcopy
from typing import Any

import msgspec

from assent_contracts import commands as c
from assent_contracts import events as e
from assent_contracts import governance as g
from assent_contracts.governed import RoleAssignment, Settings
from assent_contracts.policies import Policy
from tests.support.two_ledgers import GovernanceRecord, Listener, RequestRecord

GUARDED = {"administrator", "approver", "gateway", "directory"}


class State:
    """Governance at one seq."""

    def __init__(self) -> None:
        self.person: dict[str, str | None] = {}
        self.enabled: set[str] = set()
        self.key_of: dict[str, str] = {}
        """The principals of the keys that are not revoked."""
        self.members: dict[str, tuple[str, ...]] = {}
        self.assignments: dict[str, RoleAssignment] = {}
        self.policies: dict[tuple[str, int], Policy] = {}
        """By id and the seq of its creation: one made anew under an old id is another one."""
        self.protected = False
        self.settings = Settings()

    def take(self, event: g.GovernanceEvent, seq: int) -> None:
        match event:
            case g.PrincipalRegistered(account=account):
                self.person[account.id] = account.person
                self.enabled.add(account.id)
            case g.PrincipalEnabled(principal=principal):
                self.enabled.add(principal)
            case g.PrincipalDisabled(principal=principal):
                self.enabled.remove(principal)
            case g.KeyRegistered(key=key):
                self.key_of[key.id] = key.principal
            case g.KeyRevoked(key=name):
                del self.key_of[name]
            case g.GroupDefined(group=group):
                self.members[group.id] = group.members
            case g.RoleAssigned(assignment=assignment):
                self.assignments[assignment.id] = assignment
            case g.RoleWithdrawn(assignment=name):
                del self.assignments[name]
            case g.SettingsChanged(settings=settings):
                self.settings = settings
            case _:
                self._take_policy(event, seq)

    def _take_policy(self, event: g.GovernanceEvent, seq: int) -> None:
        match event:
            case g.PolicyCreated(policy=policy):
                self.policies[policy.id, seq] = policy
                self.protected = True
            case g.PolicyEdited(policy=policy):
                self.policies[self.current(policy.id)] = policy
            case g.PolicyDeleted(policy=name):
                del self.policies[self.current(name)]
            case _:
                pass

    def current(self, policy: str) -> tuple[str, int]:
        (found,) = (key for key in self.policies if key[0] == policy)
        return found

    def holders(self, role: str, kind: str) -> set[str]:
        return {
            who
            for each in self.assignments.values()
            if each.role == role and (not each.resource_types or kind in each.resource_types)
            for who in {*each.principals, *(who for group in each.groups for who in self.members[group])}
        }

    def people(self, accounts: set[str]) -> set[str]:
        """The people behind those accounts that are enabled humans'."""
        people = {self.person[who] for who in accounts & self.enabled}
        return {person for person in people if person is not None}

    def in_any(self, groups: tuple[str, ...]) -> set[str]:
        return {who for group in groups for who in self.members.get(group, ())}

    def protecting(self, kind: str) -> dict[tuple[str, int], Policy]:
        return {key: policy for key, policy in self.policies.items() if policy.resource_type == kind}

    def is_guarded(self, group: str) -> bool:
        return any(
            group in rule.groups for policy in self.policies.values() for rule in policy.approvals
        ) or any(group in each.groups for each in self.assignments.values() if each.role in GUARDED)


class Asked:
    """A request, as its records tell of it."""

    def __init__(self, command: c.SubmitChange, person: str, governance: State) -> None:
        self.payload = bytes(command.payload)
        self.digest = hashlib.sha256(self.payload).hexdigest()
        self.kind = command.resource.partition("/")[0]
        self.requester = command.principal
        self.person = person
        self.then = governance.protecting(self.kind)
        self.administered = _administered(msgspec.json.decode(self.payload), governance)
        self.approvals: dict[str, bool] = {}
        """Accounts that approved, and whether a gateway signed."""
        self.released: int | None = None
        self.carried = False
        self.ended = False


def _administered(change: dict[str, Any], governance: State) -> str:
    """The type whose administrators approve a change to governance; empty for those of every type."""
    match change.get("type", ""):
        case "assent.create-policy.v1" | "assent.edit-policy.v1":
            return change["policy"]["resource_type"]
        case "assent.delete-policy.v1":
            return governance.policies[governance.current(change["policy"])].resource_type
        case _:
            return ""


class Oracle(Listener):
    """Checks each record as it comes, and counts what it has seen."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.requests: dict[str, Asked] = {}
        self.seen = {"released": 0, "carried": 0, "reopened": 0, "lapsed": 0, "direct": 0}

    @property
    def now(self) -> State:
        return self.states[-1]

    def governance_record(self, record: GovernanceRecord) -> None:
        before = self.states[-1] if self.states else State()
        after = deepcopy(before) if record.events else before
        for event in record.events:
            after.take(event, len(self.states))
        self.states.append(after)
        if record.key == "founder-key":
            return
        if record.command is None:
            self._check_carried(record.events)
        else:
            self.seen["direct"] += bool(record.events)
            for event in record.events:
                _check_direct(event, record, before)

    def _check_carried(self, events: tuple[g.GovernanceEvent, ...]) -> None:
        *_, last = events
        assert isinstance(last, g.ReleaseCarriedOut | g.ReleaseRefused)
        request = self.requests[last.request]
        assert request.released == last.released, "carried out without its release"
        assert request.digest == last.digest
        assert not request.carried, "carried out twice"
        assert len(events) == 1 or isinstance(last, g.ReleaseCarriedOut)
        request.carried = True
        self.seen["carried"] += len(events) > 1

    def request_record(self, record: RequestRecord) -> None:
        for event in record.events:
            self._take(event, record)

    def _take(self, event: e.Event, record: RequestRecord) -> None:
        governance, command = self.states[record.governance], record.command
        if isinstance(event, e.ChangeSubmitted):
            assert isinstance(command, c.SubmitChange)
            person = governance.person[command.principal] or f"a service: {command.principal}"
            self.requests[event.request] = Asked(command, person, governance)
            return
        if isinstance(event, e.CommandRepeated):
            return
        request = self.requests[event.request]
        assert not request.ended
        match event:
            case e.ApprovalGiven(approver=approver):
                assert isinstance(command, c.Approve)
                assert command.principal == approver
                assert command.digest == request.digest
                request.approvals[approver] = governance.key_of[record.key] != approver
            case e.ApprovalLapsed(approver=approver):
                del request.approvals[approver]
                self.seen["lapsed"] += 1
            case e.ApprovalRevoked(approver=approver):
                assert isinstance(command, c.Revoke)
                assert governance.person[command.principal] == governance.person[approver]
                del request.approvals[approver]
            case e.RequestReopened():
                self.seen["reopened"] += 1
            case e.ChangeReleased():
                self._check_release(request, record, governance)
            case e.ChangeClaimed() | e.RequestCompleted() | e.RequestFailed():
                assert request.released is not None
                assert isinstance(event, e.ChangeClaimed) or request.carried or command is not None
            case _:
                pass
        request.ended = isinstance(
            event,
            (e.RequestCompleted, e.RequestFailed, e.RequestRejected, e.RequestCanceled, e.RequestExpired),
        )

    def _check_release(self, request: Asked, record: RequestRecord, governance: State) -> None:
        assert request.released is None, "released twice"
        request.released = record.seq
        self.seen["released"] += 1
        now = governance.protecting(request.kind)
        assert request.then.keys() <= now.keys(), "a policy that is gone has approved"
        asked = [*request.then.values(), *now.values()]
        for policy in asked:
            for rule in policy.approvals:
                accounts = governance.in_any(rule.groups)
                _enough(request, governance, accounts, rule.quorum, own=policy.own_signature)
        if request.kind in {"access-policy", "governance"}:
            _enough(request, governance, governance.holders("administrator", request.administered), 1)
        else:
            assert now, "nothing protects it"
        if isinstance(record.command, c.Complete):
            assert record.command.principal == request.requester
        else:
            assert isinstance(record.command, c.Approve)
            assert all(policy.completion == "automatic" for policy in asked)


def _enough(request: Asked, governance: State, accounts: set[str], quorum: int, *, own: bool = False) -> None:
    approved = {who for who, proxied in request.approvals.items() if not (own and proxied)}
    people = governance.people(approved & accounts) - {request.person}
    assert len(people) >= max(quorum, 1), f"{sorted(people)} of {quorum}"


def _check_direct(event: g.GovernanceEvent, record: GovernanceRecord, before: State) -> None:
    """What one administrator may do alone: nothing that widens anybody's power."""
    assert record.command is not None
    who = record.command.principal
    assert who in before.enabled
    match event:
        case g.PrincipalRegistered() | g.PrincipalDisabled():
            assert who in before.holders("administrator", "")
        case g.KeyRevoked(key=key):
            assert who in before.holders("administrator", "") or before.key_of[key] == who
        case g.KeyRegistered(key=key):
            assert key.principal == who == before.key_of[record.key]
        case g.GroupDefined(group=group):
            assert not before.is_guarded(group.id)
        case g.RoleAssigned(assignment=assignment):
            assert assignment.role not in GUARDED
            old = before.assignments.get(assignment.id)
            assert old is None or old.role not in GUARDED
        case g.RoleWithdrawn(assignment=name):
            assert before.assignments[name].role not in GUARDED
        case g.SettingsChanged(settings=settings):
            # The stories change one time only, which cuts both ways; saying what holds anyway is harmless.
            assert settings == before.settings
        case _:
            raise AssertionError(f"{type(event).__name__} by {who} alone")


def acting_administrators(governance: State) -> set[str]:
    """The people who administer every type and can sign, with their own key or through a gateway."""
    signers = set(governance.key_of.values())
    gateways = governance.holders("gateway", "governance") & governance.enabled & signers
    administrators = governance.holders("administrator", "")
    return governance.people(administrators if gateways else administrators & signers)


def unmet(governance: State) -> list[str]:
    """The policies that the people there are could not meet, whichever of them asks."""
    return [
        policy.id
        for policy in governance.policies.values()
        for rule in policy.approvals
        if not 0 < rule.quorum < len(governance.people(governance.in_any(rule.groups)))
    ]
