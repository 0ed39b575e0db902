"""What an applier may do with a change, by what the ledger states about its request."""

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from assent_contracts.client.applier_steps import granted, is_settled, left_alone, not_to_apply
from assent_contracts.client.handler_run import too_late
from assent_contracts.client.open_requests import Grant, OpenRequest, ReleasedAt
from assent_contracts.commands import Claim, Outcome, ReportOutcome
from assent_contracts.core.requests.states import Released, Submission
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change
from tests.support.people import START

PAYLOAD = msgspec.Raw(b'{"version":2}')
OPEN = OpenRequest(
    request="0-1",
    offset=1,
    resource="app/a",
    operation="edit",
    requester="alice",
    justification="why",
    digest=sha256_hex(PAYLOAD),
    submission=sha256_hex(b"submitted"),
)
RELEASED = msgspec.structs.replace(OPEN, release=ReleasedAt(4, START))
CHANGE = RELEASED.change(PAYLOAD)
CLAIM = Claim(id="c-1", principal="applier", at=START, resource="app/a", request="0-1")
GRANT = Grant(claim=6, command="c-1", applier="applier", digest=OPEN.digest, deadline=START + 60_000)
CLAIMED = msgspec.structs.replace(RELEASED, grant=GRANT)


def report(outcome: Outcome, claim: int | UnsetType = UNSET) -> ReportOutcome:
    return ReportOutcome(
        id="r-1",
        principal="applier",
        at=START,
        resource="app/a",
        request="0-1",
        outcome=outcome,
        claim=claim,
    )


def why(change: Change | None, found: OpenRequest | None, *, in_hand: bool = False) -> str | None:
    """Why a record is ignored."""
    handled = left_alone(change, found, types=("app",), in_hand=in_hand)
    return None if handled is None else handled.result


def test_released_and_unclaimed_change_is_claimed() -> None:
    assert why(CHANGE, RELEASED) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"operation": "delete"},
        {"resource": "app/b"},
        {"requester": "bob"},
        {"payload": msgspec.Raw(b'{"version":3}')},
        {"released": 5},
    ],
)
def test_record_that_differs_from_the_release_in_any_field_is_forged(changed: dict[str, object]) -> None:
    other = msgspec.structs.replace(CHANGE, **changed)
    assert why(other, RELEASED) == "forged"
    assert not_to_apply(other, OPEN.digest, CLAIMED) is not None


def test_R18_R29_what_assent_carries_out_itself_is_not_claimed_whoever_writes_it_for_appliers() -> None:
    governed = msgspec.structs.replace(RELEASED, resource="access-policy/policy/scripts")
    submission = Submission(1, "app/a", "alice", "p-alice", "0" * 64, OPEN.digest, (), members=2)
    of_set = msgspec.structs.replace(RELEASED, state=Released(submission, START))
    for found in (governed, of_set):
        assert left_alone(found.change(PAYLOAD), found, types=None, in_hand=False) is not None
        assert why(found.change(PAYLOAD), found) == "forged"


def test_change_not_open_not_released_not_ours_or_in_progress_is_ignored() -> None:
    assert why(None, None) == "unreadable"
    assert why(CHANGE, None) == "not-open"
    assert why(CHANGE, OPEN) == "forged"
    assert why(CHANGE, RELEASED, in_hand=True) == "in-hand"
    assert why(CHANGE, CLAIMED) == "not-open"
    handled = left_alone(CHANGE, RELEASED, types=("script",), in_hand=False)
    assert handled is not None
    assert handled.result == "other-type"


def test_claim_is_granted_to_its_own_command_and_applier_only() -> None:
    assert granted(CLAIMED, CLAIM) == GRANT
    assert granted(RELEASED, CLAIM) is None
    for other in ({"id": "c-2"}, {"principal": "applier2"}):
        assert isinstance(granted(CLAIMED, msgspec.structs.replace(CLAIM, **other)), str)
    assert isinstance(granted(None, CLAIM), str)


def test_claimed_change_is_applied_if_it_is_the_release() -> None:
    assert not_to_apply(CHANGE, OPEN.digest, CLAIMED) is None
    assert not_to_apply(CHANGE, OPEN.digest, None) is None
    other = not_to_apply(CHANGE, sha256_hex(b"other"), CLAIMED)
    assert other is not None
    assert other.outcome == "failed"


def test_outcome_of_a_change_that_may_have_been_applied_is_unknown() -> None:
    assert too_late(begun=True).outcome == "unknown"
    assert too_late(begun=False).outcome == "failed"


def test_outcome_is_reported_until_the_ledger_has_it() -> None:
    assert is_settled(None, "applier", report("succeeded"))
    assert is_settled(CLAIMED, "applier2", report("succeeded"))
    assert not is_settled(CLAIMED, "applier", report("succeeded"))
    assert not is_settled(CLAIMED, "applier", report("unknown"))
    unsettled = msgspec.structs.replace(CLAIMED, unsettled=True)
    assert is_settled(unsettled, "applier", report("unknown"))
    assert not is_settled(unsettled, "applier", report("succeeded"))


def test_report_of_an_older_claim_is_not_sent_again_and_again() -> None:
    assert is_settled(CLAIMED, "applier", report("succeeded", claim=GRANT.claim - 1))
    assert not is_settled(CLAIMED, "applier", report("succeeded", claim=GRANT.claim))
