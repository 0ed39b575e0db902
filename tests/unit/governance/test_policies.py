"""Access policies: create, edit, delete; the limits of their fields (R2), and satisfiability (R3, R5)."""

import msgspec
import pytest

from assent_contracts import limits
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    CreatePolicy,
    DeletePolicy,
    DisablePrincipal,
    EditPolicy,
    policy_object,
)
from assent_contracts.refusals import Refusal
from tests.support.people import force, organisation, policy_of
from tests.unit.governance.answers import (
    BAD_IDS,
    LONG_ID,
    app_policy,
    fits,
    group_of,
    role_of,
    service,
    unprotected,
)

RULE = ApprovalRule(groups=("approvers",))


def create(**fields: object) -> CreatePolicy:
    return CreatePolicy(policy=msgspec.structs.replace(app_policy(), **fields))


def edit(governance: Governance, name: str, /, **fields: object) -> EditPolicy:
    version = governance.version(policy_object(name))
    assert version is not None
    return EditPolicy(policy=msgspec.structs.replace(governance.policies[name], **fields), version=version)


def why_not(governance: Governance, policy: Policy) -> str:
    decision = decide_change(governance, CreatePolicy(policy=policy), 0)
    assert isinstance(decision, Refusal)
    return f"{decision.code}: {decision.detail}"


def with_groups(governance: Governance) -> Governance:
    """Groups that a policy might name unsuccessfully, and as many more as it may name."""
    force(governance, service("bot"))
    force(governance, group_of(governance, "empty"))
    force(governance, group_of(governance, "services", "upstream", "bot"))
    force(governance, group_of(governance, "one-person", "bob", "bob2"))
    force(governance, group_of(governance, "dismissed", "mallory"))
    force(governance, DisablePrincipal(principal="mallory"))
    for number in range(limits.GROUPS_MAX + 1):
        force(governance, group_of(governance, f"g{number}", "bob", "carol"))
    return governance


@pytest.mark.parametrize(
    ("at_the_limit", "beyond"),
    [
        ({"id": LONG_ID}, {"id": f"{LONG_ID}i"}),
        ({"name": "n" * 128}, {"name": "n" * 129}),
        ({"name": "n"}, {"name": ""}),
        ({"name": "a b"}, {"name": "a\tb"}),
        ({"description": "d" * 1_024}, {"description": "d" * 1_025}),
        ({"description": "two\nlines"}, {"description": "bell\a"}),
        ({"resource_type": "a" * 64}, {"resource_type": "a" * 65}),
        ({"resource_type": "app"}, {"resource_type": "app,script"}),
        ({"resource_type": "app"}, {"resource_type": ""}),
        ({"approvals": (RULE,) * limits.RULES_MAX}, {"approvals": (RULE,) * (limits.RULES_MAX + 1)}),
        ({"approvals": (RULE,)}, {"approvals": ()}),
        ({"excluded_groups": ()}, {"excluded_groups": ("requesters",)}),
    ],
    ids=lambda fields: ", ".join(f"{name} {len(value)}" for name, value in fields.items()),
)
def test_R2_policy_s_fields_have_limits(at_the_limit: dict[str, object], beyond: dict[str, object]) -> None:
    assert fits(organisation(), create(**at_the_limit)) == ""
    assert fits(organisation(), create(**beyond)) == "policy-invalid"
    governance = organisation()
    if "id" not in beyond and "resource_type" not in beyond:
        assert fits(governance, edit(governance, "apps", **beyond)) == "policy-invalid"


@pytest.mark.parametrize("name", BAD_IDS)
def test_R2_policy_s_id_is_an_identifier(name: str) -> None:
    assert fits(organisation(), create(id=name)) == "policy-invalid"


