"""Input from outside: the form of commands and changes, and keys of the wrong role."""

import json
from typing import Any, get_args

import pytest

from assent_contracts.codec import encode
from assent_contracts.core.governance.handle import GovernanceLedgerState, handle_governance
from assent_contracts.core.governance.receive import receive_governance
from assent_contracts.core.received import Received
from assent_contracts.governance_changes import (
    CreatePolicy,
    GovernanceChange,
    RegisterPrincipal,
    RevokeKey,
)
from assent_contracts.governance_codec import decode_governance_change, decode_governance_command
from assent_contracts.governance_messages import GOVERNANCE_KEY, ChangeGovernance, CloseFounding, FoundLog
from assent_contracts.governance_objects import Account, Founding
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal
from tests.support.people import (
    FOUNDER,
    PARTITIONS,
    PRINCIPALS,
    RECOVERY_KEY,
    START,
    WRITER,
    force,
    organisation,
)
from tests.support.stories import SIGNATURE
from tests.unit.governance.answers import app_policy, human, role_of
from tests.unit.governance.proposals import Proposal

HUMAN: dict[str, Any] = json.loads(encode(human("erin")))
POLICY: dict[str, Any] = json.loads(encode(CreatePolicy(policy=app_policy())))
COMMAND: dict[str, Any] = {
    "type": "assent.change-governance.v1",
    "id": "c-1",
    "principal": "carol",
    "at": START,
    "change": HUMAN,
}


def read(change: object) -> str:
    decoded = decode_governance_change(change if isinstance(change, bytes) else json.dumps(change).encode())
    return decoded.code.value if isinstance(decoded, Refusal) else ""


def read_command(value: object) -> str:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    decoded = decode_governance_command(body)
    return decoded.code.value if isinstance(decoded, Refusal) else ""


def policy_with(rule: dict[str, object], **fields: object) -> dict[str, object]:
    return {**POLICY, "policy": {**POLICY["policy"], "approvals": [rule], **fields}}


@pytest.mark.parametrize(
    "quorum",
    ["true", "false", '"2"', "1.5", "null", "[1]", "-1", "101", str(2**63), str(2**64), "1e400", "NaN"],
)
def test_quorum_that_is_not_an_integer_within_its_limits_is_malformed(quorum: str) -> None:
    rule = json.dumps(policy_with({"groups": ["approvers"], "quorum": "Q"}))
    assert read(rule.replace('"Q"', quorum).encode()) == "malformed"


@pytest.mark.parametrize("quorum", ["1", "100"])
def test_quorum_within_its_limits_is_read(quorum: str) -> None:
    rule = json.dumps(policy_with({"groups": ["approvers"], "quorum": "Q"}))
    assert read(rule.replace('"Q"', quorum).encode()) == ""


def test_quorum_written_as_a_fraction_is_malformed() -> None:
    rule = json.dumps(policy_with({"groups": ["approvers"], "quorum": "Q"}))
    assert read(rule.replace('"Q"', "1.0").encode()) == "malformed"


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"rejections": True}, "malformed"),
        ({"rejections": -1}, "malformed"),
        ({"rejections": 101}, "malformed"),
        ({"rejections": 100}, ""),
        ({"expiry_ms": 999}, "malformed"),
        ({"expiry_ms": 1_000}, ""),
        ({"expiry_ms": 36_500 * 24 * 60 * 60 * 1_000 + 1}, "malformed"),
        ({"completion": "never"}, "malformed"),
        ({"own_signature": 1}, "malformed"),
        ({"own_signature": "true"}, "malformed"),
        ({"conditions": []}, "malformed"),
        ({"name": None}, "malformed"),
        ({"excluded_groups": ["x"]}, ""),
    ],
    ids=repr,
)
def test_policy_s_fields_have_types_and_limits(fields: dict[str, object], answer: str) -> None:
    """Excluded groups are read, and refused with a sentence of their own (R2)."""
    assert read(policy_with({"groups": ["approvers"], "quorum": 1}, **fields)) == answer


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (b"", "malformed"),
        (b"{}", "malformed"),
        (b"[]", "malformed"),
        (b"{", "malformed"),
        (b'{"type": "assent.register-principal.v1"}', "malformed"),
        (b'{"type": "assent.register-principal.v2"}', "unknown-version"),
        (b'{"type": "assent.submit-change.v1"}', "malformed"),
        (b'{"type": "assent.found-log.v1"}', "malformed"),
        ({**HUMAN, "approved": True}, "malformed"),
        ({**HUMAN, "account": {**HUMAN["account"], "enabled": True}}, "malformed"),
        ({**HUMAN, "account": {**HUMAN["account"], "kind": "robot"}}, "malformed"),
        (json.dumps(HUMAN).replace('"id"', '"id": "x", "id"').encode(), "malformed"),
        (b" " + json.dumps(HUMAN).encode(), "malformed"),
        (json.dumps(HUMAN).encode().replace(b"erin", b"\xff"), "malformed"),
        (HUMAN, ""),
    ],
    ids=lambda value: repr(value)[:70],
)
def test_invalid_change_is_refused(change: object, answer: str) -> None:
    assert read(change) == answer


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, ""),
        ({"id": ""}, "malformed"),
        ({"id": "i" * 129}, "too-large"),
        ({"id": "a b"}, "malformed"),
        ({"principal": "p" * 129}, "too-large"),
        ({"principal": "bell\a"}, "malformed"),
        ({"at": -1}, "malformed"),
        ({"at": 2**53}, "malformed"),
        ({"at": True}, "malformed"),
        ({"type": "assent.change-governance.v2"}, "unknown-version"),
        ({"type": "assent.create-policy.v1"}, "malformed"),
        ({"change": {**HUMAN, "type": "assent.register-principal.v7"}}, "unknown-version"),
        ({"change": None}, "malformed"),
        ({"note": "x"}, "malformed"),
        ({"change": {**HUMAN, "account": {"id": "x", "kind": "human", "name": "n" * 300_000}}}, "too-large"),
    ],
    ids=lambda value: repr(value)[:70],
)
def test_command_s_fields_have_limits(fields: dict[str, object], answer: str) -> None:
    assert read_command({**COMMAND, **fields}) == answer


