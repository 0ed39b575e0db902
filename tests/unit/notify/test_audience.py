"""Who is notified of a record, and of what."""

from typing import get_args

import msgspec
import pytest

from assent.notify.audience import (
    administrators,
    approvers,
    enabled_accounts,
    gained,
    hear_of_key,
    needs_approval_again,
    requester_hears,
    waits_for_approval,
)
from assent.notify.news_intake import facts_of
from assent.targets.news import EVENTS, OF_GOVERNANCE, STATUS, MadeRequest, NewsEvent
from assent_contracts import events as e
from assent_contracts.access_policies import ApprovalRule, PolicyTerms
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.evolve import ImpossibleEventError, evolve
from assent_contracts.core.requests.states import (
    Applying,
    Approval,
    Approved,
    NeedsApproval,
    Released,
    Submission,
)
from assent_contracts.governance_changes import DisablePrincipal
from assent_contracts.ledger import LedgerRecord, RecordedCommand
from tests.support.governance_changes import define
from tests.support.people import HUMANS, PRINCIPALS, force, key_of, organisation

EVERYBODY = frozenset(PRINCIPALS)
REQUEST = "1-7"
GIVEN = e.ApprovalGiven(request=REQUEST, approver="bob", person="p-bob", deadline=1)
LAPSED = e.ApprovalLapsed(request=REQUEST, approver="bob", reason="disabled")
REVOKED = e.ApprovalRevoked(request=REQUEST, approver="bob", deadline=1)
REJECTION = e.RejectionGiven(request=REQUEST, approver="bob", person="p-bob")
RELEASED = e.ChangeReleased(request=REQUEST, resource="script/a.sh", digest="0" * 64, deadline=1)
MADE = MadeRequest("alice", "p-alice", "script/a.sh", "create", msgspec.Raw(b"[]"))


@pytest.fixture
def governance() -> Governance:
    return organisation()


def test_R4_R9_approvers_are_notified_and_none_of_the_requester_s_accounts(governance: Governance) -> None:
    terms = governance.terms_for("script")
    assert approvers(governance, terms, "p-alice", EVERYBODY) == {"bob", "bob2", "carol"}
    assert approvers(governance, terms, "p-bob", EVERYBODY) == {"alice", "alice2", "carol"}


def test_R17_disabled_approver_is_not_notified(governance: Governance) -> None:
    force(governance, DisablePrincipal(principal="bob"))
    terms = governance.terms_for("script")
    assert approvers(governance, terms, "p-alice", EVERYBODY) == {"bob2", "carol"}
    assert enabled_accounts(governance, frozenset({"bob", "alice", "nobody"})) == {"alice"}


def test_R4_service_in_an_approver_group_is_not_notified(governance: Governance) -> None:
    terms = PolicyTerms(policy="x", rules=(ApprovalRule(groups=("requesters", "appliers")),))
    assert approvers(governance, [terms], "p-bob", EVERYBODY) == {"alice", "alice2"}


def test_R17_only_people_with_targets_are_counted(governance: Governance) -> None:
    terms = governance.terms_for("script")
    assert approvers(governance, terms, "p-alice", frozenset({"carol", "mallory"})) == {"carol"}
    assert approvers(governance, terms, "p-alice", frozenset()) == frozenset()


def test_R18_nobody_is_asked_to_approve_an_unprotected_change(governance: Governance) -> None:
    assert approvers(governance, governance.terms_for("free"), "p-alice", EVERYBODY) == frozenset()


def test_R17_administrators_of_the_type_are_notified_of_an_unknown_outcome(governance: Governance) -> None:
    assert administrators(governance, "script/a.sh", EVERYBODY) == {"carol", "dave"}
    assert administrators(governance, "script/a.sh", frozenset(HUMANS) - {"dave"}) == {"carol"}


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


def test_R17_approvers_are_notified_again_if_a_request_needs_them_again() -> None:
    assert needs_approval_again((LAPSED, e.RequestReopened(request=REQUEST)))
    assert needs_approval_again((REVOKED,))
    assert not needs_approval_again((LAPSED,))
    assert not needs_approval_again((GIVEN, e.RequestApproved(request=REQUEST)))


def test_R22_request_that_ends_in_the_same_record_needs_no_approval() -> None:
    reopened = e.RequestReopened(request=REQUEST)
    assert not needs_approval_again((LAPSED, reopened, e.RequestCanceled(request=REQUEST)))
    rejected = e.RequestRejected(request=REQUEST, approver="bob")
    assert not needs_approval_again((reopened, REJECTION, rejected))
    assert needs_approval_again((reopened, REJECTION))


