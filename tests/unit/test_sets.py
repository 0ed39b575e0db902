"""R29: a set of objects has one approval, and is released or freed as a whole."""

import pytest
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.core.requests.states import Closed, NeedsApproval, Released
from assent_contracts.evidence.set_releases import APPLIED_BEFORE
from assent_contracts.limits import SET_CONFIRM_MS, SET_MEMBER_GRACE_MS
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal
from tests.support.people import DAY_MS, PARTITIONS, START
from tests.support.set_log import ENDS, OBJECTS, PORTAL, SET, UNSET, Coordinator, SetLog, changed

A, B = OBJECTS[:2]


def refusal(decision: object) -> str:
    assert isinstance(decision, Refusal), decision
    return decision.code.value


def released(log: SetLog) -> tuple[str, dict[str, str]]:
    """A set that was confirmed, approved and released, with its members."""
    name, members = log.submitted_set()
    assert Coordinator(log).run() == ["confirm"]
    assert log.act(c.Approve, "bob", name, SET) == "ApprovalGiven + RequestApproved"
    assert log.act(c.Complete, "alice", name, SET) == "ChangeReleased"
    return name, members


def test_R29_one_approval_releases_every_member() -> None:
    log = SetLog()
    _, members = released(log)
    assert Coordinator(log).run() == ["release"] * len(OBJECTS)
    assert all(isinstance(log.find(members[each], each), Released) for each in OBJECTS)


def test_R29_a_set_completes_once_all_members_have_completed() -> None:
    log = SetLog()
    name, members = released(log)
    Coordinator(log).run()
    for resource, request in members.items():
        assert Coordinator(log).run() == []
        assert log.act(c.Claim, "applier", request, resource) == "ChangeClaimed"
        assert log.act(c.ReportOutcome, "applier", request, resource) == "RequestCompleted"
    assert Coordinator(log).run() == ["end"]
    ended = log.find(name, SET)
    assert isinstance(ended, Closed)
    assert ended.status == "completed"
    assert log.locks() == set()


def test_R29_a_member_that_was_applied_is_not_released_again_under_the_same_approval() -> None:
    """Its requester submits it once more, while other members are still being applied."""
    log = SetLog()
    name, members = released(log)
    Coordinator(log).run()
    log.act(c.Claim, "applier", members[A], A)
    log.act(c.ReportOutcome, "applier", members[A], A)
    again = log.submit(log.member(A, name))
    assert Coordinator(log).run() == ["free"]
    assert isinstance(log.find(again, A), Closed)
    once_more = log.submit(log.member(A, name))
    log.act(c.Complete, PORTAL, once_more, A)
    for order in (range(PARTITIONS), reversed(range(PARTITIONS))):
        assert log.lacking(once_more, tuple(order)) == APPLIED_BEFORE.format(members[A], name)
    assert log.lacking(members[B]) is None
    for resource in OBJECTS[1:]:
        log.act(c.Claim, "applier", members[resource], resource)
        log.act(c.ReportOutcome, "applier", members[resource], resource)
    assert Coordinator(log).run() == ["end"]
    ended = log.find(name, SET)
    assert isinstance(ended, Closed)
    assert ended.status == "completed"


def test_R29_a_partial_outcome_names_the_objects() -> None:
    log = SetLog()
    name, members = released(log)
    Coordinator(log).run()
    assert log.act(c.CloseRequest, "carol", members[A], A) == "RequestClosed"
    for resource in OBJECTS[1:]:
        log.act(c.Claim, "applier", members[resource], resource)
        log.act(c.ReportOutcome, "applier", members[resource], resource)
    coordinator = Coordinator(log)
    coordinator.read_all()
    [due] = coordinator.sets.due()
    assert due.message == f"4 of 5 objects completed. Not: {A} canceled."
    coordinator.send(due)
    ended = log.find(name, SET)
    assert isinstance(ended, Closed)
    assert ended.status == "failed"


