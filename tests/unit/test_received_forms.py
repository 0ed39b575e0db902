"""What cannot be a command, wherever it is received, and what of it is reported."""

import json

import pytest

from assent_contracts import limits
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.core.governance.receive import receive_governance
from assent_contracts.core.received import Omitted, Received, ReceivedHeaders
from assent_contracts.core.requests.receive import receive
from assent_contracts.governance_changes import DisablePrincipal
from assent_contracts.governance_messages import GOVERNANCE_KEY, ChangeGovernance
from assent_contracts.topics import GOVERNANCE, LEDGER, ledger_of
from tests.support.people import START
from tests.support.stories import Story

COMMAND = encode(
    ChangeGovernance(id="g-1", principal="carol", at=START, change=DisablePrincipal(principal="bob"))
)


@pytest.mark.parametrize("value", [None, b"", b"x" * (limits.COMMAND_MAX_BYTES + 1), b"no JSON"])
def test_bytes_that_are_not_a_command_are_kept_only_as_hash_and_size(value: bytes | None) -> None:
    for it in (receive(value, b"script/x", ()), receive_governance(value, GOVERNANCE_KEY, ())):
        assert isinstance(it, Omitted)
        assert it.size == len(value or b"")


@pytest.mark.parametrize(
    ("key", "headers", "detail"),
    [
        (b"other", (), "Set the record's key to governance."),
        (None, (), "Set the record's key to governance."),
        (GOVERNANCE_KEY, (("ce_id", b"g-2"),), "The header ce_id is not the id in the body."),
        (GOVERNANCE_KEY, (("ce_type", b"x"),), "The header ce_type is not the type in the body."),
    ],
)
def test_governance_command_whose_record_contradicts_it_is_malformed(
    key: bytes | None, headers: ReceivedHeaders, detail: str
) -> None:
    it = receive_governance(COMMAND, key, headers)
    assert isinstance(it, Omitted)
    assert (it.refusal.code, it.refusal.detail) == ("malformed", detail)
    assert isinstance(receive_governance(COMMAND, GOVERNANCE_KEY, (("ce_id", b"g-1"),)), Received)


def submitted(**fields: str) -> str:
    """The refusal's detail of a submission with these fields."""
    story = Story()
    command = story.command("alice", "submits")
    assert isinstance(command, SubmitChange)
    document = json.loads(encode(command)) | fields
    it = receive(json.dumps(document).encode(), story.resource.encode(), ())
    assert isinstance(it, Omitted)
    return it.refusal.detail


def test_R20_person_on_whose_behalf_a_submission_is_sent_is_an_identifier() -> None:
    assert "on_behalf_of" in submitted(on_behalf_of="x" * 300)


def test_R22_request_is_closed_with_a_reason_that_can_be_read() -> None:
    story = Story().given("alice submits")
    document = json.loads(encode(story.command("carol", "closes"))) | {"reason": "\u200b "}
    it = receive(json.dumps(document).encode(), story.resource.encode(), ())
    assert isinstance(it, Omitted)
    assert it.refusal.detail == "The reason is empty: state why you decide so."


def test_each_ledger_has_a_topic() -> None:
    assert (ledger_of(GOVERNANCE), ledger_of(LEDGER)) == ("governance", "ledger")
