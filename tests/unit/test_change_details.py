"""R24: what a submission states besides what is changed and why, and what policies demand of that."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.reading.detail_facts import detail_facts
from assent.reading.reference_lines import reference_line, reference_of
from assent_contracts import limits
from assent_contracts.change_details import DEMANDS, NO_DETAILS, ChangeDetails, HashedReference, details_of
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.decide import decide_change
from assent_contracts.core.governance.policies import policy_difference, policy_sentence
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import CreatePolicy
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.governance_changes import create, edit
from tests.support.people import START, organisation, policy_of
from tests.support.stories import Story

APP = "app/x"
TEST = HashedReference(what="CI run 17", sha256="ab" * 32, uri="https://ci.example/17")
ALL: dict[str, Any] = {
    "impact": "Slow for a minute.",
    "fallback": "Version 1.",
    "tested": (TEST,),
    "expected": "New rates.",
    "emergency": False,
    "tickets": ("CHG-1",),
}
DEMANDING = msgspec.structs.replace(policy_of("apps", "app"), demands=DEMANDS)


@pytest.fixture
def governance() -> Governance:
    return organisation()


def answer(story: Story, **details: Any) -> Refusal | None:
    """The refusal of a submission with these details; None if it opened a request."""
    decision = story.send(msgspec.structs.replace(story.command("alice", "submits"), **details))
    return decision if isinstance(decision, Refusal) else None


def test_submission_has_every_field_of_the_details() -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(SubmitChange)}
    for field in msgspec.structs.fields(ChangeDetails):
        assert fields[field.name] == field.type
    assert set(DEMANDS) <= set(ChangeDetails.__struct_fields__)


def test_R24_details_are_part_of_the_bytes_that_are_approved() -> None:
    plain = Story(APP).command("alice", "submits")
    assert isinstance(plain, SubmitChange)
    stated = msgspec.structs.replace(plain, **ALL)
    assert encode(stated) != encode(plain)
    assert decode_command(encode(stated)) == stated
    assert details_of(stated) == ChangeDetails(**ALL)
    assert details_of(plain) == NO_DETAILS


@pytest.mark.parametrize("field", DEMANDS)
def test_R24_submission_without_a_demanded_field_is_refused_by_its_name(
    governance: Governance, field: str
) -> None:
    edit(governance, msgspec.structs.replace(DEMANDING, demands=(field,)))
    story = Story(APP, governance=governance)
    refusal = answer(story, **{name: value for name, value in ALL.items() if name != field})
    assert refusal is not None
    assert (refusal.code, refusal.field) == (RefusalCode.FIELD_REQUIRED, field)
    assert story.status() == "none"
    assert answer(story, **{field: ALL[field]}) is None


def test_R24_each_policy_of_the_type_demands(governance: Governance) -> None:
    edit(governance, msgspec.structs.replace(policy_of("apps", "app"), demands=("impact",)))
    create(governance, msgspec.structs.replace(policy_of("more", "app"), demands=("tickets",)))
    story = Story(APP, governance=governance)
    assert answer(story, impact="None.") == Refusal(
        code=RefusalCode.FIELD_REQUIRED,
        detail="R24: policy more for app demands the field tickets.",
        field="tickets",
    )
    assert answer(story, impact="None.", tickets=("A",)) is None


def test_R24_nothing_is_demanded_by_a_policy_of_another_type_or_of_before(governance: Governance) -> None:
    edit(governance, msgspec.structs.replace(policy_of("scripts", "script", 2), demands=("impact",)))
    story = Story(APP, governance=governance)
    assert answer(story) is None
    edit(governance, DEMANDING)
    assert story.when("bob approves") == "ApprovalGiven + RequestApproved"


@pytest.mark.parametrize("kind", ["access-policy", "governance"])
def test_R24_policy_for_governance_demands_nothing(governance: Governance, kind: str) -> None:
    policy = msgspec.structs.replace(policy_of("own", kind), demands=("impact",))
    refusal = decide_change(governance, CreatePolicy(policy=policy), START)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.POLICY_INVALID


def test_R24_policy_demands_a_field_once(governance: Governance) -> None:
    policy = msgspec.structs.replace(policy_of("own", "free"), demands=("impact", "impact"))
    refusal = decide_change(governance, CreatePolicy(policy=policy), START)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.POLICY_INVALID


def test_R24_policy_in_words_names_what_it_demands(governance: Governance) -> None:
    policy = msgspec.structs.replace(policy_of("apps", "app"), demands=("impact", "tickets"))
    assert policy_sentence(policy, governance).endswith(" A submission must state impact and tickets.")
    [change] = policy_difference(policy_of("apps", "app"), policy)
    assert (change.field, change.before, change.after) == ("demands", None, "impact, tickets")


BAD: dict[str, tuple[dict[str, Any], RefusalCode]] = {
    "an empty impact": ({"impact": "\n"}, RefusalCode.MALFORMED),
    "a long fallback": ({"fallback": "x" * (limits.FALLBACK_MAX_CHARS + 1)}, RefusalCode.TOO_LARGE),
    "a long expectation": ({"expected": "x" * (limits.EXPECTED_MAX_CHARS + 1)}, RefusalCode.TOO_LARGE),
    "a control character": ({"expected": "a\x07"}, RefusalCode.MALFORMED),
    "no tests": ({"tested": ()}, RefusalCode.MALFORMED),
    "many tests": ({"tested": (TEST,) * (limits.TESTED_MAX + 1)}, RefusalCode.TOO_LARGE),
    "a test in lines": ({"tested": (HashedReference(what="a\nb", sha256="ab" * 32),)}, RefusalCode.MALFORMED),
    "a long test": (
        {"tested": (HashedReference(what="x" * (limits.TESTED_WHAT_MAX_CHARS + 1), sha256="ab" * 32),)},
        RefusalCode.TOO_LARGE,
    ),
    "a test without a hash": ({"tested": (HashedReference(what="a", sha256=""),)}, RefusalCode.MALFORMED),
    "a test at no address": (
        {"tested": (HashedReference(what="a", sha256="ab" * 32, uri=""),)},
        RefusalCode.MALFORMED,
    ),
    "a long address": (
        {"tested": (HashedReference(what="a", sha256="ab" * 32, uri="x" * (limits.URI_MAX_CHARS + 1)),)},
        RefusalCode.TOO_LARGE,
    ),
    "no tickets": ({"tickets": ()}, RefusalCode.MALFORMED),
    "many tickets": (
        {"tickets": tuple(map(str, range(limits.TICKETS_MAX + 1)))},
        RefusalCode.TOO_LARGE,
    ),
    "a ticket twice": ({"tickets": ("a", "a")}, RefusalCode.MALFORMED),
    "a long ticket": ({"tickets": ("x" * (limits.TICKET_MAX_CHARS + 1),)}, RefusalCode.TOO_LARGE),
    "a ticket in Greek": ({"tickets": ("Ω",)}, RefusalCode.MALFORMED),
}


@pytest.mark.parametrize(("details", "code"), BAD.values(), ids=list(BAD))
def test_details_have_limits(details: dict[str, Any], code: RefusalCode) -> None:
    command = Story(APP).command("alice", "submits")
    assert isinstance(command, SubmitChange)
    refusal = decode_command(encode(msgspec.structs.replace(command, **details)))
    assert isinstance(refusal, Refusal)
    assert refusal.code is code


def test_largest_details_fit_beside_a_payload_of_190_kib() -> None:
    wide = "\N{GRINNING FACE}"
    command = Story(APP).command("alice", "submits")
    largest = msgspec.structs.replace(
        command,
        payload=msgspec.Raw(b'"' + b"x" * (190 * 1024 - 2) + b'"'),
        justification=wide * limits.JUSTIFICATION_MAX_CHARS,
        impact=wide * limits.IMPACT_MAX_CHARS,
        fallback=wide * limits.FALLBACK_MAX_CHARS,
        expected=wide * limits.EXPECTED_MAX_CHARS,
        tested=(
            HashedReference(
                what=wide * limits.TESTED_WHAT_MAX_CHARS, sha256="ab" * 32, uri="x" * limits.URI_MAX_CHARS
            ),
        )
        * limits.TESTED_MAX,
        tickets=tuple(f"{n:0{limits.TICKET_MAX_CHARS}}" for n in range(limits.TICKETS_MAX)),
    )
    assert decode_command(encode(largest)) == largest


@given(st.text(), st.text())
def test_line_of_a_test_is_read_as_it_was_written(what: str, path: str) -> None:
    word = "".join(what.split()) or "CI"
    tested = HashedReference(what=word, sha256="0f" * 32, uri="https://x/" + "".join(path.split()))
    if "http" not in word:
        assert reference_of(reference_line(tested)) == tested


@pytest.mark.parametrize("line", ["", "CI", "ab" * 31 + " CI", "ab" * 32, "AB" * 32 + " CI"])
def test_line_without_a_hash_or_a_name_is_no_test(line: str) -> None:
    assert reference_of(line) is None


def test_R24_terminal_shows_every_field() -> None:
    facts = detail_facts(ChangeDetails(**ALL))
    assert {name for name, _ in facts} == set(DEMANDS)
    assert dict(facts)["tested"] == f"{'ab' * 32} CI run 17 https://ci.example/17"
    assert detail_facts(NO_DETAILS) == []
