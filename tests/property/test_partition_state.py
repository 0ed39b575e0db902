"""Any input in any order: what never happens, and that the ledger reproduces all of it."""

import copy
from itertools import islice
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from assent_contracts import events as e
from assent_contracts.commands import Command
from assent_contracts.core.log_time import received_at
from assent_contracts.core.received import Received
from assent_contracts.core.requests.partition_state import PASSED_DEADLINES, PartitionState
from assent_contracts.core.requests.receive import receive
from assent_contracts.core.requests.replay import replay
from assent_contracts.core.requests.states import Closed
from assent_contracts.ledger import (
    RecordedCommand,
    decode_events,
    decode_record,
    decode_recorded_command,
)
from assent_contracts.limits import COMMAND_MEMORY_MS
from assent_contracts.partitioner import partition_for
from tests.support.people import DAY_MS, HUMANS, PARTITIONS, PRINCIPALS
from tests.support.stories import MINUTE_MS, SCRIPT, VERBS, Story, received, resource_in

QUORUM = 2
OBJECTS = (SCRIPT, resource_in(Story().state.partition))
APPROVERS = {"alice", "alice2", "bob", "bob2", "carol"}
PAUSES_MS = (1, MINUTE_MS, 6 * MINUTE_MS, DAY_MS, COMMAND_MEMORY_MS + 1, 29 * DAY_MS, 30 * DAY_MS)
NEXT = {
    "needs approval": ("", "approves"),
    "approved": ("alice", "completes"),
    "released": ("applier", "claims"),
    "applying": ("applier", "reports success"),
    "outcome unknown": ("dave", "reports failure"),
}
"""The commands that lead on from each status, and their senders; approvers are drawn."""


