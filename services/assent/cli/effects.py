"""What a change of a policy would make of the requests that are open under it."""

from assent.cli import output
from assent.cli.log_access import Server, Way, reading
from assent.reading.policy_effects import LISTED_MAX, Effects, effects, fate_sentence, type_of_change
from assent.store.queries import LIST_MAX, RequestView, open_of_type
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import GovernanceChange


async def effects_now(to: Way, change: GovernanceChange, governance: Governance) -> Effects | None:
    """What it would make of them now; None for changes of other things."""
    kind = type_of_change(change, governance)
    if kind is None:
        return None
    rows, count = await _open(to, kind)
    return effects(change, rows, count, governance)


async def _open(to: Way, kind: str) -> tuple[list[RequestView], int]:
    if isinstance(to, Server):
        from assent.cli import server

        rows = [
            row
            for row in await server.requests(to, "all", LIST_MAX)
            if row.resource_type == kind and row.status in ("needs_approval", "approved")
        ]
        return rows, len(rows)
    async with reading(to) as db:
        return await open_of_type(db, kind, limit=LISTED_MAX)


def say_effects(found: Effects) -> None:
    """Print how many there are, and what happens to each."""
    output.say(f"Open requests of type {found.resource_type}: {found.count:,}")
    for fate, requests in found.fates.items():
        output.say(f"  {fate_sentence(fate, len(requests))} {' '.join(requests)}")
    if found.count > found.listed:
        output.say(f"  These are the {found.listed} oldest.")
