"""A release from the request ledger, carried out: the change and its release, or the reason against it."""

from assent_contracts.core.governance.carry_out import carry_release
from assent_contracts.core.governance.decide import Release, carry_out
from assent_contracts.core.governance.state import Governance, ReleaseOutcome
from assent_contracts.core.requests.release_outcome import CARRIER, release_outcomes_due
from assent_contracts.core.requests.states import Released
from assent_contracts.events import RequestCompleted, RequestFailed
from assent_contracts.governance_changes import (
    SETTINGS,
    AssignRole,
    ChangeSettings,
    CreatePolicy,
    DeleteGroup,
    DisablePrincipal,
    EnablePrincipal,
    GovernanceChange,
    RevokeKey,
    object_of,
)
from assent_contracts.governance_messages import (
    PolicyCreated,
    PrincipalDisabled,
    ReleaseCarriedOut,
    ReleaseRefused,
    RoleAssigned,
)
from assent_contracts.governance_objects import RoleAssignment, Settings
from assent_contracts.refusals import RefusalCode
from tests.support.chains import Chains
from tests.support.people import START, force, organisation
from tests.unit.governance.answers import app_policy, at_once, group_of, role_of
from tests.unit.governance.proposals import Proposal

DIGEST = "0" * 64


def carry(governance: Governance, change: GovernanceChange, request: str = "0-1") -> tuple[object, ...]:
    release = Release(request=request, released=2, digest=DIGEST, as_of=governance.seq, requester="carol")
    events = carry_out(governance, change, release, START)
    governance.evolve(governance.seq + 1, events)
    return events


def test_release_makes_the_change_and_names_itself() -> None:
    governance = organisation()
    policy = app_policy()
    assert carry(governance, CreatePolicy(policy=policy)) == (
        PolicyCreated(policy=policy),
        ReleaseCarriedOut(request="0-1", released=2, digest=DIGEST, as_of=governance.seq - 1),
    )
    assert governance.policies["new"] == policy
    assert governance.release_outcomes == {"0-1": ReleaseOutcome(seq=governance.seq, released=2)}


def test_release_of_a_change_that_needs_no_approval_is_carried_out_as_well() -> None:
    governance = organisation()
    carried = carry(governance, DisablePrincipal(principal="mallory"))
    assert carried[0] == PrincipalDisabled(principal="mallory")


def test_release_that_no_longer_fits_changes_nothing_and_gives_the_reason() -> None:
    governance = organisation()
    force(governance, CreatePolicy(policy=app_policy()))
    (refused,) = carry(governance, CreatePolicy(policy=app_policy("new", 2)))
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code == "id-taken"
    assert governance.policies["new"] == app_policy()
    assert governance.release_outcomes["0-1"].refusal == refused.refusal


def test_release_that_would_do_harm_by_now_is_refused() -> None:
    """It was approved while there were three approvers and three administrators."""
    governance = organisation()
    (refused,) = carry(governance, RevokeKey(key="dave-key"))
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code == "too-few-administrators"
    force(governance, group_of(governance, "few", "bob", "carol"))
    change = CreatePolicy(policy=app_policy("new", 1, "few"))
    force(governance, group_of(governance, "few", "bob"))
    (refused,) = carry(governance, change)
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code == "policy-unsatisfiable"


def test_R12_request_ends_when_governance_reports_the_result() -> None:
    proposal = Proposal(organisation(), role_of("administrator", "mallory"))
    proposal.given("carol submits", "dave approves", "carol completes")
    assert proposal.story.status() == "released"
    assert list(release_outcomes_due(proposal.story.state, proposal.governance)) == []
    events = proposal.carry_out()
    assert isinstance(events[0], RoleAssigned)
    ((resource, ended),) = release_outcomes_due(proposal.story.state, proposal.governance)
    assert resource == object_of(proposal.change)
    assert ended == RequestCompleted(request=proposal.story.request, reporter=CARRIER)
    proposal.story.state.record(len(proposal.story.records), START, (ended,), governance=0)
    assert proposal.story.status() == "completed"
    assert list(release_outcomes_due(proposal.story.state, proposal.governance)) == []


def test_R12_request_fails_with_the_reason_if_its_change_no_longer_fits() -> None:
    proposal = Proposal(organisation(), CreatePolicy(policy=app_policy()))
    proposal.given("carol submits", "dave approves", "carol completes")
    force(proposal.governance, CreatePolicy(policy=app_policy("new", 2)))
    proposal.carry_out()
    ((_, ended),) = release_outcomes_due(proposal.story.state, proposal.governance)
    assert isinstance(ended, RequestFailed)
    assert isinstance(ended.message, str)
    assert ended.message.startswith("id-taken: ")


