"""Queries and commands get the same answers directly and through a gateway: one suite for both."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from assent.cli.connection import direct_log
from assent.cli.connection.direct_log import DirectLog
from assent.cli.connection.gateway_http import GatewayAccess
from assent.cli.connection.gateway_log import GatewayLog
from assent.cli.connection.log_access import LogAccess, governance_of
from assent.cli.connection.log_client import LogClient, RequestNotFoundError, UndecidedError
from assent.cli.connection.set_sending import SentSet, SetRefused
from assent.cli.options import Options
from assent.gateway import table_lag
from assent.reading.change_prospects import request_for
from assent.reading.proven_submission import ProvenSubmission
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import new_command_id, now_ms, repeats
from assent_contracts.client.set_submission import SetChange, set_commands
from assent_contracts.commands import Approve, Cancel, Complete, SubmitChange
from assent_contracts.events import ApprovalGiven, ChangeReleased, ChangeSubmitted, RequestCanceled
from assent_contracts.governance_changes import DisablePrincipal, EnablePrincipal
from assent_contracts.governance_messages import PrincipalDisabled
from assent_contracts.proof import NotProven
from assent_contracts.refusals import RefusalCode
from tests.support.containers import Endpoints
from tests.support.gateway import gateway_of, migrated, projecting
from tests.support.log import Log, deciding
from tests.support.stack import until

_TIMEOUT_S = 30.0
_numbers = count()

Connect = Callable[..., LogClient]
"""A log client that acts as this principal and waits `timeout_s` for a decision."""


class System:
    """A log with its readers and a gateway, and a decider that a test can stop for a while."""

    def __init__(self, log: Log, follower: GovernanceFollower, dsn: str, url: str) -> None:
        self.log = log
        self.follower = follower
        self.dsn = dsn
        self.url = url
        self._decider = AsyncExitStack()

    async def start_decider(self) -> None:
        await self._decider.enter_async_context(deciding(self.log, self.follower))

    async def stop_decider(self) -> None:
        await self._decider.aclose()

    @asynccontextmanager
    async def undecided(self) -> AsyncIterator[None]:
        """Nothing is decided in this block."""
        await self.stop_decider()
        try:
            yield
        finally:
            await self.start_decider()

    def direct(self, principal: str, folder: Path, timeout_s: float = _TIMEOUT_S) -> LogClient:
        access = LogAccess(self.log.connection, self.log.identity, self.dsn)
        return DirectLog(access, Options(data=folder), self.log.keys[principal], timeout_s)

    def through_gateway(self, principal: str, _: Path, timeout_s: float = _TIMEOUT_S) -> LogClient:
        access = GatewayAccess(self.url, is_loopback=True, key=self.log.keys[principal], timeout_s=timeout_s)
        return GatewayLog(access, self.log.identity)


@pytest_asyncio.fixture(scope="module")
async def system(running: Endpoints, log: Log, follower: GovernanceFollower) -> AsyncIterator[System]:
    async with (
        migrated(running.dsn) as dsn,
        projecting(log, dsn),
        gateway_of(log, follower, dsn) as gateway,
    ):
        made = System(log, follower, dsn, gateway.url)
        await made.start_decider()
        try:
            yield made
        finally:
            await made.stop_decider()


@pytest.fixture(params=["direct", "through_gateway"])
def connect(request: pytest.FixtureRequest, system: System, tmp_path: Path) -> Connect:
    way: Callable[..., LogClient] = getattr(system, request.param)
    return lambda principal, timeout_s=_TIMEOUT_S: way(principal, tmp_path, timeout_s)


def fields_of(principal: str, resource: str) -> dict[str, Any]:
    return {"id": new_command_id(), "principal": principal, "at": now_ms(), "resource": resource}


def submission(principal: str = "alice", kind: str = "script") -> SubmitChange:
    """A change to an object of its own."""
    return SubmitChange(
        **fields_of(principal, f"{kind}/object-{next(_numbers)}.sh"),
        operation="edit",
        justification="It is needed.",
        payload=msgspec.Raw(b'"echo hello"'),
    )


async def submitted(log: LogClient, command: SubmitChange | None = None) -> ChangeSubmitted:
    decided = await log.decide(command or submission())
    assert decided.refusal is None, decided.refusal
    [event] = decided.events
    assert isinstance(event, ChangeSubmitted)
    return event


def approval(request: ChangeSubmitted, principal: str, note: str = "") -> Approve:
    fields = fields_of(principal, request.resource)
    return Approve(**fields, request=request.request, submission=request.submission, note=note)


async def test_governance_is_the_state_that_the_log_has(connect: Connect, system: System) -> None:
    found, followed = await connect("bob").governance(), governance_of(system.follower)
    for name in ("seq", "partitions", "principals", "keys", "groups", "policies", "settings", "assignments"):
        assert getattr(found, name) == getattr(followed, name), name


async def test_R1_R12_decisions_are_returned_with_their_place_and_events(connect: Connect) -> None:
    """And the lists contain each decision when it is returned."""
    alice, bob = connect("alice"), connect("bob")
    command = submission()
    opened = await submitted(alice, command)
    assert (opened.resource, opened.operation) == (command.resource, "edit")
    assert (await alice.request(opened.request)).status == "needs_approval"
    approved = await bob.decide(approval(opened, "bob", "HashedReference."))
    assert (approved.refusal, approved.partition) == (None, int(opened.request.split("-")[0]))
    assert ApprovalGiven in {type(event) for event in approved.events}
    row = await alice.request(opened.request)
    assert (row.status, [each.note for each in row.approvals]) == ("approved", ["HashedReference."])
    assert row.last_seq == approved.seq
    about = fields_of("alice", opened.resource)
    completed = await alice.decide(Complete(**about, request=opened.request, submission=opened.submission))
    assert ChangeReleased in {type(event) for event in completed.events}
    assert completed.at >= approved.at > 0


async def test_R9_R10_R11_refusals_are_answers_with_their_place(connect: Connect) -> None:
    alice, bob = connect("alice"), connect("bob")
    opened = await submitted(alice)
    own = await alice.decide(approval(opened, "alice"))
    again = await alice.decide(
        msgspec.structs.replace(submission(), resource=opened.resource, id=new_command_id())
    )
    other = await bob.decide(Cancel(**fields_of("bob", opened.resource), request=opened.request))
    partition, seq = map(int, opened.request.split("-"))
    for decided, code in (
        (own, RefusalCode.OWN_REQUEST),
        (again, RefusalCode.RESOURCE_LOCKED),
        (other, RefusalCode.NOT_REQUESTER),
    ):
        assert decided.refusal is not None
        assert decided.refusal.code == code
        assert (decided.partition, decided.events, decided.at > 0) == (partition, (), True)
        seq, before = decided.seq, seq
        assert decided.seq > before
    assert again.refusal is not None
    assert again.refusal.open_request == opened.request


async def test_same_command_sent_again_is_decided_once(connect: Connect) -> None:
    alice = connect("alice")
    opened = await submitted(alice)
    cancel = Cancel(**fields_of("alice", opened.resource), request=opened.request)
    first, again = await alice.decide(cancel), await alice.decide(cancel)
    assert [type(event) for event in first.events] == [RequestCanceled]
    assert (again.refusal, again.partition) == (None, first.partition)
    assert repeats(again) == first.seq


async def test_change_that_takes_effect_at_once_is_decided_on_the_governance_ledger(
    connect: Connect, system: System
) -> None:
    before = await connect("carol").governance()
    disabled = await connect("bob").decide_change(DisablePrincipal(principal="erin"))
    assert (disabled.refusal, disabled.events) == (None, (PrincipalDisabled(principal="erin"),))
    after = await connect("carol").governance()
    assert (before.principals["erin"].enabled, after.principals["erin"].enabled) == (True, False)
    assert after.seq == disabled.seq
    refused = await connect("alice").decide_change(DisablePrincipal(principal="dave"))
    assert refused.refusal is not None
    assert (refused.refusal.code, refused.events) == (RefusalCode.NOT_PERMITTED, ())
    assert refused.seq == disabled.seq + 1
    # Undone for the other client: as a request, because enabling an account needs a second administrator.
    enabled = await connect("bob").decide_change(EnablePrincipal(principal="erin"))
    assert enabled.refusal is not None
    await enable_erin(system)


async def enable_erin(system: System) -> None:
    """By two administrators."""
    folder = Path("no-such-folder")
    bob, carol = system.direct("bob", folder), system.direct("carol", folder)
    fields = {"id": new_command_id(), "principal": "bob", "at": now_ms()}
    command = request_for(EnablePrincipal(principal="erin"), "She is back.", fields)
    assert isinstance(command, SubmitChange), command
    opened = await submitted(bob, command)
    assert (await carol.decide(approval(opened, "carol"))).refusal is None
    about = fields_of("bob", opened.resource)
    completed = await bob.decide(Complete(**about, request=opened.request, submission=opened.submission))
    assert completed.refusal is None
    # Governance carries out the change after the release, and each client reads it in its own time.
    gateway = system.through_gateway("carol", folder)

    async def is_enabled() -> bool:
        states = [await carol.governance(), await gateway.governance()]
        return all(state.principals["erin"].enabled for state in states)

    await until(is_enabled)


async def test_R7_lists_show_own_requests_and_those_to_decide(connect: Connect) -> None:
    opened = [await submitted(connect("alice")) for _ in range(3)]
    ids = [each.request for each in reversed(opened)]
    mine = await connect("alice-admin").requests("mine", 3)
    assert [row.id for row in mine] == ids
    received = await connect("bob").requests("received", 2)
    assert [row.id for row in received] == ids[:2]
    assert not set(ids) & {row.id for row in await connect("bob").requests("mine", 100)}
    assert not set(ids) & {row.id for row in await connect("dave").requests("received", 100)}
    assert [row.id for row in await connect("dave").requests("all", 3)] == ids


async def test_R23_submission_is_proven_by_the_ledger(connect: Connect) -> None:
    opened = await submitted(connect("alice"))
    found = await connect("bob").submission(opened.request)
    assert isinstance(found, ProvenSubmission), found
    assert (found.submitted.sha256, found.submitted.requester) == (opened.submission, "alice")
    assert bytes(found.submitted.payload) == b'"echo hello"'


@pytest.mark.parametrize("request_id", ["bla", "0-99999x"])
async def test_invalid_request_id_is_not_found(connect: Connect, request_id: str) -> None:
    await not_found(connect("dave"), request_id)


async def test_record_that_is_not_a_submission_is_not_a_request(connect: Connect) -> None:
    opened = await submitted(connect("alice"))
    approved = await connect("bob").decide(approval(opened, "bob"))
    await not_found(connect("dave"), f"{approved.partition}-{approved.seq}")


@pytest.mark.parametrize("request_id", ["99-1", "1024-0"])
async def test_request_in_a_partition_that_the_log_does_not_have_is_not_waited_for(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, request_id: str
) -> None:
    waits_for_ever(monkeypatch)
    await not_found(connect("dave"), request_id)


async def test_request_beyond_the_end_of_its_ledger_is_not_waited_for(
    system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_for_ever(monkeypatch)
    await not_found(system.direct("dave", tmp_path), "1-99999999")


def waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test does not end where something waits for the lists."""
    monkeypatch.setattr(direct_log, "_APPEARS_WITHIN_S", 3_600.0)
    monkeypatch.setattr(table_lag, "_WAIT_S", 3_600.0)


