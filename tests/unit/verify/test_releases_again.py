"""`audit verify` carries each release out again, and checks it against the request ledger (R18)."""

import pytest
from msgspec import Raw
from msgspec.structs import replace

from assent.verify.finding import FindingError
from assent_contracts.codec import encode
from assent_contracts.commands import Cancel, Complete
from assent_contracts.digests import sha256_hex
from assent_contracts.events import RequestCompleted, RequestFailed
from assent_contracts.governance_changes import CreatePolicy, DefineGroup, DeleteGroup, group_object
from assent_contracts.governance_messages import ReleaseCarriedOut, ReleaseRefused
from assent_contracts.governance_objects import Group
from assent_contracts.ledger import decode_record
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.support.chains import MORE, PARTITION, Chains, Release, key_of, signed
from tests.support.people import PARTITIONS, policy_of

HELPERS = Group(id="helpers", members=("bob", "carol", "dave"))
OTHER = CreatePolicy(policy=policy_of("more", "script"))


@pytest.fixture
def chains() -> Chains:
    return Chains()


def finding(chains: Chains) -> tuple[str, int, str]:
    """The ledger and the seq of the finding, and its text."""
    with pytest.raises(FindingError) as found:
        chains.verified()
    return found.value.ledger, found.value.seq, found.value.what


def outdated(chains: Chains) -> Release:
    """A release of a policy whose approver group was deleted in the meantime."""
    chains.change("dave", DefineGroup(group=HELPERS))
    release = chains.released(CreatePolicy(policy=policy_of("more", "app", groups=("helpers",))))
    version = chains.record.governance.version(group_object("helpers"))
    assert version is not None
    assert not isinstance(chains.change("dave", DeleteGroup(group="helpers", version=version)), Refusal)
    return release


def with_bytes(chains: Chains, release: Release, change: CreatePolicy = MORE) -> Release:
    """The same release with another submission of carol's, which is correctly signed as well."""
    command = chains.submission(change)
    return release.changed(
        submission=signed(encode(command), key_of("carol"), chains.identity),
        digest=sha256_hex(command.payload),
    )


def test_R18_release_is_carried_out_and_its_request_completed(chains: Chains) -> None:
    chains.carry(chains.released())
    chains.end_carried()
    governance, requests = chains.verified()
    assert governance.tally.carried == len(governance.claims) == 1
    assert requests.tally.records == 4


def test_release_that_no_longer_fits_is_refused_and_its_request_failed_in_the_recorded_words(
    chains: Chains,
) -> None:
    release = outdated(chains)
    (refused,) = chains.outcome(release)
    assert isinstance(refused, ReleaseRefused)
    worded = replace(refused, refusal=replace(refused.refusal, detail="That group is gone."))
    chains.put_carried((worded,), release)
    chains.end_carried()
    chains.verified()
    assert b"policy-invalid: That group is gone." in chains.requests.records[-1].value


def test_release_refused_for_another_reason_is_named(chains: Chains) -> None:
    release = outdated(chains)
    (refused,) = chains.outcome(release)
    assert isinstance(refused, ReleaseRefused)
    other = replace(refused, refusal=replace(refused.refusal, code=RefusalCode.ID_TAKEN))
    seq = chains.put_carried((other,), release)
    assert finding(chains) == (GOVERNANCE, seq, "the rules make something else of the release")


def test_fitting_release_that_was_refused_is_named(chains: Chains) -> None:
    release = chains.released()
    refused = ReleaseRefused(
        request=release.request,
        released=release.released,
        digest=release.digest,
        as_of=release.as_of,
        refusal=Refusal(code=RefusalCode.ID_TAKEN, detail="No."),
    )
    seq = chains.put_carried((refused,), release)
    assert finding(chains) == (GOVERNANCE, seq, "the rules make something else of the release")


def test_release_that_makes_another_change_is_named(chains: Chains) -> None:
    release = chains.released()
    seq = chains.put_carried(
        (*chains.outcome(with_bytes(chains, release, OTHER))[:-1], carried(release)), release
    )
    assert finding(chains) == (GOVERNANCE, seq, "the rules make something else of the release")


def carried(release: Release) -> ReleaseCarriedOut:
    return ReleaseCarriedOut(
        request=release.request, released=release.released, digest=release.digest, as_of=release.as_of
    )


def test_R1_release_that_never_existed_is_named(chains: Chains) -> None:
    release = chains.submitted()
    chains.approve(release)
    seq = chains.carry(release)
    what = f"the request ledger has no release of {release.request}"
    assert finding(chains) == (GOVERNANCE, seq, what)


def test_release_of_a_request_that_never_existed_is_named(chains: Chains) -> None:
    for request in (f"{PARTITION}-7", f"{(PARTITION + 1) % PARTITIONS}-0", "9999-0"):
        other = Chains()
        release = other.released().changed(request=request)
        seq = other.carry(release)
        assert finding(other) == (GOVERNANCE, seq, f"the request ledger has no release of {request}")


def test_record_that_names_no_request_is_named(chains: Chains) -> None:
    seq = chains.carry(chains.released().changed(request="0"))
    assert finding(chains) == (GOVERNANCE, seq, "it names no request")


def test_release_at_another_place_is_named(chains: Chains) -> None:
    release = chains.released()
    seq = chains.carry(release.changed(released=1))
    what = f"the release of {release.request} is at seq 2, not 1"
    assert finding(chains) == (GOVERNANCE, seq, what)


def test_digest_that_is_not_the_submission_s_is_named(chains: Chains) -> None:
    seq = chains.carry(chains.released().changed(digest="0" * 64))
    assert finding(chains) == (GOVERNANCE, seq, "the digest that it names is not the submission's")


