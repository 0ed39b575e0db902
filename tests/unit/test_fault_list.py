"""The list of seeded faults is up to date: each patch fits today's source."""

from pathlib import Path

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.breaks)
def test_fault_is_found_exactly_once_in_the_source(fault: Fault) -> None:
    assert (_ROOT / fault.file).read_text().count(fault.old) == 1
    assert all((_ROOT / path).exists() for path in fault.tests)


def test_there_are_enough_faults_and_each_has_its_own_name() -> None:
    assert len({fault.breaks for fault in FAULTS}) == len(FAULTS) >= 140
