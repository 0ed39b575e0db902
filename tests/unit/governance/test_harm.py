"""What no change may take from those who are left (R3): two can administer, and every policy can be met."""

import msgspec
import pytest

from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.eligible_people import acting_administrators
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    SETTINGS,
    AssignRole,
    ChangeSettings,
    CreatePolicy,
    DisablePrincipal,
    ExpireKey,
    RegisterKey,
    RevokeKey,
    RevokeKeys,
    WithdrawRole,
    role_object,
)
from assent_contracts.governance_objects import RoleAssignment, Settings
from assent_contracts.refusals import Refusal
from tests.support.people import DAY_MS, START, force, organisation, policy_of
from tests.unit.governance.answers import (
    app_policy,
    at_once,
    directory_group,
    fits,
    group_of,
    human,
    new_key,
    of_directory,
    role_of,
    sync,
    unprotected,
)


def version(governance: Governance, governed: str) -> int:
    found = governance.version(governed)
    assert found is not None
    return found


def three_administrators() -> Governance:
    governance = organisation()
    force(governance, human("erin"))
    force(governance, new_key("erin", "erin-key"))
    force(governance, group_of(governance, "admins", "carol", "dave", "erin"))
    return governance


def test_R3_two_people_who_can_administer_must_remain() -> None:
    governance = organisation()
    for wanted in (
        DisablePrincipal(principal="dave"),
        RevokeKey(key="dave-key"),
        ExpireKey(key="dave-key", not_after=START),
        group_of(governance, "admins", "carol"),
        group_of(governance, "admins"),
        WithdrawRole(
            assignment="r-administrator", version=version(governance, role_object("r-administrator"))
        ),
    ):
        assert fits(governance, wanted) == "too-few-administrators", wanted


def test_R3_one_of_three_administrators_may_be_removed() -> None:
    for wanted in (
        DisablePrincipal(principal="dave"),
        RevokeKey(key="dave-key"),
        ExpireKey(key="dave-key", not_after=START),
    ):
        assert fits(three_administrators(), wanted) == ""


def test_R3_administrators_are_counted_by_person() -> None:
    governance = organisation()
    force(governance, human("dave2", "p-dave"))
    force(governance, new_key("dave2", "dave2-key"))
    force(governance, group_of(governance, "admins", "carol", "dave", "dave2"))
    assert fits(governance, DisablePrincipal(principal="carol")) == "too-few-administrators"
    assert fits(governance, DisablePrincipal(principal="dave")) == ""


def test_R3_role_may_not_be_limited_to_types_until_too_few_administer_all() -> None:
    governance = organisation()
    before = governance.assignments["r-administrator"]
    limited = msgspec.structs.replace(before, resource_types=("app",))
    wanted = role_of("administrator")
    wanted = msgspec.structs.replace(
        wanted, assignment=limited, version=version(governance, role_object("r-administrator"))
    )
    assert fits(governance, wanted) == "too-few-administrators"


def test_last_key_of_the_last_administrator_is_not_revoked() -> None:
    """Not even by themselves: nobody could let them in again."""
    governance = organisation()
    assert at_once(governance, "dave", RevokeKey(key="dave-key")) == "too-few-administrators"
    assert at_once(governance, "dave", new_key("dave")) == ""
    assert at_once(governance, "dave", RevokeKey(key="dave-key")) == ""
    assert at_once(governance, "dave", RevokeKey(key="new-key")) == "too-few-administrators"


def test_key_that_expires_a_moment_from_now_is_a_loss_too() -> None:
    """Otherwise one administrator could lock the other out, a millisecond later."""
    governance = organisation()
    for not_after in (START + 1, START + DAY_MS, START + 400 * DAY_MS - 1):
        wanted = ExpireKey(key="dave-key", not_after=not_after)
        assert at_once(governance, "carol", wanted) == "too-few-administrators"
    assert at_once(governance, "dave", new_key("dave", days=500)) == ""
    assert at_once(governance, "carol", ExpireKey(key="dave-key", not_after=START + 1)) == ""


def test_repair_is_possible_after_keys_have_expired() -> None:
    """Nobody can act, but not because of this change: a change that lets somebody act is never refused."""
    governance, later = organisation(), START + 400 * DAY_MS
    assert acting_administrators(governance, later) == frozenset()
    again = new_key("dave", days=800)
    assert fits(governance, again, at=later) == ""
    assert fits(governance, group_of(governance, "requesters", "alice"), at=later) == ""
    assert fits(governance, DisablePrincipal(principal="mallory"), at=later) == ""
    assert fits(governance, CreatePolicy(policy=app_policy()), at=later) == "too-few-administrators"
    force(governance, again, at=later)
    assert acting_administrators(governance, later) == {"p-dave"}
    assert fits(governance, RevokeKey(key="new-key"), at=later) == "too-few-administrators"


