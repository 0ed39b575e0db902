"""Founding: what the founder's key sets up, and what is refused (R2, R3, R5)."""

import msgspec
import pytest

from assent.core.governance.state import Governance
from assent_contracts import governance as g
from assent_contracts.refusals import RefusalCode
from tests.support.people import (
    DAY_MS,
    FOUNDER,
    HUMANS,
    START,
    WRITER,
    founding_commands,
    govern,
    key_of,
    open_founding,
    organisation,
    public_key_of,
)

ABOUT = {"id": "g", "principal": "founder", "at": START}
POLICY = g.Policy(id="new", name="New", resource_type="app", groups=("approvers",))


def answer(governance: Governance, command: g.GovernanceCommand) -> RefusalCode | None:
    refusal = govern(governance, command)
    return None if refusal is None else refusal.code


def create(governance: Governance, **fields: object) -> RefusalCode | None:
    return answer(governance, g.CreatePolicy(**ABOUT, policy=msgspec.structs.replace(POLICY, **fields)))


def register(governance: Governance, account: g.Account) -> RefusalCode | None:
    return answer(governance, g.RegisterPrincipal(**ABOUT, account=account))


def add_key(governance: Governance, **fields: object) -> RefusalCode | None:
    key = msgspec.structs.replace(key_of("mallory"), id="new-key", public_key=public_key_of("new"))
    return answer(governance, g.RegisterKey(**ABOUT, key=msgspec.structs.replace(key, **fields)))


def test_log_is_founded_once() -> None:
    found = founding_commands()[0]
    governance = Governance()
    assert answer(governance, found) is None
    assert answer(governance, found) == "not-permitted"


@pytest.mark.parametrize(
    "fields",
    [{"writers": {}}, {"founder": "AAAA"}, {"writers": {"w": "not a key"}}, {"writers": {"w": FOUNDER[:-1]}}],
)
def test_founding_needs_a_writer_and_keys_of_32_bytes(fields: dict[str, object]) -> None:
    founding = g.Founding(founder=FOUNDER, writers={"writer-1": WRITER}, partitions=4)
    spoiled = msgspec.structs.replace(founding, **fields)
    assert answer(Governance(), g.FoundLog(**ABOUT, founding=spoiled)) == "malformed"


def test_nothing_can_be_set_up_before_the_log_is_founded() -> None:
    for command in founding_commands()[1:]:
        assert answer(Governance(), command) == "not-permitted"


def test_closed_founding_stays_closed() -> None:
    """The founder's key is dead for good: no command of theirs is taken any more."""
    governance = organisation()
    assert governance.founder is None
    for command in founding_commands():
        assert answer(governance, command) == "not-permitted"


def test_founding_is_not_closed_without_a_policy() -> None:
    governance = open_founding(without=g.CreatePolicy)
    assert answer(governance, g.CloseFounding(**ABOUT)) == "policy-invalid"
    assert create(governance) is None
    assert answer(governance, g.CloseFounding(**ABOUT)) is None


def test_founding_can_be_closed_without_a_policy_where_everything_passes() -> None:
    governance = open_founding(without=g.CreatePolicy, settings=g.Settings(unprotected="pass"))
    assert answer(governance, g.CloseFounding(**ABOUT)) is None


@pytest.mark.parametrize(
    "account",
    [
        g.Account(id="alice", kind="human", person="p-new"),
        g.Account(id="", kind="service"),
        g.Account(id="a b", kind="service"),
        g.Account(id="i" * 129, kind="service"),
        g.Account(id="new", kind="human"),
        g.Account(id="new", kind="service", person="p-new"),
        g.Account(id="new", kind="human", person="p new"),
        g.Account(id="new", kind="human", person=""),
        g.Account(id="new", kind="service", name="n" * 129),
        g.Account(id="new", kind="service", name="a\nb"),
    ],
    ids=repr,
)
def test_account_that_is_none_is_refused(account: g.Account) -> None:
    assert register(open_founding(), account) == "malformed"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "alice-key"},
        {"id": "a key"},
        {"principal": "nobody"},
        {"public_key": "AAAA"},
        {"public_key": public_key_of("alice")},
    ],
    ids=repr,
)
def test_key_that_is_known_or_none_is_refused(fields: dict[str, object]) -> None:
    """The same key twice would let its holder sign as two principals."""
    assert add_key(open_founding(), **fields) == "malformed"


def test_key_is_registered_with_its_validity() -> None:
    governance = open_founding()
    assert add_key(governance, not_before=START + DAY_MS, not_after=START + 2 * DAY_MS) is None
    key = governance.keys["new-key"]
    assert (key.not_before, key.not_after) == (START + DAY_MS, START + 2 * DAY_MS)


