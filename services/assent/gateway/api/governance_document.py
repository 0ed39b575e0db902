"""GET /api/v1/governance: the whole state of governance in one document.

It is for clients that sign their own changes: they compute on their own machine what a change would do, from
the same state and by the same rules as the decider. It contains nothing that the other addresses do not show.
"""

from litestar import Response, get

from assent.gateway.api.governance_pages import GOVERNANCE, versioned
from assent.reading.governance_snapshot import Snapshot, snapshot_of
from assent_contracts.core.governance.state import Governance


@get("/governance", dependencies=GOVERNANCE, operation_id="showGovernance")
async def show_governance(governance: Governance) -> Response[Snapshot]:
    """Show accounts, keys, groups, roles, policies and settings as they are, with their versions."""
    return versioned(governance, snapshot_of(governance))
