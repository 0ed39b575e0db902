"""What people do: mostly sensible, sometimes not, and now and then twice."""

import random
from typing import Any, Final

import msgspec
from msgspec import UNSET

from assent_contracts import commands as c
from assent_contracts.codec import encode
from assent_contracts.digests import to_base64url
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    Event,
    MembersReserved,
    OutcomeUnknown,
    RequestApproved,
    RequestEnd,
)
from assent_contracts.governance_changes import (
    AddWriter,
    CorrectTime,
    DefineGroup,
    DisablePrincipal,
    EnablePrincipal,
    GovernanceChange,
    RetireWriter,
    RevokeKey,
    object_of,
)
from assent_contracts.governance_messages import GOVERNANCE_KEY, ChangeGovernance
from assent_contracts.governance_objects import Group, Writer
from tests.simulation.organisation import (
    ADMINISTRATORS,
    APPROVERS,
    PERSON,
    REQUESTERS,
    SERVICES,
    SPARE_WRITERS,
    WRITERS,
    Founded,
    key_id,
)
from tests.simulation.sender import Sender

_OBJECTS: Final = ("app/a", "app/b", "script/x")


class Known(msgspec.Struct):
    """A request as people see it."""

    request: str
    resource: str
    requester: str
    submission: str
    part_of: str | None = None
    stage: str = "waits"


