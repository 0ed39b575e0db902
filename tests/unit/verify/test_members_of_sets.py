"""R29: `audit verify` names a member that was released although its set was not."""

import pytest

from assent.verify.finding import FindingError
from assent_contracts import commands as c
from tests.support.people import PARTITIONS
from tests.support.set_log import OBJECTS, PORTAL, SET, Coordinator, SetLog

A = OBJECTS[0]
ORDERS = (tuple(range(PARTITIONS)), tuple(reversed(range(PARTITIONS))))


def released_set(log: SetLog) -> tuple[str, dict[str, str]]:
    name, members = log.submitted_set()
    Coordinator(log).run()
    log.act(c.Approve, "bob", name, SET)
    assert log.act(c.Complete, "alice", name, SET) == "ChangeReleased"
    return name, members


@pytest.mark.parametrize("order", ORDERS)
def test_R29_members_of_a_released_set_are_verified_in_any_order(order: tuple[int, ...]) -> None:
    log = SetLog()
    _, members = released_set(log)
    Coordinator(log).run()
    for resource, request in members.items():
        log.act(c.Claim, "applier", request, resource)
        log.act(c.ReportOutcome, "applier", request, resource)
    Coordinator(log).run()
    log.verify_sets(order)


@pytest.mark.parametrize("order", ORDERS)
def test_R29_member_that_a_stolen_gateway_key_released_is_named(order: tuple[int, ...]) -> None:
    log = SetLog()
    name, members = log.submitted_set()
    Coordinator(log).run()
    assert log.act(c.Complete, PORTAL, members[A], A) == "ChangeReleased"
    with pytest.raises(FindingError, match=f"it releases a member of the set {name}") as found:
        log.verify_sets(order)
    assert found.value.ledger == "assent.ledger"
    assert found.value.partition == int(members[A].partition("-")[0])


@pytest.mark.parametrize("order", ORDERS)
def test_R29_member_that_its_released_set_does_not_list_is_named(order: tuple[int, ...]) -> None:
    log = SetLog()
    name, _ = released_set(log)
    other = log.submit(log.member("app/9", name))
    assert log.act(c.Complete, PORTAL, other, "app/9") == "ChangeReleased"
    with pytest.raises(FindingError, match=f"it releases a member of the set {name}"):
        log.verify_sets(order)


@pytest.mark.parametrize("order", ORDERS)
def test_R1_R29_member_that_was_released_twice_is_named(order: tuple[int, ...]) -> None:
    log = SetLog()
    name, members = released_set(log)
    Coordinator(log).run()
    log.act(c.Claim, "applier", members[A], A)
    log.act(c.ReportOutcome, "applier", members[A], A)
    again = log.submit(log.member(A, name))
    assert log.act(c.Complete, PORTAL, again, A) == "ChangeReleased", "a stolen key of the gateway"
    with pytest.raises(FindingError, match=f"it releases a member of the set {name}") as found:
        log.verify_sets(order)
    assert found.value.seq == int(again.partition("-")[2]) + 1


def test_R29_set_that_ends_without_a_release_leaves_nothing_to_verify() -> None:
    log = SetLog()
    name, _ = log.submitted_set()
    Coordinator(log).run()
    log.act(c.Cancel, "alice", name, SET)
    Coordinator(log).run()
    assert log.locks() == set()
    log.verify_sets()
