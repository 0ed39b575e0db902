"""R16: a row of the audit table states what its record states, in every column."""

from typing import Any

import msgspec
import pytest

from assent.store.audit_row import AuditTableRow, row_of
from assent.verify.audit_table import compare_row
from assent.verify.finding import FindingError
from assent_contracts.acceptance import Accepted
from assent_contracts.topics import LEDGER
from tests.support.chains import PARTITION, Chains


@pytest.fixture(scope="module")
def submitted() -> Accepted:
    chains = Chains()
    chains.submitted()
    return chains.requests.records[0]


@pytest.mark.parametrize("column", [name for name in AuditTableRow.__struct_fields__ if name != "seq"])
def test_R16_row_with_another_value_in_any_column_is_named_with_both_values(
    submitted: Accepted, column: str
) -> None:
    row = row_of(submitted)
    there = getattr(row, column)
    changed: Any = b"{}" if isinstance(there, bytes) else f"{there}x" if isinstance(there, str) else 7
    with pytest.raises(FindingError) as found:
        compare_row("ledger", PARTITION, submitted, msgspec.structs.replace(row, **{column: changed}))
    error = found.value
    assert (error.ledger, error.partition, error.seq) == (LEDGER, PARTITION, 0)
    assert error.difference is not None
    assert error.difference.column == column
    assert error.difference.record != error.difference.table
    if column != "record":
        assert (error.difference.record, error.difference.table) == (there, changed)
        assert repr(there) in error.what or there is None
        assert repr(changed) in error.what


def test_R16_row_with_an_emptied_column_is_named(submitted: Accepted) -> None:
    with pytest.raises(FindingError, match="the audit table has principal = nothing, the record has 'carol'"):
        compare_row(
            "ledger", PARTITION, submitted, msgspec.structs.replace(row_of(submitted), principal=None)
        )


def test_R16_record_without_a_row_is_named(submitted: Accepted) -> None:
    with pytest.raises(FindingError, match="the audit table does not have it"):
        compare_row("ledger", PARTITION, submitted, None)


def test_R16_row_as_the_audit_service_writes_it_matches_the_record(submitted: Accepted) -> None:
    compare_row("ledger", PARTITION, submitted, row_of(submitted))
