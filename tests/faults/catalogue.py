"""Every seeded fault."""

from typing import Final

from tests.faults import (
    of_claims,
    of_conditions,
    of_findings,
    of_governance,
    of_readers,
    of_rules,
    of_sets,
    of_snapshots,
    of_the_log,
    of_time_and_heads,
    of_tool_calls,
    of_upstreams,
)
from tests.faults.fault import Fault

FAULTS: Final[tuple[Fault, ...]] = (
    *of_rules.FAULTS,
    *of_conditions.FAULTS,
    *of_claims.FAULTS,
    *of_findings.FAULTS,
    *of_sets.FAULTS,
    *of_snapshots.FAULTS,
    *of_governance.FAULTS,
    *of_the_log.FAULTS,
    *of_readers.FAULTS,
    *of_time_and_heads.FAULTS,
    *of_upstreams.FAULTS,
    *of_tool_calls.FAULTS,
)