def test_R21_whether_a_request_waits_depends_on_the_last_event_that_states_it() -> None:
    approved = e.RequestApproved(request=REQUEST)
    reopened = e.RequestReopened(request=REQUEST)
    assert waits_for_approval((GIVEN, approved)) is False
    assert waits_for_approval((LAPSED, reopened, GIVEN, approved)) is False
    assert waits_for_approval((LAPSED, reopened)) is True
    assert waits_for_approval((GIVEN,)) is None


def test_R21_only_newly_gained_types_and_groups_count(governance: Governance) -> None:
    after = organisation()
    define(after, "approvers", "alice", "alice2", "bob", "bob2", "carol", "mallory")
    assert gained(governance, after, frozenset({"mallory", "bob"})) == ({"app", "script"}, {"approvers"})
    assert gained(governance, after, frozenset({"bob"})) == (frozenset(), frozenset())
    admins = organisation()
    define(admins, "admins", "bob", "carol", "dave")
    types, groups = gained(governance, admins, frozenset({"bob"}))
    assert (types, groups) == (
        frozenset(),
        {"admins", "@administrators", "@administrators/app", "@administrators/script"},
    )


OF_NO_NEWS = {e.ChangeSubmitted, e.ApprovalLapsed, e.RequestCanceled, e.ChangeReleased, e.ChangeClaimed}
"""What requesters do themselves, or what another event of the same record tells them."""


def test_R17_requester_is_notified_of_every_other_event_and_a_target_can_choose_it() -> None:
    kinds = set(get_args(e.RequestEvent))
    assert {kind for kind in kinds if kind.news is None} == OF_NO_NEWS
    assert {kind.news for kind in kinds - OF_NO_NEWS} == set(get_args(e.RequesterNews))
    assert set(get_args(e.RequesterNews)) < set(EVENTS)


@pytest.mark.parametrize(
    "event",
    [
        *(GIVEN, LAPSED, REVOKED, REJECTION, RELEASED, e.RequestApproved(request=REQUEST)),
        *(e.RequestReopened(request=REQUEST), e.OutcomeUnknown(request=REQUEST, cause="reported")),
        e.ChangeClaimed(request=REQUEST, applier="applier", digest="0" * 64, deadline=1),
    ],
    ids=lambda event: type(event).__name__,
)
def test_R21_whether_a_request_waits_is_computed_by_the_shared_fold(event: e.RequestEvent) -> None:
    submission = Submission(7, "script/a.sh", "alice", "p-alice", "", "0" * 64, ())
    approvals = (Approval("bob", "p-bob"),)
    for state in (
        NeedsApproval(submission, approvals, (), 9),
        Approved(submission, approvals, (), 9),
        Released(submission, 9),
        Applying(submission, "applier", 9),
    ):
        try:
            after = evolve(state, event, 5)
        except ImpossibleEventError:
            continue
        waits = waits_for_approval((event,))
        waited = isinstance(state, NeedsApproval)
        assert (waited if waits is None else waits) == isinstance(after, NeedsApproval)


def test_R13_every_message_has_a_status() -> None:
    assert STATUS.keys() == set(EVENTS) - OF_GOVERNANCE


def record_of(command: dict[str, str] | None) -> LedgerRecord:
    recorded: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    if command is not None:
        value = msgspec.Raw(msgspec.json.encode(command))
        recorded = msgspec.Raw(msgspec.json.encode(RecordedCommand(value=value, key="k", signature="s")))
    return LedgerRecord(seq=9, prev="", epoch=1, at=1, command=recorded)


def test_R8_requester_is_told_who_decided_and_their_note() -> None:
    facts = facts_of(record_of({"principal": "bob", "note": "Fine."}), (GIVEN,), MADE)
    assert (facts.by, facts.words, facts.requester, facts.released) == ("bob", "Fine.", "alice", False)


def test_R12_release_by_an_automatic_completion_is_described_so() -> None:
    assert facts_of(record_of({"principal": "bob"}), (GIVEN, RELEASED), MADE).released


def test_R12_governance_states_itself_why_it_could_not_carry_a_change_out() -> None:
    failed = e.RequestFailed(request=REQUEST, reporter="assent", message="It has changed since.")
    assert facts_of(record_of(None), (failed,), MADE).words == "It has changed since."


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
