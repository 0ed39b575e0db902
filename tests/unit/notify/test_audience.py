"""Who is notified of a record, and of what."""

from typing import get_args

import msgspec
import pytest

from assent.notify.audience import (
    approvers,
    asks_approvers,
    asks_settlers,
    enabled_accounts,
    finding_closers,
    gained,
    hear_of_key,
    requester_hears,
    settlers,
)
from assent.notify.facts import asking, facts_of
from assent.notify.known_requests import KnownRequest
from assent.targets.news import EVENTS, OF_FINDINGS, OF_GOVERNANCE, STATUS, NewsEvent
from assent_contracts import events as e
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.evolve import ImpossibleEventError
from assent_contracts.core.requests.states import (
    Approval,
    Approved,
    NeedsApproval,
    Rejection,
    Request,
    Submission,
)
from assent_contracts.governance_changes import (
    AssignRole,
    DisablePrincipal,
    EnablePrincipal,
    RegisterKey,
    RevokeKeys,
)
from assent_contracts.governance_objects import RoleAssignment
from assent_contracts.ledger import LedgerRecord, RecordedCommand
from tests.support.governance_changes import define, delete, edit
from tests.support.people import (
    DAY_MS,
    PRINCIPALS,
    START,
    force,
    key_of,
    organisation,
    policy_of,
    public_key_of,
)
from tests.support.stories import Story

EVERYBODY = frozenset(PRINCIPALS)
REQUEST = "1-7"
GIVEN = e.ApprovalGiven(request=REQUEST, approver="bob", person="p-bob", deadline=1)
LAPSED = e.ApprovalLapsed(request=REQUEST, approver="bob", reason="disabled")
REVOKED = e.ApprovalRevoked(request=REQUEST, approver="bob", deadline=1)
REJECTION = e.RejectionGiven(request=REQUEST, approver="bob", person="p-bob")
RELEASED = e.ChangeReleased(request=REQUEST, resource="script/a.sh", digest="0" * 64, deadline=1)
NOW = START + 60_000
DEADLINE = START + 30 * DAY_MS


@pytest.fixture
def governance() -> Governance:
    return organisation()


def waiting(
    governance: Governance,
    requester: str = "alice",
    resource: str = "script/a.sh",
    approvals: tuple[Approval, ...] = (),
    rejections: tuple[Rejection, ...] = (),
) -> NeedsApproval:
    """A request that needs approval under the policies there are."""
    person = governance.principals[requester].person or ""
    terms = governance.terms_for(resource.partition("/")[0])
    submission = Submission(7, resource, requester, person, "5" * 64, "0" * 64, terms)
    return NeedsApproval(submission, approvals, rejections, DEADLINE)


def asked(governance: Governance, request: NeedsApproval | Approved, at: int = NOW) -> frozenset[str]:
    return approvers(request, governance, at, EVERYBODY)


def test_R4_R9_approvers_are_notified_and_none_of_the_requester_s_accounts(governance: Governance) -> None:
    assert asked(governance, waiting(governance)) == {"bob", "bob2", "carol"}
    assert asked(governance, waiting(governance, "bob")) == {"alice", "alice2", "carol"}


def test_R17_disabled_approver_is_not_notified(governance: Governance) -> None:
    force(governance, DisablePrincipal(principal="bob"))
    assert asked(governance, waiting(governance)) == {"bob2", "carol"}
    assert enabled_accounts(governance, frozenset({"bob", "alice", "nobody"})) == {"alice"}


def test_R4_service_in_an_approver_group_is_not_notified(governance: Governance) -> None:
    define(governance, "approvers", "alice", "bob", "carol", "applier")
    assert asked(governance, waiting(governance)) == {"bob", "carol"}


def test_R17_only_people_with_targets_are_counted(governance: Governance) -> None:
    request = waiting(governance)
    assert approvers(request, governance, NOW, frozenset({"carol", "mallory"})) == {"carol"}
    assert approvers(request, governance, NOW, frozenset()) == frozenset()


def test_R18_nobody_is_asked_to_approve_an_unprotected_change(governance: Governance) -> None:
    assert asked(governance, waiting(governance, resource="free/x")) == frozenset()


