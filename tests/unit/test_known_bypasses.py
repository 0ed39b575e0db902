"""Ways around approval that real systems have had, and the same attempt here, which is refused.

Each test's docstring says what happened there and what is different in Assent.
"""

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.access_policies import Policy
from assent_contracts.codec import encode
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ChangeReleased
from assent_contracts.governance_changes import (
    AssignRole,
    DeletePolicy,
    EditPolicy,
    group_object,
    policy_object,
)
from assent_contracts.governance_objects import RoleAssignment
from assent_contracts.refusals import Refusal
from tests.support.people import force, organisation, policy_of
from tests.support.stories import PAYLOAD, Story, names, received
from tests.unit.governance.answers import at_once, group_of

APP = "app/web"
"""One approval, by the approvers."""
OTHER_PAYLOAD = b'{"version": 3, "backdoor": true}'


def edited(governance: Governance, policy: Policy) -> EditPolicy:
    version = governance.version(policy_object(policy.id))
    assert version is not None
    return EditPolicy(policy=policy, version=version)


def deleted(governance: Governance, policy: str) -> DeletePolicy:
    version = governance.version(policy_object(policy))
    assert version is not None
    return DeletePolicy(policy=policy, version=version)


def submits(story: Story, who: str, payload: bytes) -> str:
    command = story.command(who, "submits")
    assert isinstance(command, c.SubmitChange)
    decision = story.send(msgspec.structs.replace(command, payload=Raw(payload)))
    return decision.code.value if isinstance(decision, Refusal) else names(decision)


def approves_as(story: Story, who: str, key: str) -> str:
    """Approves as one principal with the key of another."""
    decision = story.take(received(story.command(who, "approves"), f"{key}-key"))
    return decision.code.value if isinstance(decision, Refusal) else names(decision)


def test_GitLab_CVE_2023_4812_changes_added_after_the_approval() -> None:
    """GitLab kept the code owners' approval of a merge request when further changes were pushed to it.

    Here no command edits a submission. Other bytes would be another request, which the open one locks out,
    and the release names the digest of the approved bytes.
    """
    story = Story(APP).given("alice submits", "bob approves")
    assert story.status() == "approved"
    assert submits(story, "alice", OTHER_PAYLOAD) == "resource-locked"
    released = story.send(story.command("alice", "completes"))
    assert not isinstance(released, Refusal)
    assert isinstance(released[0], ChangeReleased)
    assert released[0].digest == sha256_hex(PAYLOAD)


def test_GitLab_CVE_2023_4379_approval_kept_for_another_target() -> None:
    """GitLab did not withdraw code owners' approvals when a merge request was pointed at another branch.

    Here a request is for one object for good, and an approval counts only while its approver belongs to the
    groups that the policies name now.
    """
    story = Story(APP, governance=organisation()).given("alice submits", "bob approves")
    governance, request = story.governance, story.request
    for resource in ("script/deploy", "app/other"):
        story.resource = resource
        assert story.when("alice completes") in {"misrouted", "unknown-request"}
    story.resource = APP
    force(governance, edited(governance, policy_of("apps", "app", 1, ("admins",))))
    assert story.request == request
    assert story.when("alice completes") == "RequestReopened"
    assert story.when("dave approves") == "ApprovalGiven + RequestApproved"
    assert story.when("alice completes") == "ChangeReleased"


def test_GitLab_CVE_2023_2576_rules_removed_on_the_way() -> None:
    """In GitLab a developer could remove the CODEOWNERS rules and merge to a protected branch.

    Here two administrators must agree to change rules, under the rules in force before. A deleted policy
    approves nothing, including what waits under it.
    """
    story = Story(APP, governance=organisation()).given("alice submits", "bob approves")
    governance = story.governance
    assert at_once(governance, "alice", deleted(governance, "apps")) == "not-permitted"
    assert at_once(governance, "carol", deleted(governance, "apps")) == "approval-required"
    force(governance, deleted(governance, "apps"))
    assert story.when("alice completes") == "RequestReopened"
    assert story.when("carol approves") == "no-policy"
    assert story.when("alice completes") == "not-approved"
    assert Story(APP, governance=governance).when("alice submits") == "no-policy"


def test_GitLab_CVE_2024_0199_old_version_of_the_rules() -> None:
    """In GitLab a crafted change on an old feature branch got past CODEOWNERS.

    Here a request from before a policy was made stricter must meet the current requirements, and one from
    before it was loosened must meet the earlier ones.
    """
    story = Story(APP, governance=organisation()).given("alice submits", "bob approves")
    governance = story.governance
    force(governance, edited(governance, policy_of("apps", "app", 2)))
    assert story.when("alice completes") == "RequestReopened"
    assert story.when("carol approves") == "ApprovalGiven + RequestApproved"

    strict = Story("app/strict", governance=governance).given("alice submits", "bob approves")
    force(governance, edited(governance, policy_of("apps", "app", 1)))
    assert strict.when("alice completes") == "not-approved"
    assert strict.when("carol approves") == "ApprovalGiven + RequestApproved"