class People:
    """Everybody with a key, and what they have seen of the ledger."""

    def __init__(self, log: Founded, sender: Sender, rng: random.Random) -> None:
        self._log = log
        self._sender = sender
        self._rng = rng
        self.known: dict[str, Known] = {}

    def hear(self, events: tuple[Event, ...]) -> None:
        """An accepted record's events."""
        for event in events:
            if isinstance(event, ChangeSubmitted):
                part_of = event.part_of if isinstance(event.part_of, str) else None
                self.known[event.request] = Known(
                    event.request, event.resource, event.requester, event.submission, part_of
                )
                if event.members is not UNSET:
                    self.known[event.request].stage = "gathers"
            elif isinstance(event, MembersReserved):
                self.known[event.request].stage = "waits"
            elif isinstance(event, RequestApproved):
                self.known[event.request].stage = "approved"
            elif isinstance(event, ChangeReleased):
                self.known[event.request].stage = "released"
            elif isinstance(event, OutcomeUnknown):
                self.known[event.request].stage = "unknown"
            elif isinstance(event, RequestEnd):
                self.known[event.request].stage = "ended"

    def act(self, now: int) -> str:
        """A person sends a command about a request; returns its name."""
        rng = self._rng
        dated = now + rng.choice((0, 0, 0, -1_000, -rng.randrange(90_000_000), rng.randrange(400_000)))
        if rng.random() < 0.7:
            return self.go_on(dated)
        open_ones = [each for each in self.known.values() if each.stage != "ended"]
        if not open_ones or rng.random() < 0.15:
            who = rng.choice(REQUESTERS) if rng.random() < 0.9 else rng.choice(tuple(PERSON))
            return self._submit(
                who, dated, rng.choice(_OBJECTS), msgspec.Raw(b'{"v":%d}' % rng.randrange(99))
            )
        return self._anything(rng.choice(open_ones), dated)

    def go_on(self, dated: int) -> str:
        """A person takes the next step of some request, or opens one if there is none."""
        rng = self._rng
        unknown = [each for each in self.known.values() if each.stage == "unknown"]
        if unknown and rng.random() < 0.5:
            return self._settle(rng.choice(unknown), dated)
        waiting = [
            each
            for each in self.known.values()
            if each.stage in ("waits", "approved") and each.part_of is None
        ]
        if not waiting or (len(waiting) < 3 and rng.random() < 0.2):
            taken = {each.resource for each in self.known.values() if each.stage != "ended"}
            free = [each for each in _OBJECTS if each not in taken] or _OBJECTS
            payload = msgspec.Raw(b'{"v":%d}' % rng.randrange(99))
            return self._submit(rng.choice(REQUESTERS), dated, rng.choice(free), payload)
        it = rng.choice(waiting)
        if it.stage == "approved":
            return self._send(c.Complete, it, it.requester, dated, submission=it.submission)
        of_governance = it.resource.startswith("governance/")
        who = rng.choice(ADMINISTRATORS if of_governance else APPROVERS)
        return self._send(c.Approve, it, who, dated, submission=it.submission)

    def _settle(self, it: Known, dated: int) -> str:
        rng = self._rng
        outcome = rng.choice(("retry", "retry", "succeeded", "failed"))
        who = rng.choice((*ADMINISTRATORS, *PERSON))
        return self._send(c.Settle, it, who, dated, outcome=outcome, reason="looked")

    def _anything(self, it: Known, dated: int) -> str:
        rng = self._rng
        who = rng.choice((*PERSON, *SERVICES))
        kind = rng.randrange(10)
        if kind < 3:
            of = rng.choice((c.Approve, c.Reject, c.Complete))
            return self._send(of, it, who, dated, submission=it.submission)
        if kind == 3:
            return self._send(c.Revoke, it, who, dated)
        if kind == 4:
            return self._send(c.Cancel, it, it.requester if rng.random() < 0.5 else who, dated)
        if kind == 5:
            return self._send(c.CloseRequest, it, rng.choice(ADMINISTRATORS), dated, reason="old")
        if kind == 6:
            return self._send(c.Claim, it, rng.choice(SERVICES), dated)
        if kind == 7:
            return self._settle(it, dated)
        claim = rng.randrange(60)
        if kind == 8:
            return self._send(c.RenewLease, it, rng.choice(SERVICES), dated, claim=claim)
        outcome = rng.choice(("succeeded", "failed", "unknown"))
        if rng.random() < 0.5:
            who = rng.choice(SERVICES)
            return self._send(c.ReportOutcome, it, who, dated, outcome=outcome, claim=claim)
        return self._send(c.ReportOutcome, it, rng.choice((who, *ADMINISTRATORS)), dated, outcome=outcome)

    def _submit(self, who: str, dated: int, resource: str, payload: msgspec.Raw) -> str:
        command = c.SubmitChange(
            **self._sender.about(who, dated),
            resource=resource,
            operation="edit",
            justification="why",
            payload=payload,
        )
        self._sender.send_bytes(encode(command), resource.encode(), who, dated)
        return f"{who} submits {resource}"

    def _send(self, kind: type[Any], it: Known, who: str, dated: int, **more: Any) -> str:
        command = kind(**self._sender.about(who, dated), resource=it.resource, request=it.request, **more)
        self._sender.send_bytes(encode(command), it.resource.encode(), who, dated)
        return f"{who} sends {kind.__name__} on {it.request}"

    def govern(self, now: int) -> str:
        """An administrator changes governance, at once or by a request."""
        rng = self._rng
        who = rng.choice(ADMINISTRATORS)
        change, at_once = self._change(now)
        if at_once:
            command = ChangeGovernance(**self._sender.about(who, now), change=change)
            self._sender.send_bytes(encode(command), GOVERNANCE_KEY, who, now)
            return f"{who} makes {type(change).__name__}"
        said = self._submit(who, now, object_of(change), msgspec.Raw(encode(change)))
        return f"{said} for {type(change).__name__}"

    def _change(self, now: int) -> tuple[GovernanceChange, bool]:
        rng, signing = self._rng, self._log.signing
        roll = rng.randrange(11)
        if roll == 10:
            return CorrectTime(to=now - rng.choice((0, 0, 1_000, 3_600_000))), False
        if roll > 7:
            return DisablePrincipal(principal=rng.choice(("bob", "alice", "alice2"))), True
        if roll < 2:
            name = rng.choice(SPARE_WRITERS)
            public = to_base64url(signing.public(name))
            return AddWriter(writer=Writer(id=name, public_key=public)), False
        if roll < 4:
            return RetireWriter(writer=rng.choice((*WRITERS, *SPARE_WRITERS))), False
        if roll == 4:
            return RevokeKey(key=key_id("mallory")), True
        if roll == 5:
            return EnablePrincipal(principal=rng.choice(("bob", "alice", "alice2"))), False
        if roll == 6:
            members = (*sorted(rng.sample(APPROVERS, rng.randrange(1, 4))), SERVICES[1])
            return DefineGroup(group=Group(id="approvers", members=members), version=None), rng.random() < 0.2
        return RevokeKey(key=key_id("alice2")), True
