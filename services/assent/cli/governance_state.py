"""The state of governance as a command needs it, whichever way it reaches a log."""

from assent.cli.log_access import Server, Way, following, governance_of
from assent_contracts.core.governance.state import Governance


async def governance_now(to: Way) -> Governance:
    """The state of governance now, from the log or as a gateway tells it."""
    if isinstance(to, Server):
        from assent.cli import server

        return await server.governance(to)
    async with following(to) as follower:
        return governance_of(follower)
