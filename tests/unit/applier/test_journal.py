"""The applier's journal on disk."""

from pathlib import Path

import msgspec
import pytest

from assent_contracts.acceptance import Head
from assent_contracts.client.applier_journal import (
    Journal,
    JournalInUseError,
    JournalOfAnotherLogError,
    Position,
)
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.heads import HeadInEra
from assent_contracts.released_change import Change

IDENTITY = "a" * 64


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


def test_entries_are_there_when_the_journal_is_opened_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    journal.begin(change("0-1"))
    journal.write("0-1", "claim", b"claim")
    journal.keep_position(3, Position(17, "ab"))
    journal.close()
    again = Journal(tmp_path, IDENTITY)
    assert again.entries() == ["0-1"]
    assert encode(again.change("0-1")) == encode(change("0-1"))
    assert (again.read("0-1", "claim"), again.read("0-1", "begun")) == (b"claim", None)
    assert (again.position(3), again.position(0)) == (Position(17, "ab"), Position())
    again.close()


def test_crash_leftovers_of_finished_or_unstarted_entries_are_removed(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path, IDENTITY)
    for part in ("claim", "begun", "report"):
        journal.write("0-1", part, b"")
    (journal.folder / ".0-2.change.new").write_bytes(b"{")
    journal.begin(change("0-3"))
    assert journal.entries() == ["0-3"]
    journal.drop("0-3")
    assert journal.entries() == []
    assert sorted(path.name for path in journal.folder.iterdir()) == ["begun-is-kept", "identity", "lock"]
    journal.close()


def test_damaged_position_only_costs_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    (journal.folder / "position-0").write_bytes(b"garbage")
    assert journal.position(0) == Position()
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


def test_claim_of_an_older_client_may_have_been_applied(tmp_path: Path) -> None:
    journal = Journal(tmp_path, IDENTITY)
    for request, parts in {"0-1": ("claim",), "0-2": (), "0-3": ("claim", "begun")}.items():
        journal.begin(change(request))
        for part in parts:
            journal.write(request, part, b"x")
    journal.close()
    # Nothing was lost by stopping now. An older client has not left this file, however.
    again = Journal(tmp_path, IDENTITY)
    assert again.read("0-1", "begun") is None
    again.close()
    (again.folder / "begun-is-kept").unlink()
    newer = Journal(tmp_path, IDENTITY)
    assert [newer.read(f"0-{number}", "begun") for number in (1, 2, 3)] == [b"", None, b"x"]
    newer.close()
