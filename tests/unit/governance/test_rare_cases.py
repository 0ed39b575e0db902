"""Rare cases in governance: a repeated recovery command, a directory with two spellings of an id."""

import pytest

from assent_contracts.access_policies import ADMINISTRATORS, ApprovalRule, PolicyTerms
from assent_contracts.codec import encode
from assent_contracts.core.governance.handle import (
    GovernanceLedgerState,
    apply_governance_decision,
    handle_recovery,
)
from assent_contracts.core.received import Envelope, Received, open_envelope
from assent_contracts.core.requests.requester import requester_refusal
from assent_contracts.core.requests.states import Submission
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_changes import (
    DIRECTORY,
    AssignRole,
    SyncDirectory,
    key_object,
    policy_object,
)
from assent_contracts.governance_messages import (
    GOVERNANCE_KEY,
    CloseFounding,
    GovernanceCommand,
    LogFounded,
)
from assent_contracts.governance_objects import Account, DirectoryDifference, Founding, RoleAssignment
from assent_contracts.heads import verify_head
from assent_contracts.refusals import Refusal
from assent_contracts.seal import SEAL_HEADER, WRITER_HEADER
from assent_contracts.writer_registry import WriterRegistry
from tests.support.people import (
    FOUNDER,
    PARTITIONS,
    RECOVERY_KEY,
    START,
    WRITER,
    force,
    open_founding,
    organisation,
)
from tests.unit.governance.answers import fits
from tests.unit.governance.test_losses import accept, ends


def test_repeated_command_of_the_recovery_key_counts_once() -> None:
    record = GovernanceLedgerState()
    record.governance = organisation()
    command = accept(record.governance, *ends(record.governance))
    value = encode(command)
    received = Received[GovernanceCommand](
        command, value, bytes.fromhex(sha256_hex(value)), "recovery", "sig"
    )
    first = handle_recovery(record, received, signature_good=True)
    assert not isinstance(first, Refusal)
    seq = record.governance.seq + 1
    apply_governance_decision(record, received, first, seq=seq, at=START, by_topic=False)
    repeated = handle_recovery(record, received, signature_good=True)
    assert not isinstance(repeated, Refusal)
    [again] = repeated
    assert getattr(again, "decided", None) == seq


@pytest.mark.parametrize(("name", "person"), [("EVE", "p-other"), ("other", "P-EVE")])
def test_R21_directory_that_spells_one_id_in_two_ways_is_refused(name: str, person: str) -> None:
    first = Account(id="eve", kind="human", person="p-eve", source="directory")
    second = Account(id=name, kind="human", person=person, source="directory")
    assert fits(organisation(), SyncDirectory(difference=DirectoryDifference(accounts=(first, second)))) == (
        "id-taken"
    )


def asked(resource: str, requester: str, *terms: PolicyTerms) -> Submission:
    return Submission(0, resource, requester, f"p-{requester}", "0" * 64, "0" * 64, terms)


def test_R19_everybody_may_request_a_change_to_their_own_key() -> None:
    governance = organisation()
    assert requester_refusal(asked(key_object("mallory-key"), "mallory"), governance) is None
    refusal = requester_refusal(asked(policy_object("apps"), "mallory"), governance)
    assert refusal is not None
    assert refusal.code == "requester-not-permitted"


def test_R21_directory_s_service_completes_what_it_synchronises() -> None:
    governance = organisation()
    role = RoleAssignment(id="sync", role="directory", principals=("upstream",))
    assert requester_refusal(asked(DIRECTORY, "upstream"), governance) is not None
    force(governance, AssignRole(assignment=role))
    assert requester_refusal(asked(DIRECTORY, "upstream"), governance) is None


def test_R19_former_administrator_of_the_type_cannot_complete_the_request() -> None:
    governance, resource = organisation(), policy_object("apps")
    of_apps = PolicyTerms(
        policy=ADMINISTRATORS, rules=(ApprovalRule(quorum=1, groups=(f"{ADMINISTRATORS}/app",)),)
    )
    other = PolicyTerms(policy="apps", rules=())
    assert requester_refusal(asked(resource, "carol", other, of_apps), governance) is None
    for terms, lacking in (((other,), "administrator"), ((other, of_apps), "administrator for app")):
        refusal = requester_refusal(asked(resource, "mallory", *terms), governance)
        assert refusal is not None
        assert refusal.detail == f"R19: mallory no longer has the role {lacking}: the change is not released."


def test_while_the_founding_is_open_the_founder_s_bytes_are_attributed() -> None:
    desk = GovernanceDesk()
    desk.record.governance = open_founding()
    value = encode(CloseFounding(id="close", principal="founder", at=START))
    envelope = open_envelope(value, GOVERNANCE_KEY, ())
    assert isinstance(envelope, Envelope)
    assert desk.unattributed(envelope, signature_good=True, received_at=START) is None
    assert desk.remembered is desk.record.memory


def test_head_with_half_a_signature_is_bad() -> None:
    headers = ((WRITER_HEADER, b"writer-1"), (SEAL_HEADER, b"AAAA"))
    assert verify_head("1d" * 32, b"{}", headers, {}, lambda *_: True) == "bad"


def test_recovery_key_is_known_from_the_founding_on() -> None:
    writers = WriterRegistry()
    assert writers.recovery_key() is None
    founding = Founding(
        founder=FOUNDER, recovery=RECOVERY_KEY, writers={"writer-1": WRITER}, partitions=PARTITIONS
    )
    writers.apply(0, (LogFounded(founding=founding),))
    assert writers.recovery_key() == bytes([2] * 32)
