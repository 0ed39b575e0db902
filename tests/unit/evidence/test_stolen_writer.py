"""With only a stolen writer key: whatever is appended to a request partition, no release has evidence."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from assent_contracts.codec import encode
from assent_contracts.events import CommandRepeated
from assent_contracts.limits import COMMAND_MAX_AGE_MS
from tests.support.chains import key_of, signed
from tests.support.people import DAY_MS
from tests.support.stolen_writer import StolenLog, here

APP, OTHER_APP, SCRIPT, FREE = here("app"), here("app", 1), here("script"), here("free")


@pytest.fixture
def log() -> StolenLog:
    return StolenLog()


def test_R1_results_of_signed_commands_have_evidence(log: StolenLog) -> None:
    for resource, approvers in ((APP, ("bob",)), (SCRIPT, ("bob", "carol"))):
        request, _ = log.completed(resource, *approvers)
        assert log.lacking(request) is None


def test_refusals_repetitions_and_revocations_remove_no_evidence(log: StolenLog) -> None:
    request, submission = log.approved(SCRIPT, "bob", "carol")
    log.accepted(log.revoke_of(request, submission, "bob"))
    log.refused(log.approve_of(request, submission, "carol"))
    log.refused(log.complete_of(request, submission))
    log.accepted(log.approve_of(request, submission, "bob2"))
    complete = log.complete_of(request, submission)
    log.accepted(complete)
    assert isinstance(log.accepted(complete)[0], CommandRepeated)
    assert log.lacking(request) is None


def nobody_signed_anything(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    log.append(*log.approval_of(request, "bob", "p-bob"))
    log.append(log.release_of(request, submission))
    return request


def nobody_completed(log: StolenLog) -> str:
    request, submission = log.approved(APP, "bob")
    log.append(log.release_of(request, submission))
    return request


def no_approval(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    complete = log.refused(log.complete_of(request, submission))
    log.append(log.release_of(request, submission), command=complete)
    return request


def no_approval_in_a_complete_that_was_never_decided(log: StolenLog) -> str:
    return log.append_release(*log.submit(APP))


def one_approval_of_two(log: StolenLog) -> str:
    request, submission = log.approved(SCRIPT, "bob")
    log.append(
        log.release_of(request, submission), command=log.as_signed(log.complete_of(request, submission))
    )
    return request


def complete_signed_by_the_thief(log: StolenLog) -> str:
    request, submission = log.approved(APP, "bob")
    log.forge(log.complete_of(request, submission))
    return request


def complete_of_an_approver(log: StolenLog) -> str:
    request, submission = log.approved(APP, "bob")
    complete = log.as_signed(log.complete_of(request, submission, "bob"))
    log.append(log.release_of(request, submission), command=complete)
    return request


def complete_that_was_refused_before_the_approval(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    complete = log.refused(log.complete_of(request, submission))
    log.accepted(log.approve_of(request, submission, "bob"))
    log.append(log.release_of(request, submission), command=complete)
    return request


def complete_of_another_request(log: StolenLog) -> str:
    complete = log.as_signed(log.complete_of(*log.approved(OTHER_APP, "bob")))
    request, submission = log.approved(APP, "bob")
    log.append(log.release_of(request, submission), command=complete)
    return request


def complete_of_another_log(log: StolenLog) -> str:
    request, submission = log.approved(APP, "bob")
    complete = signed(encode(log.complete_of(request, submission)), key_of("alice"), "ab" * 32)
    log.append(log.release_of(request, submission), command=complete)
    return request


def complete_that_is_stale(log: StolenLog) -> str:
    request, submission = log.approved(APP, "bob")
    complete = log.as_signed(log.complete_of(request, submission))
    log.at += COMMAND_MAX_AGE_MS + 1
    log.append(log.release_of(request, submission), command=complete)
    return request


def complete_after_the_request_expired(log: StolenLog) -> str:
    request, submission = log.approved(APP, "bob")
    log.at += 31 * DAY_MS
    complete = log.refused(log.complete_of(request, submission))
    log.append(log.release_of(request, submission), command=complete)
    return request


def approval_that_nobody_signed(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    log.append(*log.approval_of(request, "bob", "p-bob"))
    log.accepted(log.complete_of(request, submission))
    return request


def approval_signed_by_the_thief(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    log.forge(log.approve_of(request, submission, "bob"))
    log.accepted(log.complete_of(request, submission))
    return request


def approval_of_another_request(log: StolenLog) -> str:
    other = log.approve_of(*log.submit(OTHER_APP), "bob")
    request, submission = log.submit(APP)
    log.append(*log.approval_of(request, "bob", "p-bob"), command=log.as_signed(other))
    log.accepted(log.complete_of(request, submission))
    return request


def approval_of_another_submission(log: StolenLog) -> str:
    """Bob was shown something else under the same id, for the same object."""
    request, submission = log.submit(APP)
    shown = log.as_signed(log.approve_of(request, log.submission_of(APP), "bob"))
    log.append(*log.approval_of(request, "bob", "p-bob"), command=shown)
    log.accepted(log.complete_of(request, submission))
    return request


def approval_that_names_another_object(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    approval = replace(log.approve_of(request, submission, "bob"), resource=OTHER_APP)
    log.append(*log.approval_of(request, "bob", "p-bob"), command=log.as_signed(approval))
    log.accepted(log.complete_of(request, submission))
    return request


def complete_in_a_record_of_the_past(log: StolenLog) -> str:
    """The request has expired by now; when alice signed, it had not."""
    request, submission = log.approved(APP, "bob")
    now = log.at
    log.at += 31 * DAY_MS
    log.submit(OTHER_APP)
    log.at = now
    return log.append_release(request, submission)


def approval_of_another_log(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    other = signed(encode(log.approve_of(request, submission, "bob")), key_of("bob"), "ab" * 32)
    log.append(*log.approval_of(request, "bob", "p-bob"), command=other)
    log.accepted(log.complete_of(request, submission))
    return request


def approval_of_ones_own(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    own = log.refused(log.approve_of(request, submission, "alice2"))
    log.append(*log.approval_of(request, "alice2", "p-somebody"), command=own)
    log.accepted(log.complete_of(request, submission))
    return request


def approval_of_ones_own_that_was_never_decided(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    own = log.as_signed(log.approve_of(request, submission, "alice"))
    log.append(*log.approval_of(request, "alice", "p-somebody"), command=own)
    log.accepted(log.complete_of(request, submission))
    return request


def approval_by_somebody_who_is_not_an_approver(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    approval = log.as_signed(log.approve_of(request, submission, "dave"))
    log.append(*log.approval_of(request, "dave", "p-dave"), command=approval)
    log.append(
        log.release_of(request, submission), command=log.as_signed(log.complete_of(request, submission))
    )
    return request


def approval_by_a_service(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    approval = log.as_signed(log.approve_of(request, submission, "upstream"))
    log.append(*log.approval_of(request, "upstream", "p-upstream"), command=approval)
    log.append(
        log.release_of(request, submission), command=log.as_signed(log.complete_of(request, submission))
    )
    return request


def approval_twice_by_one_person(log: StolenLog) -> str:
    request, submission = log.approved(SCRIPT, "bob")
    second = log.refused(log.approve_of(request, submission, "bob2"))
    log.append(*log.approval_of(request, "bob2", "p-other"), command=second)
    log.accepted(log.complete_of(request, submission))
    return request


def approval_that_was_revoked(log: StolenLog) -> str:
    request, submission = log.approved(APP, "bob")
    log.accepted(log.revoke_of(request, submission, "bob"))
    complete = log.refused(log.complete_of(request, submission))
    log.append(log.release_of(request, submission), command=complete)
    return request


def approval_that_was_revoked_again(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    approval = log.approve_of(request, submission, "bob")
    log.accepted(approval)
    log.accepted(log.revoke_of(request, submission, "bob"))
    log.append(*log.approval_of(request, "bob", "p-bob"), command=log.as_signed(approval))
    log.accepted(log.complete_of(request, submission))
    return request


def approval_that_was_refused_when_it_came(log: StolenLog) -> str:
    request, submission = log.submit(APP)
    refused = log.refused_once(log.approve_of(request, submission, "bob"))
    log.append(*log.approval_of(request, "bob", "p-bob"), command=refused)
    log.accepted(log.complete_of(request, submission))
    return request


ATTACKS: tuple[Callable[[StolenLog], str], ...] = (
    nobody_signed_anything,
    nobody_completed,
    no_approval,
    no_approval_in_a_complete_that_was_never_decided,
    one_approval_of_two,
    complete_signed_by_the_thief,
    complete_of_an_approver,
    complete_that_was_refused_before_the_approval,
    complete_of_another_request,
    complete_of_another_log,
    complete_that_is_stale,
    complete_after_the_request_expired,
    approval_that_nobody_signed,
    approval_signed_by_the_thief,
    approval_of_another_request,
    approval_of_another_submission,
    approval_that_names_another_object,
    complete_in_a_record_of_the_past,
    approval_of_another_log,
    approval_of_ones_own,
    approval_of_ones_own_that_was_never_decided,
    approval_by_somebody_who_is_not_an_approver,
    approval_by_a_service,
    approval_twice_by_one_person,
    approval_that_was_revoked,
    approval_that_was_revoked_again,
    approval_that_was_refused_when_it_came,
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_R1_stolen_writer_key_alone_releases_nothing(
    attack: Callable[[StolenLog], str], log: StolenLog
) -> None:
    request = attack(log)
    assert log.lacking(request) is not None
    assert log.lacking(request, confirmed=False) is not None, "dispatch holds it back too"
