"""The lease, measured only by the log's clock, and messages that the ledger accepts."""

import time

from msgspec import UNSET

from assent_contracts.client.lease import Lease
from assent_contracts.client.outcome_message import outcome_message, outcome_version
from assent_contracts.limits import OUTCOME_MESSAGE_MAX_CHARS, VERSION_MAX_CHARS


def test_lease_counts_from_when_the_claim_was_sent_not_from_the_answer() -> None:
    now = time.monotonic()
    assert not Lease(claim=1, deadline=10_000, digest="", log_ms=5_000, sent=now - 4).over()
    assert Lease(claim=1, deadline=10_000, digest="", log_ms=5_000, sent=now - 5).over()


def test_lease_uses_no_clock_but_the_log_s() -> None:
    """Log time may differ by years from this machine's time."""
    assert not Lease(claim=1, deadline=100, digest="", log_ms=0, sent=time.monotonic()).over()
    assert Lease(claim=1, deadline=1 << 50, digest="", log_ms=1 << 50, sent=time.monotonic()).over()


def test_message_is_made_printable_and_cut_to_the_limit() -> None:
    assert outcome_message("a\x00b\nc\td\x1b[31m\x85\ud800") == "a b\nc\td [31m  "
    assert outcome_message("ä" * 10_000) == "ä" * (OUTCOME_MESSAGE_MAX_CHARS - 1) + "…"
    assert outcome_message("ä" * OUTCOME_MESSAGE_MAX_CHARS) == "ä" * OUTCOME_MESSAGE_MAX_CHARS


def test_version_that_the_ledger_would_refuse_does_not_hold_up_the_report() -> None:
    assert outcome_version("v7") == "v7"
    for version in ("", "a\nb", "v" * (VERSION_MAX_CHARS + 1)):
        assert outcome_version(version) is UNSET
