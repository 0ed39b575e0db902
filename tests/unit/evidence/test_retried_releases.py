"""A release after an unknown outcome has evidence only if an administrator has signed for it."""

from collections.abc import Callable

import pytest
from msgspec import UNSET

from assent_contracts import commands as c
from assent_contracts.commands import Settlement
from assent_contracts.events import ChangeClaimed, OutcomeUnknown
from assent_contracts.governance_objects import Settings
from tests.support.stolen_writer import StolenLog, here

APP, OTHER_APP = here("app"), here("app", 1)
LEASE_MS = Settings().lease_ms


class RetriedLog(StolenLog):
    """The log of the thief, with appliers and administrators."""

    def claim_of(self, request: str, resource: str = APP, applier: str = "applier") -> c.Claim:
        return c.Claim(**self.about(applier), resource=resource, request=request)

    def settle_of(self, request: str, outcome: Settlement = "retry", who: str = "dave") -> c.Settle:
        return c.Settle(
            **self.about(who), resource=APP, request=request, outcome=outcome, reason="It is not there."
        )

    def claimed(self) -> tuple[str, c.SubmitChange]:
        """A change that was released and claimed, both honestly."""
        request, submission = self.completed(APP, "bob")
        self.accepted(self.claim_of(request))
        return request, submission

    def end_lease(self, request: str, after_ms: int = LEASE_MS) -> None:
        """The writer records that the lease has ended. The thief can do so earlier."""
        self.at += after_ms
        event = OutcomeUnknown(request=request, cause="lease-ended")
        self.state.record(self.requests.next_seq, self.at, (event,), governance=self._seen.seq)
        self.put_request((event,))

    def unknown(self) -> tuple[str, c.SubmitChange]:
        """A change whose lease has ended."""
        request, submission = self.claimed()
        self.end_lease(request)
        return request, submission


@pytest.fixture
def log() -> RetriedLog:
    return RetriedLog()


def test_R1_retry_that_an_administrator_signed_has_evidence(log: RetriedLog) -> None:
    request, _ = log.unknown()
    log.accepted(log.settle_of(request))
    assert log.lacking(request) is None


def test_R1_each_of_several_retries_has_evidence(log: RetriedLog) -> None:
    request, _ = log.unknown()
    for applier in ("applier2", "applier"):
        log.accepted(log.settle_of(request))
        log.refused(log.settle_of(request))
        log.accepted(log.claim_of(request, applier=applier))
        log.accepted(c.ReportOutcome(**log.about(applier), resource=APP, request=request, outcome="unknown"))
    log.accepted(log.settle_of(request))
    assert log.lacking(request) is None


def test_R1_retry_after_a_renewed_lease_has_evidence(log: RetriedLog) -> None:
    request, _ = log.claimed()
    number = log.requests.next_seq - 1
    log.at += LEASE_MS - 1
    log.accepted(c.RenewLease(**log.about("applier"), resource=APP, request=request, claim=number))
    log.end_lease(request)
    log.accepted(log.settle_of(request))
    assert log.lacking(request) is None


def test_claims_and_ended_leases_of_a_release_leave_its_evidence_as_it_is(log: RetriedLog) -> None:
    request, _ = log.unknown()
    assert log.lacking(request) is None


def nobody_settled(log: RetriedLog) -> str:
    request, submission = log.unknown()
    log.append(log.release_of(request, submission))
    return request


def the_thief_settled(log: RetriedLog) -> str:
    request, _ = log.unknown()
    log.forge(log.settle_of(request))
    return request


def the_requester_settled(log: RetriedLog) -> str:
    request, submission = log.unknown()
    log.append(
        log.release_of(request, submission), command=log.as_signed(log.settle_of(request, who="alice"))
    )
    return request


def an_approver_settled(log: RetriedLog) -> str:
    request, submission = log.unknown()
    log.append(log.release_of(request, submission), command=log.as_signed(log.settle_of(request, who="bob")))
    return request


def it_was_settled_as_failed(log: RetriedLog) -> str:
    request, submission = log.unknown()
    command = log.as_signed(log.settle_of(request, "failed"))
    log.append(log.release_of(request, submission), command=command)
    return request


def a_retry_was_used_twice(log: RetriedLog) -> str:
    request, submission = log.unknown()
    settle = log.settle_of(request)
    log.accepted(settle)
    log.accepted(log.claim_of(request))
    log.end_lease(request)
    log.append(log.release_of(request, submission), command=log.as_signed(settle))
    return request


def a_retry_was_refused_before(log: RetriedLog) -> str:
    request, submission = log.claimed()
    settle = log.refused(log.settle_of(request))
    log.end_lease(request)
    log.append(log.release_of(request, submission), command=settle)
    return request


def the_lease_had_not_ended(log: RetriedLog) -> str:
    request, _ = log.claimed()
    log.end_lease(request, LEASE_MS - 1)
    log.accepted(log.settle_of(request))
    return request


def the_claim_was_never_signed(log: RetriedLog) -> str:
    request, submission = log.completed(APP, "bob")
    claimed = ChangeClaimed(
        request=request,
        applier="applier",
        digest=log.release_of(request, submission).digest,
        deadline=log.at + LEASE_MS,
    )
    log.append(claimed)
    log.end_lease(request)
    log.accepted(log.settle_of(request))
    return request


def the_thief_claimed(log: RetriedLog) -> str:
    request, _ = log.completed(APP, "bob")
    log.forge(log.claim_of(request))
    log.end_lease(request)
    log.accepted(log.settle_of(request))
    return request


def the_claim_was_of_another_request(log: RetriedLog) -> str:
    other, _ = log.completed(OTHER_APP, "bob")
    claim = log.as_signed(log.claim_of(other, OTHER_APP))
    request, submission = log.completed(APP, "bob")
    claimed = ChangeClaimed(
        request=request,
        applier="applier",
        digest=log.release_of(request, submission).digest,
        deadline=log.at + LEASE_MS,
    )
    log.append(claimed, command=claim)
    log.end_lease(request)
    log.accepted(log.settle_of(request))
    return request


FORGED: dict[Callable[[RetriedLog], str], str] = {
    nobody_settled: "it contains no signed command",
    the_thief_settled: "signature",
    the_requester_settled: "not-permitted",
    an_approver_settled: "not-permitted",
    it_was_settled_as_failed: "its events are not what its command makes",
    a_retry_was_used_twice: "its command was received before",
    a_retry_was_refused_before: "its command was received before",
    the_lease_had_not_ended: "the lease had not ended",
    the_claim_was_never_signed: "it contains no signed command",
    the_thief_claimed: "signature",
    the_claim_was_of_another_request: "its command is about another object",
}


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
def test_R1_retry_without_what_leads_to_it_has_no_evidence(
    log: RetriedLog, forge: Callable[[RetriedLog], str]
) -> None:
    lacks = log.lacking(forge(log))
    assert lacks is not None
    assert FORGED[forge] in lacks


def test_an_own_record_that_contains_a_command_is_not_the_end_of_a_lease(log: RetriedLog) -> None:
    request, submission = log.claimed()
    log.at += LEASE_MS
    log.append(
        OutcomeUnknown(request=request, cause="lease-ended"),
        command=log.as_signed(log.settle_of(request)),
    )
    assert log.requests.records[-1].record.command is not UNSET
    log.append(log.release_of(request, submission), command=log.as_signed(log.settle_of(request)))
    assert log.lacking(request) is not None
