"""A stolen writer key appends records whose commands prove nothing: each is named by what it lacks."""

import json
from typing import Any

import pytest
from msgspec import Raw

from assent_contracts.codec import encode
from assent_contracts.ledger import RecordedCommand
from tests.support.stolen_writer import StolenLog, here
from tests.unit.evidence.test_what_lacks_evidence import evidence

_SIGNATURE = "A" * 86


def of_unknown_key(log: StolenLog, submission: Any) -> RecordedCommand:
    command = log.as_signed(submission)
    return RecordedCommand(value=command.value, key="no-such-key", signature=command.signature)


def of_another_shape(log: StolenLog, submission: Any) -> RecordedCommand:
    """It names its sender and its date, but is not a command of this type."""
    document = json.loads(encode(submission))
    del document["justification"]
    return RecordedCommand(value=Raw(json.dumps(document).encode()), key="alice-key", signature=_SIGNATURE)


def of_no_submission(log: StolenLog, submission: Any) -> RecordedCommand:
    return log.as_signed(log.approve_of("0-0", submission, "bob"))


def of_no_json(log: StolenLog, submission: Any) -> RecordedCommand:
    return RecordedCommand(value=Raw(b'"' + b"\xff" + b'"'), key="alice-key", signature=_SIGNATURE)


@pytest.mark.parametrize(
    ("command", "lacks"),
    [
        (of_unknown_key, "its command is signed by no key that is registered"),
        (of_another_shape, "its command is not well-formed"),
        (of_no_submission, "its command submits nothing"),
        (of_no_json, "its command was received before"),
    ],
)
def test_R1_submission_whose_command_proves_nothing_is_named(command: Any, lacks: str) -> None:
    log = StolenLog()
    submission = log.submission_of(here("script"))
    log._catch_up()
    opened = log._submitted("0-0", submission, log._seen.terms_for("script"))
    log.append(opened, command=command(log, submission))
    assert evidence(log).lacking(0, confirmed=False) == f"seq 0: {lacks}"


def test_decision_on_a_request_of_another_partition_is_no_evidence_here() -> None:
    log = StolenLog()
    request, submission = log.submit(here("script"))
    events, command = log.approval_of("elsewhere", "bob", "p-bob"), log.as_signed(submission)
    log.requests.put(events, at=log.at, governance=len(log.history) - 1, input_offset=1, command=command)
    assert evidence(log).lacking(int(request.partition("-")[2]), confirmed=False) == "it was never released"