def signed_by_gateways() -> Governance:
    """An organisation whose founding file lets a gateway's signature approve changes to governance."""
    return organisation(Settings(governance_own_signature=False))


def test_gateway_does_not_enable_administrators_who_must_sign_themselves() -> None:
    """R3: otherwise its key alone could reduce two administrators to one."""
    governance = organisation()
    force(governance, role_of("gateway", "upstream"))
    assert fits(governance, RevokeKey(key="dave-key")) == "too-few-administrators"
    assert fits(governance, RevokeKeys(principal="dave")) == "too-few-administrators"


def test_settings_do_not_require_signatures_that_too_few_could_give() -> None:
    governance = signed_by_gateways()
    force(governance, role_of("gateway", "upstream"))
    force(governance, RevokeKey(key="dave-key"))
    tightened = msgspec.structs.replace(governance.settings, governance_own_signature=True)
    wanted = ChangeSettings(settings=tightened, version=governance.version(SETTINGS))
    assert fits(governance, wanted) == "too-few-administrators"


def test_gateway_with_a_key_enables_its_users_to_act() -> None:
    """The administrators sign in, so revoking the gateway's key takes away their means to act."""
    governance = signed_by_gateways()
    force(governance, role_of("gateway", "upstream"))
    for name in ("carol", "dave"):
        force(governance, RevokeKey(key=f"{name}-key"))
    assert acting_administrators(governance, START) == {"p-carol", "p-dave"}
    for wanted in (
        RevokeKey(key="upstream-key"),
        DisablePrincipal(principal="upstream"),
        WithdrawRole(assignment="new-role", version=version(governance, role_object("new-role"))),
    ):
        assert fits(governance, wanted) == "too-few-administrators"


@pytest.mark.parametrize("types", [("app",), ("governance",), ("access-policy",)], ids=repr)
def test_gateway_of_some_types_does_not_cover_all_of_governance(types: tuple[str, ...]) -> None:
    """Requests about policies and those about the rest are of two types."""
    governance = signed_by_gateways()
    force(governance, role_of("gateway", "upstream", types=types))
    assert fits(governance, RevokeKey(key="dave-key")) == "too-few-administrators"
    force(governance, role_of("gateway", "applier", types=("governance", "access-policy"), name="both"))
    assert fits(governance, RevokeKey(key="dave-key")) == ""


def test_human_in_a_group_of_gateways_is_not_a_gateway() -> None:
    governance = organisation()
    force(governance, group_of(governance, "gates", "mallory"))
    gates = RoleAssignment(id="gates", role="gateway", groups=("gates",))
    force(governance, AssignRole(assignment=gates))
    assert fits(governance, RevokeKey(key="dave-key")) == "too-few-administrators"


def test_R3_two_must_be_able_to_act_at_any_later_time_too() -> None:
    """A key that expires in a moment does not replace one that expires in a year."""
    governance = organisation()
    brief = new_key("dave").key
    force(governance, RegisterKey(key=msgspec.structs.replace(brief, not_after=START + 1)))
    assert fits(governance, RevokeKey(key="dave-key")) == "too-few-administrators"
    later = START + 10 * DAY_MS
    force(governance, new_key("dave", "ten-days", days=10))
    assert fits(governance, ExpireKey(key="dave-key", not_after=later - DAY_MS)) == "too-few-administrators"
    refusal = decide_change(governance, RevokeKey(key="dave-key"), START)
    assert isinstance(refusal, Refusal)
    assert "R3: from 2026-01-11 00:00Z on 1 person" in refusal.detail
    # A gap between two keys is a loss as well.
    after = new_key("dave", "after", days=500).key
    force(governance, RegisterKey(key=msgspec.structs.replace(after, not_before=later + 1)))
    assert fits(governance, RevokeKey(key="dave-key")) == "too-few-administrators"
    force(governance, new_key("dave", "bridge", days=11))
    assert fits(governance, RevokeKey(key="dave-key")) == ""


def owned_by_three(resource_type: str) -> Governance:
    """Three owners, two of whom have to approve this type in addition to the requester."""
    governance = organisation()
    for name in ("olga", "oleg", "omar"):
        force(governance, human(name))
        force(governance, new_key(name, f"{name}-key"))
    force(governance, group_of(governance, "owners", "olga", "oleg", "omar"))
    force(governance, CreatePolicy(policy=policy_of("owned", resource_type, 2, ("owners",))))
    return governance


