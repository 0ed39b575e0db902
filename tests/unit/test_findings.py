"""R28: findings, which reconcilers report once and people close."""

from typing import Any

import msgspec
import pytest

from assent_contracts import commands as c
from assent_contracts import limits
from assent_contracts.codec import decode_command, encode
from assent_contracts.core.requests import object_findings, report_finding
from assent_contracts.core.requests.object_findings import ObjectFindings
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.replay import replay
from assent_contracts.events import FindingClosed, FindingReported
from assent_contracts.governance_changes import AssignRole
from assent_contracts.governance_objects import RoleAssignment
from assent_contracts.ledger import decode_record
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.governance_changes import PORTAL, add_gateway, add_reconciler, disable
from tests.support.people import force, organisation
from tests.support.stories import FINDING, SCRIPT, Story, resource_in

REQUEST = {"request": "0-0"}


@pytest.fixture
def story() -> Story:
    governance = organisation()
    add_reconciler(governance)
    return Story(governance=governance)


def report(story: Story, kind: str = "unexplained", **fields: Any) -> c.ReportFinding:
    """What the reconciler reports now; an unexplained version v1 unless the fields differ."""
    command = story.command("reconciler", "reports a finding")
    assert isinstance(command, c.ReportFinding)
    if kind == "missing":
        fields.setdefault("version", msgspec.UNSET)
    return msgspec.structs.replace(command, kind=kind, **fields)


def refusal(story: Story, command: c.Command) -> Refusal:
    answer = story.send(command)
    assert isinstance(answer, Refusal), answer
    return answer


def test_R28_a_report_is_recorded_with_its_object_target_and_version(story: Story) -> None:
    assert story.send(report(story)) == (
        FindingReported(
            finding="0-0",
            resource=SCRIPT,
            target="web",
            kind="unexplained",
            reporter="reconciler",
            version="v1",
        ),
    )


@pytest.mark.parametrize("who", ["alice", "applier", "upstream", "carol", "mallory"])
def test_R28_only_an_account_with_the_role_reports(story: Story, who: str) -> None:
    assert story.when(f"{who} reports a finding") == "not-permitted"


def test_R28_a_person_with_the_role_does_not_report() -> None:
    governance = organisation()
    assignment = RoleAssignment(id="r-people", role="reconciler", principals=("alice",))
    force(governance, AssignRole(assignment=assignment))
    assert Story(governance=governance).when("alice reports a finding") == "not-permitted"


def test_R28_a_gateway_does_not_sign_a_report(story: Story) -> None:
    add_gateway(story.governance)
    assert story.when(f"reconciler reports a finding via {PORTAL}") == "unknown-key"


def test_R28_the_role_for_another_type_is_not_enough() -> None:
    governance = organisation()
    add_reconciler(governance, "reconciler", "app")
    assert Story(governance=governance).when("reconciler reports a finding") == "not-permitted"
    assert Story("app/x", governance=governance).when("reconciler reports a finding") == "FindingReported"


def test_R28_a_disabled_reconciler_reports_nothing(story: Story) -> None:
    disable(story.governance, "reconciler")
    assert story.when("reconciler reports a finding") == "not-permitted"


def test_R28_governance_has_no_findings(story: Story) -> None:
    policy = Story("access-policy/policy/x", governance=story.governance)
    assert policy.when("reconciler reports a finding") == "not-permitted"


def test_R28_the_same_finding_again_is_refused_and_named(story: Story) -> None:
    story.send(report(story))
    again = refusal(story, report(story))
    assert (again.code, again.decided) == (RefusalCode.KNOWN_FINDING, 0)
    later = refusal(story, report(story, previous="0-0", detail="seen again"))
    assert (later.code, later.decided) == (RefusalCode.KNOWN_FINDING, 0)


def test_R28_the_same_finding_is_known_after_it_was_closed(story: Story) -> None:
    story.given("reconciler reports a finding", "carol closes finding 0")
    assert refusal(story, report(story, previous="0-0")).code == RefusalCode.KNOWN_FINDING


@pytest.mark.parametrize(
    "other",
    [
        {"version": "v2"},
        {"kind": "different", "version": "v1", **REQUEST},
        {"kind": "missing", **REQUEST},
        {"kind": "restored"},
    ],
    ids=str,
)
def test_R28_another_finding_is_recorded_after_the_newest(story: Story, other: dict[str, Any]) -> None:
    story.send(report(story))
    assert not isinstance(story.send(report(story, previous="0-0", **other)), Refusal)