def test_R17_a_person_who_has_decided_is_not_asked_again_on_any_account(governance: Governance) -> None:
    approved = waiting(governance, approvals=(Approval("bob", "p-bob"),))
    assert asked(governance, approved) == {"carol"}
    rejected = waiting(governance, rejections=(Rejection("carol", "p-carol"),))
    assert asked(governance, rejected) == {"bob", "bob2"}


def test_R14_R22_nobody_is_asked_about_a_request_that_cannot_be_approved(governance: Governance) -> None:
    request = waiting(governance)
    assert asked(governance, request, DEADLINE) == frozenset()
    delete(governance, "scripts")
    assert asked(governance, request) == frozenset()


def test_R17_only_who_can_sign_is_asked_with_a_key_of_their_own_or_through_a_gateway(
    governance: Governance,
) -> None:
    request = waiting(governance)
    force(governance, RevokeKeys(principal="bob"))
    assert asked(governance, request) == {"bob2", "carol"}
    serve(governance)
    assert asked(governance, request) == {"bob", "bob2", "carol"}


def test_R17_where_a_policy_wants_own_signatures_those_with_a_key_are_asked(governance: Governance) -> None:
    """The console cannot sign for them: they approve on the command line."""
    serve(governance)
    own = msgspec.structs.replace(policy_of("scripts", "script"), own_signature=True)
    edit(governance, own)
    assert asked(governance, waiting(governance)) == {"bob", "bob2", "carol"}
    force(governance, RevokeKeys(principal="bob"))
    assert asked(governance, waiting(governance)) == {"bob2", "carol"}


def serve(governance: Governance) -> None:
    """`upstream` is a gateway from now on: it signs for people."""
    force(governance, AssignRole(assignment=RoleAssignment(id="g", role="gateway", principals=("upstream",))))


def unknown(story: Story) -> Request:
    story.given("alice submits", "bob approves", "carol approves", "alice completes", "applier claims")
    story.given("applier reports unknown")
    found = story.state.find(story.request, story.resource)
    assert found is not None
    return found


def test_R17_those_who_can_settle_an_unknown_outcome_are_notified_of_it(governance: Governance) -> None:
    story = Story(governance=governance)
    request = unknown(story)
    assert asks_settlers((e.OutcomeUnknown(request=REQUEST, cause="lease-ended"),), request)
    assert settlers(request, governance, story.at, EVERYBODY) == {"carol", "dave"}
    assert settlers(request, governance, story.at, EVERYBODY - {"dave"}) == {"carol"}
    assert settlers(waiting(governance), governance, story.at, EVERYBODY) == set()


def test_R17_those_who_can_settle_it_are_notified_of_a_proposed_settlement(governance: Governance) -> None:
    proposed = e.SettlementProposed(request=REQUEST, administrator="dave", person="p-dave", outcome="retry")
    request = unknown(Story(governance=governance))
    assert asks_settlers((proposed,), request)
    assert not asks_settlers((proposed,), waiting(governance))
    record = record_of({"principal": "dave", "reason": "Nothing was changed."})
    facts = facts_of(record, (proposed,), made(governance), governance)
    assert (facts.by, facts.outcome, facts.words) == ("dave", "retry", "Nothing was changed.")


@pytest.mark.parametrize(
    ("events", "hears"),
    [
        ((GIVEN,), "approval-given"),
        ((GIVEN, e.RequestApproved(request=REQUEST)), "approved"),
        ((GIVEN, e.RequestApproved(request=REQUEST), RELEASED), "approved"),
        ((REVOKED,), "approval-revoked"),
        ((REJECTION,), "rejection-given"),
        ((REJECTION, e.RequestRejected(request=REQUEST, approver="bob")), "rejected"),
        ((LAPSED,), None),
        ((LAPSED, e.RequestReopened(request=REQUEST)), "reopened"),
        ((e.RequestReopened(request=REQUEST),), "reopened"),
        ((LAPSED, GIVEN), "approval-given"),
        ((e.RequestCompleted(request=REQUEST, reporter="applier"),), "completed"),
        ((e.RequestFailed(request=REQUEST, reporter="applier"),), "failed"),
        ((e.OutcomeUnknown(request=REQUEST, cause="lease-ended"),), "outcome-unknown"),
        ((e.RequestExpired(request=REQUEST),), "expired"),
        ((e.RequestCanceled(request=REQUEST),), None),
        ((e.RequestClosed(request=REQUEST, closed_by="dave"),), "closed"),
        ((RELEASED,), None),
        ((e.ChangeClaimed(request=REQUEST, applier="applier", digest="0" * 64, deadline=1),), None),
    ],
)
def test_R17_requester_gets_one_message_per_record(
    events: tuple[e.RequestEvent, ...], hears: NewsEvent | None
) -> None:
    assert requester_hears(events) == hears