def test_R1_another_change_than_the_approved_one_is_named(chains: Chains) -> None:
    release = chains.released()
    seq = chains.carry(with_bytes(chains, release, OTHER))
    assert finding(chains) == (GOVERNANCE, seq, f"{release.request} was released with another digest")


def test_another_submission_of_the_same_change_is_named(chains: Chains) -> None:
    release = chains.released()
    seq = chains.carry(with_bytes(chains, release))
    assert finding(chains) == (GOVERNANCE, seq, f"{release.request} was submitted with other bytes")


def test_submission_under_another_governance_seq_is_named(chains: Chains) -> None:
    """It determines which groups the approvers saw."""
    release = chains.released()
    seq = chains.carry(release.changed(as_of=release.as_of + 1))
    what = f"{release.request} was submitted under governance seq {release.as_of}, not {release.as_of + 1}"
    assert finding(chains) == (GOVERNANCE, seq, what)


def test_release_decided_under_its_own_consequence_is_named(chains: Chains) -> None:
    release = chains.submitted()
    chains.approve(release)
    seq = chains.carry(release)
    chains.complete(release)
    what = f"{release.request} was released under governance seq {seq}, not an earlier one"
    assert finding(chains) == (GOVERNANCE, seq, what)


def test_release_carried_out_twice_is_named(chains: Chains) -> None:
    release = chains.released()
    chains.carry(release)
    seq = chains.carry(release)
    what = f"the release of {release.request} was carried out before"
    assert finding(chains) == (GOVERNANCE, seq, what)


@pytest.mark.parametrize("key", ["carol-key", "dave-key", "nobodys-key"])
def test_submission_not_signed_by_its_key_is_named(chains: Chains, key: str) -> None:
    release = chains.released()
    forged = signed(bytes(release.submission.value), key_of("mallory"), chains.identity)
    seq = chains.carry(release.changed(submission=replace(forged, key=key)))
    what = "the submission that it contains is not signed by the key that it names"
    assert finding(chains) == (GOVERNANCE, seq, what)


def test_release_without_a_submission_is_named(chains: Chains) -> None:
    release = chains.released()
    events = chains.outcome(release)
    cancel = Cancel(**chains.about("carol"), resource="access-policy/more", request=release.request)
    sent = signed(encode(cancel), key_of("carol"), chains.identity)
    seq = chains.put_carried(events, release.changed(submission=sent))
    assert finding(chains) == (GOVERNANCE, seq, "it carries out a release and contains no submission")


def test_submission_that_is_not_a_governance_change_is_named(chains: Chains) -> None:
    release = chains.released()
    events = chains.outcome(release)
    script = replace(chains.submission(), resource="script/deploy", payload=Raw(b'"echo"'))
    sent = signed(encode(script), key_of("carol"), chains.identity)
    seq = chains.put_carried(events, release.changed(submission=sent))
    ledger, where, what = finding(chains)
    assert (ledger, where) == (GOVERNANCE, seq)
    assert what.startswith("what was submitted is not a change to governance")


def test_change_submitted_for_another_object_is_named(chains: Chains) -> None:
    release = chains.released()
    events = chains.outcome(release)
    other = chains.submission(resource="script/deploy")
    sent = signed(encode(other), key_of("carol"), chains.identity)
    seq = chains.put_carried(events, release.changed(submission=sent))
    what = "what was submitted changes access-policy/more, not its resource"
    assert finding(chains) == (GOVERNANCE, seq, what)


def test_release_in_the_record_of_a_command_is_named(chains: Chains) -> None:
    release = chains.released()
    seq = chains.put_governance(chains.outcome(release), release.submission)
    ledger, where, what = finding(chains)
    assert (ledger, where) == (GOVERNANCE, seq)
    assert what.startswith("its command is not well-formed")


def test_R12_request_ended_before_governance_has_carried_it_out_is_named(chains: Chains) -> None:
    release = chains.released()
    seq = chains.put_request((RequestCompleted(request=release.request, reporter="assent"),))
    what = "it has no command, and governance has not carried it out"
    assert finding(chains) == (LEDGER, seq, what)


def test_R12_request_ended_otherwise_than_governance_states_is_named(chains: Chains) -> None:
    release = chains.released()
    chains.carry(release)
    failed = RequestFailed(request=release.request, reporter="assent", message="No.")
    seq = chains.put_request((failed,))
    assert finding(chains) == (LEDGER, seq, "something else was due")


def test_R12_request_ended_twice_is_named(chains: Chains) -> None:
    release = chains.released()
    chains.carry(release)
    chains.end_carried()
    seq = chains.put_request((RequestCompleted(request=release.request, reporter="assent"),))
    assert finding(chains) == (LEDGER, seq, "it has no command, and what it ends is not released")


def test_writer_s_own_record_with_nothing_due_is_named(chains: Chains) -> None:
    release = chains.submitted()
    seq = chains.put_request(())
    assert finding(chains) == (LEDGER, seq, "it has no command, and nothing was due")
    assert release.request == f"{PARTITION}-0"


def test_refused_request_command_with_events_is_named(chains: Chains) -> None:
    release = chains.released()
    about = {**chains.about("carol"), "resource": "access-policy/more", "request": release.request}
    complete = Complete(**about, submission=release.submission_sha256)
    refusal = chains.send(complete)
    assert isinstance(refusal, Refusal)
    record = chains.requests.records.pop()
    completed = encode((RequestCompleted(request=release.request, reporter="applier"),))
    value = record.value.replace(b'"refusal":', b'"events":' + completed + b',"refusal":')
    chains.requests.records.append(replace(record, record=decode_record(value), value=value))
    assert finding(chains) == (LEDGER, 3, "it is not one decision: either events or a refusal")
