"""What people read about policies and changes."""

import msgspec
import pytest

from assent.cli.diagnosis.governance_checks import governance_checks
from assent.reading.change_prospects import foresee
from assent_contracts.access_policies import ApprovalRule
from assent_contracts.core.governance.change_kinds import change_difference, change_operation, change_sentence
from assent_contracts.core.governance.field_changes import FieldChange
from assent_contracts.core.governance.number_words import duration, moment
from assent_contracts.core.governance.policies import policy_sentence
from assent_contracts.governance_changes import (
    AssignRole,
    ChangeSettings,
    CreatePolicy,
    DefineGroup,
    DeletePolicy,
    DisablePrincipal,
    EditPolicy,
    EnablePrincipal,
    ExpireKey,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
    RevokeKey,
    SetOperator,
    SyncDirectory,
    WithdrawRole,
)
from assent_contracts.governance_messages import (
    GroupDefined,
    KeyExpires,
    KeyRegistered,
    KeyRevoked,
    PrincipalDisabled,
    PrincipalRegistered,
    RoleAssigned,
)
from assent_contracts.governance_objects import Account, DirectoryDifference, Group, RoleAssignment, Settings
from tests.contract.examples import GOVERNANCE_CHANGES
from tests.unit.cli.organisation import APPS, AT, key, organisation

STRICTER = msgspec.structs.replace(
    APPS, approvals=(ApprovalRule(quorum=3, groups=("security",)), APPS.approvals[1])
)