def test_R17_approvers_are_notified_again_if_a_request_needs_them_again(governance: Governance) -> None:
    waits = waiting(governance)
    assert asks_approvers((LAPSED, e.RequestReopened(request=REQUEST)), waits)
    assert asks_approvers((REVOKED,), waits)
    assert asks_approvers((e.RequestReopened(request=REQUEST), REJECTION), waits)
    assert not asks_approvers((LAPSED,), waits)


def test_R22_request_that_is_approved_in_the_same_record_asks_nobody(governance: Governance) -> None:
    approved = Approved(waiting(governance).submission, (), (), DEADLINE)
    reopened = e.RequestReopened(request=REQUEST)
    events = (LAPSED, reopened, GIVEN, e.RequestApproved(request=REQUEST))
    assert not asks_approvers(events, approved)


def test_R21_state_of_a_request_is_computed_by_the_shared_fold(governance: Governance) -> None:
    request = made(governance)
    given = request.after((GIVEN,), NOW, 7).state
    assert isinstance(given, NeedsApproval)
    assert given.approvals == (Approval("bob", "p-bob"),)
    ended = request.after((e.RequestCanceled(request=REQUEST),), NOW, 8)
    with pytest.raises(ImpossibleEventError):
        ended.after((GIVEN,), NOW, 9)


def test_R21_only_newly_gained_types_and_groups_count(governance: Governance) -> None:
    after = organisation()
    define(after, "approvers", "alice", "alice2", "bob", "bob2", "carol", "mallory")
    assert gained(governance, after, frozenset({"mallory", "bob"}), NOW) == ({"app", "script"}, {"approvers"})
    assert gained(governance, after, frozenset({"bob"}), NOW) == (frozenset(), frozenset())
    admins = organisation()
    define(admins, "admins", "bob", "carol", "dave")
    types, groups = gained(governance, admins, frozenset({"bob"}), NOW)
    assert (types, groups) == (
        frozenset(),
        {"admins", "@administrators", "@administrators/app", "@administrators/script"},
    )


ALL_OF_BOB = ({"app", "script"}, {"approvers"})


def test_R21_person_who_becomes_able_to_sign_may_have_gained_all_their_types_and_groups() -> None:
    bob = frozenset({"bob"})
    without = organisation()
    force(without, RevokeKeys(principal="bob"))
    with_key = organisation()
    force(with_key, RevokeKeys(principal="bob"))
    force(
        with_key,
        RegisterKey(
            key=msgspec.structs.replace(key_of("bob"), id="bob-2", public_key=public_key_of("bob-2"))
        ),
    )
    assert gained(without, with_key, bob, NOW) == ALL_OF_BOB
    assert gained(with_key, without, bob, NOW) == (frozenset(), frozenset())
    served = organisation()
    force(served, RevokeKeys(principal="bob"))
    serve(served)
    assert gained(without, served, bob, NOW) == ALL_OF_BOB


def test_R21_person_who_is_enabled_again_may_have_gained_all_their_types_and_groups() -> None:
    disabled, again = organisation(), organisation()
    for each in (disabled, again):
        force(each, DisablePrincipal(principal="bob"))
    force(again, EnablePrincipal(principal="bob"))
    assert gained(disabled, again, frozenset({"bob"}), NOW) == ALL_OF_BOB
    assert gained(again, disabled, frozenset({"bob"}), NOW) == (frozenset(), frozenset())


OF_NO_NEWS = {
    e.ChangeSubmitted,
    e.MembersReserved,
    e.ApprovalLapsed,
    e.RequestCanceled,
    e.ChangeReleased,
    e.ChangeClaimed,
    e.LeaseRenewed,
    e.SettlementProposed,
}
"""What requesters do themselves, what another event of the same record tells them, or what is for others."""


