"""Which record of a run is named as the first bad one."""

import pytest

from assent.verify.export_verification import first_bad
from assent_contracts.acceptance import Head
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.ledger import decode_record

START = Head(-1, "1d" * 32)


def run_of(length: int, head: Head) -> list[bytes]:
    values: list[bytes] = []
    prev = head.value_sha256
    for number in range(length):
        record = {
            "seq": head.seq + 1 + number,
            "prev": prev,
            "epoch": 1,
            "at": 1,
            "governance": 0,
            "events": [],
        }
        values.append(encode(record))
        decode_record(values[-1])
        prev = sha256_hex(values[-1])
    return values


@pytest.mark.parametrize("head", [START, Head(41, "ab" * 32)], ids=["from the start", "further on"])
@pytest.mark.parametrize("altered", range(4))
def test_altered_record_is_named_wherever_it_is(head: Head, altered: int) -> None:
    run = run_of(4, head)
    run[altered] = run[altered].replace(b'"at":1', b'"at":2')
    # The seal vouches for the last record, unless that is the altered one.
    index, what = first_bad(run, head, "its seal is bad", last_vouched_for=altered != 3)
    assert index == altered
    assert what == ("its seal is bad" if altered == 3 else "the chain breaks here: its bytes were altered")


def test_missing_record_is_named_by_its_place() -> None:
    run = run_of(4, START)
    del run[1]
    assert first_bad(run, START, "", last_vouched_for=True) == (1, "it has the seq 2")


def test_value_that_is_not_a_record_is_named() -> None:
    run = run_of(3, START)
    for junk in (b"", b"{}", b"\xff", b"[" * 100_000):
        run[1] = junk
        assert first_bad(run, START, "", last_vouched_for=True) == (1, "it is not a ledger record")


def test_run_that_follows_another_head_is_named_at_its_first_record() -> None:
    run = run_of(3, Head(4, "cd" * 32))
    assert first_bad(run, Head(4, "ab" * 32), "", last_vouched_for=True)[0] == 0


def test_run_without_a_break_is_blamed_on_its_last_record() -> None:
    assert first_bad(run_of(3, START), START, "no seal", last_vouched_for=True) == (2, "no seal")
