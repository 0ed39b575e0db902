"""`assent doctor` on readers with more than the log: no lag is negative, and none is hidden in a sum."""

import os
from pathlib import Path

import pytest

from assent.cli.diagnosis.log_checks import governance_finding, ledger_finding, reader_findings
from assent.cli.log_completeness import PresentLog, own_heads_if_readable
from assent.cli.options import Options
from assent.decider.heads_file import HeadsFileError, heads_file, read_heads_file, write_heads_file
from assent_contracts.acceptance import Head
from assent_contracts.heads import Found, HeadInEra, KeptHead
from tests.support.losses import loss_at


def there(*ends: int) -> PresentLog:
    found = {("ledger", number): Found(beginning=0, end=end) for number, end in enumerate(ends)}
    return PresentLog(found, {})  # type: ignore[arg-type]


def positions(*offsets: int) -> dict[int, HeadInEra]:
    return {
        number: HeadInEra(Head(offset - 1, "ab" * 32, 0, offset)) for number, offset in enumerate(offsets)
    }


def test_partition_of_which_a_reader_has_too_much_is_named_and_not_summed() -> None:
    behind, beyond = reader_findings("status", positions(100, 5), there(10, 25), (), most=15)
    assert not behind.ok
    assert "20 records behind" in behind.what
    assert not beyond.ok
    assert "assent.ledger/0" in beyond.what
    assert "up to offset 100" in beyond.why
    assert "ends at offset 10" in beyond.why
    assert (beyond.service, beyond.follows_from) == ("status", "assent.ledger/0 cut")


def test_reader_that_has_read_given_up_records_is_named_however_long_the_log_is() -> None:
    behind, gone = reader_findings("status", positions(31, 5), there(99, 25), [loss_at(10)], most=200)
    assert behind.ok
    assert not gone.ok
    assert "continues after offset 11 and what came after that is given up" in gone.why
    assert "restore rebuild" in gone.remedy
    assert len(reader_findings("status", positions(11, 5), there(99, 25), [loss_at(10)], most=200)) == 1


def test_reader_that_has_everything_is_not_behind() -> None:
    [behind] = reader_findings("audit", positions(10, 25), there(10, 25), (), most=15)
    assert behind.ok
    assert "0 records behind" in behind.what


def test_quarantined_records_are_a_fault_only_while_they_are_new_and_never_on_the_request_ledger() -> None:
    assert governance_finding(30, 0, is_recent=False).what == "governance at seq 30, 0 records quarantined"
    new, old = governance_finding(30, 2, is_recent=True), governance_finding(30, 2, is_recent=False)
    assert (new.ok, old.ok, new.what) == (False, True, old.what)
    assert "24 hours" in new.why
    assert ledger_finding(positions(10, 25)).what == "assent.ledger: 0 records quarantined"
    read = positions(10, 25) | {2: HeadInEra(Head(4, "ab" * 32, 0, 8))}
    found = ledger_finding(read)
    assert (found.ok, found.what) == (True, "assent.ledger: 3 records quarantined (in partition 2: 3)")


def test_file_of_heads_is_read_as_written_and_a_broken_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state" / "heads.json"
    assert read_heads_file(path) is None
    heads = [KeptHead("{}", "writer-1", "seal")]
    write_heads_file(path, heads)
    assert read_heads_file(path) == heads
    path.write_bytes(b"[{")
    with pytest.raises(HeadsFileError, match="remove it"):
        read_heads_file(path)


def test_unreadable_file_of_another_user_s_decider_is_left_out(tmp_path: Path) -> None:
    options, identity = Options(data=tmp_path), "1d" * 32
    path = heads_file(tmp_path / "state" / "decider", identity)
    heads = [KeptHead("{}", "writer-1", "seal")]
    write_heads_file(path, heads)
    assert own_heads_if_readable(options, identity) == heads
    path.chmod(0)
    # Root can read any file.
    before = os.geteuid()
    os.seteuid(before or 65534)
    try:
        assert own_heads_if_readable(options, identity) == []
    finally:
        os.seteuid(before)
