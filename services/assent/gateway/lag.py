"""How far the tables are behind the ledger, and waiting until they hold what a client has written."""

import asyncio
from typing import Annotated, Final

import asyncpg
import structlog
from litestar.params import HeaderParameter

from assent.gateway.problems import Problem, malformed
from assent.store.queries import heads
from assent.store.service import UNREACHABLE
from assent_contracts.client.task_end import end
from assent_contracts.resources import REQUEST_ID_PATTERN, parse_request_id

AFTER_HEADER: Final = "assent-after"
"""`<partition>-<seq>`, as an answer's `position` says: the answer to this request knows it."""
LAG_HEADER: Final = "assent-lag"
"""How many ledger records the tables do not hold yet."""
After = Annotated[
    str | None,
    HeaderParameter(
        name=AFTER_HEADER,
        max_length=40,
        schema_extra={"pattern": f"^{REQUEST_ID_PATTERN}$"},
        description="Answer once the lists hold this position: an answer's `position`.",
    ),
]
_LOOK_EVERY_S: Final = 0.02
_IDLE_S: Final = 0.5
_WAIT_S: Final = 3.0


class Lag:
    """The status tables' positions, looked at often while somebody waits and seldom otherwise."""

    def __init__(self, db: asyncpg.Pool) -> None:
        self._db = db
        self._heard: dict[int, int] = {}
        self._durable: dict[int, int] = {}
        self.moves = 0
        """Counts changes: of what was heard of the ledger, and of what the tables hold."""
        self._moved = asyncio.Condition()
        self._waiting = 0
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look(), name="lag")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            await end(self._task)

    def heard(self, partition: int, seq: int) -> None:
        """The ledger has a record at `seq`."""
        self._heard[partition] = seq
        self.moves += 1

    def heard_up_to(self) -> dict[int, int]:
        """The newest seq of each ledger partition that this gateway has heard of since it started."""
        return dict(self._heard)

    def is_coming(self, partition: int, seq: int) -> bool:
        """Whether the ledger has this record, and the tables may not."""
        return self._durable.get(partition, -1) < seq <= self._heard.get(partition, -1)

    def records(self) -> int:
        """How many records the tables lack, as far as this gateway has heard."""
        return sum(max(0, seq - self._durable.get(partition, -1)) for partition, seq in self._heard.items())

    async def reach(self, after: str | None) -> None:
        """Return when the tables hold `after`, a position. Raises Problem: malformed, lagging."""
        if after is None:
            return
        place = parse_request_id(after)
        if place is None:
            raise malformed(f"{AFTER_HEADER} is not <partition>-<seq>: {after[:64]!r}.")
        await self._hold(*place, "Ask again after Retry-After seconds; the decision itself stands.")

    async def settled(self, request_id: str) -> None:
        """Return when the tables hold what this gateway has heard of a request's partition.

        Raises Problem: lagging. What the tables say of the request may be old then.
        """
        place = parse_request_id(request_id)
        if place is not None:
            heard = self._heard.get(place[0], -1)
            await self._hold(place[0], heard, "Nothing was sent: do it again after Retry-After seconds.")

    async def _hold(self, partition: int, seq: int, todo: str) -> None:
        if not await self.durable(partition, seq, within_s=_WAIT_S):
            detail = (
                f"The lists do not hold {partition}-{seq} yet: they are {self.records():,} records behind."
            )
            raise Problem(503, "lagging", detail, todo=todo, headers={"Retry-After": "1"})

    async def durable(self, partition: int, seq: int, *, within_s: float) -> bool:
        """Whether the tables hold this record within so many seconds."""
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
        """Whether the tables held this record when they were looked at last."""
        return self._durable.get(partition, -1) >= seq

    async def looked(self) -> None:
        """Return when the tables have been looked at once more, which is soon."""
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
                durable = {number: head.seq for number, head in (await heads(self._db)).items()}
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
