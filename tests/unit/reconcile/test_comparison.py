"""R28: what is a finding, and what is not yet one. Pure."""

from typing import Any

import msgspec
import pytest

from assent.reconcile.applied_requests import AppliedRequest, AppliedRequests
from assent.reconcile.comparison import Shown, differences, without_note
from assent.reconcile.content_hashes import hashes_of
from assent.reconcile.git_history import Commit, commit_findings
from assent.reconcile.known_findings import Finding, KnownFindings
from assent_contracts.events import FindingReported
from assent_contracts.ledger import decode_events, decode_record
from tests.support.stories import SCRIPT, Story

ONE, TWO = b'"one"', b'"two"'


def applied(story: Story) -> AppliedRequests:
    """The story's ledger, as a reconciler has read it."""
    requests = AppliedRequests(("script",))
    for value in story.records:
        record = decode_record(value)
        requests.take(record, decode_events(record))
    requests.mark()
    return requests


def through(story: Story, *, payload: bytes = ONE, outcome: str = "reports success") -> Story:
    story.payload = payload
    return story.given(
        "alice submits",
        "bob approves",
        "carol approves",
        "alice completes",
        "applier claims",
        f"applier {outcome}",
    )


def sha256(content: bytes) -> str:
    return hashes_of(content).sha256


def found(
    requests: AppliedRequests, shown: dict[str, str], known: KnownFindings | None = None
) -> list[Finding]:
    def matches(version: str, request: AppliedRequest) -> bool:
        return request.content is not None and request.content.sha256 == version

    return list(
        differences(
            {resource: Shown(version) for resource, version in shown.items()},
            requests,
            known or KnownFindings("web"),
            matches,
            of_type=lambda _resource: True,
        )
    )


def known_in_git(*reported: dict[str, Any]) -> KnownFindings:
    return known(*reported, of_git=True)


def known(*reported: dict[str, Any], of_git: bool = False) -> KnownFindings:
    findings = KnownFindings("web")
    for seq, each in enumerate(reported, 100):
        event = FindingReported(
            finding=f"0-{seq}", resource=SCRIPT, target="web", reporter="reconciler", **each
        )
        findings.take((event,), of_git=of_git)
    return findings


def test_R28_what_the_last_request_made_is_no_finding() -> None:
    story = through(through(Story()), payload=TWO)
    assert found(applied(story), {SCRIPT: sha256(b"two")}) == []
    assert found(applied(story), {SCRIPT: sha256(b"one")}) == [
        Finding("different", SCRIPT, sha256(b"one"), story.request)
    ]


def test_R28_an_object_with_a_claim_is_left_alone_until_its_outcome_is_known() -> None:
    story = through(Story())
    story.payload = TWO
    story.given("alice submits", "bob approves", "carol approves", "alice completes", "applier claims")
    assert found(applied(story), {SCRIPT: "anything"}) == []
    story.given("30 days pass", "the writer looks at the clock")
    assert story.status() == "outcome unknown"
    assert found(applied(story), {SCRIPT: "anything"}) == []
    story.given("dave settles it as failed")
    assert [each.kind for each in found(applied(story), {SCRIPT: "anything"})] == ["different"]


def test_R28_an_object_that_was_changed_while_the_target_was_read_is_left_alone() -> None:
    story = through(Story())
    requests = applied(story)
    before = len(story.records)
    through(story, payload=TWO)
    for value in story.records[before:]:
        record = decode_record(value)
        requests.take(record, decode_events(record))
    assert found(requests, {SCRIPT: sha256(b"one")}) == [], "the target may have been read before"
    requests.mark()
    assert [each.kind for each in found(requests, {SCRIPT: sha256(b"one")})] == ["different"]


def test_R28_a_request_that_was_not_applied_explains_nothing() -> None:
    story = Story()
    story.payload = ONE
    story.given("alice submits", "bob approves", "carol approves", "alice completes")
    assert [each.kind for each in found(applied(story), {SCRIPT: sha256(b"one")})] == ["unexplained"]


def test_R28_a_finding_is_new_only_if_something_else_was_found_in_between() -> None:
    story = through(Story())
    shows = {SCRIPT: "x"}
    different = {"kind": "different", "version": "x", "request": story.request}
    assert found(applied(story), shows, known(different)) == []
    assert len(found(applied(story), shows, known(different, {"kind": "restored"}))) == 1
    assert len(found(applied(story), {SCRIPT: "y"}, known(different))) == 1
    back = {SCRIPT: sha256(b"one")}
    assert [each.kind for each in found(applied(story), back, known(different))] == ["restored"]
    assert found(applied(story), back, known(different, {"kind": "restored"})) == []
    assert found(applied(story), back) == []


