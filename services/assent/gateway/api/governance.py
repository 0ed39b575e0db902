"""GET /api/v1/governance: all that governance says, in one document.

For a client that signs its own changes: it works out on its own machine what a change would do, from the same
state and by the same rules as the decider. There is nothing in it that the pages beside it do not say.
"""

from litestar import Response, get

from assent.gateway.api.governance_pages import GOVERNANCE, versioned
from assent.reading.snapshot import Snapshot, snapshot_of
from assent_contracts.core.governance.state import Governance


@get("/governance", dependencies=GOVERNANCE, operation_id="showGovernance")
async def show_governance(governance: Governance) -> Response[Snapshot]:
    """Show accounts, keys, groups, roles, policies and settings as they are, with their versions."""
    return versioned(governance, snapshot_of(governance))