@pytest.mark.parametrize(
    ("groups", "answer"),
    [
        (tuple(f"g{n}" for n in range(limits.GROUPS_MAX)), ""),
        (tuple(f"g{n}" for n in range(limits.GROUPS_MAX + 1)), "policy-invalid"),
        ((), "policy-invalid"),
        (("approvers", "approvers"), "policy-invalid"),
        (("approvers", "nobodies"), "policy-invalid"),
        (("@administrators",), "policy-invalid"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_R2_each_rule_names_groups_that_exist(groups: tuple[str, ...], answer: str) -> None:
    rules = (RULE, ApprovalRule(groups=groups))
    assert fits(with_groups(organisation()), create(approvals=rules)) == answer


def test_R2_refusal_of_excluded_groups_is_explicit() -> None:
    policy = msgspec.structs.replace(app_policy(), excluded_groups=("requesters",))
    assert "groups cannot be excluded (R2)" in why_not(organisation(), policy)


@pytest.mark.parametrize("administrators", [(), ("dave",), ("alice", "alice2"), ("dave", "upstream")])
def test_R3_first_policy_needs_two_people_who_administer(administrators: tuple[str, ...]) -> None:
    governance = unprotected()
    force(governance, group_of(governance, "admins", *administrators))
    assert fits(governance, create()) == "too-few-administrators"
    force(governance, group_of(governance, "admins", "alice", "alice2", "dave"))
    assert fits(governance, create()) == ""


def test_R3_administrators_of_only_some_types_do_not_count() -> None:
    governance = unprotected()
    force(governance, group_of(governance, "admins", "carol"))
    force(governance, role_of("administrator", "dave", types=("app", "access-policy", "governance")))
    assert fits(governance, create()) == "too-few-administrators"


def test_R5_approver_groups_need_a_role_assignment_if_the_setting_requires_it() -> None:
    governance = with_groups(organisation())
    both = (RULE, ApprovalRule(groups=("g1",)))
    assert fits(governance, create(approvals=both)) == ""
    governance.settings = msgspec.structs.replace(governance.settings, allow_unlicensed_admins=True)
    assert fits(governance, create()) == ""
    assert fits(governance, create(approvals=both)) == "policy-invalid"
    assert "R5: group g1" in why_not(governance, app_policy("new", 1, "g1"))


@pytest.mark.parametrize(
    ("quorum", "groups", "reason"),
    [
        (0, ("approvers",), "a quorum of 0 would let everything through"),
        (3, ("approvers",), "asks for 3 of approvers beside the requester, and there are 3 eligible people"),
        (1, ("one-person",), "there is 1 eligible person"),
        (1, ("empty",), "group empty is empty"),
        (1, ("approvers", "empty"), "group empty is empty"),
        (1, ("services",), "group services is empty, or has only disabled accounts and services"),
        (1, ("dismissed",), "group dismissed is empty, or has only disabled accounts"),
        (2, ("g1", "g2"), "asks for 2 of g1, g2 beside the requester, and there are 2 eligible people"),
    ],
)
def test_unsatisfiable_policy_is_refused_with_the_reason(
    quorum: int, groups: tuple[str, ...], reason: str
) -> None:
    governance = with_groups(organisation())
    said = why_not(governance, app_policy("new", quorum, *groups))
    assert said.startswith("policy-unsatisfiable: ")
    assert reason in said
    rules = (ApprovalRule(quorum=quorum, groups=groups),)
    assert fits(governance, edit(governance, "apps", approvals=rules)) == "policy-unsatisfiable"


@pytest.mark.parametrize("quorum", [1, 2])
def test_quorum_must_be_possible_without_the_requester(quorum: int) -> None:
    """The approvers are three people, of five accounts; each of them may be the requester (R9)."""
    assert fits(organisation(), create(approvals=(ApprovalRule(quorum=quorum, groups=("approvers",)),))) == ""


def test_every_rule_must_be_satisfiable() -> None:
    rules = (RULE, ApprovalRule(quorum=3, groups=("approvers",)))
    assert fits(organisation(), create(approvals=rules)) == "policy-unsatisfiable"


@pytest.mark.parametrize(
    ("rejections", "answer"), [(0, "policy-unsatisfiable"), (1, ""), (2, ""), (3, "policy-unsatisfiable")]
)
def test_rejections_that_nobody_could_give_are_unsatisfiable(rejections: int, answer: str) -> None:
    """Zero would never end a request, nor would more than there are people other than the requester."""
    assert fits(organisation(), create(rejections=rejections)) == answer


def test_policy_s_id_is_taken_while_it_exists() -> None:
    governance = organisation()
    assert fits(governance, create(id="apps")) == "id-taken"


def test_policy_keeps_its_type() -> None:
    """Otherwise the type that it protected would be unprotected."""
    governance = organisation()
    assert fits(governance, edit(governance, "apps", resource_type="other")) == "policy-invalid"


def test_policy_change_must_name_the_version_that_was_seen() -> None:
    governance = organisation()
    before = edit(governance, "apps", name="Apps of ours")
    assert fits(governance, edit(governance, "apps")) == "already-so"
    force(governance, before)
    assert fits(governance, before) == "outdated"
    assert fits(governance, DeletePolicy(policy="apps", version=before.version)) == "outdated"
    unknown = policy_of("nothing", "app")
    assert fits(governance, EditPolicy(policy=unknown, version=1)) == "unknown-object"
    assert fits(governance, DeletePolicy(policy="nothing", version=1)) == "unknown-object"


def test_deleted_policy_protects_nothing_and_another_with_its_id_is_different() -> None:
    governance = organisation()
    (terms,) = governance.terms_for("app")
    version = governance.version(policy_object("apps"))
    assert version is not None
    force(governance, DeletePolicy(policy="apps", version=version))
    assert governance.terms_for("app") == ()
    assert not governance.has_policy(terms)
    force(governance, create(id="apps"))
    assert not governance.has_policy(terms)
    assert governance.has_policy(governance.terms_for("app")[0])
