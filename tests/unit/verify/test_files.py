"""Whatever the bytes of an exported file are, they prove the log, or one finding states where they do not."""

import gzip
import random
from pathlib import Path

import msgspec
import pytest

from assent.verify.expected_heads import (
    Expected,
    ExpectedHead,
    ExpectError,
    SealedHead,
    read_expected,
)
from assent.verify.export_file import Manifest
from assent.verify.export_verification import verify_file
from assent.verify.finding import FindingError
from assent.verify.report import Verified
from assent_contracts.client.keys import SecretKey
from assent_contracts.digests import to_base64url
from assent_contracts.heads import SignedHead, encode_head, head_message
from assent_contracts.topics import GOVERNANCE, LEDGER
from tests.support.chains import PARTITION, WRITER, Chains
from tests.support.export_file import exported
from tests.support.people import PARTITIONS


@pytest.fixture(scope="module")
def chains() -> Chains:
    chains = Chains()
    chains.carry(chains.released())
    chains.end_carried()
    return chains


@pytest.fixture(scope="module")
def whole(chains: Chains, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return exported(chains, tmp_path_factory.mktemp("export") / "ledger.jsonl")[0].read_bytes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def _quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def proved(path: Path, chains: Chains, expected: Expected | None = None) -> Verified:
    return verify_file(path, chains.identity, _quiet, expected=expected)


def finding(path: Path, content: bytes, chains: Chains, expected: Expected | None = None) -> FindingError:
    """What is wrong with a file of these bytes."""
    path.write_bytes(content)
    with pytest.raises(FindingError) as found:
        proved(path, chains, expected)
    return found.value


def head(chains: Chains, seq: int = -1) -> ExpectedHead:
    """A head of the request ledger that an auditor has kept."""
    last = chains.requests.records[seq]
    return ExpectedHead(ledger="ledger", partition=PARTITION, seq=last.record.seq, sha256=last.value_sha256)


def expecting(chains: Chains, *heads: ExpectedHead, signed: tuple[SealedHead, ...] = ()) -> Expected:
    return Expected(identity=chains.identity, heads=heads, signed=signed)


def signed_head(chains: Chains, key: SecretKey = WRITER) -> SealedHead:
    """The head as a writer has written it to `assent.heads`."""
    last = head(chains)
    value = encode_head(
        SignedHead(
            ledger=last.ledger,
            partition=last.partition,
            seq=last.seq,
            sha256=last.sha256,
            next_offset=last.seq + 1,
            next_input=0,
            at=0,
            epoch=1,
        )
    )
    seal = to_base64url(key.sign(head_message(chains.identity, value)))
    return SealedHead(value=value.decode(), writer=key.id, seal=seal)


def without_last(content: bytes) -> bytes:
    """The file without its newest record, and with a manifest that agrees."""
    first, *lines = content.splitlines()
    manifest = msgspec.json.decode(first, type=Manifest)
    parts = tuple(
        (ledger, number, records - (ledger == "ledger" and number == PARTITION))
        for ledger, number, records in manifest.parts
    )
    shorter = msgspec.json.encode(msgspec.structs.replace(manifest, parts=parts))
    return b"\n".join((shorter, *lines[:-1])) + b"\n"


def test_missing_partition_of_the_founding_is_named(chains: Chains, file: Path) -> None:
    path, _ = exported(chains, file, partitions=PARTITIONS - 1)
    error = finding(path, path.read_bytes(), chains)
    assert (error.ledger, error.partition) == (LEDGER, PARTITIONS - 1)
    assert (
        error.what
        == f"the log was founded with {PARTITIONS} partitions of requests; the file has {PARTITIONS - 1}"
    )


def test_additional_partition_beyond_the_founding_is_named(chains: Chains, file: Path) -> None:
    path, _ = exported(chains, file, partitions=PARTITIONS + 1)
    assert finding(path, path.read_bytes(), chains).partition == PARTITIONS


def test_file_without_its_newest_record_passes_only_if_no_head_beyond_it_is_known(
    whole: bytes, chains: Chains, file: Path
) -> None:
    cut = without_last(whole)
    file.write_bytes(cut)
    assert any("nothing is missing at the end" in each for each in proved(file, chains).not_checked)
    error = finding(file, cut, chains, expecting(chains, head(chains)))
    assert (error.ledger, error.partition, error.seq) == (LEDGER, PARTITION, head(chains).seq)
    assert "is the last that is there" in error.what


def test_head_that_a_writer_has_signed_is_expected_like_any_other(
    whole: bytes, chains: Chains, file: Path
) -> None:
    expected = expecting(chains, signed=(signed_head(chains),))
    assert finding(file, without_last(whole), chains, expected).seq == head(chains).seq
    file.write_bytes(whole)
    proved(file, chains, expected)


@pytest.mark.parametrize("key", [SecretKey("writer-1", "decider", bytes(32)), SecretKey("x", "x", bytes(32))])
def test_head_that_no_writer_has_signed_cannot_be_used(
    whole: bytes, chains: Chains, file: Path, key: SecretKey
) -> None:
    file.write_bytes(whole)
    with pytest.raises(ExpectError, match="No writer of this log has signed"):
        proved(file, chains, expecting(chains, signed=(signed_head(chains, key),)))


def test_head_of_another_history_is_named(whole: bytes, chains: Chains, file: Path) -> None:
    other = msgspec.structs.replace(head(chains, 0), sha256="0" * 64)
    assert "another record here" in finding(file, whole, chains, expecting(chains, other)).what


def test_head_of_a_partition_that_the_log_never_had_is_named(
    whole: bytes, chains: Chains, file: Path
) -> None:
    other = msgspec.structs.replace(head(chains), partition=PARTITIONS)
    assert finding(file, whole, chains, expecting(chains, other)).partition == PARTITIONS


def test_proof_lists_what_was_not_checked_until_each_end_is_known(
    whole: bytes, chains: Chains, file: Path
) -> None:
    file.write_bytes(whole)
    last = chains.governance.records[-1]
    known = ExpectedHead(ledger="governance", partition=0, seq=last.record.seq, sha256=last.value_sha256)
    [table, ends] = proved(file, chains, expecting(chains, head(chains), known)).not_checked
    others = ", ".join(str(number) for number in range(PARTITIONS) if number != PARTITION)
    assert "audit table" in table
    assert f"at the end of {others}:" in ends


def test_any_flipped_bit_of_record_0_is_a_finding_at_seq_0_or_after_it(
    whole: bytes, chains: Chains, file: Path
) -> None:
    begin = whole.index(b"\n") + 1
    end = whole.index(b"\n", begin)
    for bit in range(8 * begin, 8 * end):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        error = finding(file, bytes(flipped), chains)
        assert (error.ledger, error.partition, error.seq) == (GOVERNANCE, 0, 0), (bit, str(error))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        gzip.compress(bytes(50_000_000)),
        b'{"assent_export":1,"identity":"x","parts":[]}\n',
        b'{"assent_export":1,"identity":"x","parts":[["governance",0,-1]]}\n',
        b'{"assent_export":1,"identity":"x","parts":[["governance",0,0]]}\n',
        b'{"assent_export":1,"identity":"x","parts":[["governance",0,9007199254740991]]}\n',
        b'{"assent_export":1,"identity":"x","parts":[["governance",0,1e400]]}\n',
        b'{"assent_export":1,"identity":"x","parts":[["governance",0,' + b"9" * 5_000 + b"]]}\n",
        b'{"assent_export":1,"identity":"x","parts":[["governance",0,1]]}\n{"ledger":"governance"}\n',
    ],
    ids=range(11),
)
def test_file_that_is_not_an_export_is_one_finding(content: bytes, chains: Chains, file: Path) -> None:
    assert finding(file, content, chains).ledger == GOVERNANCE


def test_file_truncated_anywhere_is_a_finding(whole: bytes, chains: Chains, file: Path) -> None:
    choose = random.Random(3)
    for end in sorted(choose.sample(range(len(whole) - 1), 200)):
        finding(file, whole[:end], chains)


def test_folder_is_not_a_file(chains: Chains, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        proved(tmp_path, chains)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b"{}", b'{"identity":"x"}', b"[" * 100_000, b" " * (17 * 1024 * 1024)]
)
def test_invalid_file_of_heads_is_reported(content: bytes, chains: Chains, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(ExpectError):
        read_expected(file, chains.identity)


def test_heads_of_another_log_are_refused(chains: Chains, file: Path) -> None:
    file.write_bytes(msgspec.json.encode(Expected(identity="0" * 64)))
    with pytest.raises(ExpectError, match="of the log 0000"):
        read_expected(file, chains.identity)
