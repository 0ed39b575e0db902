"""A file of records: what was durable is read again, and what a crash has cut off is not."""

import asyncio
import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assent_contracts.client.record_file import RECORD_MAX_BYTES, START, NotARecordFileError, RecordFile

RECORDS = [b"one", b"\0", b"three" * 100]


def written(path: Path, records: list[bytes]) -> bytes:
    path.unlink(missing_ok=True)
    file = RecordFile(path)
    for record in records:
        file.append(record)
    file.close()
    return path.read_bytes()


def read(path: Path) -> list[bytes]:
    file = RecordFile(path)
    try:
        return [value for _, value in file.records()]
    finally:
        file.close()


def test_a_file_has_the_described_form(tmp_path: Path) -> None:
    assert written(tmp_path / "f", [b"abc"]) == (
        b"assent-records-1\n" + struct.pack("<II", 3, 0x352441C2) + b"abc"
    )


@given(records=st.lists(st.binary(min_size=1, max_size=50), max_size=5), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_a_file_that_was_cut_anywhere_has_the_records_before_the_cut(
    tmp_path: Path, records: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path / "f"
    whole = written(path, records)
    cut = data.draw(st.integers(len(START), len(whole)))
    path.write_bytes(whole[:cut])
    ends = [len(START) + sum(8 + len(each) for each in records[:n]) for n in range(len(records) + 1)]
    assert read(path) == records[: sum(end <= cut for end in ends) - 1]


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\xff" * 100, struct.pack("<II", 3, 0) + b"abc"])
def test_a_tail_that_does_not_match_its_checksum_is_not_read(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(written(path, RECORDS) + tail)
    assert read(path) == RECORDS


def test_a_changed_byte_ends_the_records_before_it_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "f"
    content = bytearray(written(path, RECORDS))
    assert read(path) == RECORDS
    assert caplog.messages == []
    at = len(START) + 8 + 3
    content[at + 8] ^= 1
    path.write_bytes(content)
    assert read(path) == [b"one"]
    [told] = caplog.messages
    assert f"its last {len(content) - at} bytes, from {at} on, cannot be read" in told


def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"something else")
    with pytest.raises(NotARecordFileError, match="is not a file of records"):
        read(path)
    assert path.read_bytes() == b"something else"


@pytest.mark.parametrize("value", [b"", b"x" * (RECORD_MAX_BYTES + 1)], ids=["empty", "large"])
def test_a_record_that_could_not_be_read_again_is_refused(tmp_path: Path, value: bytes) -> None:
    file = RecordFile(tmp_path / "f")
    with pytest.raises(ValueError, match="1 to"):
        file.append(value)
    file.close()


async def test_all_who_wait_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (syncs.append(file), real(file)))
    file = RecordFile(tmp_path / "f")

    async def one(number: int) -> None:
        file.append(b"%d" % number)
        await file.durable()

    await asyncio.gather(*(one(number) for number in range(100)))
    assert 1 <= len(syncs) <= 2
    await file.durable()
    assert len(syncs) <= 2, "nothing was appended since"
    file.close()


async def test_what_is_appended_during_a_sync_waits_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RecordFile(tmp_path / "f")
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    sizes: list[int] = []

    def sync(descriptor: int) -> None:
        sizes.append(os.fstat(descriptor).st_size)
        loop.call_soon_threadsafe(begun.set)

    monkeypatch.setattr(os, "fdatasync", sync)
    file.append(b"first")
    first = asyncio.create_task(file.durable())
    await begun.wait()
    file.append(b"second")
    await file.durable()
    await first
    assert sizes[-1] == file.end
    await file.settle()
    file.close()


async def test_after_a_failed_sync_nothing_is_said_to_be_durable_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RecordFile(tmp_path / "f")
    file.append(b"first")

    def fail(_: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fail)
        with pytest.raises(OSError, match="no space left"):
            await file.durable()
    with pytest.raises(OSError, match="no space left"):
        await file.durable()
    with pytest.raises(OSError, match="no space left"):
        file.append(b"second")
    file.close()


async def test_replaced_records_are_durable_and_nobody_waits_for_the_old_ones(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "f")
    for record in RECORDS:
        file.append(record)
    [place] = file.replace([b"what counts"])
    assert file.read(place) == b"what counts"
    await file.durable()
    second = file.append(b"and more")
    await file.durable()
    assert file.read(second) == b"and more"
    file.close()
    assert read(tmp_path / "f") == [b"what counts", b"and more"]
    assert not (tmp_path / ".f.new").exists()
