"""What must hold of both ledgers, added up from their records alone, independent of the code under test.

It keeps every past state of governance, as plain sets and dictionaries.
"""

import hashlib
from copy import deepcopy
from typing import Any

import msgspec
from msgspec import UNSET

from assent_contracts import commands as c
from assent_contracts import events as e
from assent_contracts import governance_messages as g
from assent_contracts.governance_objects import DirectoryDifference
from tests.property.governance_state import GUARDED, State
from tests.support.two_ledgers import GovernanceRecord, Listener, RequestRecord


class Asked:
    """A request, according to its records."""

    def __init__(self, command: c.SubmitChange, person: str, as_of: int, governance: State) -> None:
        self.as_of = as_of
        """The governance seq under which the submission was decided."""
        self.payload = bytes(command.payload)
        self.digest = hashlib.sha256(self.payload).hexdigest()
        self.submission = hashlib.sha256(msgspec.json.encode(command)).hexdigest()
        self.kind = command.resource.partition("/")[0]
        self.requester = command.principal
        self.on_behalf_of = None if command.on_behalf_of is UNSET else command.on_behalf_of
        self.person = person
        self.then = governance.protecting(self.kind)
        self.own_then = governance.settings.governance_own_signature
        self.administered = _administered(msgspec.json.decode(self.payload), governance)
        self.approvals: dict[str, bool] = {}
        """Accounts that approved, and whether a gateway signed."""
        self.released: int | None = None
        self.released_under = -1
        """The governance seq under which the release was decided."""
        self.carried = False
        self.claimed = False
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
    """Checks each record as it is written, and counts what it has seen."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.requests: dict[str, Asked] = {}
        self.seen = dict.fromkeys(
            ("released", "carried", "reopened", "lapsed", "direct", "synced", "closed"), 0
        )

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
            self._check_carried(record.events, after)
        else:
            self.seen["direct"] += bool(record.events)
            self.seen["synced"] += any(isinstance(event, g.DirectorySynced) for event in record.events)
            for event in record.events:
                _check_direct(event, record, before)

    def _check_carried(self, events: tuple[g.GovernanceEvent, ...], after: State) -> None:
        *changes, last = events
        assert isinstance(last, g.ReleaseCarriedOut | g.ReleaseRefused)
        request = self.requests[last.request]
        assert request.released == last.released, "carried out without its release"
        assert request.digest == last.digest
        assert request.as_of == last.as_of, "submitted under another governance seq"
        assert request.released_under < len(self.states) - 1, "it made its own release true"
        assert not request.carried, "carried out twice"
        assert bool(changes) == isinstance(last, g.ReleaseCarriedOut)
        then = self.states[last.as_of]
        for group in {group for event in changes for group in _given_power(event)}:
            assert after.members[group] == then.members.get(group), "approvers saw another group"
        request.carried = True
        self.seen["carried"] += bool(changes)

    def request_record(self, record: RequestRecord) -> None:
        for event in record.events:
            self._take(event, record)

    def _take(self, event: e.Event, record: RequestRecord) -> None:
        governance, command = self.states[record.governance], record.command
        if isinstance(event, e.ChangeSubmitted):
            assert isinstance(command, c.SubmitChange)
            named = command.principal if command.on_behalf_of is UNSET else command.on_behalf_of
            assert named == command.principal or governance.person[command.principal] is None
            assert named == command.principal or named in governance.enabled
            person = governance.person[named] or f"a service: {command.principal}"
            assert event.person == governance.person[named] or governance.person[named] is None
            self.requests[event.request] = Asked(command, person, record.governance, governance)
            return
        if isinstance(event, e.CommandRepeated | e.WritersChanged | e.LogTimeCorrected | e.FindingEvent):
            return
        request = self.requests[event.request]
        assert not request.ended
        match event:
            case e.ApprovalGiven(approver=approver):
                assert isinstance(command, c.Approve)
                assert command.principal == approver
                assert command.submission == request.submission
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
            case e.RequestClosed(closed_by=closer):
                assert isinstance(command, c.CloseRequest)
                assert command.principal == closer
                administered = "" if request.kind in {"access-policy", "governance"} else request.kind
                assert closer in governance.enabled & governance.holders("administrator", administered)
                assert governance.person[closer] not in {None, request.person}
                assert not request.claimed, "closed while it may have been applied"
                assert request.released is None or administered != ""
                self.seen["closed"] += 1
            case e.ChangeReleased():
                self._check_release(request, record, governance)
            case e.ChangeClaimed() | e.RequestCompleted() | e.RequestFailed():
                assert request.released is not None
                assert isinstance(event, e.ChangeClaimed) or request.carried or command is not None
                request.claimed = True
            case _:
                pass
        request.ended = isinstance(event, e.RequestEnd)

    def _check_release(self, request: Asked, record: RequestRecord, governance: State) -> None:
        assert request.released is None, "released twice"
        request.released, request.released_under = record.seq, record.governance
        self.seen["released"] += 1
        assert request.requester in governance.enabled, "R19: its requester is disabled"
        assert request.on_behalf_of is None or request.on_behalf_of in governance.enabled
        if request.kind not in {"access-policy", "governance"}:
            assert request.requester in governance.holders("requester", request.kind), "R19: no role"
        now = governance.protecting(request.kind)
        assert request.then.keys() <= now.keys(), "a policy that is gone has approved"
        asked = [*request.then.values(), *now.values()]
        built_in = request.kind in {"access-policy", "governance"}
        own = built_in and (request.own_then or governance.settings.governance_own_signature)
        for policy in asked:
            for rule in policy.approvals:
                accounts = governance.in_any(rule.groups)
                _enough(request, governance, accounts, rule.quorum, own=own or policy.own_signature)
        if built_in:
            administrators = governance.holders("administrator", request.administered)
            _enough(request, governance, administrators, 1, own=own)
        else:
            assert now, "nothing protects it"
        if isinstance(record.command, c.Complete):
            assert record.command.principal == request.requester
        else:
            assert isinstance(record.command, c.Approve)
            assert all(policy.completion == "automatic" for policy in asked)


def _given_power(event: g.GovernanceEvent) -> tuple[str, ...]:
    """The groups that this event lets decide, or gives a role."""
    match event:
        case g.PolicyCreated(policy=policy) | g.PolicyEdited(policy=policy):
            return tuple(group for rule in policy.approvals for group in rule.groups)
        case g.RoleAssigned(assignment=assignment):
            return assignment.groups
        case _:
            return ()


def _enough(request: Asked, governance: State, accounts: set[str], quorum: int, *, own: bool = False) -> None:
    approved = {who for who, proxied in request.approvals.items() if not (own and proxied)}
    people = governance.people(approved & accounts) - {request.person}
    assert len(people) >= max(quorum, 1), f"{sorted(people)} of {quorum}"


def _check_direct(event: g.GovernanceEvent, record: GovernanceRecord, before: State) -> None:
    """What one administrator may do alone: nothing that gives an account more power."""
    assert record.command is not None
    who = record.command.principal
    assert who in before.enabled
    match event:
        case g.PrincipalRegistered() | g.PrincipalDisabled():
            assert who in before.holders("administrator", "")
        case g.KeyRevoked(key=key) | g.KeyExpires(key=key):
            assert who in before.holders("administrator", "") or before.key_of[key] == who
        case g.KeysRevoked(principal=principal):
            assert who in before.holders("administrator", "") or principal == who
        case g.KeyRegistered(key=key):
            assert key.principal == who == before.key_of[record.key]
            assert before.person[who] is not None, "a service has registered a key for itself"
        case g.GroupDefined(group=group):
            assert not before.is_guarded(group.id)
        case g.RoleAssigned(assignment=assignment):
            assert assignment.role not in GUARDED
            old = before.assignments.get(assignment.id)
            assert old is None or old.role not in GUARDED
        case g.RoleWithdrawn(assignment=name):
            assert before.assignments[name].role not in GUARDED
        case g.SettingsChanged(settings=settings):
            # Stories change one time limit, which cuts both ways, and whose signature counts, which tightens.
            tightened = msgspec.structs.replace(before.settings, governance_own_signature=True)
            assert settings in (before.settings, tightened)
        case g.DirectorySynced(difference=difference):
            _check_synced(difference, who, before)
        case _:
            raise AssertionError(f"{type(event).__name__} by {who} alone")


def _check_synced(difference: DirectoryDifference, who: str, before: State) -> None:
    """An account with the role directory synchronises anything; an administrator only what widens nothing."""
    if who in before.holders("directory", ""):
        return
    assert who in before.holders("administrator", "")
    touched = {*(group.id for group in difference.groups), *difference.vanished_groups}
    assert not any(before.is_guarded(group) for group in touched)
    assert not {account.id for account in difference.accounts} & (before.person.keys() - before.enabled)