def test_group_of_unknown_principals_is_refused() -> None:
    for group in (g.Group(id="new", members=("alice", "nobody")), g.Group(id="a b", members=())):
        assert answer(open_founding(), g.DefineGroup(**ABOUT, group=group)) == "malformed"


@pytest.mark.parametrize(
    "fields", [{"groups": ("nobodies",)}, {"principals": ("nobody",)}, {"resource_types": ("App",)}], ids=repr
)
def test_role_for_what_does_not_exist_is_refused(fields: dict[str, tuple[str, ...]]) -> None:
    assignment = msgspec.structs.replace(g.RoleAssignment(id="new", role="auditor"), **fields)
    assert answer(open_founding(), g.AssignRole(**ABOUT, assignment=assignment)) == "malformed"


@pytest.mark.parametrize(
    ("at_the_limit", "beyond"),
    [
        ({"name": "n" * 128}, {"name": "n" * 129}),
        ({"name": "n"}, {"name": ""}),
        ({"description": "d" * 1_024}, {"description": "d" * 1_025}),
        ({"resource_type": "a" * 64}, {"resource_type": "a" * 65}),
        ({"resource_type": "app"}, {"resource_type": "app,script"}),
        ({"groups": ("approvers",)}, {"groups": ()}),
        ({"groups": ("approvers",) * 64}, {"groups": ("approvers",) * 65}),
        ({"groups": ("approvers",)}, {"groups": ("approvers", "nobodies")}),
        ({"id": "i" * 128}, {"id": "i" * 129}),
        ({"name": "a b"}, {"name": "a\tb"}),
    ],
    ids=lambda fields: ", ".join(f"{name} {len(value)}" for name, value in fields.items()),
)
def test_R2_policy_s_fields_have_limits(at_the_limit: dict[str, object], beyond: dict[str, object]) -> None:
    assert create(open_founding(), **at_the_limit) is None
    assert create(open_founding(), **beyond) == "policy-invalid"


def test_R2_policy_that_excludes_groups_cannot_be_said() -> None:
    """There is no field for it: such a policy is no policy."""
    policy = msgspec.json.encode(POLICY)[:-1] + b',"excluded_groups":["interns"]}'
    with pytest.raises(msgspec.ValidationError, match="excluded_groups"):
        msgspec.json.decode(policy, type=g.Policy)


def test_R3_policy_needs_two_administrators_who_are_two_people() -> None:
    for admins, expected in (
        (("dave",), "policy-unsatisfiable"),
        (("alice", "alice2"), "policy-unsatisfiable"),
    ):
        governance = open_founding(without=g.CreatePolicy)
        govern(governance, g.DefineGroup(**ABOUT, group=g.Group(id="admins", members=admins)))
        assert create(governance) == expected
    govern(governance, g.DefineGroup(**ABOUT, group=g.Group(id="admins", members=("alice", "dave"))))
    assert create(governance) is None


def test_R5_approver_groups_must_be_in_a_role_assignment_where_the_setting_says_so() -> None:
    loose = g.Group(id="loose", members=tuple(HUMANS))
    for allow, expected in ((True, "policy-invalid"), (False, None)):
        governance = open_founding(settings=g.Settings(allow_unlicensed_admins=allow))
        govern(governance, g.DefineGroup(**ABOUT, group=loose))
        assert create(governance, groups=("approvers",)) is None
        assert create(governance, id="other", groups=("approvers", "loose")) == expected


@pytest.mark.parametrize(("quorum", "expected"), [(1, None), (2, None), (3, "policy-unsatisfiable")])
def test_quorum_must_leave_out_the_requester(quorum: int, expected: str | None) -> None:
    """The approvers are three people, of five accounts; each of them may be the requester (R9)."""
    assert create(open_founding(), quorum=quorum) == expected


def test_quorum_is_not_met_by_services() -> None:
    governance = open_founding()
    services = g.Group(id="services", members=("upstream", "applier", "applier2", "bob"))
    govern(governance, g.DefineGroup(**ABOUT, group=services))
    assert create(governance, groups=("services",)) == "policy-unsatisfiable"


def test_what_is_defined_already_is_not_defined_again() -> None:
    """In a founding a second definition is a mistake in the file, not an edit."""
    governance = open_founding()
    assignment = next(iter(governance.assignments.values()))
    assert answer(governance, g.AssignRole(**ABOUT, assignment=assignment)) == "malformed"
    assert create(governance) is None
    assert create(governance) == "policy-invalid"


@pytest.mark.parametrize("name", ["x" * 129, "bell\a"])
def test_group_s_name_has_a_limit(name: str) -> None:
    group = g.Group(id="new", name=name, members=())
    assert answer(open_founding(), g.DefineGroup(**ABOUT, group=group)) == "malformed"


def test_key_that_is_never_valid_is_refused() -> None:
    assert add_key(open_founding(), not_before=START, not_after=START) == "malformed"
