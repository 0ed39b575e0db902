"""R23: what a gateway offers as a request's submission is proven under the log's identity, or refused."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from assent.reading.proven_submission import ProvenSubmission
from assent_contracts.acceptance import Accepted
from assent_contracts.client.keys import SecretKey, verify_signature
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_changes import CreatePolicy
from assent_contracts.ledger import decode_record
from assent_contracts.proof import GovernanceProof, LedgerEntry, NotProven
from tests.support.chains import MORE, PARTITION
from tests.support.people import policy_of
from tests.support.proofs import STRANGER, Offered

OTHER = CreatePolicy(policy=policy_of("more", "script"))


@pytest.fixture
def gateway() -> Offered:
    return Offered()


def altered(value: bytes, old: bytes, new: bytes) -> bytes:
    assert value.count(old) >= 1
    return value.replace(old, new)


def test_R23_honest_answer_is_proven_with_everything_that_the_hash_covers(gateway: Offered) -> None:
    for evidence in (gateway.evidence(end=1), gateway.evidence(end=2)):
        proven = gateway.answered(evidence)
        assert isinstance(proven, ProvenSubmission), proven
        assert proven.is_sealed
        assert proven.change is not None
        command = gateway.chains.submission()
        submitted = proven.submitted
        assert (submitted.request, submitted.resource) == (gateway.first, command.resource)
        assert (submitted.operation, submitted.requester) == ("create", "carol")
        assert (submitted.justification, submitted.payload) == ("It is needed.", command.payload)


def test_R23_place_must_be_the_requested_one(gateway: Offered) -> None:
    """The real submission of another request, sealed and signed: `2-0 was asked for, 3-7 was answered`."""
    for asked in (f"{PARTITION}-1", f"{PARTITION + 1}-0", "no id"):
        for evidence in (gateway.evidence(end=1), replace(gateway.evidence(end=1), following=None)):
            assert isinstance(gateway.answered(evidence, asked), NotProven), asked


def test_R23_record_that_opened_no_request_is_not_a_submission(gateway: Offered) -> None:
    answer = gateway.answered(gateway.evidence(1, 2), f"{PARTITION}-1")
    assert answer == NotProven("The record at this place did not open a request.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"operation":"create"', b'"operation":"delete"'),
        (b'"justification":"It is needed."', b'"justification":"It is urgent."'),
        (b'"principal":"carol"', b'"principal":"alice"'),
        (b'"seq":0', b'"seq":1'),
        (b'"governance":', b'"governance":1'),
    ],
    ids=["operation", "justification", "requester", "seq", "governance"],
)
@pytest.mark.parametrize("following", [(), None], ids=["sealed", "unsealed"])
def test_R23_altered_record_is_not_proven(
    gateway: Offered, old: bytes, new: bytes, following: tuple[bytes, ...] | None
) -> None:
    honest = gateway.evidence(end=1)
    lie = replace(honest, value=altered(honest.value, old, new), following=following)
    assert isinstance(gateway.answered(lie), NotProven)


def test_R23_altered_payload_is_not_proven_even_if_every_hash_with_it_fits(gateway: Offered) -> None:
    """Even without the seal, what the sender signed cannot be another command than theirs."""
    other = gateway.chains.submission(OTHER)
    honest = gateway.evidence(end=1)
    submitted = gateway.answered(honest)
    assert isinstance(submitted, ProvenSubmission)
    old = bytes(submitted.submitted.payload)
    value = altered(honest.value, old, bytes(other.payload))
    command = honest.value[honest.value.index(b'{"type":"assent.submit-change.v1"') :]
    command = command[: command.index(b',"key":')].replace(old, bytes(other.payload))
    value = value.replace(submitted.submitted.sha256.encode(), sha256_hex(command).encode())
    value = value.replace(submitted.submitted.digest.encode(), sha256_hex(bytes(other.payload)).encode())
    for following in ((), None):
        answer = gateway.answered(replace(honest, value=value, following=following))
        assert isinstance(answer, NotProven)
    assert "signature" in gateway.answered(replace(honest, value=value, following=None)).why  # type: ignore[union-attr]


_SEALINGS: dict[str, dict[str, Any]] = {
    "a stranger": {"key": STRANGER},
    "an unknown writer": {"key": SecretKey("writer-9", "decider", bytes([1]) * 32)},
    "another log": {"identity": "1d" * 32},
    "another partition": {"partition": PARTITION + 1},
    "another ledger": {"ledger": "governance"},
    "another seq": {"seq": 9},
}


@pytest.mark.parametrize("sealing", _SEALINGS.values(), ids=_SEALINGS)
@pytest.mark.parametrize("end", [1, 2])
def test_R23_run_not_sealed_here_by_a_writer_of_this_log_is_not_proven(
    gateway: Offered, sealing: dict[str, Any], end: int
) -> None:
    answer = gateway.answered(gateway.evidence(end=end, **sealing))
    assert answer == NotProven("No writer of this log has sealed it at this place.")


def test_R23_seal_counts_only_for_what_it_chains_to(gateway: Offered) -> None:
    run = gateway.evidence(end=2)
    assert run.following is not None
    lies = (
        replace(run, following=()),
        replace(run, following=(*run.following, *run.following)),
        replace(run, following=(b"junk", *run.following)),
        replace(run, value=altered(run.value, b"It is needed.", b"It is urgent.")),
        replace(run, value=b"junk"),
        replace(run, value=b""),
        replace(run, seal=""),
        replace(run, seal="é" * 86),
        replace(run, writer=""),
    )
    for lie in lies:
        assert isinstance(gateway.answered(lie), NotProven), lie


def test_R23_records_of_another_log_are_not_proven_under_the_given_identity(gateway: Offered) -> None:
    """Including its governance: valid in its own log, but foreign here."""
    foreign = gateway.governance(identity="1d" * 32)
    assert foreign.history == []
    for evidence in (gateway.evidence(end=1), replace(gateway.evidence(end=1), following=None)):
        assert isinstance(gateway.answered(evidence, governance=foreign), NotProven)


def test_R23_truncated_governance_proves_nothing_that_came_after(gateway: Offered) -> None:
    short = gateway.governance(up_to=3)
    assert len(short.history) == 3
    for evidence in (gateway.evidence(end=1), replace(gateway.evidence(end=1), following=None)):
        assert isinstance(gateway.answered(evidence, governance=short), NotProven)


def test_R23_governance_records_count_only_with_a_writer_s_seal(gateway: Offered) -> None:
    records = gateway.chains.governance.records
    lies: list[Callable[[Accepted], LedgerEntry]] = [
        lambda each: LedgerEntry(offset=each.offset, value=each.value),
        lambda each: LedgerEntry(
            offset=each.offset,
            value=each.value,
            **gateway.seal(each, key=STRANGER, ledger="governance", partition=0),
        ),
        lambda each: LedgerEntry(offset=each.offset, value=None),
        lambda each: LedgerEntry(offset=each.offset, value=b"junk", writer="writer-1", seal="A" * 86),
    ]
    for lie in lies:
        proof = GovernanceProof(gateway.identity, verify_signature)
        for each in records:
            proof.take(lie(each))
        assert proof.history == []


def test_R23_sender_s_signature_is_the_proof_if_neighbours_must_not_be_seen(gateway: Offered) -> None:
    proven = gateway.answered(replace(gateway.evidence(end=1), following=None, writer="", seal=""))
    assert isinstance(proven, ProvenSubmission)
    assert not proven.is_sealed
    # The state of governance under which it was submitted is proved only by the seal.
    assert proven.change is None
    assert decode_record(gateway.evidence(end=1).value).seq == 0
    assert proven.submitted.payload == gateway.chains.submission(MORE).payload
