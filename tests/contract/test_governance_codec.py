"""What a governance command and a change to governance may look like on the wire."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent_contracts import limits
from assent_contracts.governance_changes import CreatePolicy
from assent_contracts.governance_codec import decode_governance_change, decode_governance_command
from assent_contracts.governance_messages import ChangeGovernance
from assent_contracts.refusals import Refusal
from tests.contract.examples import GOLDEN

POLICY = {
    "id": "apps",
    "name": "Apps",
    "resource_type": "app",
    "approvals": [{"quorum": 1, "groups": ["owners"]}],
}
CREATE = {"type": "assent.create-policy.v1", "policy": POLICY}
COMMAND = {"type": "assent.change-governance.v1", "id": "g-1", "principal": "carol", "at": 1}


def change(**fields: object) -> bytes:
    """A change that creates a policy."""
    return json.dumps(CREATE | fields).encode()


def command(inner: bytes | None = None, **fields: object) -> bytes:
    """A command with the given bytes as its change."""
    return json.dumps(COMMAND | fields).encode()[:-1] + b', "change":' + (inner or change()) + b"}"


def refused(value: bytes | None) -> Refusal | None:
    decoded = decode_governance_command(value)
    return decoded if isinstance(decoded, Refusal) else None


def change_refused(payload: bytes) -> Refusal | None:
    decoded = decode_governance_change(payload)
    return decoded if isinstance(decoded, Refusal) else None


def padded(size: int) -> bytes:
    """A valid command of exactly `size` bytes."""
    return b"{" + b" " * (size - len(command())) + command()[1:]


def deep(levels: int) -> bytes:
    """A command nested to exactly this depth, in an unknown field."""
    return command(b'{"x":' * (levels - 1) + b"1" + b"}" * (levels - 1))


def test_command_at_the_limit_is_accepted_and_beyond_it_refused() -> None:
    assert refused(padded(limits.GOVERNANCE_COMMAND_MAX_BYTES)) is None
    for beyond in (padded(limits.GOVERNANCE_COMMAND_MAX_BYTES + 1), deep(limits.PAYLOAD_MAX_DEPTH + 1)):
        refusal = refused(beyond)
        assert refusal is not None
        assert refusal.code == "too-large"
    at_the_limit = refused(deep(limits.PAYLOAD_MAX_DEPTH))
    assert at_the_limit is not None
    assert at_the_limit.code == "malformed"  # the unknown field is refused, not its depth


@pytest.mark.parametrize(
    ("at_the_limit", "beyond", "code"),
    [
        (command(id="i" * 128), command(id="i" * 129), "too-large"),
        (command(id="i"), command(id=""), "malformed"),
        (command(id="i"), command(id="i d"), "malformed"),
        (command(principal="p" * 128), command(principal="p" * 129), "too-large"),
        (command(at=0), command(at=-1), "malformed"),
        (command(at=limits.FOR_EVER_MS), command(at=limits.FOR_EVER_MS + 1), "malformed"),
    ],
    ids=["long id", "empty id", "space in the id", "principal", "at below", "at above"],
)
def test_fields_of_every_command_have_limits(at_the_limit: bytes, beyond: bytes, code: str) -> None:
    assert refused(at_the_limit) is None
    refusal = refused(beyond)
    assert refusal is not None
    assert refusal.code == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "malformed"),
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"{hello}", "malformed"),
        (b"\xef\xbb\xbf" + command(), "malformed"),
        (command() + b"\n", "malformed"),
        (command() + command(), "malformed"),
        (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, "malformed"),
        (command(change(policy=POLICY | {"name": "\ud800"})), "malformed"),
        (b"{}", "malformed"),
        (command(extra=1), "malformed"),
        (command(type="assent.change-governance.v2"), "unknown-version"),
        (command(type="assent.change-everything.v1"), "malformed"),
        (command(type="assent.create-policy.v1"), "malformed"),
        (command(type="assent.submit-change.v1"), "malformed"),
        (b'{"type": "assent.close-founding.v1", "id": "g-1", "principal": "carol"}', "malformed"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_invalid_governance_command_is_refused(value: bytes | None, code: str) -> None:
    refusal = refused(value)
    assert refusal is not None
    assert refusal.code == code


BAD_CHANGES = {
    "not UTF-8": (change().replace(b"Apps", b"\xff"), "malformed"),
    "overlong UTF-8": (change().replace(b"Apps", b"\xc0\xaf"), "malformed"),
    "a key twice": (change()[:-1] + b', "policy": {}}', "malformed"),
    "a key twice, once escaped": (change()[:-1] + b', "p\\u006flicy": {}}', "malformed"),
    "a key twice inside": (change().replace(b'"name"', b'"id": "x", "name"'), "malformed"),
    "the type twice": (change()[:-1] + b', "type": "assent.create-policy.v1"}', "malformed"),
    "NaN": (change(policy=POLICY | {"rejections": float("nan")}), "malformed"),
    "no type": (b'{"policy": {}}', "malformed"),
    "type that is no text": (change(type=1), "malformed"),
    "later version": (change(type="assent.create-policy.v2"), "unknown-version"),
    "unknown type": (change(type="assent.create-chaos.v1"), "malformed"),
    "type of a command": (change(type="assent.found-log.v1"), "malformed"),
    "unknown field": (change(extra=1), "malformed"),
    "unknown field of the policy": (change(policy=POLICY | {"conditions": []}), "malformed"),
    "unknown field of a rule": (
        change(policy=POLICY | {"approvals": [{"groups": ["owners"], "stage": 1}]}),
        "malformed",
    ),
    "another change's field": (change(version=1), "malformed"),
    "another change's type": (change(type="assent.delete-policy.v1"), "malformed"),
    "a list for the policy": (change(policy=[]), "malformed"),
    "no approvals": (change(policy={k: v for k, v in POLICY.items() if k != "approvals"}), "malformed"),
    "a completion of another name": (change(policy=POLICY | {"completion": "maybe"}), "malformed"),
    "an expiry of no time": (change(policy=POLICY | {"expiry_ms": 999}), "malformed"),
    "an expiry of a century and more": (
        change(policy=POLICY | {"expiry_ms": limits.LONGEST_MS + 1}),
        "malformed",
    ),
    "a text for own_signature": (change(policy=POLICY | {"own_signature": "true"}), "malformed"),
}


@pytest.mark.parametrize("name", BAD_CHANGES)
def test_invalid_change_is_refused_in_a_command_and_as_a_payload(name: str) -> None:
    value, code = BAD_CHANGES[name]
    for refusal in (refused(command(value)), change_refused(value)):
        assert refusal is not None
        assert refusal.code == code


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "malformed"),
        (b"null", "malformed"),
        (b"[]", "malformed"),
        (b" " + change(), "malformed"),
        (
            b'{"x":' * (limits.PAYLOAD_MAX_DEPTH + 1) + b"1" + b"}" * (limits.PAYLOAD_MAX_DEPTH + 1),
            "too-large",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_payload_that_is_not_an_object_is_not_a_change(value: bytes, code: str) -> None:
    refusal = change_refused(value)
    assert refusal is not None
    assert refusal.code == code


def with_quorum(number: str) -> bytes:
    """The change with these characters as its quorum."""
    return change().replace(b'"quorum": 1', b'"quorum": ' + number.encode())


@pytest.mark.parametrize(
    "number",
    ["true", '"2"', "1.0", "1e0", "9223372036854775808", "18446744073709551616", "-1", "101", "null"],
)
def test_quorum_that_is_not_an_integer_is_refused_by_name(number: str) -> None:
    for refusal in (refused(command(with_quorum(number))), change_refused(with_quorum(number))):
        assert refusal is not None
        assert refusal.code == "malformed"
        assert "approvals[0].quorum" in refusal.detail


@pytest.mark.parametrize("number", [0, 1, limits.QUORUM_MAX])
def test_quorum_of_0_is_left_to_the_rules_to_refuse(number: int) -> None:
    """It is well-formed. The answer is policy-unsatisfiable, the same as for a request."""
    decoded = decode_governance_command(command(with_quorum(str(number))))
    assert isinstance(decoded, ChangeGovernance)
    assert isinstance(decoded.change, CreatePolicy)
    assert decoded.change.policy.approvals[0].quorum == number
    assert decode_governance_change(with_quorum(str(number))) == decoded.change


@given(st.binary(max_size=300))
def test_any_input_gets_an_answer(value: bytes) -> None:
    for refusal in (refused(value), change_refused(value)):
        assert refusal is not None
        assert refusal.code == "malformed"


@pytest.mark.parametrize(
    ("folder", "decode"),
    [("governance-commands", decode_governance_command), ("governance-changes", decode_governance_change)],
    ids=["commands", "changes"],
)
@given(data=st.data())
def test_mutated_input_gets_an_answer(
    folder: str, decode: Callable[[bytes], Any], data: st.DataObject
) -> None:
    values = [path.read_bytes() for path in sorted((GOLDEN / folder).iterdir())]
    value = bytearray(data.draw(st.sampled_from(values)))
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    if not isinstance(decode(bytes(value)), Refusal):
        json.loads(bytes(value))  # what is accepted is JSON that others can read too