@pytest.mark.parametrize("previous", [msgspec.UNSET, "0-1", "1-0", "0-999"])
def test_R28_a_report_that_does_not_know_the_newest_finding_is_refused(story: Story, previous: Any) -> None:
    story.send(report(story))
    answer = refusal(story, report(story, version="v2", previous=previous))
    assert answer.code == RefusalCode.OUTDATED
    assert "0-0" in answer.detail


def test_R28_a_report_after_a_finding_that_never_was_is_refused(story: Story) -> None:
    assert refusal(story, report(story, previous="0-0")).code == RefusalCode.OUTDATED


def test_R28_of_two_reporters_that_see_the_same_change_one_records_it(story: Story) -> None:
    add_reconciler(story.governance, "reconciler2")
    story.send(report(story))
    second = report(story, version="v2", previous="0-0")
    other = msgspec.structs.replace(second, principal="reconciler2", id="r2")
    assert not isinstance(story.send(second), Refusal)
    assert refusal(story, other).code == RefusalCode.KNOWN_FINDING


def test_R28_a_change_that_comes_back_is_a_new_finding(story: Story) -> None:
    story.send(report(story))
    story.send(report(story, "restored", previous="0-0", version=msgspec.UNSET))
    again = story.send(report(story, previous="0-1"))
    assert not isinstance(again, Refusal)


def test_R28_what_was_restored_is_recorded_once_and_only_after_a_finding(story: Story) -> None:
    assert refusal(story, report(story, "restored", previous="0-0")).code == RefusalCode.OUTDATED
    story.send(report(story))
    assert not isinstance(story.send(report(story, "restored", previous="0-1")), Refusal)
    assert refusal(story, report(story, "restored", previous="0-2")).code == RefusalCode.KNOWN_FINDING


def test_R28_findings_of_two_targets_are_apart(story: Story) -> None:
    story.send(report(story))
    assert not isinstance(story.send(report(story, target="mirror")), Refusal)


@pytest.mark.parametrize("request_id", ["1-0", "0-1", "0-7"])
def test_R28_a_request_of_elsewhere_or_of_the_future_is_unknown(story: Story, request_id: str) -> None:
    story.given("alice submits")
    answer = refusal(story, report(story, "missing", request=request_id))
    assert answer.code == RefusalCode.UNKNOWN_REQUEST


@pytest.mark.parametrize("who", ["bob", "alice", "carol", "dave"])
def test_R28_administrators_and_approvers_of_the_type_close(story: Story, who: str) -> None:
    story.send(report(story))
    assert story.send(story.command(who, "closes finding 0")) == (
        FindingClosed(finding="0-0", closed_by=who),
    )


@pytest.mark.parametrize("who", ["reconciler", "applier", "upstream", "mallory"])
def test_R28_no_other_account_closes(story: Story, who: str) -> None:
    story.send(report(story))
    assert story.when(f"{who} closes finding 0") == "not-permitted"


def test_R28_a_gateway_signs_a_closing_for_a_person(story: Story) -> None:
    add_gateway(story.governance)
    story.send(report(story))
    assert story.when(f"bob closes finding 0 via {PORTAL}") == "FindingClosed"


def test_R28_a_disabled_approver_does_not_close(story: Story) -> None:
    story.send(report(story))
    disable(story.governance, "bob")
    assert story.when("bob closes finding 0") == "not-permitted"


def test_R28_a_finding_is_closed_once(story: Story) -> None:
    assert story.when("carol closes finding 0") == "unknown-finding"
    story = Story(governance=story.governance)
    story.given("reconciler reports a finding", "carol closes finding 0")
    assert story.when("bob closes finding 0") == "unknown-finding"


def test_R28_a_finding_of_another_object_or_partition_is_not_closed(story: Story) -> None:
    story.send(report(story))
    command = story.command("carol", "closes finding 0")
    assert isinstance(command, c.CloseFinding)
    other = msgspec.structs.replace(command, finding="1-0")
    assert refusal(story, other).code == RefusalCode.UNKNOWN_FINDING
    neighbour = msgspec.structs.replace(command, id="c-9", resource=resource_in(story.state.partition))
    assert refusal(story, neighbour).code == RefusalCode.UNKNOWN_FINDING
    assert story.state.findings.open_count("reconciler") == 1


def test_R28_a_service_that_administers_the_type_does_not_close(story: Story) -> None:
    assignment = RoleAssignment(id="r-robots", role="administrator", principals=("upstream",))
    force(story.governance, AssignRole(assignment=assignment))
    story.send(report(story))
    assert story.when("upstream closes finding 0") == "not-permitted"