def test_policy_reads_as_a_sentence() -> None:
    assert policy_sentence(APPS, organisation()) == (
        "2 of Security team (security, 4 people) and 1 of App owners (owners, 2 people) must approve;"
        " one rejection ends it; the requester completes it; it expires after 7 days without progress."
    )
    other = msgspec.structs.replace(
        APPS, rejections=2, completion="automatic", own_signature=True, expiry_ms=None, settlements=2
    )
    said = policy_sentence(other, organisation(PrincipalDisabled(principal="erin")))
    assert "App owners (owners, 1 person) must approve with their own keys; 2 rejections end it" in said
    assert said.endswith(
        "the last approval releases it; it expires after 30 days without progress."
        " Two administrators must settle an unknown outcome."
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (DisablePrincipal(principal="bob"), "Disable bob."),
        (EnablePrincipal(principal="bob"), "Enable bob."),
        (SetOperator(principal="applier", operator="bob"), "Set the operator of applier to bob."),
        (SetOperator(principal="applier"), "State no operator of applier."),
        (
            RegisterPrincipal(account=Account(id="zoe", kind="human", person="zoe.p", name="Zoe")),
            "Register zoe (Zoe), an account of the person zoe.p.",
        ),
        (RegisterPrincipal(account=Account(id="ci", kind="service")), "Register ci, a service."),
        (RegisterKey(key=key("bob", 99)), "Register the key bob-1 for bob, valid for ever."),
        (ExpireKey(key="bob-1", not_after=AT), "Let the key bob-1 of bob end at 2027-01-15 08:00Z."),
        (RevokeKey(key="bob-1"), "Revoke the key bob-1 of bob."),
        (
            DefineGroup(group=Group(id="owners", name="App owners", members=("erin", "bob")), version=14),
            "Change group owners: add bob; remove dave.",
        ),
        (DefineGroup(group=Group(id="new", members=("erin",))), "Make group new with 1 member: erin."),
        (
            WithdrawRole(assignment="admins", version=1),
            "Withdraw the role administrator from alice, bob, carol (admins).",
        ),
        (
            AssignRole(
                assignment=RoleAssignment(
                    id="x", role="approver", groups=("owners",), resource_types=("app",)
                )
            ),
            "Give the role approver for app to group owners.",
        ),
        (
            ChangeSettings(settings=Settings(unprotected="pass")),
            "Change settings: unprotected refuse becomes pass.",
        ),
        (
            ChangeSettings(settings=Settings(vanish_max_percent=30)),
            "Change settings: vanish_max_percent 20% becomes 30%.",
        ),
        (
            EditPolicy(policy=STRICTER, version=18),
            "Edit policy apps: approval 1 2 of security becomes 3 of security.",
        ),
        (
            DeletePolicy(policy="apps", version=18),
            "Delete policy apps: changes to app are refused from then on.",
        ),
        (
            SyncDirectory(difference=DirectoryDifference(vanished=("bob",))),
            "Synchronise the directory: 1 vanished person.",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else "",
)
def test_change_reads_as_a_sentence(change: GovernanceChange, said: str) -> None:
    assert change_sentence(change, organisation()) == said


OPERATIONS = {
    "create": {"CreatePolicy", "RegisterPrincipal", "RegisterKey", "AddWriter", "DefineGroup", "AssignRole"},
    "delete": {"DeletePolicy", "DeleteGroup", "WithdrawRole"},
    "disable": {"DisablePrincipal", "RevokeKey", "RevokeKeys", "RetireWriter"},
    "edit": {
        "EditPolicy",
        "EnablePrincipal",
        "SetOperator",
        "ExpireKey",
        "ChangeSettings",
        "SyncDirectory",
        "CorrectTime",
    },
}


@pytest.mark.parametrize("change", GOVERNANCE_CHANGES, ids=lambda change: type(change).__name__)
def test_R15_each_kind_of_change_has_its_operation(change: GovernanceChange) -> None:
    name = type(change).__name__
    is_new = not isinstance(change, DefineGroup | AssignRole) or change.version is None
    expected = next(each for each, names in OPERATIONS.items() if name in names) if is_new else "edit"
    assert change_operation(change) == expected


def test_R15_group_and_role_that_name_their_version_are_edited() -> None:
    group, role = Group(id="owners", members=()), RoleAssignment(id="x", role="approver", groups=("owners",))
    for version, operation in ((None, "create"), (3, "edit")):
        assert change_operation(DefineGroup(group=group, version=version)) == operation
        assert change_operation(AssignRole(assignment=role, version=version)) == operation


def test_single_rule_s_quorum_is_named_as_a_quorum() -> None:
    one = msgspec.structs.replace(APPS, approvals=(ApprovalRule(quorum=1, groups=("security",)),))
    two = msgspec.structs.replace(APPS, approvals=(ApprovalRule(quorum=2, groups=("security",)),))
    change = EditPolicy(policy=two, version=18)
    assert change_sentence(change, organisation(policies=(one,))) == "Edit policy apps: quorum 1 becomes 2."
    assert change_difference(change, organisation(policies=(one,))) == (FieldChange("quorum", "1", "2"),)


def test_groups_are_compared_by_members_and_policies_by_rules() -> None:
    group = DefineGroup(group=Group(id="owners", name="Owners", members=("erin", "bob")), version=14)
    assert change_difference(group, organisation()) == (
        FieldChange("name", "App owners", "Owners"),
        FieldChange("member", None, "bob"),
        FieldChange("member", "dave", None),
    )
    deleted = change_difference(DeletePolicy(policy="apps", version=18), organisation())
    assert FieldChange("approval 2", "1 of owners", None) in deleted
    assert all(line.after is None for line in deleted)


@pytest.mark.parametrize(
    ("at_ms", "said"),
    [
        (0, "1970-01-01 00:00Z"),
        (951_782_400_000, "2000-02-29 00:00Z"),
        (1_709_251_199_999, "2024-02-29 23:59Z"),
        (4_102_444_800_000, "2100-01-01 00:00Z"),
    ],
)
def test_moment_is_shown_as_a_calendar_date(at_ms: int, said: str) -> None:
    assert moment(at_ms) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [(0, "0 milliseconds"), (1_500, "1,500 milliseconds"), (90_000, "90 seconds"), (86_400_000, "1 day")],
)
def test_duration_is_in_the_largest_fitting_unit(ms: int, said: str) -> None:
    assert duration(ms) == said


