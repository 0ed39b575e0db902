"""Governance and requests in any interleaving: what is released was approved, as required then and now."""

from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from assent_contracts import commands as c
from assent_contracts import governance_changes as g
from assent_contracts.access_policies import BUILT_IN_TYPES, ApprovalRule, Policy
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.states import Approved, NeedsApproval, Released
from assent_contracts.governance_objects import DirectoryDifference
from tests.property.acting_people import People
from tests.property.governance_state import acting_administrators, moments, unmet
from tests.property.random_changes import (
    ADMINISTRATORS,
    DIRECTORY_PERSON,
    KINDS,
    AnyChange,
    administrators,
    approvals,
    directory_account,
    directory_group,
    founding,
    humans,
    some_humans,
)
from tests.property.two_ledgers import Oracle
from tests.support.two_ledgers import DAY_MS, KEYS_END, TwoLedgers

OBJECTS = ("script/a", "script/b")
PAUSES_MS = (1, DAY_MS, 29 * DAY_MS, 31 * DAY_MS)


class BothLedgers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.oracle = Oracle()
        self.ledgers = TwoLedgers(founding(), self.oracle)
        self.people = People(self.ledgers)
        self.numbers = 0

    @initialize(whose=st.lists(humans, max_size=4, unique=True), approved=st.booleans())
    def founded(self, whose: list[str], *, approved: bool) -> None:
        """The log is founded, and one request is open."""
        self.ledgers.close()
        self.ledgers.catch_up()
        self.ledgers.submit("alice", OBJECTS[0])
        self.people.approve(["bob", "carol"] if approved else whose, KINDS)

    def _change(self, data: st.DataObject, governance: Governance) -> g.GovernanceChange:
        self.numbers += 1
        return AnyChange(data, governance, self.numbers).change()

    @rule(data=st.data(), who=st.one_of(administrators, administrators, humans), proxied=st.booleans())
    def somebody_changes_governance(self, data: st.DataObject, who: str, *, proxied: bool) -> None:
        governance = self.ledgers.governance
        change = self._change(data, governance)
        self.ledgers.change(who, change, key=self.people.key(who, governance, proxied=proxied))

    @rule(data=st.data(), who=st.one_of(administrators, administrators, humans))
    def somebody_proposes_a_change(self, data: st.DataObject, who: str) -> None:
        seen = self.ledgers.seen
        self.ledgers.propose(who, self._change(data, seen), key=self.people.key(who, seen))

    @rule(data=st.data(), who=administrators, whose=some_humans, carry=st.booleans())
    def a_change_is_proposed_and_approved(
        self, data: st.DataObject, who: str, whose: tuple[str, ...], *, carry: bool
    ) -> None:
        self.ledgers.catch_up()
        self.somebody_proposes_a_change(data, who)
        self.people.approve([*ADMINISTRATORS, *whose], BUILT_IN_TYPES)
        self.people.complete(BUILT_IN_TYPES)
        if carry and self.ledgers.released:
            self.ledgers.carry()

    @rule(data=st.data(), rules=approvals, early=st.booleans(), delete=st.booleans())
    def the_policy_changes_on_the_way(
        self, data: st.DataObject, rules: tuple[ApprovalRule, ...], *, early: bool, delete: bool
    ) -> None:
        """Requests are submitted, and perhaps approved; then their policy changes; then they continue."""
        self.ledgers.catch_up()
        if not self.ledgers.seen.policies:
            return
        if early:
            self.people.approve(["bob", "carol", "dan"], ("script",))
        before = self._some_policy(data)
        self.people.change_policy(
            before, None if delete else msgspec.structs.replace(before, approvals=rules)
        )
        self.people.approve(["bob"], ("script",))
        self.people.complete(("script",))

    def _some_policy(self, data: st.DataObject) -> Policy:
        return self.ledgers.seen.policies[data.draw(st.sampled_from(sorted(self.ledgers.seen.policies)))]

    @rule(data=st.data(), own=st.lists(humans, max_size=1), proxied=some_humans, again=st.booleans())
    def approvers_are_told_to_sign_themselves_on_the_way(
        self, data: st.DataObject, own: list[str], proxied: tuple[str, ...], *, again: bool
    ) -> None:
        """Most approve through a gateway; then a policy begins to forbid that, and may permit it again."""
        self.ledgers.catch_up()
        if not self.ledgers.seen.policies:
            return
        self.people.approve(own, KINDS)
        self.people.approve(("bob", "carol", *proxied), KINDS, proxied=True)
        before = self._some_policy(data)
        self.people.change_policy(before, msgspec.structs.replace(before, own_signature=True))
        self.people.complete(KINDS)
        if again and before.id in self.ledgers.seen.policies:
            self.people.change_policy(before, msgspec.structs.replace(before, own_signature=False))
            self.people.complete(KINDS)

    @rule(data=st.data(), who=st.sampled_from(("sync", "sync", "sync", *ADMINISTRATORS)))
    def the_directory_says_something_else(self, data: st.DataObject, who: str) -> None:
        governance = self.ledgers.governance
        change = AnyChange(data, governance, self.numbers).directory()
        self.ledgers.change(who, change, key=self.people.key(who, governance))

    @rule(whose=some_humans, by_hand=st.booleans(), read=st.booleans(), back=st.booleans())
    def approvers_vanish_from_the_directory(
        self, whose: tuple[str, ...], *, by_hand: bool, read: bool, back: bool
    ) -> None:
        """People approve, those of them from the directory are removed from it, and they may come back.

        `by_hand`: an administrator disables them first, which no directory undoes.
        """
        self.ledgers.catch_up()
        self.people.approve([*DIRECTORY_PERSON, *whose], KINDS)
        gone = sorted({*DIRECTORY_PERSON} & self.people.approvers())
        for name in gone:
            if by_hand:
                key = self.people.key("root", self.ledgers.governance)
                self.ledgers.change("root", g.DisablePrincipal(principal=name), key=key)
            self.people.sync(DirectoryDifference(vanished=(name,)))
        if read:
            self.ledgers.catch_up()
            self.people.complete(KINDS)
        if back:
            self.people.sync(DirectoryDifference(accounts=tuple(directory_account(name) for name in gone)))
            self.ledgers.catch_up()
            self.people.complete(KINDS)

    @rule(whose=some_humans, staff=some_humans, read=st.booleans())
    def approvers_leave_a_group_of_the_directory(
        self, whose: tuple[str, ...], staff: tuple[str, ...], *, read: bool
    ) -> None:
        """People approve, and the directory replaces them in its group of staff."""
        self.people.approve(whose, KINDS)
        members = tuple(name for name in staff if name not in self.people.approvers())
        self.people.sync(DirectoryDifference(groups=(directory_group("staff", members),)))
        if read:
            self.ledgers.catch_up()
            self.people.complete(KINDS)

    @rule(who=st.sampled_from(("alice", "alice2", "bob")), resource=st.sampled_from(OBJECTS))
    def somebody_submits(self, who: str, resource: str) -> None:
        self.ledgers.submit(who, resource, key=self.people.key(who, self.ledgers.seen))

    @rule(whose=humans, resource=st.sampled_from(OBJECTS), approvers=some_humans)
    def a_service_submits_on_behalf_of_somebody(
        self, whose: str, resource: str, approvers: tuple[str, ...]
    ) -> None:
        key = self.people.key("feeder", self.ledgers.seen)
        self.ledgers.submit("feeder", resource, on_behalf_of=whose, key=key)
        self.people.approve((*approvers, whose), KINDS)
        self.people.complete(KINDS)

    @precondition(lambda self: self.people.open())
    @rule(data=st.data(), who=st.one_of(administrators, humans))
    def somebody_closes_a_request(self, data: st.DataObject, who: str) -> None:
        seq = data.draw(st.sampled_from(sorted(self.people.open())))
        self.people.send(who, c.CloseRequest, seq, self.people.open()[seq], reason="why")

    @precondition(lambda self: self.people.open())
    @rule(
        whose=st.lists(humans, min_size=1, max_size=6, unique=True),
        proxied=st.booleans(),
        complete=st.booleans(),
    )
    def people_approve(self, whose: list[str], *, proxied: bool, complete: bool) -> None:
        self.people.approve(whose, KINDS, proxied=proxied)
        if complete:
            self.people.complete(KINDS)

    @rule(who=administrators, read=st.booleans())
    def an_approver_is_disabled(self, who: str, *, read: bool) -> None:
        for request in self.people.open().values():
            if isinstance(request, NeedsApproval | Approved) and request.approvals:
                gone = request.approvals[0].approver
                key = self.people.key(who, self.ledgers.governance)
                self.ledgers.change(who, g.DisablePrincipal(principal=gone), key=key)
        if read:
            self.ledgers.catch_up()
            self.people.complete(KINDS)

    @precondition(lambda self: self.people.open())
    @rule(
        data=st.data(),
        who=humans,
        kind=st.sampled_from((c.Reject, c.Revoke, c.Revoke, c.Cancel, c.Complete, c.Claim)),
    )
    def somebody_does_something(self, data: st.DataObject, who: str, kind: type[Any]) -> None:
        seq = data.draw(st.sampled_from(sorted(self.people.open())))
        self.people.send(who, kind, seq, self.people.open()[seq])

    @precondition(lambda self: self.people.open())
    @rule(data=st.data(), who=humans)
    def somebody_approves_other_bytes(self, data: st.DataObject, who: str) -> None:
        seq = data.draw(st.sampled_from(sorted(self.people.open())))
        self.people.send(who, c.Approve, seq, self.people.open()[seq], submission="0" * 64)

    @rule()
    def an_approver_takes_it_back(self) -> None:
        for seq, request in self.people.open().items():
            if isinstance(request, NeedsApproval | Approved) and request.approvals:
                self.people.send(request.approvals[0].approver, c.Revoke, seq, request)
                return

    @rule()
    def requesters_complete(self) -> None:
        self.people.complete(KINDS)

    @rule(outcome=st.sampled_from(("succeeded", "failed", "unknown")))
    def the_applier_applies(self, outcome: str) -> None:
        for seq, request in self.people.open().items():
            if isinstance(request, Released):
                self.people.send("applier", c.Claim, seq, request)
            elif not isinstance(request, NeedsApproval | Approved):
                self.people.send("applier", c.ReportOutcome, seq, request, outcome=outcome)

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
        """Now, and at every later time until the keys of the founding end."""
        for time in moments(self.oracle.now, self.ledgers.at, KEYS_END):
            assert len(acting_administrators(self.oracle.now, time)) >= 2, time

    @invariant()
    def whoever_may_act_is_whom_the_records_leave_enabled(self) -> None:
        accounts = self.ledgers.governance.principals.values()
        assert {each.id for each in accounts if each.enabled} == self.oracle.now.enabled

    @invariant()
    def every_policy_can_always_be_met(self) -> None:
        assert unmet(self.oracle.now) == []


TestBothLedgers = BothLedgers.TestCase
TestBothLedgers.settings = settings(max_examples=400, stateful_step_count=40, deadline=None)
