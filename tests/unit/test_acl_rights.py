"""What infra/acls.yaml gives to logins, and what is found too many on a cluster."""

import pytest

from assent.ledger.acl_rights import (
    Right,
    compare_rights,
    known_logins,
    required_rights,
    role_rights,
)
from assent.ledger.topic_state import topic_specs
from assent_contracts.topics import CHANGES, COMMANDS, GOVERNANCE, GOVERNANCE_COMMANDS, HEADS, LEDGER

ROLES = role_rights()
MUST = required_rights(ROLES, {}, founding=False)
LOGINS = known_logins(ROLES, {})


def topic(login: str, operation: str, name: str = LEDGER, *, prefixed: bool = False) -> Right:
    return Right(login=login, kind="topic", name=name, operation=operation, prefixed=prefixed)


def who_may(operation: str, name: str) -> set[str]:
    return {right.login for right in MUST if (right.name, right.operation) == (name, operation)}


@pytest.mark.parametrize(
    ("name", "writers"),
    [
        (LEDGER, {"decider"}),
        (GOVERNANCE, {"decider"}),
        (HEADS, {"decider"}),
        (CHANGES, {"dispatch"}),
        (GOVERNANCE_COMMANDS, {"gateway", "cli"}),
        (
            COMMANDS,
            {"gateway", "coordinator", "applier", "upstream", "sender", "reconciler", "mcp-proxy", "cli"},
        ),
    ],
)
def test_each_topic_is_written_by_its_writers_alone(name: str, writers: set[str]) -> None:
    assert who_may("write", name) == writers


def test_only_the_topics_of_the_product_are_named_and_no_right_is_on_the_cluster() -> None:
    assert {right.name for right in MUST if right.kind == "topic"} == topic_specs().keys()
    assert {right.kind for right in MUST} == {"topic", "group"}


def test_founder_may_write_governance_only_while_a_log_is_founded() -> None:
    founding = required_rights(ROLES, {}, founding=True)
    assert topic("founder", "write", GOVERNANCE) in founding
    left_over = compare_rights(MUST, founding, LOGINS)
    assert left_over.missing == []
    assert {right.login for right in left_over.surplus} == {"founder"}


def test_roles_can_have_other_logins_and_several() -> None:
    logins = {"applier": ["svc-a", "svc-b"], "decider": ["svc-decider"]}
    must = required_rights(ROLES, logins, founding=False)
    assert topic("svc-a", "read", CHANGES) in must
    assert topic("svc-b", "read", CHANGES) in must
    assert topic("svc-decider", "write") in must
    assert not {right.login for right in must} & {"applier", "decider"}


SURPLUS = [
    topic("status", "write"),
    topic("status", "all"),
    topic("gateway", "read", COMMANDS),
    topic("applier", "write", CHANGES),
    topic("audit", "write", "assent.", prefixed=True),
    topic("audit", "delete", "*"),
    topic("notify", "alter", "a", prefixed=True),
    Right(login="decider", kind="topic", name=LEDGER, operation="write", host="10.0.0.7"),
    Right(login="decider", kind="topic", name=LEDGER, operation="write", denies=True),
    Right(login="status", kind="group", name="assent-audit", operation="read"),
    Right(login="audit", kind="group", name="assent-applier-x", operation="read"),
    Right(login="audit", kind="group", name="assent-", operation="read", prefixed=True),
    Right(login="decider", kind="cluster", name="kafka-cluster", operation="alter"),
    Right(login="applier", kind="transactional-id", name="x", operation="write"),
]


@pytest.mark.parametrize("right", SURPLUS, ids=str)
def test_right_that_a_login_should_not_have_is_named(right: Right) -> None:
    assert compare_rights(MUST, MUST | {right}, LOGINS).surplus == [right]


@pytest.mark.parametrize(
    "right",
    [
        topic("upstream", "read", "orders"),
        topic("upstream", "read", "assent.ledger.of-another", prefixed=True),
        Right(login="upstream", kind="group", name="orders-to-assent", operation="read"),
    ],
    ids=str,
)
def test_rights_on_topics_and_groups_of_others_are_left_alone(right: Right) -> None:
    found = compare_rights(MUST, MUST | {right}, LOGINS)
    assert (found.surplus, found.others) == ([], [])


def test_missing_rights_are_named_and_one_for_a_single_host_is_not_enough() -> None:
    wanted = topic("decider", "write")
    narrow = Right(login="decider", kind="topic", name=LEDGER, operation="write", host="10.0.0.7")
    found = compare_rights(MUST, (MUST - {wanted}) | {narrow}, LOGINS)
    assert (found.missing, found.surplus) == ([wanted], [narrow])


def test_other_logins_that_can_change_what_only_services_write_are_named() -> None:
    mirror, all_of_them = topic("mirror", "write"), topic("*", "all", "*")
    denied = Right(login="*", kind="topic", name=CHANGES, operation="read", denies=True)
    harmless = [topic("monitor", "read"), topic("orders", "write", COMMANDS), topic("orders", "write", "x")]
    found = compare_rights(MUST, MUST | {mirror, all_of_them, denied, *harmless}, LOGINS)
    assert (found.surplus, set(found.others)) == ([], {mirror, all_of_them, denied})
