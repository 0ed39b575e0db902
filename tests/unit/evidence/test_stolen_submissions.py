"""With only a stolen writer key: no submission is invented, put under no policy, or used again."""

from collections.abc import Callable

import pytest

from assent_contracts.governance_objects import Settings
from assent_contracts.limits import COMMAND_MAX_AGE_MS
from tests.support.stolen_writer import StolenLog, elsewhere, here

APP, OTHER_APP, SCRIPT, FREE = here("app"), here("app", 1), here("script"), here("free")


def submission_as_if_no_policy_asked_for_anything(log: StolenLog) -> str:
    return log.append_submission(log.submission_of(APP), terms=False, release=True)


def submission_of_a_type_that_is_refused(log: StolenLog) -> str:
    return log.append_submission(log.submission_of(FREE), terms=True, release=True)


def submission_without_the_role_requester(log: StolenLog) -> str:
    submission = log.submission_of(APP, "mallory")
    request = log.append_submission(submission, terms=True)
    log.accepted(log.approve_of(request, submission, "bob"))
    complete = log.as_signed(log.complete_of(request, submission, "mallory"))
    log.append(log.release_of(request, submission), command=complete)
    return request


def submission_of_another_partition(log: StolenLog) -> str:
    submission = log.submission_of(elsewhere("app"))
    request = log.append_submission(submission, terms=True)
    log.accepted(log.approve_of(request, submission, "bob"))
    log.accepted(log.complete_of(request, submission))
    return request


def submission_that_is_stale(log: StolenLog) -> str:
    submission = log.submission_of(APP)
    log.at += COMMAND_MAX_AGE_MS + 1
    request = log.append_submission(submission, terms=True)
    log.accepted(log.approve_of(request, submission, "bob"))
    log.accepted(log.complete_of(request, submission))
    return request


ATTACKS: tuple[Callable[[StolenLog], str], ...] = (
    submission_as_if_no_policy_asked_for_anything,
    submission_of_a_type_that_is_refused,
    submission_without_the_role_requester,
    submission_of_another_partition,
    submission_that_is_stale,
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_R1_submission_accepted_wrongly_with_a_stolen_writer_key_is_not_applied(
    attack: Callable[[StolenLog], str],
) -> None:
    log = StolenLog()
    request = attack(log)
    assert log.lacking(request) is not None
    assert log.lacking(request, confirmed=False) is not None, "dispatch holds it back too"


def submission_signed_by_the_thief(log: StolenLog) -> str:
    return log.forge(log.submission_of(FREE))


def submission_that_nobody_signed(log: StolenLog) -> str:
    return log.append_submission(log.submission_of(FREE), terms=False, release=True, signed_for=False)


def submission_again(log: StolenLog) -> str:
    """The requester requested it once."""
    _, submission = log.submit(FREE)
    return log.append_submission(submission, terms=False, release=True)


def submission_that_was_refused_when_it_came(log: StolenLog) -> str:
    submission = log.submission_of(FREE)
    log.refused_once(submission)
    return log.append_submission(submission, terms=False, release=True)


PASSING: tuple[Callable[[StolenLog], str], ...] = (
    submission_signed_by_the_thief,
    submission_that_nobody_signed,
    submission_again,
    submission_that_was_refused_when_it_came,
)


@pytest.mark.parametrize("attack", PASSING)
def test_R18_stolen_writer_key_alone_releases_nothing_as_unprotected(
    attack: Callable[[StolenLog], str],
) -> None:
    log = StolenLog(Settings(unprotected="pass"))
    request, _ = log.submit(here("free", 1))
    assert log.lacking(request) is None
    assert log.lacking(attack(log)) is not None
