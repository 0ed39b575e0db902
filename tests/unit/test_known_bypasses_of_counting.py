"""More known bypasses: who counts as an approver, and how many are enough.

Each test's docstring says what happened there and what is different in Assent.
"""

import json

import msgspec
import pytest

from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.codec import encode
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import has_quorum, standing_terms
from assent_contracts.core.requests.states import Approval, Submission
from assent_contracts.governance_changes import (
    AssignRole,
    CreatePolicy,
    DefineGroup,
    EditPolicy,
    RegisterPrincipal,
    SyncDirectory,
    policy_object,
)
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.governance_objects import Account, DirectoryDifference, Group, RoleAssignment
from assent_contracts.refusals import Refusal
from tests.support.people import force, organisation, policy_of
from tests.support.stories import Story
from tests.unit.governance.answers import fits, group_of, new_key

APP = "app/web"
"""One approval, by the approvers."""


def edited(governance: Governance, policy: Policy) -> EditPolicy:
    version = governance.version(policy_object(policy.id))
    assert version is not None
    return EditPolicy(policy=policy, version=version)


def test_Unleash_2534_one_approver_counted_twice() -> None:
    """Unleash had to make a change request's approvals unique: the same user's could be there twice.

    Here approvals are counted by person: again, from a second account, or after a revocation, one person
    remains one.
    """
    story = Story().given("alice submits", "bob approves")
    assert story.when("bob approves") == "already-decided"
    assert story.when("bob2 approves") == "already-decided"
    assert story.given("bob revokes").when("bob2 approves") == "ApprovalGiven"
    assert story.when("bob approves") == "already-decided"
    assert story.when("alice completes") == "not-approved"
    twice = (Approval("bob", "p-bob"), Approval("bob2", "p-bob"), Approval("bob", "p-bob"))
    governance = story.governance
    submission = Submission(0, story.resource, "alice", "p-alice", "", "", governance.terms_for("script"))
    assert not has_quorum(submission, standing_terms(submission, governance), twice, governance), (
        "however they got there"
    )


@pytest.mark.parametrize("rule", [{"quorum": 0, "groups": ["approvers"]}, {"groups": []}, None], ids=str)
def test_OpenBao_3666_no_approvals_asked_for_fails_open(rule: dict[str, object] | None) -> None:
    """An OpenBao control group with 0 approvals, or none stated, was accepted and let everything through.

    Here such a policy is refused, and the default is 1. Even a state with a quorum of 0 would still require
    one person's approval.
    """
    policy = json.loads(encode(policy_of("new", "app")))
    policy["approvals"] = [] if rule is None else [rule]
    wanted = decode_governance_change(
        json.dumps({"type": "assent.create-policy.v1", "policy": policy}).encode()
    )
    assert isinstance(wanted, CreatePolicy)
    assert fits(organisation(), wanted) in {"policy-unsatisfiable", "policy-invalid"}


def test_OpenBao_3666_quorum_of_0_would_never_count_as_met() -> None:
    """See above: whatever the state says, the count fails closed."""
    governance = organisation()
    assert ApprovalRule(groups=("approvers",)).quorum == 1
    nothing_asked = msgspec.structs.replace(policy_of("apps", "app"), approvals=())
    for policy in (policy_of("apps", "app", 0), nothing_asked):
        governance.policies["apps"] = policy
        governance._forget_derived()
        submission = Submission(0, APP, "alice", "p-alice", "", "", governance.terms_for("app"))
        assert not has_quorum(submission, standing_terms(submission, governance), (), governance), (
            policy.approvals
        )
        story = Story(APP, governance=governance).given("alice submits")
        assert story.when("alice completes") == "not-approved"


def test_OpenBao_3815_group_of_the_same_name() -> None:
    """OpenBao took members of a same-named group in another namespace for a control group's approvers.

    Here policies name groups by id, which is unique; a name is a label, and taking it gains nothing.
    """
    governance = organisation()
    lookalike = Group(id="approvers-2", name="approvers", members=("mallory", "dave"))
    force(governance, DefineGroup(group=lookalike))
    from_directory = Group(id="dir-7", name="approvers", members=("mallory",), source="directory")
    force(governance, SyncDirectory(difference=DirectoryDifference(groups=(from_directory,))))
    story = Story(APP, governance=governance).given("alice submits")
    assert story.when("mallory approves") == "not-an-approver"
    assert story.when("dave approves") == "not-an-approver"
    taken = SyncDirectory(
        difference=DirectoryDifference(groups=(msgspec.structs.replace(from_directory, id="approvers"),)),
        version=governance.version("governance/directory"),
    )
    assert fits(governance, taken) == "id-taken"


