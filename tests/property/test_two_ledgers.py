"""Governance and requests, however they interleave: what is released was approved, as asked then and now."""

from collections.abc import Collection
from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from assent.core.governance.state import Governance
from assent.core.requests.states import Approved, Closed, NeedsApproval, Open, Released
from assent_contracts import commands as c
from assent_contracts import governance_changes as g
from assent_contracts.policies import BUILT_IN_TYPES, ApprovalRule
from assent_contracts.resources import request_id, resource_type
from tests.property.any_change import (
    ADMINISTRATORS,
    KINDS,
    AnyChange,
    administrators,
    approvals,
    founding,
    humans,
    some_humans,
)
from tests.property.two_ledgers import Oracle, acting_administrators, unmet
from tests.support.two_ledgers import DAY_MS, TwoLedgers

OBJECTS = ("script/a", "script/b")
PAUSES_MS = (1, DAY_MS, 29 * DAY_MS, 31 * DAY_MS)


class BothLedgers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.oracle = Oracle()
        self.ledgers = TwoLedgers(founding(), self.oracle)
        self.numbers = 0

    @initialize(whose=st.lists(humans, max_size=4, unique=True), approved=st.booleans())
    def founded(self, whose: list[str], *, approved: bool) -> None:
        """The log is founded, and one request is on its way."""
        self.ledgers.close()
        self.ledgers.catch_up()
        self.ledgers.submit("alice", OBJECTS[0])
        self._approve(["bob", "carol"] if approved else whose, KINDS)

    def _change(self, data: st.DataObject, governance: Governance) -> g.GovernanceChange:
        self.numbers += 1
        return AnyChange(data, governance, self.numbers).change()

    def _key(self, who: str, governance: Governance, *, proxied: bool = False) -> str:
        if proxied:
            return "gate-key"
        mine = [name for name, key in governance.keys.items() if key.principal == who and not key.revoked]
        return mine[0] if mine else f"{who}-key"

    def _open(self) -> dict[int, Open]:
        requests = self.ledgers.book.requests
        return {seq: each for seq, each in requests.items() if not isinstance(each, Closed)}

    def _send(
        self, who: str, kind: type[Any], seq: int, request: Open, *, proxied: bool = False, **said: Any
    ) -> None:
        resource = request.submission.resource
        command = self.ledgers.command(who, kind, resource, request=request_id(0, seq), **said)
        self.ledgers.send(command, key=self._key(who, self.ledgers.seen, proxied=proxied))

    @rule(data=st.data(), who=st.one_of(administrators, administrators, humans), proxied=st.booleans())
    def somebody_changes_governance(self, data: st.DataObject, who: str, *, proxied: bool) -> None:
        governance = self.ledgers.governance
        change = self._change(data, governance)
        self.ledgers.change(who, change, key=self._key(who, governance, proxied=proxied))

    @rule(data=st.data(), who=st.one_of(administrators, administrators, humans))
    def somebody_proposes_a_change(self, data: st.DataObject, who: str) -> None:
        seen = self.ledgers.seen
        self.ledgers.propose(who, self._change(data, seen), key=self._key(who, seen))

    @rule(data=st.data(), who=administrators, whose=some_humans, carry=st.booleans())
    def a_change_is_proposed_and_approved(
        self, data: st.DataObject, who: str, whose: tuple[str, ...], *, carry: bool
    ) -> None:
        self.ledgers.catch_up()
        self.somebody_proposes_a_change(data, who)
        self._approve([*ADMINISTRATORS, *whose], BUILT_IN_TYPES)
        self._complete(BUILT_IN_TYPES)
        if carry and self.ledgers.released:
            self.ledgers.carry()

    @rule(data=st.data(), rules=approvals, early=st.booleans(), delete=st.booleans())
    def the_policy_changes_on_the_way(
        self, data: st.DataObject, rules: tuple[ApprovalRule, ...], *, early: bool, delete: bool
    ) -> None:
        """Requests are submitted, and perhaps approved; then their policy changes; then they go on."""
        self.ledgers.catch_up()
        if not self.ledgers.seen.policies:
            return
        if early:
            self._approve(["bob", "carol", "dan"], ("script",))
        name = data.draw(st.sampled_from(sorted(self.ledgers.seen.policies)))
        before = self.ledgers.seen.policies[name]
        version = self.ledgers.seen.version(g.policy_object(before.id))
        assert version is not None
        after = msgspec.structs.replace(before, approvals=rules)
        change = g.DeletePolicy(policy=before.id, version=version) if delete else None
        self.ledgers.propose("root", change or g.EditPolicy(policy=after, version=version))
        self._approve([*ADMINISTRATORS, "carol", "dan"], BUILT_IN_TYPES)
        self._complete(BUILT_IN_TYPES)
        while self.ledgers.released:
            self.ledgers.carry()
        self.ledgers.catch_up()
        self._approve(["bob"], ("script",))
        self._complete(("script",))

    @rule(who=st.sampled_from(("alice", "alice2", "bob")), resource=st.sampled_from(OBJECTS))
    def somebody_submits(self, who: str, resource: str) -> None:
        self.ledgers.submit(who, resource, key=self._key(who, self.ledgers.seen))

    @precondition(lambda self: self._open())
    @rule(
        whose=st.lists(humans, min_size=1, max_size=6, unique=True),
        proxied=st.booleans(),
        complete=st.booleans(),
    )
    def people_approve(self, whose: list[str], *, proxied: bool, complete: bool) -> None:
        self._approve(whose, KINDS, proxied=proxied)
        if complete:
            self._complete(KINDS)

    def _approve(self, whose: list[str], kinds: Collection[str], *, proxied: bool = False) -> None:
        for seq in self._open():
            for who in whose:
                request = self._open().get(seq)
                if request is not None and resource_type(request.submission.resource) in kinds:
                    digest = request.submission.digest
                    self._send(who, c.Approve, seq, request, proxied=proxied, digest=digest)

    def _complete(self, kinds: Collection[str]) -> None:
        for seq, request in self._open().items():
            if isinstance(request, Approved) and resource_type(request.submission.resource) in kinds:
                self._send(request.submission.requester, c.Complete, seq, request)

    @rule(who=administrators, read=st.booleans())
    def an_approver_is_disabled(self, who: str, *, read: bool) -> None:
        for request in self._open().values():
            if isinstance(request, NeedsApproval | Approved) and request.approvals:
                gone = request.approvals[0].approver
                key = self._key(who, self.ledgers.governance)
                self.ledgers.change(who, g.DisablePrincipal(principal=gone), key=key)
        if read:
            self.ledgers.catch_up()
            self._complete(KINDS)

    @precondition(lambda self: self._open())
    @rule(
        data=st.data(),
        who=humans,
        kind=st.sampled_from((c.Reject, c.Revoke, c.Revoke, c.Cancel, c.Complete, c.Claim)),
    )
    def somebody_does_something(self, data: st.DataObject, who: str, kind: type[Any]) -> None:
        seq = data.draw(st.sampled_from(sorted(self._open())))
        self._send(who, kind, seq, self._open()[seq])

    @precondition(lambda self: self._open())
    @rule(data=st.data(), who=humans)
    def somebody_approves_other_bytes(self, data: st.DataObject, who: str) -> None:
        seq = data.draw(st.sampled_from(sorted(self._open())))
        self._send(who, c.Approve, seq, self._open()[seq], digest="0" * 64)

    @rule()
    def an_approver_takes_it_back(self) -> None:
        for seq, request in self._open().items():
            if isinstance(request, NeedsApproval | Approved) and request.approvals:
                self._send(request.approvals[0].approver, c.Revoke, seq, request)
                return

    @rule()
    def requesters_complete(self) -> None:
        self._complete(KINDS)

    @rule(outcome=st.sampled_from(("succeeded", "failed", "unknown")))
    def the_applier_applies(self, outcome: str) -> None:
        for seq, request in self._open().items():
            if isinstance(request, Released):
                self._send("applier", c.Claim, seq, request)
            elif not isinstance(request, NeedsApproval | Approved):
                self._send("applier", c.ReportOutcome, seq, request, outcome=outcome)

    @precondition(lambda self: self.ledgers.released)
    @rule()
    def governance_carries_a_release_out(self) -> None:
        self.ledgers.carry()

    @rule(behind=st.one_of(st.just(0), st.integers(0, 6)))
    def the_request_decider_reads_governance(self, behind: int) -> None:
        self.ledgers.catch_up(behind)

    @rule(ms=st.sampled_from(PAUSES_MS))
    def time_passes(self, ms: int) -> None:
        self.ledgers.at += ms

    @rule()
    def the_request_decider_looks_at_the_clock(self) -> None:
        self.ledgers.expire()

    @invariant()
    def two_people_can_always_administer(self) -> None:
        assert len(acting_administrators(self.oracle.now)) >= 2

    @invariant()
    def every_policy_can_always_be_met(self) -> None:
        assert unmet(self.oracle.now) == []


TestBothLedgers = BothLedgers.TestCase
TestBothLedgers.settings = settings(max_examples=400, stateful_step_count=40, deadline=None)
