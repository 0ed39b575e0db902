"""What becomes of a tool call: pure rules."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.mcp_proxy import call_rules
from assent.mcp_proxy.call_rules import ArgumentsError, for_equal, payload_of, resource_of
from assent.mcp_proxy.parked_calls import ParkedCall
from assent_contracts.resources import is_resource

HOUR_MS = 3_600_000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def call(**fields: Any) -> ParkedCall:
    made = ParkedCall(
        task="t",
        agent="copilot",
        tool="deploy",
        digest="d",
        command=b"{}",
        parked_at=0,
        changed_at=0,
        request="2-0",
    )
    return msgspec.structs.replace(made, **fields)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, 0, "ask"),
        (call(), 10**12, "wait"),
        (call(called="key"), 10**12, "wait"),
        (call(ended=True), 10**12, "tell"),
        (call(ended=True, fetched=True), 1, "ask"),
        (call(ended=True, fetched=True, rejected=True), 24 * HOUR_MS - 1, "tell"),
        (call(ended=True, fetched=True, rejected=True), 24 * HOUR_MS, "ask"),
    ],
)
def test_R1_an_approval_is_for_one_execution_and_a_rejection_is_not_asked_again_at_once(
    before: ParkedCall | None, now: int, expected: str
) -> None:
    assert for_equal(before, now, 24) == expected


def test_tool_passes_by_its_name_and_its_definition_only() -> None:
    passing = {"read": "a" * 64}
    assert call_rules.passes("read", "a" * 64, passing)
    assert not call_rules.passes("read", "b" * 64, passing)
    assert not call_rules.passes("write", "a" * 64, passing)
    assert not call_rules.passes("write", "", {})


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_payload_keeps_the_arguments_and_does_not_depend_on_their_order(arguments: dict[str, Any]) -> None:
    try:
        payload = payload_of("t", "d", arguments)
    except ArgumentsError:
        # A lone surrogate, which UTF-8 does not have.
        assert "\\ud" in json.dumps(arguments)
        return
    assert json.loads(payload) == {"tool": "t", "definition": "d", "arguments": arguments}
    assert payload_of("t", "d", dict(reversed(list(arguments.items())))) == payload


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_arguments_that_are_not_json_are_refused(value: object) -> None:
    with pytest.raises(ArgumentsError):
        payload_of("t", "d", {"x": value})


def test_object_of_the_longest_names_is_a_valid_one() -> None:
    assert is_resource(resource_of("t" * 64, "a" * 64, "n" * 128, "f" * 64))
    assert resource_of("tool-call", "copilot", "deploy", "0" * 64) == f"tool-call/deploy/copilot/{'0' * 32}"


def test_text_for_an_old_client_never_states_that_a_call_was_not_made_once_it_may_have_been() -> None:
    assert call_rules.not_executed(call(), None).startswith("The tool was not called yet.")
    assert "not called yet" not in call_rules.not_executed(call(called="key"), None)
    unknown = call_rules.not_executed(call(called="key", why=call_rules.UNKNOWN), None)
    assert unknown == (
        "The call was approved. Waiting, because it is not known whether the tool was called, and people must"
        " settle that: request 2-0"
    )
