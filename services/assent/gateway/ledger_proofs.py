"""R23: the ledger's own record at a request's place, however old. Postgres only names the offset."""

from collections import OrderedDict
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from assent_contracts.client.follower import NotFollowingError
from assent_contracts.client.ledger_lookup import LedgerLookup
from assent_contracts.proof import NotProven

CACHE_MAX_BYTES: Final = 32 * 1024 * 1024
"""For the proven records that were requested last."""
_WITHIN_S = 3.0
_AROUND_BYTES: Final = 200
"""The memory for one record besides its value."""


class LedgerUnreadableError(Exception):
    """The ledger could not be read in time, so its content is unknown."""


class LedgerProofs:
    """Proven records by their place. They stay proven, because the ledger only grows."""

    def __init__(
        self, lookup: LedgerLookup, for_clients: LedgerLookup, *, max_bytes: int = CACHE_MAX_BYTES
    ) -> None:
        """Both started. `for_clients`: for proofs that clients verify, so that those do not delay pages."""
        self._lookup = lookup
        self.for_clients: Final = for_clients
        self._max_bytes = max_bytes
        self._values: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._bytes = 0

    async def value_at(self, partition: int, seq: int, offset: int) -> bytes | NotProven:
        """The value of a partition's record `seq`, expected at `offset`. Raises LedgerUnreadableError."""
        known = self._values.get((partition, seq))
        if known is not None:
            self._values.move_to_end((partition, seq))
            return known
        try:
            run = await self._lookup.run_at(partition, seq, offset, within_s=_WITHIN_S)
        except (KafkaError, NotFollowingError, TimeoutError, OSError) as error:
            structlog.get_logger().warning(
                "the ledger could not be read", partition=partition, seq=seq, error=repr(error)
            )
            raise LedgerUnreadableError from error
        if isinstance(run, NotProven):
            return run
        self._keep((partition, seq), run.values[0])
        return run.values[0]

    def _keep(self, place: tuple[int, int], value: bytes) -> None:
        if place in self._values:
            return
        self._values[place] = value
        self._bytes += len(value) + _AROUND_BYTES
        while self._bytes > self._max_bytes and len(self._values) > 1:
            _, oldest = self._values.popitem(last=False)
            self._bytes -= len(oldest) + _AROUND_BYTES
