"""A directory's humans and groups, synchronised as one difference."""

import msgspec
import pytest

from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import DisablePrincipal, EnablePrincipal, SyncDirectory
from assent_contracts.governance_objects import Account, Group
from assent_contracts.limits import MEMBERS_MAX, NESTING_MAX
from tests.support.people import force, organisation
from tests.unit.governance.answers import (
    BAD_IDS,
    directory_group,
    fits,
    group_of,
    human,
    new_key,
    of_directory,
    sync,
    with_directory,
)

PEOPLE = tuple(f"e{number}" for number in range(10))


def staffed(percent: int = 20) -> Governance:
    """Ten people of the directory, all in its group `staff`."""
    governance = with_directory(organisation(), *PEOPLE)
    governance.settings = msgspec.structs.replace(governance.settings, vanish_max_percent=percent)
    return governance


def test_synchronisation_brings_people_and_groups() -> None:
    governance = staffed()
    assert governance.principals["e1"].account == of_directory("e1")
    assert governance.principals["e1"].enabled
    assert governance.members("staff") == set(PEOPLE)
    force(governance, sync(governance, accounts=(of_directory("e1", title="Emil"),)))
    assert governance.principals["e1"].account.name == "Emil"


def test_empty_difference_is_not_a_change() -> None:
    assert fits(organisation(), sync(organisation())) == "already-so"


def test_difference_is_based_on_the_last_synchronisation() -> None:
    governance = organisation()
    stale = sync(governance, accounts=(of_directory("e1"),))
    assert stale.version is None
    force(governance, stale)
    other = SyncDirectory(
        difference=msgspec.structs.replace(stale.difference, accounts=(of_directory("e2"),))
    )
    assert fits(governance, other) == "outdated"
    seen = sync(governance, accounts=(of_directory("e2"),))
    force(governance, seen)
    assert fits(governance, seen) == "outdated"


@pytest.mark.parametrize(
    ("difference", "answer"),
    [
        ({"accounts": (of_directory("alice"),)}, "id-taken"),
        ({"accounts": (of_directory("alice", "p-e1"),)}, "id-taken"),
        ({"accounts": (of_directory("e1", "p-other"),)}, "id-taken"),
        ({"accounts": (of_directory("founder"),)}, "id-taken"),
        ({"accounts": (Account(id="new", kind="human", person="p"),)}, "malformed"),
        ({"accounts": (Account(id="new", kind="service", source="directory"),)}, "malformed"),
        ({"accounts": (Account(id="new", kind="human", source="directory"),)}, "malformed"),
        ({"accounts": (of_directory("new"), of_directory("new"))}, "malformed"),
        ({"accounts": (of_directory("e1", title="n"),), "vanished": ("e1",)}, "malformed"),
        ({"accounts": (of_directory("new", title="n" * 129),)}, "too-large"),
        ({"vanished": ("e1", "e1")}, "malformed"),
        ({"vanished": ("alice",)}, "unknown-object"),
        ({"vanished": ("nobody",)}, "unknown-object"),
        ({"groups": (directory_group("approvers", "e1"),)}, "id-taken"),
        ({"groups": (Group(id="new", members=("e1",)),)}, "id-taken"),
        ({"groups": (directory_group("new", "nobody"),)}, "unknown-object"),
        ({"groups": (directory_group("new", "e1", "e1"),)}, "malformed"),
        ({"groups": (directory_group("new"), directory_group("new"))}, "malformed"),
        ({"groups": (directory_group("staff", *PEOPLE),), "vanished_groups": ("staff",)}, "malformed"),
        ({"vanished_groups": ("approvers",)}, "unknown-object"),
        ({"vanished_groups": ("nothing",)}, "unknown-object"),
        ({"groups": (directory_group("new", *(f"x{n}" for n in range(MEMBERS_MAX + 1))),)}, "too-large"),
        ({"groups": (directory_group("new", "new"),), "accounts": (of_directory("new"),)}, ""),
        ({"groups": (directory_group("new", "alice"),)}, ""),
    ],
    ids=lambda value: repr(value)[:70],
)
def test_only_what_the_directory_brought_is_changed(difference: dict[str, object], answer: str) -> None:
    """Manual entries stay, and no account changes its person."""
    governance = staffed()
    assert fits(governance, sync(governance, **difference)) == answer


@pytest.mark.parametrize("name", BAD_IDS)
def test_ids_of_the_directory_are_identifiers(name: str) -> None:
    governance = organisation()
    assert fits(governance, sync(governance, accounts=(of_directory(name, "p"),))) == "malformed"
    assert fits(governance, sync(governance, groups=(directory_group(name),))) == "malformed"