@pytest.mark.parametrize(("made", "kinds"), [("another blob", []), ("one", ["different"])])
def test_R28_an_entry_of_the_history_hides_only_what_it_has_made(made: str, kinds: list[str]) -> None:
    story = through(Story())
    requests = applied(story)
    findings = known_in_git({"kind": "unexplained", "version": "c1"})
    asked: list[tuple[str, str | None, str]] = []

    def made_by(resource: str, shown: str | None, commit: str) -> bool:
        asked.append((resource, shown, commit))
        return shown == made

    shown = {SCRIPT: Shown("another blob")}
    arguments = (shown, requests, findings, lambda _version, _request: False)
    found_now = [*differences(*arguments, of_type=lambda _: True, made_by=made_by)]
    assert asked == [(SCRIPT, "another blob", "c1")]
    assert [each.kind for each in found_now] == kinds


def test_R28_what_was_found_before_an_entry_of_the_history_is_found_again_after_it() -> None:
    story = through(Story())
    missing = {"kind": "missing", "request": story.request}
    for reported, kinds in (
        ((missing,), []),
        ((missing, {"kind": "unexplained", "version": "c1"}), ["missing"]),
    ):
        arguments = ({}, applied(story), known_in_git(*reported), lambda _version, _request: None)
        now = differences(*arguments, of_type=lambda _: True, made_by=lambda *_: False)
        assert [each.kind for each in now] == kinds


def test_R28_an_extra_object_that_is_gone_again_is_restored() -> None:
    extra = known({"kind": "unexplained", "version": "x"})
    assert [each.kind for each in found(applied(Story()), {}, extra)] == ["restored"]


def test_R28_a_commit_stays_to_be_read_while_its_request_may_end_in_either_way() -> None:
    story = Story()
    story.payload = ONE
    story.given("alice submits", "bob approves", "carol approves", "alice completes", "applier claims")
    blob = hashes_of(b"one").git_sha1
    commits = [
        Commit("c1", "", (), {"script/x": "b"}),
        Commit("c2", "", (story.request,), {SCRIPT: blob}),
        Commit("c3", "", (), {"script/x": "c"}),
    ]

    def judged() -> tuple[list[str | None], str | None]:
        findings, done = commit_findings(commits, applied(story), lambda *_: True, lambda _resource: True)
        return [each.version for each in findings], done

    assert judged() == (["c1", "c3"], "c1")
    story.given("applier reports failure")
    assert judged() == (["c1", "c2", "c3"], "c3")


def test_R28_a_commit_of_another_id_than_the_reported_one_is_not_explained() -> None:
    story = through(Story())
    requests = applied(story)
    made = requests.request(story.request)
    assert made is not None
    made.version = "c1"
    blob = hashes_of(b"one").git_sha256
    commits = [Commit(name, "", (story.request,), {SCRIPT: blob}) for name in ("c1", "c2")]
    findings, _ = commit_findings(commits, requests, lambda *_: False, lambda _resource: True)
    assert [each.version for each in findings] == ["c2"]


def test_R28_a_request_that_the_target_has_not_noted_is_missing_also_if_it_deletes() -> None:
    story = through(Story())
    requests = applied(story)
    made = requests.request(story.request)
    assert made is not None
    for made.deletes in (False, True):

        def unnoted(*noted: str) -> list[Finding]:
            return list(without_note(noted, requests, KnownFindings("web"), lambda _resource: True))

        assert unnoted(story.request) == []
        assert unnoted() == [Finding("missing", SCRIPT, None, story.request)]


def test_R28_a_commit_that_names_a_request_and_has_another_content_is_not_explained() -> None:
    story = through(Story())
    requests = applied(story)
    forged = Commit("c1", "", (story.request,), {SCRIPT: hashes_of(b"forged").git_sha1})
    findings, _ = commit_findings([forged], requests, lambda *_: True, lambda _resource: True)
    assert [each.version for each in findings] == ["c1"]


def test_R28_a_payload_that_is_no_file_has_no_content() -> None:
    story = through(Story(), payload=b"{}")
    made = applied(story).request(story.request)
    assert made is not None
    assert made.content is None
    assert [each.kind for each in found(applied(story), {SCRIPT: "x"})] == ["different"]


def test_R28_findings_of_other_targets_are_not_ours() -> None:
    other = KnownFindings("mirror")
    event = FindingReported(
        finding="0-1", resource=SCRIPT, target="web", kind="unexplained", reporter="r", version="x"
    )
    other.take((event,), of_git=False)
    assert other.newest(SCRIPT) is None
    assert msgspec.structs.replace(event, target="mirror") != event