def test_R29_nobody_approves_or_completes_a_set_whose_members_are_not_all_there() -> None:
    log = SetLog()
    name = log.submit(log.set_of(OBJECTS))
    for resource in OBJECTS[:-1]:
        log.submit(log.member(resource, name))
    assert Coordinator(log).run() == []
    assert log.act(c.Approve, "bob", name, SET) == "set-incomplete"
    assert log.act(c.Reject, "bob", name, SET) == "set-incomplete"
    assert log.act(c.Complete, "alice", name, SET) == "set-incomplete"
    log.submit(log.member(OBJECTS[-1], name))
    assert Coordinator(log).run() == ["confirm"]


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        (c.Approve, "bob"),
        (c.Reject, "bob"),
        (c.Cancel, "alice"),
        (c.Complete, "alice"),
        (c.CloseRequest, "carol"),
    ],
)
def test_R29_nobody_decides_on_a_member_alone(kind: type[c.RequestCommand], who: str) -> None:
    log = SetLog()
    _, members = log.submitted_set()
    assert log.act(kind, who, members[A], A) == "part-of-set"
    assert log.act(c.Claim, "applier", members[A], A) == "not-released"


@pytest.mark.parametrize("who", ["alice", "applier", "carol"])
def test_R29_only_a_gateway_confirms_and_ends_a_set(who: str) -> None:
    log = SetLog()
    name, _ = log.submitted_set()
    assert log.act(c.ConfirmSet, who, name, SET) == "not-permitted"
    Coordinator(log).run()
    log.act(c.Approve, "bob", name, SET)
    log.act(c.Complete, "alice", name, SET)
    assert log.act(c.ReportOutcome, who, name, SET) == "not-permitted"


def test_R29_a_set_is_confirmed_once_and_in_time_only() -> None:
    log = SetLog()
    name, _ = log.submitted_set()
    single = log.submit(changed(log.member("app/9"), part_of=UNSET))
    assert log.act(c.ConfirmSet, PORTAL, single, "app/9") == "not-pending"
    assert log.act(c.ConfirmSet, PORTAL, name, SET) == "MembersReserved"
    assert log.act(c.ConfirmSet, PORTAL, name, SET) == "not-pending"


def test_R29_a_member_whose_outcome_is_unknown_is_not_released_again_alone() -> None:
    log = SetLog()
    _, members = released(log)
    Coordinator(log).run()
    log.act(c.Claim, "applier", members[A], A)
    log.pass_time(DAY_MS)
    retry = c.Settle(
        **log.about("dave"), resource=A, request=members[A], outcome="retry", reason="It did not answer."
    )
    answer = log.send(retry)
    assert isinstance(answer, Refusal)
    assert answer.detail.startswith("R29: who approved its set is not known here.")
    assert log.act(c.Settle, "dave", members[A], A) == "RequestFailed"


def test_R29_no_applier_claims_a_set() -> None:
    log = SetLog()
    name, _ = released(log)
    assert log.act(c.Claim, "applier", name, SET) == "not-released"


@pytest.mark.parametrize(("kind", "who"), [(c.Cancel, "alice"), (c.Reject, "bob"), (c.CloseRequest, "carol")])
def test_R29_the_end_of_a_set_frees_every_member(kind: type[c.RequestCommand], who: str) -> None:
    log = SetLog()
    name, _ = log.submitted_set()
    Coordinator(log).run()
    log.act(kind, who, name, SET)
    assert Coordinator(log).run() == ["free"] * len(OBJECTS)
    assert log.locks() == set()


def test_R29_a_released_set_is_not_closed_while_its_members_may_be_applied() -> None:
    log = SetLog()
    name, members = released(log)
    assert log.act(c.CloseRequest, "carol", name, SET) == "being-applied"
    assert Coordinator(log).run() == ["release"] * len(OBJECTS)
    assert log.act(c.CloseRequest, "carol", members[A], A) == "RequestClosed", (
        "one by one they can be stopped"
    )
    log.pass_time(ENDS + SET_MEMBER_GRACE_MS - log.at)
    assert log.act(c.CloseRequest, "carol", name, SET) == "RequestClosed", "no member can be open any more"


def test_R29_a_set_that_lacks_members_for_an_hour_expires_and_frees_them() -> None:
    log = SetLog()
    name = log.submit(log.set_of(OBJECTS))
    log.submit(log.member(A, name))
    log.pass_time(SET_CONFIRM_MS)
    assert isinstance(log.find(name, SET), Closed)
    assert Coordinator(log).run() == ["free"]
    assert log.locks() == set()


def test_R29_locks_end_by_themselves_without_a_coordinator() -> None:
    log = SetLog()
    name, members = log.submitted_set()
    log.act(c.ConfirmSet, PORTAL, name, SET)
    log.pass_time(ENDS - log.at)
    assert isinstance(log.find(name, SET), Closed), "it ends with its window"
    assert log.locks() == set(OBJECTS)
    log.pass_time(SET_MEMBER_GRACE_MS)
    assert log.locks() == set()
    assert all(isinstance(log.find(members[each], each), Closed) for each in OBJECTS)