@pytest.mark.parametrize(
    ("percent", "people", "memberships"),
    [(0, 0, 0), (1, 1, 1), (10, 1, 1), (19, 1, 1), (20, 2, 2), (50, 5, 5), (99, 9, 9), (100, 10, 10)],
)
def test_removals_at_once_are_limited(percent: int, people: int, memberships: int) -> None:
    """Rounded down; but one may always be removed, unless the setting is 0."""
    governance = staffed(percent)
    for gone in range(1, len(PEOPLE) + 1):
        answer = "" if gone <= people else "too-much-vanishes"
        assert fits(governance, sync(governance, vanished=PEOPLE[:gone])) == answer
        answer = "" if gone <= memberships else "too-much-vanishes"
        left = directory_group("staff", *PEOPLE[gone:])
        assert fits(governance, sync(governance, groups=(left,))) == answer
    answer = "" if percent == 100 else "too-much-vanishes"
    assert fits(governance, sync(governance, vanished_groups=("staff",))) == answer


def test_replaced_members_count_as_removed() -> None:
    """As many are added as are removed, but most of the old members would still lose it."""
    governance = staffed()
    force(governance, sync(governance, accounts=tuple(of_directory(f"n{n}") for n in range(10))))
    swapped = directory_group("staff", *(f"n{n}" for n in range(10)))
    assert fits(governance, sync(governance, groups=(swapped,))) == "too-much-vanishes"


def test_removed_account_is_disabled_and_enabled_when_it_comes_back() -> None:
    governance = staffed()
    force(governance, sync(governance, vanished=("e1",)))
    assert not governance.principals["e1"].enabled
    force(governance, sync(governance, accounts=(of_directory("e1"),)))
    assert governance.principals["e1"].enabled


def test_manually_disabled_account_stays_disabled() -> None:
    """Whatever the directory states, and in whichever order."""
    before, after, between = staffed(), staffed(), staffed()
    force(before, DisablePrincipal(principal="e1"))
    force(after, sync(after, vanished=("e1",)))
    force(after, DisablePrincipal(principal="e1"))
    force(between, DisablePrincipal(principal="e1"))
    force(between, sync(between, vanished=("e1",)))
    for governance in (before, after, between):
        force(governance, sync(governance, accounts=(of_directory("e1", title="Emil"),)))
        assert not governance.principals["e1"].enabled
        force(governance, EnablePrincipal(principal="e1"))
        assert governance.principals["e1"].enabled


def test_manually_enabled_account_is_removed_and_comes_back() -> None:
    governance = staffed()
    force(governance, DisablePrincipal(principal="e1"))
    force(governance, EnablePrincipal(principal="e1"))
    force(governance, sync(governance, vanished=("e1",)))
    force(governance, sync(governance, accounts=(of_directory("e1"),)))
    assert governance.principals["e1"].enabled


def test_import_that_would_remove_every_administrator_is_refused() -> None:
    governance = staffed(100)
    for name in ("e1", "e2"):
        force(governance, new_key(name, f"{name}-key"))
    force(governance, group_of(governance, "admins", "e1", "e2"))
    for gone in (("e1",), ("e1", "e2"), PEOPLE):
        assert fits(governance, sync(governance, vanished=gone)) == "too-few-administrators"
    assert fits(governance, sync(governance, vanished=PEOPLE[3:])) == ""


@pytest.mark.parametrize(
    ("paths", "answer"),
    [
        ({"e1": ("inner",)}, ""),
        ({"e1": tuple(f"g{n}" for n in range(NESTING_MAX))}, ""),
        ({"e1": tuple(f"g{n}" for n in range(NESTING_MAX + 1))}, "malformed"),
        ({"e1": ()}, "malformed"),
        ({"e2": ("inner",)}, "malformed"),
        ({"e1": ("new",)}, "malformed"),
        ({"e1": ("inner", "new")}, "malformed"),
        ({"e1": ("inner", "outer", "inner")}, "malformed"),
        ({"e1": ("@administrators",)}, "malformed"),
        ({"e1": ("a b",)}, "malformed"),
        ({"e1": ("i" * 129,)}, "malformed"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_path_leads_through_other_groups_to_a_member(paths: dict[str, tuple[str, ...]], answer: str) -> None:
    """A group that is nested in itself, at any distance, is refused."""
    governance = staffed()
    group = directory_group("new", "e1", paths=paths)
    assert fits(governance, sync(governance, groups=(group,))) == answer
    if not answer:
        force(governance, sync(governance, groups=(group,)))
        assert governance.groups["new"].paths == paths
        assert governance.members("new") == {"e1"}


def test_manual_account_registered_later_does_not_belong_to_the_directory() -> None:
    governance = staffed()
    force(governance, human("erin"))
    assert fits(governance, sync(governance, accounts=(of_directory("erin"),))) == "id-taken"
    assert fits(governance, sync(governance, vanished=("erin",))) == "unknown-object"
