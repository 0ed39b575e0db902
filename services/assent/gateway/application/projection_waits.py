"""Wait until the tables contain a record that was just decided, so that callers read their own writes."""

import asyncio
from typing import Final

from assent.gateway.gateway_components import Gateway
from assent.store.queries import projected_heads

_SHOWN_WITHIN_S: Final = 5.0
_AUDITED_WITHIN_S: Final = 3.0
_LOOK_EVERY_S: Final = 0.03


async def requests_caught_up(gateway: Gateway, position: str) -> bool:
    """Whether the status tables get the record at a position, `<partition>-<seq>`, within a few seconds."""
    partition, _, seq = position.partition("-")
    return await gateway.lag.durable(int(partition), int(seq), within_s=_SHOWN_WITHIN_S)


async def audit_caught_up(gateway: Gateway, partition: int, seq: int) -> bool:
    """Whether the audit log gets a record of the request ledger within a few seconds."""
    deadline = asyncio.get_running_loop().time() + _AUDITED_WITHIN_S
    while True:
        head = (await projected_heads(gateway.db, "audit")).get(partition)
        if head is not None and head.seq >= seq:
            return True
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_LOOK_EVERY_S)