def test_R29_a_member_outlives_every_moment_at_which_its_set_can_be_released() -> None:
    log = SetLog()
    name, members = log.submitted_set()
    Coordinator(log).run()
    log.act(c.Approve, "bob", name, SET)
    log.pass_time(ENDS - 1 - log.at)
    assert log.act(c.Complete, "alice", name, SET) == "ChangeReleased"
    log.pass_time(SET_MEMBER_GRACE_MS)
    assert len([step for step in Coordinator(log).run() if step == "release"]) == len(members)


def test_R10_R29_a_locked_object_is_refused_to_the_second_set() -> None:
    log = SetLog()
    log.submitted_set((A,))
    other = log.submit(log.set_of((A, B), "app/other"))
    assert refusal(log.send(log.member(A, other))) == "resource-locked"


def test_R29_a_member_of_no_set_is_freed() -> None:
    log = SetLog()
    [here, there] = [next(each for each in OBJECTS if _partition(each) == n) for n in sorted(_PARTITIONS)[:2]]
    log.submit(log.member(here, f"{_partition(there)}-0"))
    assert Coordinator(log).run() == [], "there is no such seq yet"
    log.submit(changed(log.member(there), part_of=UNSET))
    assert Coordinator(log).run() == ["free"]


def test_R29_a_member_of_a_set_that_is_not_there_within_an_hour_is_freed() -> None:
    log = SetLog()
    [here, there] = [next(each for each in OBJECTS if _partition(each) == n) for n in sorted(_PARTITIONS)[:2]]
    log.submit(log.member(here, f"{_partition(there)}-900"))
    log.pass_time(SET_CONFIRM_MS)
    log.submit(changed(log.member(there), part_of=UNSET))
    assert Coordinator(log).run() == [], "its clock may be a little behind"
    log.pass_time(1)
    log.act(c.Cancel, "alice", f"{_partition(there)}-0", there)
    assert Coordinator(log).run() == ["free"]
    assert here not in log.locks()


def test_R29_a_set_does_not_count_a_member_that_was_sent_an_hour_before_it() -> None:
    log = SetLog()
    partition = _partition(SET)
    here = next(each for each in OBJECTS if _partition(each) != partition)
    log.submit(log.member(here, f"{partition}-0"))
    log.pass_time(SET_CONFIRM_MS + 1)
    assert log.submit(log.set_of((here,))) == f"{partition}-0"
    assert Coordinator(log).run() == ["free"], "another coordinator may have freed it before"


def test_R1_R29_a_member_that_is_submitted_again_is_not_released_again() -> None:
    log = SetLog()
    name, members = released(log)
    Coordinator(log).run()
    log.act(c.Claim, "applier", members[A], A)
    log.act(c.ReportOutcome, "applier", members[A], A)
    again = log.submit(log.member(A, name))
    assert Coordinator(log).run() == ["free"]
    assert isinstance(log.find(again, A), Closed)
    for resource in OBJECTS[1:]:
        log.act(c.Claim, "applier", members[resource], resource)
        log.act(c.ReportOutcome, "applier", members[resource], resource)
    Coordinator(log).run()
    ended = log.find(name, SET)
    assert isinstance(ended, Closed)
    assert ended.status == "completed", "what the second one came to is not its outcome"


def test_R29_members_that_no_set_lists_delay_no_set() -> None:
    log = SetLog()
    first = next(each for each in (f"app/set-{n}" for n in range(99)) if _partition(each) == 0)
    listing = log.submit(log.set_of((A,), first))
    for name in ("app/7", "app/8", "app/9"):
        log.submit(log.member(name, listing))
    name = log.submit(log.set_of((B,)))
    log.submit(log.member(B, name))
    assert sorted((listing, name)) == [listing, name], "the first by its name has something to free"
    coordinator = Coordinator(log)
    coordinator.read_all()
    assert [each.step for each in coordinator.sets.due()] == ["confirm", "free", "free", "free"]


def _partition(resource: str) -> int:
    return partition_for(resource.encode(), PARTITIONS)


_PARTITIONS = {_partition(each) for each in OBJECTS}


