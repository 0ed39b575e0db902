"""Role assignments: a role for groups and principals, for some resource types or all."""

import msgspec
import pytest

from assent_contracts.core.governance.state import EVERY_TYPE
from assent_contracts.governance_changes import AssignRole, WithdrawRole, role_object
from assent_contracts.governance_objects import RoleAssignment
from assent_contracts.limits import ASSIGNED_MAX
from tests.support.people import force, organisation
from tests.unit.governance.answers import BAD_IDS, LONG_ID, fits, role_of

NEW = RoleAssignment(id="new", role="auditor", principals=("alice",))
TOO_MANY = tuple(f"x{n}" for n in range(ASSIGNED_MAX + 1))


def assign(**fields: object) -> AssignRole:
    return AssignRole(assignment=msgspec.structs.replace(NEW, **fields))


@pytest.mark.parametrize("name", BAD_IDS)
def test_assignment_s_id_is_an_identifier(name: str) -> None:
    assert fits(organisation(), assign(id=name)) == "malformed"
    assert fits(organisation(), assign(id=LONG_ID)) == ""


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"principals": (), "groups": ()}, "malformed"),
        ({"principals": (), "groups": ("approvers",)}, ""),
        ({"principals": ("nobody",)}, "unknown-object"),
        ({"groups": ("nobodies",)}, "unknown-object"),
        ({"groups": ("@administrators",)}, "unknown-object"),
        ({"principals": ("alice", "alice")}, "malformed"),
        ({"groups": ("approvers", "approvers")}, "malformed"),
        ({"resource_types": ("app", "app")}, "malformed"),
        ({"resource_types": ("App",)}, "malformed"),
        ({"resource_types": ("",)}, "malformed"),
        ({"resource_types": tuple(f"t{n}" for n in range(ASSIGNED_MAX))}, ""),
        ({"resource_types": TOO_MANY}, "too-large"),
        ({"groups": TOO_MANY}, "too-large"),
        ({"principals": TOO_MANY}, "too-large"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_assignment_s_fields_have_limits(fields: dict[str, object], answer: str) -> None:
    assert fits(organisation(), assign(**fields)) == answer


def test_role_for_some_types_does_not_cover_the_others() -> None:
    governance = organisation()
    force(governance, role_of("auditor", "alice", types=("app",)))
    assert governance.has_role("alice", "auditor", "app")
    assert not governance.has_role("alice", "auditor", "script")
    assert not governance.has_role("alice", "auditor", EVERY_TYPE)


def test_role_is_gained_with_the_group_and_lost_with_it() -> None:
    governance = organisation()
    force(governance, assign(principals=(), groups=("requesters",)))
    assert governance.has_role("alice2", "auditor", EVERY_TYPE)
    version = governance.version(role_object("new"))
    assert version is not None
    force(governance, WithdrawRole(assignment="new", version=version))
    assert not governance.has_role("alice2", "auditor", EVERY_TYPE)


def test_assignment_change_must_name_the_version_that_was_seen() -> None:
    governance = organisation()
    assert fits(governance, WithdrawRole(assignment="new", version=1)) == "unknown-object"
    force(governance, assign())
    seen = governance.version(role_object("new"))
    assert seen is not None
    assert fits(governance, assign()) == "id-taken"
    again = AssignRole(assignment=NEW, version=seen)
    assert fits(governance, again) == "already-so"
    other = msgspec.structs.replace(NEW, principals=("bob",))
    force(governance, AssignRole(assignment=other, version=seen))
    assert fits(governance, again) == "outdated"
    assert fits(governance, WithdrawRole(assignment="new", version=seen)) == "outdated"