@pytest.mark.parametrize("name", ["@administrators", "@administrators/app", "@approvers"])
def test_OpenBao_3815_virtual_groups_have_names_that_nobody_can_take(name: str) -> None:
    """See above: nobody can define or name the group of the administrators."""
    governance = organisation()
    assert fits(governance, group_of(governance, name, "mallory")) == "malformed"
    assert fits(governance, CreatePolicy(policy=policy_of("new", "app", 1, (name,)))) == "policy-invalid"


def test_OpenBao_3814_members_of_nested_groups() -> None:
    """OpenBao did not recognise approvers who were in a control group through another group.

    Here a group's members are flattened, with the path kept, so there is one answer to who is in it. A group
    is not a member of a group, and one that is nested in itself is refused.
    """
    governance = organisation()
    people = tuple(
        Account(id=name, kind="human", person=f"p-{name}", source="directory") for name in ("erin", "frank")
    )
    outer = Group(
        id="outer",
        members=("bob", "erin", "frank"),
        source="directory",
        paths={"erin": ("inner",), "frank": ("inner", "innermost")},
    )
    force(governance, SyncDirectory(difference=DirectoryDifference(accounts=people, groups=(outer,))))
    force(governance, new_key("frank"))
    force(governance, edited(governance, policy_of("apps", "app", 1, ("outer",))))
    submission = Submission(0, APP, "alice", "p-alice", "", "", governance.terms_for("app"))
    assert has_quorum(
        submission, standing_terms(submission, governance), (Approval("frank", "p-frank"),), governance
    )
    assert fits(governance, group_of(governance, "new", "outer")) == "unknown-object"
    cyclic = msgspec.structs.replace(outer, paths={"erin": ("inner", "outer")})
    again = SyncDirectory(
        difference=DirectoryDifference(groups=(cyclic,)), version=governance.version("governance/directory")
    )
    assert fits(governance, again) == "malformed"


def test_Bytebase_19142_self_approval_where_everybody_may_approve() -> None:
    """Bytebase did not keep an issue's creator from approving when the approvers were ALL_USERS.

    Here an approver's own request stays their own: the person is compared, for every account of theirs, to
    approve and to reject. There is no group of everybody without naming them.
    """
    governance = organisation()
    force(governance, group_of(governance, "approvers", *governance.principals))
    story = Story(APP, governance=governance).given("alice submits")
    for line in ("alice approves", "alice2 approves", "alice rejects", "alice2 rejects"):
        assert story.when(line) == "own-request"
    assert story.when("mallory approves") == "ApprovalGiven + RequestApproved"
    assert (
        fits(governance, CreatePolicy(policy=policy_of("new", "app", 1, ("ALL_USERS",)))) == "policy-invalid"
    )


@pytest.mark.parametrize("quorum", ["true", "false", '"1"', "1.0", "[1]", str(2**63)])
def test_molecule_core_3222_true_as_1(quorum: str) -> None:
    """Where a number of approvals is read leniently, the JSON value true passes for 1, as it did there.

    Here a quorum is an integer or the change is malformed: nothing else is converted to one.
    """
    wanted = encode(CreatePolicy(policy=policy_of("new", "app", 2)))
    assert wanted.count(b'"quorum":2') == 1
    decoded = decode_governance_change(wanted.replace(b'"quorum":2', b'"quorum":' + quorum.encode()))
    assert isinstance(decoded, Refusal)
    assert decoded.code == "malformed"


def test_git_proxy_java_169_pusher_certifies_their_own_push() -> None:
    """git-proxy-java has a permission with which a user approves a push of their own.

    Here there is none. No role (not administrator and approver together), no setting and no second account,
    which keeps its person for good, lets people approve their own request.
    """
    governance = organisation()
    everything = ("administrator", "requester", "approver", "applier", "auditor")
    for role in everything:
        assignment = RoleAssignment(id=f"all-{role}", role=role, principals=("carol",))
        force(governance, AssignRole(assignment=assignment))
    story = Story(APP, governance=governance).given("carol submits")
    assert story.when("carol approves") == "own-request"
    account = Account(id="carol2", kind="human", person="p-carol")
    force(governance, RegisterPrincipal(account=account))
    renamed = msgspec.structs.replace(account, person="p-carol2", source="directory")
    assert fits(governance, SyncDirectory(difference=DirectoryDifference(accounts=(renamed,)))) == "id-taken"
    assert story.when("carol completes") == "not-approved"