@pytest.mark.parametrize(
    "other",
    [
        {"payload": Raw(b'{"of":"another"}')},
        {"operation": "delete"},
        {"justification": "Another reason."},
        {"emergency": True},
        {"base": "v1"},
        {"not_after": ENDS + 1},
        {"not_before": START},
        {"principal": "alice2"},
    ],
)
def test_R23_R29_a_member_that_the_set_does_not_list_so_is_freed(other: dict[str, object]) -> None:
    log = SetLog()
    name = log.submit(log.set_of((A, B)))
    log.submit(log.member(B, name))
    log.submit(changed(log.member(A, name), **other))
    assert Coordinator(log).run() == ["free"]
    log.submit(log.member(A, name))
    assert Coordinator(log).run() == ["confirm"]


@pytest.mark.parametrize(
    ("of_set", "why"),
    [
        ({"members": 3}, "lists as many members"),
        ({"payload": Raw(b"{}")}, "lists as many members"),
        ({"not_after": UNSET}, "not_after"),
        ({"not_after": START + 31 * DAY_MS}, "not_after"),
        ({"part_of": "0-1"}, "members is of the set"),
        ({"base": "v1"}, "base is of each member"),
        ({"resource": A}, "not one of them"),
        ({"resource": "script/rollout"}, "have the type script"),
        ({"resource": "access-policy/x"}, "one by one"),
        ({"members": UNSET, "part_of": "9-1"}, "part_of is not"),
        ({"members": UNSET, "part_of": "0-1", "impact": "All."}, "impact is of the set"),
    ],
)
def test_R29_a_set_that_is_not_in_order_is_refused(of_set: dict[str, object], why: str) -> None:
    log = SetLog()
    decision = log.send(changed(log.set_of((A, B)), **of_set))
    assert isinstance(decision, Refusal)
    assert decision.code in ("set-invalid", "malformed")
    assert why in decision.detail or decision.code == "malformed"


def test_R1_R29_a_gateway_alone_releases_nothing_where_own_signatures_are_required() -> None:
    """With a set, its key could make a release without any approval, which some appliers would not notice."""
    log = SetLog()
    name, members = log.submitted_set()
    Coordinator(log).run()
    log.edit_policy(own_signature=True)
    assert log.act(c.Complete, PORTAL, members[A], A) == "own-signature-required"
    assert log.act(c.Cancel, PORTAL, members[A], A) == "RequestCanceled", "it can still be freed"
    for command in (log.set_of(("app/8", "app/9"), "app/another"), log.member("app/9", name)):
        refused = log.send(command)
        assert isinstance(refused, Refusal)
        assert "wants own signatures" in refused.detail


def test_R29_a_release_of_a_member_needs_the_release_of_its_set() -> None:
    log = SetLog()
    name, members = log.submitted_set()
    Coordinator(log).run()
    assert log.act(c.Complete, PORTAL, members[A], A) == "ChangeReleased", "a stolen key of the gateway"
    assert log.lacking(members[A]) == (
        f"the request ledger has no release of the set {name} with this change in it"
    )


def test_R29_a_member_that_its_set_does_not_list_is_not_applied() -> None:
    log = SetLog()
    name, _ = released(log)
    other = log.submit(log.member("app/9", name))
    assert log.act(c.Complete, PORTAL, other, "app/9") == "ChangeReleased", "a stolen key of the gateway"
    assert log.lacking(other) is not None


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)])
def test_R29_the_evidence_of_a_member_is_its_set_in_whatever_order_it_is_read(order: tuple[int, ...]) -> None:
    log = SetLog()
    _, members = released(log)
    Coordinator(log).run()
    assert [log.lacking(request, order) for request in members.values()] == [None] * len(OBJECTS)
    for resource in OBJECTS[1:]:
        log.act(c.Claim, "applier", members[resource], resource)
        log.act(c.ReportOutcome, "applier", members[resource], resource)
    assert log.lacking(members[A], order) is None, "the others have ended"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0)])
def test_R1_R29_a_member_that_was_released_before_has_no_evidence(order: tuple[int, ...]) -> None:
    log = SetLog()
    name, members = released(log)
    Coordinator(log).run()
    log.act(c.Claim, "applier", members[A], A)
    log.act(c.ReportOutcome, "applier", members[A], A)
    again = log.submit(log.member(A, name))
    assert isinstance(log.find(again, A), NeedsApproval)
    assert log.act(c.Complete, PORTAL, again, A) == "ChangeReleased", "a stolen key of the gateway"
    assert log.lacking(again, order) == (
        f"request {members[A]} has the release of this change, which the set {name} lists once"
    )
    assert log.lacking(members[B], order) is None
