"""What is shown about a request: possible approvers, what is missing, what it changes, and its notes."""

import msgspec
from msgspec import UNSET

from assent.reading.approval_history import history
from assent.reading.change_prospects import submission
from assent.reading.decidable_requests import received_groups
from assent.reading.explanations import (
    explained,
    explanation_lines,
    next_sentence,
    next_step,
    standing_of,
    standing_sentence,
    status_words,
)
from assent.reading.governance_diff import governance_diff
from assent.reading.possible_approvers import Approver, can_approve, named_groups
from assent.reading.request_events import state_of
from assent.reading.submitted_content import Submitted, as_submitted, differences, submitted_in
from assent_contracts.access_policies import ADMINISTRATORS, administrators_of
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, SubmitChange
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.states import Closed, NeedsApproval
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ApprovalGiven
from assent_contracts.governance_changes import ChangeSettings, GovernanceChange
from assent_contracts.governance_messages import GroupDefined, PolicyDeleted
from assent_contracts.governance_objects import Group, Settings
from assent_contracts.proof import NotProven
from assent_contracts.refusals import Refusal, RefusalCode
from tests.unit.cli.organisation import AT, organisation
from tests.unit.reading.rows import opened, view, waiting

CLOSED = Closed("app/x", "rejected", AT)
PAYLOAD = b'{"a":  1}'
COMMAND = SubmitChange(
    id="c-1",
    principal="alice",
    at=AT,
    resource="app/x",
    operation="edit",
    justification="Because.",
    payload=msgspec.Raw(PAYLOAD),
)


def test_R4_R9_approvers_are_listed_with_the_groups_that_make_them_eligible() -> None:
    found = can_approve(waiting("bob"), organisation(), AT)
    assert [(each.principal, each.groups) for each in found] == [
        ("carol", ("security",)),
        ("dave", ("security", "owners")),
        ("erin", ("owners",)),
    ]
    assert found[0] == Approver("carol", "carol.p", "", ("security",))
    assert can_approve(CLOSED, organisation(), AT) == ()
    assert named_groups(waiting(), organisation()) == ("security", "owners")


def test_document_has_the_part_for_an_account_only_if_one_was_asked_about() -> None:
    document = msgspec.to_builtins(explained(view(), waiting(), organisation(), AT))
    assert list(document) == ["request", "status", "explanation"]
    asked = msgspec.to_builtins(explained(view(), waiting(), organisation(), AT, "alice"))
    assert asked["for"]["refusal"]["code"] == "own-request"
    assert not asked["for"]["can_approve"]
    closed = explained(view(), CLOSED, organisation(), AT, "bob")
    assert closed.explanation is None
    assert closed.for_ is not UNSET
    assert msgspec.structs.astuple(closed.for_) == ("bob", False, None, None)


def test_R9_whether_an_account_can_approve_is_shown_with_what_to_do() -> None:
    state, governance = waiting(), organisation()
    assert standing_sentence(standing_of("bob", state, governance, AT)) == "bob can approve it."
    own = standing_sentence(standing_of("alice", state, governance, AT))
    assert own.startswith("alice cannot approve it: own-request. ")
    ended = standing_sentence(standing_of("bob", CLOSED, governance, AT))
    assert ended == "bob cannot approve it: there is nothing left to approve."


def test_lines_show_what_each_rule_has_and_what_is_missing() -> None:
    governance = organisation()
    explanation = explained(view(), waiting("bob", rejecters=("carol",)), governance, AT).explanation
    assert explanation is not None
    lines = explanation_lines(explanation, governance)
    assert "given by bob.p: 1 missing, dave can approve." in lines[0]
    assert lines[-1].startswith("Rejected by carol: ")
    assert status_words("needs_approval", None) == "needs approval"
    assert status_words("approved", "released") == "approved, released"


def _next(*approvers: str, governance: Governance) -> str:
    explanation = explained(view(), waiting(*approvers), governance, AT).explanation
    assert explanation is not None
    return next_step(explanation)