def test_release_of_a_governance_change_is_never_claimed_and_never_expires() -> None:
    proposal = Proposal(organisation(), role_of("applier", "upstream", types=("governance",)))
    force(proposal.governance, role_of("applier", "applier", name="a-g", types=("governance",)))
    proposal.given("carol submits", "dave approves", "carol completes")
    assert proposal.when("applier claims") == "not-an-applier"
    assert proposal.when("carol reports unknown") != "OutcomeUnknown"
    proposal.story.given("30 days pass", "30 days pass")
    assert proposal.story.write_due() == []
    released = proposal.story.state.find(proposal.story.request, proposal.story.resource)
    assert isinstance(released, Released)


def test_R1_group_that_gets_power_is_the_one_that_approvers_saw() -> None:
    """One administrator alone decides who is in a group that nothing names: it must not change in between."""
    governance = organisation()
    force(governance, group_of(governance, "ops", "alice", "bob"))
    assignment = RoleAssignment(id="new-role", role="administrator", groups=("ops",))
    proposal = Proposal(governance, AssignRole(assignment=assignment)).given("carol submits", "dave approves")
    assert at_once(governance, "carol", group_of(governance, "ops", "mallory")) == ""
    proposal.given("carol completes")
    (refused,) = proposal.carry_out()
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code == "outdated"
    assert not governance.has_role("mallory", "administrator", "")


def test_R1_policy_with_a_recreated_group_is_not_the_one_that_was_approved() -> None:
    governance = organisation()
    force(governance, group_of(governance, "ops", "alice", "bob"))
    proposal = Proposal(governance, CreatePolicy(policy=app_policy("new", 1, "ops")))
    proposal.given("carol submits", "dave approves", "carol completes")
    version = governance.version("governance/group/ops")
    assert version is not None
    assert at_once(governance, "carol", DeleteGroup(group="ops", version=version)) == ""
    assert at_once(governance, "carol", group_of(governance, "ops", "mallory", "carol")) == ""
    (refused,) = proposal.carry_out()
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code == "outdated"


def test_R3_requester_who_is_no_longer_an_administrator_changes_nothing() -> None:
    governance = organisation()
    force(governance, role_of("administrator", "bob", "dave", name="others"))
    proposal = Proposal(governance, role_of("administrator", "mallory"))
    proposal.given("carol submits", "dave approves", "carol completes")
    force(governance, group_of(governance, "admins", "dave"))
    (refused,) = proposal.carry_out()
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code == "not-permitted"


def test_account_disabled_since_is_not_enabled_by_an_older_approval() -> None:
    """An emergency disabling is not overruled by an earlier approval."""
    governance = organisation()
    force(governance, DisablePrincipal(principal="mallory"))
    proposal = Proposal(governance, EnablePrincipal(principal="mallory"))
    proposal.given("carol submits", "dave approves")
    force(governance, EnablePrincipal(principal="mallory"))
    force(governance, DisablePrincipal(principal="mallory"))
    proposal.given("carol completes")
    (event,) = proposal.carry_out()
    assert isinstance(event, ReleaseRefused)
    assert event.refusal.code == "outdated"
    assert not governance.principals["mallory"].enabled


def test_R14_too_short_a_time_limit_can_be_corrected() -> None:
    """A change to governance has an hour, whatever settings and policies state."""
    governance = organisation(Settings(expiry_ms=1_000))
    longer = ChangeSettings(settings=Settings(), version=governance.version(SETTINGS))
    proposal = Proposal(governance, longer).given("carol submits")
    proposal.story.given("59 minutes pass")
    proposal.given("dave approves")
    proposal.story.given("59 minutes pass")
    proposal.given("carol completes").carry_out()
    assert governance.settings == Settings()
    late = Proposal(organisation(Settings(expiry_ms=1_000)), longer).given("carol submits")
    late.story.given("an hour passes")
    assert late.when("dave approves") == "not-pending"


def test_submission_must_have_the_released_digest() -> None:
    chains = Chains()
    release = chains.released()
    submission = release.submission.value
    governance = chains.record.governance
    about = {"request": release.request, "released": release.released, "as_of": release.as_of}
    *changes, last = carry_release(governance, submission, START, digest=release.digest, **about)
    assert changes
    assert isinstance(last, ReleaseCarriedOut)
    (refused,) = carry_release(governance, submission, START, digest=DIGEST, **about)
    assert isinstance(refused, ReleaseRefused)
    assert refused.refusal.code is RefusalCode.DIGEST_MISMATCH
