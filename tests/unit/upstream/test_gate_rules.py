"""What a gate makes of the events of its request: given the events, when a caller waits, then a step."""

from typing import Any

import pytest

from assent.upstream.gate_rules import (
    Approvals,
    Progress,
    State,
    asks_again,
    may_be_found,
    progress_after,
    step_for,
)
from assent_contracts import events as e
from assent_contracts.events import RequestEvent

R: dict[str, Any] = {"request": "0-1"}
APPROVED = e.RequestApproved(**R)
RELEASED = e.ChangeReleased(**R, resource="deployment/a", digest="0" * 64, deadline=9)


def claimed(by: str) -> e.ChangeClaimed:
    return e.ChangeClaimed(**R, applier=by, digest="0" * 64, deadline=9)


@pytest.mark.parametrize(
    ("happened", "state", "step"),
    [
        ([], "open", "wait"),
        ([e.ApprovalGiven(**R, approver="bob", person="bob", deadline=9)], "open", "wait"),
        ([APPROVED], "approved", "complete"),
        ([APPROVED, e.ApprovalRevoked(**R, approver="bob", deadline=9)], "open", "wait"),
        ([APPROVED, e.RequestReopened(**R)], "open", "wait"),
        ([APPROVED, RELEASED], "released", "claim"),
        ([APPROVED, RELEASED, claimed("gate")], "claimed", "wait"),
        (
            [APPROVED, RELEASED, claimed("gate"), e.RequestCompleted(**R, reporter="gate")],
            "used",
            "ask-again",
        ),
        ([APPROVED, RELEASED, claimed("gate"), e.RequestFailed(**R, reporter="gate")], "ended", "fail"),
        ([APPROVED, RELEASED, claimed("gate"), e.OutcomeUnknown(**R, cause="lease-ended")], "ended", "fail"),
        ([APPROVED, RELEASED, claimed("applier")], "ended", "fail"),
        ([e.RequestRejected(**R, approver="bob")], "ended", "fail"),
        ([e.RequestExpired(**R)], "ended", "fail"),
        ([e.RequestCanceled(**R)], "ended", "fail"),
        ([e.RequestClosed(**R, closed_by="carol")], "ended", "fail"),
    ],
)
def test_R1_caller_passes_only_after_approval_and_release(
    happened: list[RequestEvent], state: State, step: str
) -> None:
    progress = Progress("open")
    for event in happened:
        progress = progress_after(progress, event, "gate")
    assert progress.state == state
    assert step_for(progress.state, "once", report=True) == step


def test_approval_is_used_once_unless_the_configuration_says_otherwise() -> None:
    assert step_for("used", "once", report=True) == "ask-again"
    assert step_for("used", "reused", report=True) == "pass"
    assert step_for("released", "once", report=False) == "pass"


@pytest.mark.parametrize(
    ("state", "approvals", "young", "old"),
    [
        ("open", "once", True, True),
        ("claimed", "once", True, True),
        ("approved", "once", True, False),
        ("released", "once", True, False),
        ("used", "once", False, False),
        ("used", "reused", True, False),
        ("ended", "reused", False, False),
    ],
)
def test_next_run_finds_an_approval_of_its_age(
    state: State, approvals: Approvals, *, young: bool, old: bool
) -> None:
    assert may_be_found(state, 100.0, approvals, 100.0) is young
    assert may_be_found(state, 100.1, approvals, 100.0) is old


def test_what_people_rejected_is_not_asked_again_by_the_same_question() -> None:
    rejected = progress_after(Progress("open"), e.RequestRejected(**R, approver="bob"), "gate")
    expired = progress_after(Progress("open"), e.RequestExpired(**R), "gate")
    assert not asks_again(rejected.why)
    assert asks_again(expired.why)
    assert asks_again(None)