def test_next_step_is_one_that_can_be_taken() -> None:
    assert _next(governance=organisation()) == "approve"
    assert _next("bob", "dave", governance=organisation()) == "complete"
    nobody = organisation(GroupDefined(group=Group(id="owners", members=("alice",))))
    assert _next("bob", governance=nobody) == "add-approvers"
    assert _next(governance=organisation(PolicyDeleted(policy="apps"))) == "resubmit"
    assert next_sentence(view(), "complete") == "Nothing is missing: alice can complete it."


def _governing(change: GovernanceChange) -> SubmitChange:
    return submission(change, "Because.", {"id": "c-1", "principal": "alice", "at": AT})


def test_difference_of_a_governance_change_is_against_governance_at_its_submission() -> None:
    command = _governing(ChangeSettings(settings=Settings(visibility_ms=86_400_000), version=1))
    asked: list[int] = []

    def governance_at(seq: int) -> Governance:
        asked.append(seq)
        return organisation()

    found = governance_diff(_submitted(command, governance=5), governance_at)
    assert found is not None
    assert asked == [5]
    [line] = found.difference
    assert line.after == "1 day"
    assert governance_diff(None, governance_at) is None
    assert governance_diff(_submitted(COMMAND), governance_at) is None
    assert asked == [5]


def _submitted(command: SubmitChange, governance: int = 0) -> Submitted:
    found = submitted_in(opened(command, governance).rows[0].record, 0, 0)
    assert isinstance(found, Submitted), found
    return found


def test_R23_shown_content_is_read_from_the_submission_s_bytes_and_not_from_the_columns() -> None:
    submitted = _submitted(COMMAND)
    assert submitted.sha256 == sha256_hex(encode(COMMAND))
    assert bytes(submitted.payload) == PAYLOAD
    lies = {
        "resource": "app/y",
        "operation": "delete",
        "requester": "mallory",
        "on_behalf_of": "carol",
        "justification": "Trust me.",
        "submission": "1" * 64,
        "digest": "2" * 64,
    }
    row = as_submitted(view(), submitted)
    assert differences(row, submitted) == ()
    for name, lie in lies.items():
        false = msgspec.structs.replace(row, **{name: lie})
        assert differences(false, submitted) == (name,)
        assert as_submitted(false, submitted) == row


def test_R23_bytes_that_opened_another_request_or_none_are_not_a_submission() -> None:
    record = opened(COMMAND).rows[0].record
    assert isinstance(submitted_in(record, 0, 1), NotProven)
    assert isinstance(submitted_in(record, 1, 0), NotProven)
    for junk in (b"", b"junk", b"{}", b"\xff", record[:-1], record.replace(b'"app/x"', b'"appx"')):
        assert isinstance(submitted_in(junk, 0, 0), NotProven)
    # An event that repeats something other than what its command requested.
    for name in (b'"operation":"edit"', b'"resource":"app/x"', sha256_hex(PAYLOAD).encode()):
        before, _, after = record.rpartition(name)
        assert isinstance(submitted_in(before + name.replace(b"e", b"0") + after, 0, 0), NotProven)


def test_R8_R16_records_add_up_to_the_state_and_the_notes() -> None:
    records = opened(COMMAND)
    approve = Approve(id="c-2", principal="bob", at=AT, resource="app/x", request="0-0", submission="0" * 64)
    given = ApprovalGiven(request="0-0", approver="bob", person="bob.p", deadline=AT + 9, through="web")
    records.add(Refusal(code=RefusalCode.OWN_REQUEST, detail="No."), approve)
    records.add((given,), approve)
    [said] = history(records.rows)
    assert (said["approver"], said["through"], said["seq"], said["at"]) == ("bob", "web", 2, AT + 2)
    assert said["type"] == "assent.approval-given.v1"
    state = state_of(records.rows)
    assert isinstance(state, NeedsApproval)
    assert [each.approver for each in state.approvals] == ["bob"]


def test_R7_account_receives_what_its_groups_decide_including_administrators() -> None:
    asked = [administrators_of("printer"), "security"]
    governance = organisation()
    assert received_groups(governance, "erin", asked) == ["owners"]
    bob = received_groups(governance, "bob", asked)
    assert bob[0] == "security"
    assert {ADMINISTRATORS, administrators_of("app"), administrators_of("printer")} == set(bob[1:])