async def not_found(log: LogClient, request: str) -> None:
    asks: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: log.request(request),
        lambda: log.details(request),
        lambda: log.submission(request),
        lambda: log.approvers(request),
        lambda: log.explanation(request, None),
    )
    for ask in asks:
        with pytest.raises(RequestNotFoundError, match=r"no request|not a request id|is about request"):
            await ask()


async def test_no_decision_in_time_is_an_error_that_names_the_command(
    connect: Connect, system: System
) -> None:
    opened = await submitted(connect("alice"))
    command = Cancel(**fields_of("alice", opened.resource), request=opened.request)
    async with system.undecided():
        with pytest.raises(UndecidedError, match="It may still be decided") as late:
            await connect("alice", timeout_s=0.5).decide(command)
        assert late.value.command == command.id
        with pytest.raises(UndecidedError, match="It may still be decided"):
            await connect("bob", timeout_s=0.5).decide_change(DisablePrincipal(principal="applier"))
    # Both remain valid and are decided once a decider runs.
    again = await connect("alice").decide(command)
    assert again.refusal is None
    assert (await connect("alice").request(opened.request)).status == "canceled"


def document(answer: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(answer))


QUESTIONS: dict[str, Callable[[LogClient, ChangeSubmitted], Awaitable[Any]]] = {
    "requests": lambda log, _: log.requests("received", 100),
    "one's own requests": lambda log, _: log.requests("mine", 100),
    "request": lambda log, opened: log.request(opened.request),
    "details": lambda log, opened: log.details(opened.request),
    "submission": lambda log, opened: log.submission(opened.request),
    "approvers": lambda log, opened: log.approvers(opened.request),
    "explanation": lambda log, opened: log.explanation(opened.request, None),
    "explanation for one": lambda log, opened: log.explanation(opened.request, "alice"),
    "open requests": lambda log, _: log.open_requests("app"),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
async def test_both_clients_give_the_same_answer(
    system: System, tmp_path: Path, question: Callable[[LogClient, ChangeSubmitted], Awaitable[Any]]
) -> None:
    """Asked by an administrator and approver, about a request with an approval and a note."""
    alice, bob, carol = (system.direct(who, tmp_path) for who in ("alice", "bob", "carol"))
    opened = await submitted(alice, submission(kind="app"))
    assert (await bob.decide(approval(opened, "bob", "HashedReference."))).refusal is None
    directly = await question(carol, opened)
    through = await question(system.through_gateway("carol", tmp_path), opened)
    assert not isinstance(directly, NotProven), directly
    assert document(directly) == document(through)


async def test_R16_both_clients_show_the_same_records(system: System, tmp_path: Path) -> None:
    alice = system.direct("alice", tmp_path)
    opened = await submitted(alice)
    assert (await alice.decide(approval(opened, "alice"))).refusal is not None
    directly = await system.direct("dave", tmp_path).audit_records(3)
    through = await system.through_gateway("dave", tmp_path).audit_records(3)
    assert document(directly) == document(through)
    assert [(entry.request, entry.refusal is None) for entry in directly[1:]] == [
        (opened.request, True),
        (opened.request, False),
    ]


async def test_R29_a_set_and_its_members_are_on_the_ledger(connect: Connect) -> None:
    alice = connect("alice")
    name, *objects = (f"script/object-{next(_numbers)}.sh" for _ in range(41))
    changes = [SetChange(resource=each, operation="edit", payload="echo") for each in objects]
    sent = await alice.decide_set(set_commands("alice", name, changes, justification="Together."))
    assert isinstance(sent, SentSet)
    assert list(sent.members) == objects
    shown = [await alice.request(each) for each in (sent.request, *list(sent.members.values())[:3])]
    assert [each.details.members for each in shown] == [40, msgspec.UNSET, msgspec.UNSET, msgspec.UNSET]
    assert {each.details.part_of for each in shown[1:]} == {sent.request}


async def test_R29_a_locked_object_cancels_the_set(connect: Connect) -> None:
    alice = connect("alice")
    locked = await submitted(alice)
    name = f"script/object-{next(_numbers)}.sh"
    changes = [SetChange(resource=locked.resource, operation="edit", payload="echo")]
    refused = await alice.decide_set(set_commands("alice", name, changes, justification="Together."))
    assert isinstance(refused, SetRefused)
    assert refused.resource == locked.resource
    assert refused.decided.refusal is not None
    assert refused.decided.refusal.code is RefusalCode.RESOURCE_LOCKED
    assert refused.decided.refusal.open_request == locked.request
    [of_set] = [each for each in await alice.requests("mine", 20) if each.resource == name]

    async def canceled() -> bool:
        return (await alice.request(of_set.id)).status == "canceled"

    await until(canceled)
