"""R16: the records of a request are shown in the order in which they occurred."""

from typing import Final

import msgspec
import pytest

from assent.store.timeline_order import in_causal_order
from assent_contracts.topics import GOVERNANCE, LEDGER


class Row(msgspec.Struct, frozen=True):
    """The fields that the order depends on."""

    ledger: str
    at: int
    principal: str | None
    seq: int
    outcome: str


SUBMITTED: Final = Row(LEDGER, 10, "alice", 4, "assent.change-submitted.v1")
RELEASED: Final = Row(LEDGER, 20, "alice", 6, "assent.request-approved.v1, assent.change-released.v1")
REFUSED: Final = Row(LEDGER, 25, "bob", 7, "not-pending")
COMPLETED: Final = Row(LEDGER, 30, None, 8, "assent.request-completed.v1")


def carried(at: int) -> Row:
    """What governance has recorded about the release, at its own log time."""
    return Row(GOVERNANCE, at, "alice", 2, "assent.policy-created.v1, assent.release-carried-out.v1")


@pytest.mark.parametrize("at", [5, 10, 20])
def test_R16_governance_s_record_follows_its_release_even_if_its_log_time_is_behind(at: int) -> None:
    rows = [carried(at), SUBMITTED, RELEASED, REFUSED, COMPLETED]
    assert in_causal_order(rows) == [SUBMITTED, RELEASED, carried(at), REFUSED, COMPLETED]


@pytest.mark.parametrize("at", [25, 30, 99])
def test_R16_governance_s_record_precedes_what_the_writer_records_of_it_even_if_its_log_time_is_ahead(
    at: int,
) -> None:
    rows = [SUBMITTED, RELEASED, REFUSED, COMPLETED, carried(at)]
    assert in_causal_order(rows) == [SUBMITTED, RELEASED, REFUSED, carried(at), COMPLETED]


def test_R16_records_of_the_request_ledger_are_in_the_order_of_their_seqs() -> None:
    assert in_causal_order([REFUSED, COMPLETED, SUBMITTED]) == [SUBMITTED, REFUSED, COMPLETED]
