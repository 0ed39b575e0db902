"""R16: how a record of either ledger is found in the audit log."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from assent.store.audit_row import AuditColumns, columns_of
from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.codec import encode
from assent_contracts.core.writer.chain import Chain
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_changes import DeletePolicy
from assent_contracts.governance_messages import (
    ChangeGovernance,
    PolicyDeleted,
    ReleaseCarriedOut,
    ReleaseRefused,
)
from assent_contracts.ledger import RecordedCommand, decode_record
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.people import START
from tests.support.stories import Story

CHANGE = DeletePolicy(policy="apps", version=3)
RELEASE = {"request": "2-7", "released": 9, "digest": sha256_hex(b""), "as_of": 5}
REFUSAL = Refusal(code=RefusalCode.OUTDATED, detail="It has changed.")


def entry(decision: Any, command: msgspec.Struct | None = None) -> AuditColumns:
    """The entry of a record with this decision on this command."""
    recorded = UNSET
    if command is not None:
        recorded = RecordedCommand(value=Raw(encode(command)), key="k", signature="")
    chain = Chain(first_head("ledger", "1d" * 32), epoch=1)
    return entry_of_record(chain.link(b"", decision, at=START, command=recorded).value)


def entry_of_record(value: bytes) -> AuditColumns:
    return columns_of(Accepted(0, decode_record(value), value, sha256_hex(value)))


def test_R16_submission_is_found_by_the_request_that_it_opened() -> None:
    story = Story().given("alice submits")
    assert entry_of_record(story.records[0]) == AuditColumns(
        story.request,
        "script/deploy",
        "alice",
        "assent.submit-change.v1",
        "assent.change-submitted.v1",
    )


def test_R16_refused_approval_is_found_by_its_request() -> None:
    story = Story().given("alice submits")
    story.when("alice approves")
    assert entry_of_record(story.records[1]) == AuditColumns(
        story.request, "script/deploy", "alice", "assent.approve.v1", "own-request"
    )


def test_R14_expiry_is_found_by_its_request() -> None:
    story = Story().given("alice submits", "30 days pass", "the writer looks at the clock")
    assert entry_of_record(story.records[1]) == AuditColumns(
        story.request, None, None, None, "assent.request-expired.v1"
    )


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [((PolicyDeleted(policy="apps"),), "assent.policy-deleted.v1"), (REFUSAL, "outdated")],
)
def test_R16_governance_change_is_named_by_its_object(decision: Any, outcome: str) -> None:
    command = ChangeGovernance(id="g", principal="dave", at=START, change=CHANGE)
    assert entry(decision, command) == AuditColumns(None, None, "dave", "assent.delete-policy.v1", outcome)


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        (
            (PolicyDeleted(policy="apps"), ReleaseCarriedOut(**RELEASE)),
            "assent.policy-deleted.v1, assent.release-carried-out.v1",
        ),
        ((ReleaseRefused(**RELEASE, refusal=REFUSAL),), "assent.release-refused.v1"),
    ],
)
def test_R16_release_that_governance_decided_is_found_by_its_request(decision: Any, outcome: str) -> None:
    submission = Story("access-policy/apps", payload=encode(CHANGE)).command("dave", "submits")
    found = entry(decision, submission)
    assert (found.request, found.resource, found.principal) == ("2-7", "access-policy/apps", "dave")
    assert (found.command, found.outcome) == ("assent.submit-change.v1", outcome)