def test_R28_what_was_restored_is_not_open(story: Story) -> None:
    story.send(report(story))
    story.send(report(story, "restored", previous="0-0"))
    assert story.state.findings.open_count("reconciler") == 1
    command = story.command("carol", "closes finding 0")
    assert isinstance(command, c.CloseFinding)
    answer = refusal(story, msgspec.structs.replace(command, finding="0-1"))
    assert answer.code == RefusalCode.UNKNOWN_FINDING


def test_R28_open_findings_have_a_quota(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_finding, "FINDINGS_OPEN_MAX", 1)
    story.send(report(story))
    assert refusal(story, report(story, version="v2", previous="0-0")).code == RefusalCode.QUOTA_EXCEEDED
    # What was restored makes nothing to look after, so it is always recorded.
    assert not isinstance(story.send(report(story, "restored", previous="0-0")), Refusal)


def test_R28_one_reconciler_does_not_use_up_the_quota_of_another(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_finding, "FINDINGS_OPEN_MAX", 1)
    add_reconciler(story.governance, "reconciler2")
    story.send(report(story))
    full = report(story, version="v2", previous="0-0")
    assert refusal(story, full).code == RefusalCode.QUOTA_EXCEEDED
    other = msgspec.structs.replace(full, principal="reconciler2", id="c-other")
    assert not isinstance(story.send(other), Refusal)
    story.given("carol closes finding 0")
    again = report(story, version="v3", previous="0-2")
    assert not isinstance(story.send(again), Refusal), "what was closed does not count"


def test_R28_the_oldest_object_is_forgotten_and_can_be_reported_after_what_is_known_elsewhere(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_findings, "KNOWN_MAX", 1)
    story.send(report(story))
    story.send(report(story, target="mirror"))
    assert story.state.findings.newest(SCRIPT, "web") is None
    later = report(story, version="v2", previous="0-1")
    assert refusal(story, later).code == RefusalCode.OUTDATED
    assert not isinstance(story.send(report(story, version="v2", previous="0-0")), Refusal)


def test_R28_the_ledger_reproduces_the_findings(story: Story) -> None:
    story.given("reconciler reports a finding", "alice submits", "carol closes finding 0")
    story.send(report(story, "missing", request="0-1", previous="0-0"))
    again = PartitionState(story.state.partition)
    for value in story.records:
        replay(again, decode_record(value))
    assert again.findings == story.state.findings != ObjectFindings()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"version": msgspec.UNSET}, "malformed"),
        ({"request": "0-0"}, "malformed"),
        ({"kind": "different", "request": msgspec.UNSET}, "malformed"),
        ({"kind": "missing", "request": "0-0"}, "malformed"),
        ({"kind": "restored"}, "malformed"),
        ({"target": ""}, "malformed"),
        ({"target": "a b"}, "malformed"),
        ({"target": "x" * (limits.TARGET_NAME_MAX_CHARS + 1)}, "too-large"),
        ({"version": "x" * (limits.VERSION_MAX_CHARS + 1)}, "too-large"),
        ({"version": "a b"}, "malformed"),
        ({"by": ""}, "malformed"),
        ({"by": "a\nb"}, "malformed"),
        ({"by": "x" * (limits.FINDING_BY_MAX_CHARS + 1)}, "too-large"),
        ({"detail": "\x00"}, "malformed"),
        ({"detail": "x" * (limits.FINDING_DETAIL_MAX_CHARS + 1)}, "too-large"),
        ({"previous": "0-x"}, "malformed"),
        ({"kind": "different", "request": "x"}, "malformed"),
        ({"seen_at": -1}, "malformed"),
        ({"seen_at": limits.FOR_EVER_MS}, "malformed"),
    ],
    ids=str,
)
def test_R28_a_report_that_is_not_well_formed_is_refused(fields: dict[str, Any], code: str) -> None:
    command = msgspec.structs.replace(
        c.ReportFinding(id="c", principal="reconciler", at=1, resource=SCRIPT, **FINDING), **fields
    )
    answer = decode_command(encode(command))
    assert isinstance(answer, Refusal)
    assert answer.code == code


@pytest.mark.parametrize(("finding", "reason"), [("x", "why"), ("0-0", ""), ("0-0", "\u200b")])
def test_R28_a_closing_needs_a_finding_and_a_reason(finding: str, reason: str) -> None:
    command = c.CloseFinding(id="c", principal="carol", at=1, resource=SCRIPT, finding=finding, reason=reason)
    answer = decode_command(encode(command))
    assert isinstance(answer, Refusal)
    assert answer.code == "malformed"
