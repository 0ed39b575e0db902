"""Groups and their members. They are identified by id, never by name; the directory's are changed there."""

import msgspec
import pytest

from assent_contracts.governance_changes import DefineGroup, DeleteGroup
from assent_contracts.governance_objects import Group
from assent_contracts.limits import MEMBERS_MAX
from tests.support.people import force, organisation
from tests.unit.governance.answers import (
    BAD_IDS,
    LONG_ID,
    directory_group,
    fits,
    group_of,
    with_directory,
)

NEW = Group(id="new", members=("alice", "bob"))


def define(**fields: object) -> DefineGroup:
    return DefineGroup(group=msgspec.structs.replace(NEW, **fields))


@pytest.mark.parametrize("name", BAD_IDS)
def test_group_s_id_is_an_identifier_and_virtual_names_are_reserved(name: str) -> None:
    assert fits(organisation(), define(id=name)) == "malformed"
    assert fits(organisation(), define(id=LONG_ID)) == ""


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"name": "n" * 128}, ""),
        ({"name": "n" * 129}, "too-large"),
        ({"name": "bell\a"}, "malformed"),
        ({"members": ()}, ""),
        ({"members": ("alice", "alice")}, "malformed"),
        ({"members": ("alice", "nobody")}, "unknown-object"),
        ({"members": ("approvers",)}, "unknown-object"),
        ({"members": tuple(f"m{n}" for n in range(MEMBERS_MAX + 1))}, "too-large"),
        ({"source": "directory"}, "of-directory"),
        ({"paths": {"alice": ("inner",)}}, "of-directory"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_group_s_fields_have_limits(fields: dict[str, object], answer: str) -> None:
    assert fits(organisation(), define(**fields)) == answer


def test_group_change_must_name_the_version_that_was_seen() -> None:
    """Without a version there must be no group yet; with an old one, another change came first."""
    governance = organisation()
    seen = group_of(governance, "requesters", "alice")
    assert fits(governance, DefineGroup(group=seen.group)) == "id-taken"
    assert fits(governance, msgspec.structs.replace(define(), version=3)) == "unknown-object"
    force(governance, group_of(governance, "requesters", "alice", "bob"))
    assert fits(governance, seen) == "outdated"
    assert fits(governance, group_of(governance, "requesters", "alice", "bob")) == "already-so"


def test_group_that_something_names_is_not_deleted() -> None:
    governance = organisation()
    for name in ("approvers", "requesters"):
        version = group_of(governance, name).version
        assert version is not None
        assert fits(governance, DeleteGroup(group=name, version=version)) == "in-use"
    force(governance, define())
    version = group_of(governance, "new").version
    assert version is not None
    assert fits(governance, DeleteGroup(group="new", version=version - 1)) == "outdated"
    force(governance, DeleteGroup(group="new", version=version))
    assert governance.members("new") == frozenset()
    assert fits(governance, DeleteGroup(group="new", version=version)) == "unknown-object"


def test_group_of_the_directory_is_not_changed_manually() -> None:
    governance = with_directory(organisation(), "erin", "frank")
    version = group_of(governance, "staff").version
    assert version is not None
    assert fits(governance, group_of(governance, "staff", "erin")) == "of-directory"
    by_hand = DefineGroup(group=directory_group("staff", "erin"), version=version)
    assert fits(governance, by_hand) == "of-directory"
    assert fits(governance, DeleteGroup(group="staff", version=version)) == "of-directory"
