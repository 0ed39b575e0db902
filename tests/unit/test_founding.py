"""Founding: what the founder's key sets up, and what is refused."""

import msgspec
import pytest

from assent_contracts import governance_changes as c
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_messages import FoundLog
from assent_contracts.governance_objects import Account, Founding, Group, RoleAssignment, Settings
from tests.support.founding import CLOSE, add_key, answer, create, define, set_up
from tests.support.people import (
    DAY_MS,
    FOUNDER,
    RECOVERY_KEY,
    START,
    WRITER,
    founding_commands,
    open_founding,
    organisation,
    public_key_of,
)


def test_log_is_founded_once() -> None:
    found = founding_commands()[0]
    governance = Governance()
    assert answer(governance, found) is None
    assert answer(governance, found) == "not-permitted"


@pytest.mark.parametrize(
    "fields",
    [
        {"writers": {}},
        {"founder": "AAAA"},
        {"recovery": "AAAA"},
        {"recovery": WRITER},
        {"recovery": FOUNDER},
        {"writers": {"w": "not a key"}},
        {"writers": {"w": FOUNDER[:-1]}},
        {"writers": {"w": FOUNDER}},
        {"writers": {"w": WRITER, "w2": WRITER}},
        {"writers": {"recovery": WRITER}},
    ],
)
def test_founding_needs_a_writer_and_keys_of_32_bytes(fields: dict[str, object]) -> None:
    founding = Founding(founder=FOUNDER, recovery=RECOVERY_KEY, writers={"writer-1": WRITER}, partitions=4)
    spoiled = msgspec.structs.replace(founding, **fields)
    assert (
        answer(Governance(), FoundLog(id="g", principal="founder", at=START, founding=spoiled)) == "malformed"
    )


def test_nothing_can_be_set_up_before_the_log_is_founded() -> None:
    for command in founding_commands()[1:]:
        assert answer(Governance(), command) == "not-permitted"


def test_closed_founding_stays_closed() -> None:
    """The founder's key is invalid for good: none of its commands is accepted any more."""
    governance = organisation()
    assert governance.founder is None
    for command in founding_commands():
        assert answer(governance, command) == "not-permitted"


def test_founding_is_not_closed_without_a_policy() -> None:
    governance = open_founding(without=c.CreatePolicy)
    assert answer(governance, CLOSE) == "policy-invalid"
    assert create(governance) is None
    assert answer(governance, CLOSE) is None


def test_founding_can_be_closed_without_a_policy_where_unprotected_changes_pass() -> None:
    governance = open_founding(without=c.CreatePolicy, settings=Settings(unprotected="pass"))
    assert answer(governance, CLOSE) is None


@pytest.mark.parametrize(
    ("account", "code"),
    [
        (Account(id="alice", kind="human", person="p-new"), "id-taken"),
        (Account(id="founder", kind="service"), "id-taken"),
        (Account(id="assent", kind="service"), "id-taken"),
        (Account(id="", kind="service"), "malformed"),
        (Account(id="a b", kind="service"), "malformed"),
        (Account(id="@new", kind="service"), "malformed"),
        (Account(id="i" * 129, kind="service"), "malformed"),
        (Account(id="new", kind="human"), "malformed"),
        (Account(id="new", kind="service", person="p-new"), "malformed"),
        (Account(id="new", kind="human", person="p new"), "malformed"),
        (Account(id="new", kind="human", person=""), "malformed"),
        (Account(id="new", kind="service", name="n" * 129), "too-large"),
        (Account(id="new", kind="service", name="a\nb"), "malformed"),
        (Account(id="new", kind="service", source="directory"), "malformed"),
    ],
    ids=repr,
)
def test_invalid_account_is_refused(account: Account, code: str) -> None:
    assert set_up(open_founding(), c.RegisterPrincipal(account=account)) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"id": "alice-key"}, "id-taken"),
        ({"id": "a key"}, "malformed"),
        ({"principal": "nobody"}, "unknown-object"),
        ({"public_key": "AAAA"}, "malformed"),
        ({"public_key": public_key_of("alice")}, "id-taken"),
        ({"not_before": START, "not_after": START}, "malformed"),
        ({"not_before": -1}, "malformed"),
        ({"not_after": 1 << 53}, "malformed"),
    ],
    ids=repr,
)
def test_known_invalid_or_never_valid_key_is_refused(fields: dict[str, object], code: str) -> None:
    """The same key twice would let its holder sign as two principals."""
    assert add_key(open_founding(), **fields) == code


def test_key_is_registered_with_its_validity() -> None:
    governance = open_founding()
    assert add_key(governance, not_before=START + DAY_MS, not_after=START + 2 * DAY_MS) is None
    key = governance.keys["new-key"]
    assert (key.not_before, key.not_after) == (START + DAY_MS, START + 2 * DAY_MS)


@pytest.mark.parametrize(
    ("group", "code"),
    [
        (Group(id="new", members=("alice", "nobody")), "unknown-object"),
        (Group(id="new", members=("alice", "alice")), "malformed"),
        (Group(id="a b", members=()), "malformed"),
        (Group(id="@new", members=()), "malformed"),
        (Group(id="new", name="x" * 129, members=()), "too-large"),
        (Group(id="new", name="bell\a", members=()), "malformed"),
        (Group(id="new", members=(), source="directory"), "of-directory"),
    ],
    ids=repr,
)
def test_invalid_group_is_refused(group: Group, code: str) -> None:
    assert define(open_founding(), group) == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"groups": ("nobodies",)}, "unknown-object"),
        ({"principals": ("nobody",)}, "unknown-object"),
        ({"principals": ()}, "malformed"),
        ({"principals": ("dave", "dave")}, "malformed"),
        ({"resource_types": ("App",)}, "malformed"),
    ],
    ids=repr,
)
def test_role_for_an_unknown_object_is_refused(fields: dict[str, tuple[str, ...]], code: str) -> None:
    assignment = RoleAssignment(id="new", role="auditor", principals=("dave",))
    assert set_up(open_founding(), c.AssignRole(assignment=assignment)) is None
    spoiled = msgspec.structs.replace(assignment, **fields)
    assert set_up(open_founding(), c.AssignRole(assignment=spoiled)) == code


def test_existing_object_is_not_defined_again() -> None:
    """In a founding a second definition is a mistake in the file, not an edit."""
    governance = open_founding()
    assignment = next(iter(governance.assignments.values()))
    assert set_up(governance, c.AssignRole(assignment=assignment)) == "id-taken"
    group = governance.groups["approvers"]
    assert set_up(governance, c.DefineGroup(group=group)) == "id-taken"
    assert set_up(governance, c.ChangeSettings(settings=Settings())) == "outdated"
    assert create(governance) is None
    assert create(governance) == "id-taken"
