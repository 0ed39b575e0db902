"""R26: the version from which a change was made, and the versions that changes have made."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_contracts import limits
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import ReportOutcome, SubmitChange
from assent_contracts.core.governance.policies import policy_sentence
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests import object_versions
from assent_contracts.core.requests.decide import RequestDecision
from assent_contracts.core.requests.object_versions import ObjectVersions
from assent_contracts.core.requests.partition_state import PartitionState
from assent_contracts.core.requests.replay import replay
from assent_contracts.events import ChangeSubmitted
from assent_contracts.ledger import decode_record
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.governance_changes import create, edit
from tests.support.people import organisation, policy_of
from tests.support.stories import Story

APP = "app/x"
REFUSING = msgspec.structs.replace(policy_of("apps", "app"), stale_base="refuse")


@pytest.fixture
def governance() -> Governance:
    return organisation()


def submitted(story: Story, base: str | None) -> RequestDecision:
    command = story.command("alice", "submits")
    assert isinstance(command, SubmitChange)
    return story.send(command if base is None else msgspec.structs.replace(command, base=base))


def applied(story: Story, version: str | None, base: str | None = None) -> None:
    """A change of the story's object is made, with this version or none."""
    assert not isinstance(submitted(story, base), Refusal)
    story.given("bob approves", "alice completes", "applier claims")
    report = story.command("applier", "reports success")
    assert isinstance(report, ReportOutcome)
    if version is not None:
        report = msgspec.structs.replace(report, version=version)
    assert not isinstance(story.send(report), Refusal)
    assert story.status() == "completed"


def newest(decision: RequestDecision) -> str | None:
    """The newest version that the opened request names as not its base."""
    assert not isinstance(decision, Refusal)
    [opened] = decision
    assert isinstance(opened, ChangeSubmitted)
    return opened.newest if isinstance(opened.newest, str) else None


@pytest.mark.parametrize(
    ("base", "shown"), [("v1", "v2"), ("v3", "v2"), ("v2", None), (None, None)], ids=repr
)
def test_R26_older_base_is_shown_with_the_newest_version(
    governance: Governance, base: str | None, shown: str | None
) -> None:
    story = Story(APP, governance=governance)
    applied(story, "v1")
    applied(story, "v2", "v1")
    assert newest(submitted(story, base)) == shown


@pytest.mark.parametrize("base", ["v1", "v3"])
def test_R26_older_base_is_refused_where_a_policy_says_so(governance: Governance, base: str) -> None:
    edit(governance, REFUSING)
    story = Story(APP, governance=governance)
    applied(story, "v2")
    assert submitted(story, base) == Refusal(
        code=RefusalCode.STALE_BASE,
        detail=f"R26: the change was made from {base}, and the newest version is v2.",
        current="v2",
    )
    assert newest(submitted(story, "v2")) is None


def test_R26_one_policy_of_the_type_is_enough_to_refuse(governance: Governance) -> None:
    create(governance, msgspec.structs.replace(REFUSING, id="more"))
    story = Story(APP, governance=governance)
    applied(story, "v2")
    assert isinstance(submitted(story, "v1"), Refusal)


def test_R26_what_is_not_known_is_not_stale(governance: Governance) -> None:
    edit(governance, REFUSING)
    story = Story(APP, governance=governance)
    assert newest(submitted(story, "v1")) is None
    story.given("alice cancels")
    applied(story, "v2")
    applied(story, None)
    assert newest(submitted(story, "v1")) is None


@pytest.mark.parametrize("end", ["applier reports failure", "applier reports unknown"])
def test_R26_only_a_change_that_was_made_makes_a_version(governance: Governance, end: str) -> None:
    story = Story(APP, governance=governance)
    applied(story, "v2")
    story.given("alice submits", "bob approves", "alice completes", "applier claims", end)
    if end.endswith("unknown"):
        story.given("carol reports failure")
    assert newest(submitted(story, "v1")) == "v2"


def test_R26_versions_are_rebuilt_from_the_ledger(governance: Governance) -> None:
    story = Story(APP, governance=governance)
    applied(story, "v1")
    applied(story, "v2", "v1")
    rebuilt = PartitionState(story.state.partition)
    for value in story.records:
        replay(rebuilt, decode_record(value))
    assert rebuilt.versions.newest(APP) == story.state.versions.newest(APP) == "v2"


@given(st.lists(st.tuples(st.integers(0, 9), st.none() | st.sampled_from(("v1", "v2"))), max_size=60))
def test_R26_the_versions_reported_last_are_known(reports: list[tuple[int, str | None]]) -> None:
    limit = 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(object_versions, "OBJECTS_MAX", limit)
        versions = ObjectVersions()
        expected: list[tuple[str, str]] = []
        for number, version in reports:
            resource = f"app/{number}"
            versions.changed(resource, version)
            expected = [each for each in expected if each[0] != resource]
            expected = [*expected, (resource, version)][-limit:] if version is not None else expected
            assert len(versions) == len(expected)
            for each in range(10):
                assert versions.newest(f"app/{each}") == dict(expected).get(f"app/{each}")


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("submits", {"base": ""}, RefusalCode.MALFORMED),
        ("submits", {"base": "a b"}, RefusalCode.MALFORMED),
        ("submits", {"base": "x" * (limits.VERSION_MAX_CHARS + 1)}, RefusalCode.TOO_LARGE),
        ("reports success", {"version": ""}, RefusalCode.MALFORMED),
        ("reports success", {"version": "x" * (limits.VERSION_MAX_CHARS + 1)}, RefusalCode.TOO_LARGE),
        ("reports failure", {"version": "v2"}, RefusalCode.MALFORMED),
        ("reports unknown", {"version": "v2"}, RefusalCode.MALFORMED),
    ],
)
def test_versions_have_limits_and_are_of_changes_that_were_made(
    kind: str, fields: dict[str, Any], code: RefusalCode
) -> None:
    command = msgspec.structs.replace(Story(APP).command("alice", kind), **fields)
    refusal = decode_command(encode(command))
    assert isinstance(refusal, Refusal)
    assert refusal.code is code


def test_R26_policy_says_it_in_words(governance: Governance) -> None:
    assert "A submission from an older version than the newest known one is refused." in policy_sentence(
        REFUSING, governance
    )
