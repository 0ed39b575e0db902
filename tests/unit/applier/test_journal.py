"""The applier's journal on disk."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from assent_contracts.acceptance import Head
from assent_contracts.client.applier_journal import (
    Journal,
    JournalInUseError,
    JournalOfAnotherLogError,
)
from assent_contracts.client.applier_journal_records import Position
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.heads import HeadInEra
from assent_contracts.released_change import Change

IDENTITY = "a" * 64
GOLDEN = Path(__file__).parents[2] / "contract" / "applier_states"


def change(request: str) -> Change:
    return Change(
        request=request,
        resource="script/run",
        operation="edit",
        requester="somebody",
        justification="why",
        digest=sha256_hex(b'"echo"'),
        submission=sha256_hex(b"submitted"),
        released=3,
        at=1,
        payload=msgspec.Raw(b'"echo"'),
    )


def claimed(journal: Journal, request: str) -> None:
    journal.begin(change(request))
    journal.write(request, "claim", b"claim")


def test_entries_are_there_when_the_journal_is_opened_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    claimed(journal, "0-1")
    journal.keep_position(3, Position(17, "ab"))
    journal.close()
    for _ in ("after a crash", "and written again"):
        again = Journal(tmp_path, IDENTITY)
        assert again.entries() == ["0-1"]
        assert encode(again.change("0-1")) == encode(change("0-1"))
        assert (again.read("0-1", "claim"), again.read("0-1", "report")) == (b"claim", None)
        assert (again.position(3), again.position(0)) == (Position(17, "ab"), Position())
        again.close()


def test_claim_that_was_found_may_have_been_applied_and_one_that_was_made_not_until_it_is_begun(
    tmp_path: Path,
) -> None:
    """An older copy of the folder looks like one whose process was killed before it began."""
    journal = Journal(tmp_path, IDENTITY)
    claimed(journal, "0-1")
    claimed(journal, "0-2")
    journal.begin(change("0-3"))
    journal.begin_to_apply("0-2")
    assert [journal.may_be_applied(request) for request in ("0-1", "0-2")] == [False, True]
    journal.close()
    again = Journal(tmp_path, IDENTITY)
    assert [again.may_be_applied(request) for request in ("0-1", "0-2", "0-3")] == [True, True, False]
    again.forget("0-1", "claim")
    again.write("0-1", "claim", b"another")
    assert not again.may_be_applied("0-1"), "the ledger did not grant the first one"
    again.close()


def test_entry_that_is_done_leaves_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    claimed(journal, "0-3")
    journal.write("0-3", "report", b"report")
    journal.drop("0-3")
    assert journal.entries() == []
    journal.begin(change("0-3"))
    assert journal.read("0-3", "claim") is None, "it was released again"
    journal.drop("0-3")
    journal.close()
    again = Journal(tmp_path, IDENTITY)
    assert again.entries() == []
    again.close()
    assert sorted(path.name for path in again.folder.iterdir()) == ["identity", "journal", "lock"]
    assert len((again.folder / "journal").read_bytes()) < 100


def test_entry_is_dropped_by_people_with_an_empty_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    claimed(journal, "0-1")
    claimed(journal, "0-2")
    journal.close()
    journal.path_to_drop("0-1").touch()
    again = Journal(tmp_path, IDENTITY)
    assert again.entries() == ["0-2"]
    assert not again.path_to_drop("0-1").exists()
    again.close()


def test_cut_off_tail_is_not_read_and_what_is_written_after_it_is(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    claimed(journal, "0-1")
    whole = (journal.folder / "journal").stat().st_size
    journal.keep_position(0, Position(1, "ab"))
    journal.close()
    os.truncate(journal.folder / "journal", whole + 5)
    again = Journal(tmp_path, IDENTITY)
    assert (again.entries(), again.position(0)) == (["0-1"], Position())
    again.write("0-1", "report", b"report")
    again.close()
    third = Journal(tmp_path, IDENTITY)
    assert third.read("0-1", "report") == b"report"
    third.close()


async def test_large_journal_is_written_again_with_what_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY, large_bytes=20_000)
    claimed(journal, "0-0")
    journal.keep_heads({0: HeadInEra(Head(7, "c" * 64, 3, 12), "loss-1")})
    for number in range(1, 400):
        claimed(journal, f"0-{number}")
        journal.keep_position(0, Position(number, "ab"))
        await journal.durable()
        if number % 100:
            journal.drop(f"0-{number}")
    assert (journal.folder / "journal").stat().st_size < 30_000
    kept = ["0-0", "0-100", "0-200", "0-300"]
    for _ in ("now", "and when it is opened again"):
        assert journal.entries() == kept
        assert [journal.change(request).request for request in kept] == kept
        assert journal.read("0-0", "claim") == b"claim"
        assert (journal.position(0), journal.heads()[0].head.seq) == (Position(399, "ab"), 7)
        journal.close()
        journal = Journal(tmp_path, IDENTITY)
    journal.close()


def test_folder_of_files_of_an_earlier_version_is_read_once(tmp_path: Path) -> None:
    folder = tmp_path / IDENTITY[:16]
    shutil.copytree(GOLDEN / "files" / IDENTITY[:16], folder)
    (folder / ".0-7.change.new").write_bytes(b"{")
    (folder / "position-1").write_bytes(b"garbage")
    claim, report = ((folder / name).read_bytes() for name in ("0-2.claim", "1-4.report"))
    for _ in ("once", "and from the new file"):
        journal = Journal(tmp_path, IDENTITY)
        assert journal.entries() == ["0-1", "0-2", "1-3", "1-4"]
        assert all(journal.change(request) == change(request) for request in journal.entries())
        assert (journal.read("0-1", "claim"), journal.read("0-2", "claim")) == (None, claim)
        assert journal.read("1-4", "report") == report
        assert [request for request in journal.entries() if journal.may_be_applied(request)] == [
            "0-2",
            "1-3",
            "1-4",
        ]
        assert (journal.position(3), journal.position(0)) == (Position(17, "ab" * 32), Position(2, ""))
        assert journal.position(1) == Position(), "to read changes again does no harm"
        assert journal.heads()[0] == HeadInEra(Head(7, "c" * 64, 3, 12), "loss-1")
        assert sorted(path.name for path in folder.iterdir()) == ["identity", "journal", "lock"]
        journal.close()


def test_journal_that_was_written_stays_readable(tmp_path: Path) -> None:
    """Golden bytes: what an applier of today leaves is continued by every later one."""
    folder = tmp_path / IDENTITY[:16]
    folder.mkdir()
    golden = (GOLDEN / "journal").read_bytes()
    (folder / "journal").write_bytes(golden)
    journal = Journal(tmp_path, IDENTITY)
    assert journal.entries() == ["0-1", "0-2", "1-3"]
    assert journal.change("1-3") == change("1-3")
    assert (journal.read("0-2", "claim"), journal.read("1-3", "report")) == (b"claim", b"report")
    assert journal.position(3) == Position(17, "ab" * 32)
    assert journal.heads() == {0: HeadInEra(Head(7, "c" * 64, 3, 12), "loss-1")}
    assert (folder / "journal").read_bytes() == golden, "today's are the same bytes"
    journal.close()


def test_two_logs_do_not_share_a_journal(tmp_path: Path) -> None:
    one, other = Journal(tmp_path, IDENTITY), Journal(tmp_path, "b" * 64)
    one.begin(change("0-1"))
    assert other.entries() == []
    one.close()
    other.close()


def test_state_folder_has_one_owner(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    with pytest.raises(JournalInUseError, match="give each its own state folder"):
        Journal(tmp_path, IDENTITY)
    journal.close()
    Journal(tmp_path, IDENTITY).close()


def test_folder_whose_name_two_logs_share_is_refused_to_the_second(tmp_path: Path) -> None:
    Journal(tmp_path, IDENTITY).close()
    with pytest.raises(JournalOfAnotherLogError, match="a state folder of its own"):
        Journal(tmp_path, IDENTITY[:16] + "b" * 48)
    Journal(tmp_path, IDENTITY).close()


def test_ledger_position_is_there_when_the_journal_is_opened_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    assert journal.heads() == {}
    heads = {0: HeadInEra(Head(7, "c" * 64, 3, 12), "loss-1"), 23: HeadInEra(Head(0, "d" * 64, 0, 1))}
    journal.keep_heads(heads)
    journal.close()
    again = Journal(tmp_path, IDENTITY)
    assert again.heads() == heads
    again.close()
