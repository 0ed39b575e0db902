"""How far the tables are behind the ledger, and waiting until they contain what a client wrote."""

import asyncio
from typing import Annotated, Final

import asyncpg
import structlog
from litestar.params import HeaderParameter

from assent.gateway.problems import Problem, malformed_problem
from assent.store.queries import projected_heads
from assent.store.reader_service import UNREACHABLE
from assent_contracts.client.task_end import end
from assent_contracts.resources import REQUEST_ID_PATTERN, parse_request_id

AFTER_HEADER: Final = "assent-after"
"""`<partition>-<seq>`, from the `position` of an answer. The answer to this request will include it."""
LAG_HEADER: Final = "assent-lag"
"""How many ledger records the tables do not contain yet."""
AfterHeader = Annotated[
    str | None,
    HeaderParameter(
        name=AFTER_HEADER,
        max_length=40,
        schema_extra={"pattern": f"^{REQUEST_ID_PATTERN}$"},
        description="Answer once the lists have reached this position: the `position` of an answer.",
    ),
]
_LOOK_EVERY_S: Final = 0.02
_IDLE_S: Final = 0.5
_WAIT_S: Final = 3.0


class TableLag:
    """The positions of the status tables, checked often while a caller waits and rarely otherwise."""

    def __init__(self, db: asyncpg.Pool) -> None:
        self._db = db
        self._heard: dict[int, int] = {}
        self._durable: dict[int, int] = {}
        self.moves = 0
        """Counts changes of the ledger's and of the tables' positions."""
        self._moved = asyncio.Condition()
        self._waiting = 0
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to check."""
        self._task = asyncio.create_task(self._look(), name="lag")

    async def stop(self) -> None:
        """Stop checking."""
        if self._task is not None:
            await end(self._task)

    def heard(self, partition: int, seq: int) -> None:
        """Note that the ledger has a record at `seq`."""
        self._heard[partition] = seq
        self.moves += 1

    def heard_up_to(self) -> dict[int, int]:
        """The newest seq of each ledger partition that this gateway has received since it started."""
        return dict(self._heard)

    def is_coming(self, partition: int, seq: int) -> bool:
        """Whether the ledger has this record but the tables may not."""
        return self._durable.get(partition, -1) < seq <= self._heard.get(partition, -1)

    def records(self) -> int:
        """How many records the tables lack, as far as this gateway knows."""
        return sum(max(0, seq - self._durable.get(partition, -1)) for partition, seq in self._heard.items())

    async def reach(self, after: str | None) -> None:
        """Return once the tables have reached the position `after`. Raises Problem: malformed, lagging."""
        if after is None:
            return
        place = parse_request_id(after)
        if place is None:
            raise malformed_problem(f"{AFTER_HEADER} is not <partition>-<seq>: {after[:64]!r}.")
        await self._hold(*place, "Ask again after Retry-After seconds. The decision itself is final.")

    async def settled(self, request_id: str) -> None:
        """Return once the tables contain what this gateway has received of a request's partition.

        Raises Problem: lagging. Then the request's state in the tables may be old.
        """
        place = parse_request_id(request_id)
        if place is not None:
            heard = self._heard.get(place[0], -1)
            await self._hold(place[0], heard, "Nothing was sent. Try again after Retry-After seconds.")

    async def _hold(self, partition: int, seq: int, todo: str) -> None:
        if not await self.durable(partition, seq, within_s=_WAIT_S):
            detail = (
                f"The lists do not contain {partition}-{seq} yet. They are {self.records():,} records behind."
            )
            raise Problem(503, "lagging", detail, todo=todo, headers={"Retry-After": "1"})

    async def durable(self, partition: int, seq: int, *, within_s: float) -> bool:
        """Whether the tables get this record within so many seconds."""
        if self.holds(partition, seq):
            return True
        self._waiting += 1
        self._woken.set()
        try:
            async with asyncio.timeout(within_s), self._moved:
                await self._moved.wait_for(lambda: self.holds(partition, seq))
        except TimeoutError:
            return False
        else:
            return True
        finally:
            self._waiting -= 1

    def holds(self, partition: int, seq: int) -> bool:
        """Whether the tables had this record at the last check."""
        return self._durable.get(partition, -1) >= seq

    async def looked(self) -> None:
        """Return after the next check of the tables, which is soon."""
        self._waiting += 1
        self._woken.set()
        try:
            async with self._moved:
                await self._moved.wait()
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        while True:
            try:
                durable = {number: head.seq for number, head in (await projected_heads(self._db)).items()}
                self.moves += durable != self._durable
                self._durable = durable
            except UNREACHABLE as error:
                structlog.get_logger().warning("the positions could not be read", error=repr(error))
            async with self._moved:
                self._moved.notify_all()
            if self._waiting:
                await asyncio.sleep(_LOOK_EVERY_S)
                continue
            self._woken.clear()
            try:
                async with asyncio.timeout(_IDLE_S):
                    await self._woken.wait()
            except TimeoutError:
                continue