class History:
    """The approvals of each request, added up from the events alone, independent of the code under test."""

    def __init__(self) -> None:
        self.requester: dict[str, str] = {}
        self.approvers: dict[str, set[str]] = {}
        self.progress: dict[str, str] = {}
        """Of each released request: released, applying or unknown."""

    def take(self, event: e.Event) -> None:
        match event:
            case e.ChangeSubmitted():
                self.requester[event.request] = event.person
                self.approvers[event.request] = set()
            case e.ApprovalGiven():
                self.approvers[event.request].add(event.approver)
            case e.ApprovalRevoked() | e.ApprovalLapsed():
                self.approvers[event.request].discard(event.approver)
            case e.ChangeReleased():
                self._check_release(event.request)
            case e.ChangeClaimed():
                assert self.progress[event.request] == "released", "claimed twice for one release"
                self.progress[event.request] = "applying"
            case e.LeaseRenewed():
                assert self.progress[event.request] == "applying", "an ended lease was renewed"
            case e.OutcomeUnknown():
                assert self.progress[event.request] == "applying"
                self.progress[event.request] = "unknown"
            case e.SettlementProposed():
                assert self.progress[event.request] == "unknown"
            case e.RequestCompleted() | e.RequestFailed():
                assert self.progress.pop(event.request) in ("applying", "unknown"), (
                    "two outcomes, or no claim"
                )
            case _:
                pass

    def _check_release(self, request: str) -> None:
        assert self.progress.get(request) in (None, "unknown"), "released twice for one outcome"
        self.progress[request] = "released"
        approvers = self.approvers[request]
        assert approvers <= APPROVERS
        people = {HUMANS[approver] for approver in approvers}
        assert len(people) >= QUORUM
        assert self.requester[request] not in people


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.history = History()
        self.requests = dict.fromkeys(OBJECTS, f"{self.story.state.partition}-0")
        self.sent: list[tuple[Received[Command], bool]] = []
        self.inputs = 0

    def _take(self, it: Received[Command], *, good: bool) -> None:
        self.story.take(it, signature_good=good)
        self.sent.append((it, good))
        self.inputs += 1
        self._look(self.story.records[-1])

    def _look(self, value: bytes) -> None:
        for event in decode_events(decode_record(value)):
            self.history.take(event)
            if isinstance(event, e.ChangeSubmitted):
                self.requests[event.resource] = event.request

    def _send(self, who: str, verb: str, resource: str, *, good: bool = True) -> None:
        self.story.resource, self.story.request = resource, self.requests[resource]
        self._take(received(self.story.command(who, verb)), good=good)

    @rule(
        who=st.sampled_from(PRINCIPALS),
        verb=st.sampled_from(sorted(VERBS)),
        resource=st.sampled_from(OBJECTS),
    )
    def anybody_sends_anything(self, who: str, verb: str, resource: str) -> None:
        self._send(who, verb, resource)

    @rule(approver=st.sampled_from(sorted(APPROVERS)), resource=st.sampled_from(OBJECTS))
    def a_request_goes_on(self, approver: str, resource: str) -> None:
        self.story.resource, self.story.request = resource, self.requests[resource]
        who, verb = NEXT.get(self.story.status().partition(",")[0], ("alice", "submits"))
        self._send(who or approver, verb, resource)

    @rule(resource=st.sampled_from(OBJECTS))
    def an_administrator_has_it_tried_again(self, resource: str) -> None:
        self._send("dave", "settles it by a retry", resource)

    @rule(approver=st.sampled_from(sorted(APPROVERS)), resource=st.sampled_from(OBJECTS))
    def an_approver_takes_it_back(self, approver: str, resource: str) -> None:
        self._send(approver, "revokes", resource)

    @rule(
        who=st.sampled_from(PRINCIPALS),
        verb=st.sampled_from(sorted(VERBS)),
        resource=st.sampled_from(OBJECTS),
    )
    def somebody_forges(self, who: str, verb: str, resource: str) -> None:
        self._send(who, verb, resource, good=False)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def somebody_sends_again(self, data: st.DataObject) -> None:
        it, _ = data.draw(st.sampled_from(self.sent))
        self._take(it, good=True)

    @rule(ms=st.sampled_from(PAUSES_MS))
    def time_passes(self, ms: int) -> None:
        self.story.at += ms

    @rule()
    def the_writer_looks_at_the_clock(self) -> None:
        before = len(self.story.records)
        self.story.write_due()
        for value in self.story.records[before:]:
            self._look(value)

    @rule()
    def the_writer_starts_from_a_snapshot(self) -> None:
        before = contents(self.story.state)
        self.story.start_from_a_snapshot()
        assert contents(self.story.state) == before

    @invariant()
    def one_open_request_per_object(self) -> None:
        requests = self.story.state.requests.values()
        held = [each.submission.resource for each in requests if not isinstance(each, Closed)]
        assert len(held) == len(set(held)) == self.story.state.open_requests()

    @invariant()
    def deadlines_that_have_moved_take_no_memory(self) -> None:
        state = self.story.state
        assert len(state._deadlines) <= 2 * state.open_requests() + PASSED_DEADLINES + 1

    @invariant()
    def every_command_has_one_decision(self) -> None:
        with_input = [record for record in map(decode_record, self.story.records) if record.command]
        assert len(with_input) == self.inputs

    def teardown(self) -> None:
        again = PartitionState(self.story.state.partition)
        for value in self.story.records:
            replay(again, decode_record(value))
        assert contents(again) == contents(self.story.state)
        self._decide_again()

    def _decide_again(self) -> None:
        """As `verify` does: every command is judged again, and all records are made again, byte for byte."""
        again, sent = Story(), iter(self.sent)
        for seq, value in enumerate(self.story.records):
            record = decode_record(value)
            again.at = record.at
            if isinstance(record.input, int):
                it, good = next(sent)
                recorded = decode_recorded_command(record)
                if isinstance(recorded, RecordedCommand):
                    headers = [
                        ("assent-key", recorded.key.encode()),
                        ("assent-signature", recorded.signature.encode()),
                    ]
                    assert receive(bytes(recorded.value), it.command.resource.encode(), headers) == it
                again.take(it, signature_good=good, received_at=received_at(record))
            elif len(again.records) == seq:
                # All that was due at that time, of which this is the first.
                again.write_due()
        assert again.records == self.story.records
        assert contents(again.state) == contents(self.story.state)


def contents(state: PartitionState) -> dict[str, Any]:
    """The content of a state; of the deadlines, only those still to come."""
    said = copy.deepcopy(vars(state))
    del said["_deadlines"]
    said["memory"] = vars(said["memory"])
    return said | {"due": list(copy.deepcopy(state).due(1 << 60))}


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)


@pytest.mark.parametrize("others", [0, 40])
def test_approving_and_revoking_in_turn_fills_no_memory_and_moves_no_expiry(others: int) -> None:
    """A stolen key does that for as long as a request lives: each time the deadline moves."""
    story = Story()
    names = (f"script/other-{number}" for number in range(10_000))
    here = (name for name in names if partition_for(name.encode(), PARTITIONS) == story.state.partition)
    for name in (*islice(here, others), SCRIPT):
        story.resource = name
        story.given("alice submits")
        story.at += 1_000
    for number in range(2_000):
        story.at += 1_000
        story.given("bob approves" if number % 2 == 0 else "bob revokes")
        assert len(story.state._deadlines) <= 2 * (others + 1) + PASSED_DEADLINES
    again = PartitionState(story.state.partition)
    for value in story.records:
        replay(again, decode_record(value))
    assert contents(again) == contents(story.state)
    late = story.at + 30 * DAY_MS
    assert list(copy.deepcopy(story.state).due(late - 1)) == list(range(others)), (
        "it went on after the others"
    )
    assert list(copy.deepcopy(story.state).due(late)) == list(range(others + 1))
