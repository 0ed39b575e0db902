"""`audit verify FILE` has both ledgers, and so checks there too whether each release existed (R18)."""

from pathlib import Path

import pytest

from assent.verify.export_verification import verify_file
from assent.verify.finding import FindingError
from assent_contracts.topics import GOVERNANCE
from tests.support.chains import Chains
from tests.support.export_file import exported


@pytest.fixture
def chains() -> Chains:
    return Chains()


def _quiet(done: int, total: int) -> None:
    assert 0 <= done <= total


def test_file_with_a_release_that_was_carried_out_is_proved(chains: Chains, tmp_path: Path) -> None:
    chains.carry(chains.released())
    chains.end_carried()
    found = verify_file(*exported(chains, tmp_path / "ledger.jsonl"), _quiet)
    assert found.partitions["governance"].carried == 1


def test_file_in_which_a_release_is_missing_is_named(chains: Chains, tmp_path: Path) -> None:
    seq = chains.carry(chains.submitted())
    with pytest.raises(FindingError) as found:
        verify_file(*exported(chains, tmp_path / "ledger.jsonl"), _quiet)
    assert (found.value.ledger, found.value.seq) == (GOVERNANCE, seq)
