"""Claim only what the account may apply: wait for the role instead of being refused for every change."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.open_requests import OpenRequest
from assent_contracts.released_change import Change
from assent_contracts.resources import resource_type

_LOOK_EVERY_S: Final = 5.0


def may_apply(governance: GovernanceFollower, principal: str, change: Change) -> bool:
    """Whether the account has the role applier for the change's type now."""
    now = governance.past.at(governance.writers.head)
    return now.has_role(principal, "applier", resource_type(change.resource))


async def until_may_apply(
    governance: GovernanceFollower,
    principal: str,
    change: Change,
    find: Callable[[str], OpenRequest | None],
) -> bool:
    """Wait for the role; False once the change waits for no claim any more. Raises what reading raised."""
    while not may_apply(governance, principal, change):
        found = find(change.request)
        if found is None or found.grant is not None or not found.is_release(change):
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_S):
                await governance.beyond(governance.writers.head)
    return True