def test_R3_dry_run_states_who_must_approve_and_what_would_be_refused() -> None:
    governance = organisation()
    edit = EditPolicy(policy=msgspec.structs.replace(APPS, rejections=2), version=governance.seq)
    seen = foresee(governance, edit, "alice", AT)
    assert (seen.refusal, seen.why_approval) == (None, "it changes a policy")
    assert seen.approvers == ("1 of the administrators for app (3 people)",)
    refused = foresee(governance, edit, "erin", AT).refusal
    assert refused is not None
    assert refused.code == "not-permitted"
    outdated = foresee(governance, msgspec.structs.replace(edit, version=1), "alice", AT).refusal
    assert outdated is not None
    assert outdated.code == "outdated"
    at_once = foresee(governance, RegisterKey(key=key("erin", 99)), "erin", AT)
    assert at_once.why_approval is None
    stranger = foresee(governance, CreatePolicy(policy=APPS), "mallory", AT).refusal
    assert stranger is not None
    assert stranger.code == "unknown-key"


def test_doctor_warns_before_it_is_too_late() -> None:
    """An approver or administrator fewer, or a key that expires: each is reported while it still works."""
    well = organisation(policies=())
    assert all(finding.ok for finding in governance_checks(well, AT))
    soon = organisation(
        PrincipalDisabled(principal="carol"),
        KeyExpires(key="bob-1", not_after=AT + 86_400_000),
        policies=(APPS,),
    )
    wrong = [finding.what for finding in governance_checks(soon, AT) if not finding.ok]
    assert wrong == [
        "policy apps (app): 2 of security (3 people) and 1 of owners (2 people) must approve",
        "2 people can act as administrator",
        "administrator bob has a key that is valid for two weeks at least",
    ]


def test_doctor_names_accounts_that_could_not_sign() -> None:
    """An approver without a key, a gateway whose key expires, and as many rejections as there are people."""
    gate = [
        PrincipalRegistered(account=Account(id="gate", kind="service")),
        RoleAssigned(assignment=RoleAssignment(id="gates", role="gateway", principals=("gate",))),
    ]
    strict = msgspec.structs.replace(APPS, approvals=APPS.approvals[1:])
    staff = GroupDefined(group=Group(id="owners", name="App owners", members=("bob", "dave", "erin")))
    without = organisation(
        KeyRevoked(key="erin-1"), KeyRevoked(key="dave-1"), staff, *gate, policies=(strict,)
    )
    wrong = {finding.what: finding.remedy for finding in governance_checks(without, AT) if not finding.ok}
    assert wrong.keys() == {
        "policy apps (app) can be met",
        "the approvers of policy apps have keys",
        "gateway gate has a key that is valid for two weeks at least",
    }
    assert "Without one: dave, erin." in wrong["the approvers of policy apps have keys"]
    ending = key("gate", 97, not_after=AT + 60_000)
    soon = organisation(KeyRevoked(key="erin-1"), staff, *gate, KeyRegistered(key=ending), policies=(strict,))
    assert [finding.what for finding in governance_checks(soon, AT) if not finding.ok] == [
        "gateway gate has a key that is valid for two weeks at least"
    ]
    rejected = organisation(policies=(msgspec.structs.replace(APPS, rejections=4),))
    assert not next(governance_checks(rejected, AT)).ok


def test_group_is_named_with_its_id_and_a_role_with_its_holders() -> None:
    """Another group may have the same name: an approver sees which one is meant, and who is in it."""
    lookalike = GroupDefined(group=Group(id="sec2", name="Security team", members=("erin",)))
    governance = organisation(lookalike)
    policy = msgspec.structs.replace(APPS, id="new", approvals=(ApprovalRule(groups=("sec2",)),))
    assert "Security team (sec2, 1 person)" in change_sentence(CreatePolicy(policy=policy), governance)
    given = AssignRole(assignment=RoleAssignment(id="a", role="administrator", groups=("sec2",)))
    lines = [line.after for line in change_difference(given, governance) if line.field == "holder"]
    assert lines == ["erin (in group sec2)", "group sec2"]