def test_change_that_is_nested_too_deep_is_refused() -> None:
    deep = b'{"type":"assent.revoke-key.v1","key":' + b"[" * 70 + b"]" * 70 + b"}"
    assert read(deep) == "too-large"


def test_every_change_has_a_tag_of_its_own() -> None:
    tags = {each.__struct_config__.tag for each in get_args(GovernanceChange)}
    assert len(tags) == len(get_args(GovernanceChange))


def received(command: FoundLog | ChangeGovernance | CloseFounding, key: str) -> Received[Any]:
    headers = [("assent-key", key.encode()), ("assent-signature", SIGNATURE.encode())]
    it = receive_governance(encode(command), GOVERNANCE_KEY, headers)
    assert isinstance(it, Received), it
    return it


def answer(
    record: GovernanceLedgerState, command: FoundLog | ChangeGovernance | CloseFounding, key: str
) -> str:
    decision = handle_governance(
        record, received(command, key), signature_good=True, at=START, received_at=START
    )
    return decision.code.value if isinstance(decision, Refusal) else ""


def commanded(principal: str, change: GovernanceChange) -> ChangeGovernance:
    return ChangeGovernance(id="c-1", principal=principal, at=START, change=change)


def standing() -> GovernanceLedgerState:
    record = GovernanceLedgerState()
    record.governance = organisation()
    return record


@pytest.mark.parametrize("principal", sorted(set(PRINCIPALS) - {"carol", "dave"}))
def test_R3_key_of_the_wrong_role_commands_nothing(principal: str) -> None:
    record = standing()
    for change in (human("erin"), CreatePolicy(policy=app_policy()), role_of("requester", "bob")):
        assert answer(record, commanded(principal, change), f"{principal}-key") == "not-permitted"
        assert answer(record, commanded("carol", change), f"{principal}-key") == "unknown-key"
        assert Proposal(record.governance, change).when(f"{principal} submits") == "not-permitted"


def test_unknown_key_commands_nothing() -> None:
    record = standing()
    assert answer(record, commanded("carol", human("erin")), "no-key") == "unknown-key"
    assert answer(record, commanded("nobody", human("erin")), "carol-key") == "unknown-key"
    force(record.governance, human("erin"))
    assert answer(record, commanded("carol", human("erin")), "carol-key") == "id-taken"


def test_log_is_not_founded_or_closed_again() -> None:
    founding = Founding(founder=FOUNDER, recovery=RECOVERY_KEY, writers={"writer-1": WRITER}, partitions=4)
    found = FoundLog(id="f", principal="carol", at=START, founding=founding)
    for command in (found, CloseFounding(id="x", principal="carol", at=START)):
        assert answer(standing(), command, "carol-key") == "not-permitted"
    for principal in ("founder", "assent"):
        assert answer(standing(), commanded(principal, human("erin")), "carol-key") == "unknown-key"


@pytest.mark.parametrize("principal", ["founder", "assent"])
def test_nobody_can_register_as_founder_or_carrier(principal: str) -> None:
    change = RegisterPrincipal(account=Account(id=principal, kind="service"))
    assert answer(standing(), commanded("carol", change), "carol-key") == "id-taken"


def test_request_s_payload_must_be_a_change_to_the_object_that_it_names() -> None:
    """Otherwise a harmless name would hide the change and would lock the wrong object."""
    proposal = Proposal(organisation(), RevokeKey(key="bob-key"))
    named = (f"governance/key/{number}-key" for number in range(1_000))
    partition = proposal.story.state.partition
    proposal.story.resource = next(
        each for each in named if partition_for(each.encode(), PARTITIONS) == partition
    )
    assert proposal.when("carol submits") == "malformed"
    proposal = Proposal(organisation(), RevokeKey(key="bob-key"))
    proposal.payload = b'{"key": "bob-key"}'
    assert proposal.when("carol submits") == "malformed"