def test_R17_requester_is_notified_of_every_other_event_and_a_target_can_choose_it() -> None:
    kinds = set(get_args(e.RequestEvent))
    assert {kind for kind in kinds if kind.news is None} == OF_NO_NEWS
    assert {kind.news for kind in kinds - OF_NO_NEWS} == set(get_args(e.RequesterNews))
    assert set(get_args(e.RequesterNews)) < set(EVENTS)


def test_R13_every_message_has_a_status() -> None:
    assert STATUS.keys() == set(EVENTS) - OF_GOVERNANCE - OF_FINDINGS


def record_of(command: dict[str, str] | None) -> LedgerRecord:
    recorded: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    if command is not None:
        value = msgspec.Raw(msgspec.json.encode(command))
        recorded = msgspec.Raw(msgspec.json.encode(RecordedCommand(value=value, key="k", signature="s")))
    return LedgerRecord(seq=9, prev="", epoch=1, at=1, command=recorded)


def made(governance: Governance) -> KnownRequest:
    state = waiting(governance)
    return KnownRequest(state, state.submission, "create", "It is needed.", 0)


def test_R8_requester_is_told_who_decided_and_their_note(governance: Governance) -> None:
    record = record_of({"principal": "bob", "note": "Fine."})
    facts = facts_of(record, (GIVEN,), made(governance), governance)
    assert (facts.by, facts.words, facts.requester, facts.released) == ("bob", "Fine.", "alice", False)
    assert (facts.note, facts.justification) == ("Fine.", "It is needed.")


def test_R17_people_are_told_by_their_display_names(governance: Governance) -> None:
    for name in ("alice", "bob"):
        account = msgspec.structs.replace(governance.principals[name].account, name=name.title() + " Ortega")
        governance.principals[name] = msgspec.structs.replace(governance.principals[name], account=account)
    facts = facts_of(record_of({"principal": "bob"}), (GIVEN,), made(governance), governance)
    assert (facts.requester_name, facts.by_name, facts.on_behalf_of_name) == (
        "Alice Ortega",
        "Bob Ortega",
        "",
    )
    assert facts_of(record_of({"principal": "gone"}), (GIVEN,), made(governance), governance).by_name == ""


def test_R6_approvers_are_told_why_the_change_is_needed_whatever_asks_them(governance: Governance) -> None:
    assert asking(made(governance), governance).words == "It is needed."


def test_R12_release_by_an_automatic_completion_is_described_so(governance: Governance) -> None:
    record = record_of({"principal": "bob"})
    assert facts_of(record, (GIVEN, RELEASED), made(governance), governance).released


def test_R12_governance_states_itself_why_it_could_not_carry_a_change_out(governance: Governance) -> None:
    failed = e.RequestFailed(request=REQUEST, reporter="assent", message="It has changed since.")
    facts = facts_of(record_of(None), (failed,), made(governance), governance)
    assert facts.words == "It has changed since."


def test_R17_new_key_is_announced_to_its_person_on_every_account_and_to_administrators(
    governance: Governance,
) -> None:
    def hear(principal: str) -> frozenset[str]:
        return hear_of_key(governance, key_of(principal), EVERYBODY)

    assert hear("bob") == {"bob", "bob2", "carol", "dave"}
    assert hear("upstream") == {"upstream", "carol", "dave"}
    force(governance, DisablePrincipal(principal="bob2"))
    assert hear("bob") == {"bob", "carol", "dave"}
    assert hear_of_key(governance, key_of("bob"), frozenset({"mallory"})) == frozenset()


def test_R28_a_finding_is_for_people_who_administer_its_type_or_approve_for_it(
    governance: Governance,
) -> None:
    able = {"alice", "alice2", "bob", "bob2", "carol", "dave"}
    assert finding_closers(governance, "script", EVERYBODY) == able
    # Nobody approves for a type without a policy.
    assert finding_closers(governance, "unprotected", EVERYBODY) == {"carol", "dave"}
    force(governance, DisablePrincipal(principal="bob"))
    assert finding_closers(governance, "script", EVERYBODY) == able - {"bob"}
    assert finding_closers(governance, "script", frozenset({"bob", "carol", "nobody"})) == {"carol"}