@pytest.mark.parametrize("resource_type", ["governance", "access-policy"])
def test_keys_needed_to_change_governance_are_not_revoked(resource_type: str) -> None:
    """Otherwise one administrator could end all governance changes for good: only those people could help."""
    governance = owned_by_three(resource_type)
    for wanted in (RevokeKey(key="olga-key"), ExpireKey(key="olga-key", not_after=START + DAY_MS)):
        assert at_once(governance, "carol", wanted) == "policy-unsatisfiable"
    force(governance, new_key("olga", "olga-2"))
    assert at_once(governance, "carol", RevokeKey(key="olga-key")) == ""


def test_keys_of_other_policies_approvers_can_always_be_revoked() -> None:
    """A stolen key must be revoked: administrators can give its holder another one."""
    governance = owned_by_three("kiosk")
    for name in ("olga", "oleg", "omar"):
        assert at_once(governance, "carol", RevokeKey(key=f"{name}-key")) == ""


def test_policy_that_nobody_could_sign_for_is_refused() -> None:
    governance = organisation()
    for name in ("olga", "oleg"):
        force(governance, human(name))
    force(governance, group_of(governance, "owners", "olga", "oleg"))
    owned = CreatePolicy(policy=policy_of("owned", "kiosk", 1, ("owners",)))
    signed = CreatePolicy(policy=msgspec.structs.replace(owned.policy, own_signature=True))
    assert fits(governance, owned) == "policy-unsatisfiable"
    force(governance, role_of("gateway", "upstream", types=("app",)))
    assert fits(governance, owned) == "policy-unsatisfiable", "that gateway is for another type"
    force(governance, role_of("gateway", "applier", types=("kiosk",), name="kiosks"))
    assert fits(governance, owned) == ""
    assert fits(governance, signed) == "policy-unsatisfiable", "no gateway will do"
    for name in ("olga", "oleg"):
        force(governance, new_key(name, f"{name}-key"))
    assert fits(governance, signed) == ""


def test_policy_must_still_be_satisfiable_by_the_remaining_people() -> None:
    """`scripts` requires two of three people in addition to the requester."""
    governance = organisation()
    force(governance, human("erin"))
    force(governance, new_key("erin", "erin-key"))
    force(governance, group_of(governance, "admins", "carol", "dave", "erin"))
    assert fits(governance, DisablePrincipal(principal="carol")) == "policy-unsatisfiable"
    assert fits(governance, group_of(governance, "approvers", "alice", "bob")) == "policy-unsatisfiable"
    assert fits(governance, group_of(governance, "approvers")) == "policy-unsatisfiable"
    assert fits(governance, DisablePrincipal(principal="bob")) == "", "bob2 is the same person"


def test_R5_role_that_licenses_a_policy_s_group_is_not_removed() -> None:
    governance = organisation()
    governance.settings = msgspec.structs.replace(governance.settings, allow_unlicensed_admins=True)
    seen = version(governance, role_object("r-approver"))
    assert fits(governance, WithdrawRole(assignment="r-approver", version=seen)) == "policy-invalid"


def test_policy_that_was_unmet_before_blocks_nothing_else() -> None:
    governance = organisation()
    carol = governance.principals["carol"]
    governance.principals["carol"] = msgspec.structs.replace(carol, enabled=False)
    assert fits(governance, DisablePrincipal(principal="mallory")) == ""
    assert fits(governance, group_of(governance, "requesters", "alice")) == ""


def test_synchronisation_obeys_the_same_rules() -> None:
    governance = organisation()
    governance.settings = msgspec.structs.replace(governance.settings, vanish_max_percent=100)
    people = tuple(of_directory(name) for name in ("erin", "frank"))
    force(governance, sync(governance, accounts=people, groups=(directory_group("owners", "erin", "frank"),)))
    for name in ("erin", "frank"):
        force(governance, new_key(name, f"{name}-key"))
    force(governance, CreatePolicy(policy=app_policy("owned", 1, "owners")))
    assert fits(governance, sync(governance, vanished=("erin",))) == "policy-unsatisfiable"
    without = sync(governance, groups=(directory_group("owners", "frank"),))
    assert fits(governance, without) == "policy-unsatisfiable"
    assert fits(governance, sync(governance, vanished_groups=("owners",))) == "in-use"


@pytest.mark.parametrize("principal", ["carol", "dave"])
def test_nothing_is_blocked_before_the_first_policy(principal: str) -> None:
    governance = unprotected()
    assert at_once(governance, "carol", DisablePrincipal(principal=principal)) == ""
    assert at_once(governance, "carol", RevokeKey(key=f"{principal}-key")) == ""


def test_assignment_that_replaces_the_administrators_needs_two_as_well() -> None:
    governance = organisation()
    wanted = role_of("administrator", "carol")
    only_carol = RoleAssignment(id="r-administrator", role="administrator", principals=("carol",))
    seen = version(governance, role_object("r-administrator"))
    wanted = msgspec.structs.replace(wanted, assignment=only_carol, version=seen)
    assert fits(governance, wanted) == "too-few-administrators"