def test_GerriScary_CVE_2025_1568_approvals_copied_to_a_new_patch_set() -> None:
    """Gerrit copied approval labels to a new patch set, which a default permission let anybody add.

    Here an approval names the submission that was approved, and no approval carries over to another request,
    not even to one for the same object by the same requester.
    """
    story = Story(APP).given("alice submits", "bob approves", "bob revokes")
    story.given("bob approves", "bob revokes")
    copied = story.command("bob", "approves")
    story.given("alice cancels")
    assert submits(story, "alice", OTHER_PAYLOAD) == "ChangeSubmitted"
    assert story.status() == "needs approval, has 0"
    assert isinstance(copied, c.Approve)
    answer = story.send(msgspec.structs.replace(copied, request=story.request))
    assert isinstance(answer, Refusal)
    assert answer.code == "digest-mismatch", "of the first submission's bytes"
    assert story.when("alice completes") == "not-approved"
    locked = Story(APP).given("alice submits", "bob approves")
    assert submits(locked, "upstream", OTHER_PAYLOAD) == "resource-locked", "nor may anybody else add any"


def test_GitHub_Actions_token_approves_its_own_pull_request() -> None:
    """The token that GitHub gave to a workflow could approve a pull request, even its author's own.

    Here a service never approves, whatever group it is in, and a gateway acts for humans only. For a service,
    or for itself, its signature is not an approval.
    """
    governance = organisation()
    approvers = ("alice", "bob", "bob2", "carol", "upstream", "applier")
    force(governance, group_of(governance, "approvers", *approvers))
    force(
        governance, AssignRole(assignment=RoleAssignment(id="gw", role="gateway", principals=("upstream",)))
    )
    story = Story(APP, governance=governance).given("upstream submits")
    assert story.when("upstream approves") == "not-an-approver"
    assert story.when("applier approves") == "not-an-approver"
    assert approves_as(story, "applier", "upstream") == "unknown-key"
    assert approves_as(story, "nobody", "upstream") == "unknown-key"
    assert story.status() == "needs approval, has 0"
    own = Story("app/own", governance=governance).given("alice submits")
    assert approves_as(own, "alice", "upstream") == "own-request", "a workflow for its author"


def test_GitHub_Actions_token_is_not_trusted_with_approvals_where_the_policy_says_so() -> None:
    """The same workflow approving in a reviewer's name: such approvals can be required to be their own.

    Here a policy can require the approver's own signature; one that a gateway signed for them does not count.
    """
    governance = organisation()
    own = msgspec.structs.replace(policy_of("apps", "app"), own_signature=True)
    force(governance, edited(governance, own))
    force(
        governance, AssignRole(assignment=RoleAssignment(id="gw", role="gateway", principals=("upstream",)))
    )
    story = Story(APP, governance=governance).given("alice submits")
    assert approves_as(story, "bob", "upstream") == "own-signature-required"
    assert story.when("bob approves") == "ApprovalGiven + RequestApproved"


def test_Teleport_GHSA_76cc_p55w_63g3_owner_grants_themselves() -> None:
    """In Teleport the owner of an access list could grant any permission with it, even to themselves.

    Here an administrator of some types can grant no role at all. One of every type can propose a role or a
    group's members, but another administrator has to approve.
    """
    governance = organisation()
    limited = RoleAssignment(
        id="app-admin", role="administrator", principals=("mallory",), resource_types=("app",)
    )
    force(governance, AssignRole(assignment=limited))
    for role in ("administrator", "approver", "gateway", "directory"):
        own = RoleAssignment(id="own", role=role, principals=("mallory", "dave"))
        assert at_once(governance, "mallory", AssignRole(assignment=own)) == "not-permitted"
        # Humans are not gateways, whoever agrees.
        wanted = "wrong-kind" if role == "gateway" else "approval-required"
        assert at_once(governance, "dave", AssignRole(assignment=own)) == wanted
    widened = AssignRole(
        assignment=msgspec.structs.replace(limited, resource_types=()),
        version=governance.version("governance/role/app-admin"),
    )
    assert at_once(governance, "mallory", widened) == "not-permitted"
    joined = group_of(governance, "approvers", "alice", "bob", "carol", "dave", "mallory")
    assert at_once(governance, "mallory", joined) == "not-permitted"
    assert at_once(governance, "dave", joined) == "approval-required"

    story = Story(group_object("approvers"), governance=governance)
    assert submits(story, "dave", encode(joined)) == "ChangeSubmitted"
    approve = story.command("dave", "approves")
    assert isinstance(approve, c.Approve)
    own_approval = story.send(msgspec.structs.replace(approve, submission=story.submission))
    assert isinstance(own_approval, Refusal)
    assert own_approval.code == "own-request"
