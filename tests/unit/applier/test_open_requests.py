"""What dispatch and appliers ask the ledger, over records that the real rules have decided."""

import hashlib

import msgspec
import pytest
from msgspec import Raw

from assent_contracts.acceptance import Accepted
from assent_contracts.client.keys import verify_signature
from assent_contracts.client.open_requests import OpenRequests, submitted_payload
from assent_contracts.digests import sha256_hex
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.ledger import decode_record
from assent_contracts.released_change import Change
from tests.support.stories import PAYLOAD, Story

RELEASED = ("alice submits", "bob approves", "carol approves", "alice completes")


def folded(story: Story) -> OpenRequests:
    requests = OpenRequests(story.state.partition, GovernanceEvidence("0" * 64, verify_signature))
    for offset, value in enumerate(story.records):
        requests.take(Accepted(100 + offset, decode_record(value), value, hashlib.sha256(value).hexdigest()))
    return requests


def release(story: Story) -> Change:
    found = folded(story).find(story.request)
    assert found is not None
    return found.change(Raw(PAYLOAD))


def test_release_is_known_with_everything_that_the_ledger_states_about_it(released: Story) -> None:
    found = folded(released).find(released.request)
    assert found is not None
    assert found.release is not None
    assert released.records[found.release.seq].count(b"change-released") == 1
    assert submitted_payload(released.records[found.offset - 100]) == Raw(PAYLOAD)
    change = found.change(Raw(PAYLOAD))
    assert (change.requester, change.operation, change.justification) == ("alice", "edit", "why")
    assert found.is_release(change)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request", "0-77"),
        ("resource", "script/other"),
        ("operation", "delete"),
        ("requester", "bob"),
        ("justification", "because"),
        ("digest", sha256_hex(b"other")),
        ("submission", sha256_hex(b"other")),
        ("released", 99),
        ("at", 99),
        ("payload", Raw(b'{"version": 3}')),
        ("payload", Raw(b'{"version":  2}')),
    ],
)
def test_change_that_differs_anywhere_is_not_a_release(field: str, value: object, released: Story) -> None:
    change = release(released)
    found = folded(released).find(released.request)
    assert found is not None
    assert not found.is_release(msgspec.structs.replace(change, **{field: value}))


def test_R1_unreleased_change_is_not_a_release(released: Story) -> None:
    change = release(released)
    story = Story().given(*RELEASED[:-1])
    found = folded(story).find(story.request)
    assert found is not None
    assert found.request == change.request
    assert not found.is_release(change)
    assert folded(story).unclaimed() == []


def test_another_payload_is_an_error_if_the_digest_was_checked_before(released: Story) -> None:
    found = folded(released).find(released.request)
    assert found is not None
    with pytest.raises(ValueError, match="is not the digest"):
        found.change(Raw(b'"other"'))


def test_claim_is_known_by_its_command_and_an_end_is_forgotten(released: Story) -> None:
    assert [each.request for each in folded(released).unclaimed()] == [released.request]
    claim = released.command("applier", "claims")
    released.send(claim)
    requests = folded(released)
    found = requests.find(released.request)
    assert found is not None
    assert found.grant is not None
    assert (found.grant.command, found.grant.applier) == (claim.id, "applier")
    assert requests.unclaimed() == []
    released.given("applier reports unknown")
    settled = folded(released).find(released.request)
    assert settled is not None
    assert settled.unsettled
    released.given("applier reports success")
    assert len(folded(released)) == 0


@pytest.mark.parametrize("ends", ["bob rejects", "alice cancels", "30 days pass"])
def test_ended_request_is_forgotten(ends: str) -> None:
    story = Story().given("alice submits", ends)
    story.write_due()
    assert len(folded(story)) == 0
    assert folded(story).find(story.request) is None


def test_R1_change_is_not_applied_once_a_record_does_not_fit_its_request(released: Story) -> None:
    """Only a stolen writer's key can seal one: here, a second claim of a claimed request."""
    released.given("applier claims")
    requests = folded(released)
    found = requests.find(released.request)
    assert found is not None
    claim = released.records[-1]
    record = decode_record(claim)
    again = msgspec.structs.replace(record, seq=record.seq + 1)
    requests.take(Accepted(200, again, claim, hashlib.sha256(claim).hexdigest()))
    assert requests.lacking(found) == (
        f"seq {again.seq} of partition {released.state.partition} does not fit the request"
    )


@pytest.fixture
def released() -> Story:
    return Story().given(*RELEASED)
