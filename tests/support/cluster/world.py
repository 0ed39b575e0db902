"""Every service on a cluster, twice, under load, and the recount of everything that it left behind."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from assent.observe.readiness import readiness
from assent_contracts.client.publisher import Publisher
from tests.support.cluster.answers import LIMIT_S, Answers, Pause
from tests.support.cluster.cluster import Cluster
from tests.support.cluster.logins import OWNER
from tests.support.cluster.services import INSTANCES, NAMES, ClusterServices
from tests.support.load import Load
from tests.support.log import following
from tests.support.services import Running, Services
from tests.support.world import World

PACE_S: Final = 0.4
"""How long each of the load's senders rests after a story: about 40 commands a second."""
LINES_MAX_PER_S: Final = 5.0
"""How many warnings and errors a service may write while a server is away."""
_SETTLES_S: Final = 180.0
"""For the tables to have everything; a busy machine needs long for it."""
_LEAST_S: Final = 5.0
_LOOK_S: Final = 0.2
_GRAVE: Final = ("warning", "error", "critical")


class ClusterWorld(World):
    """The services of one cluster, and the expected results."""

    cluster: Cluster
    made: ClusterServices
    answers: Answers

    def _start(self, name: str, instance: str) -> Running:
        return self.made.start(name, instance)

    def start_all(self, names: Iterable[str] = NAMES) -> None:
        """Start two of each."""
        for instance in INSTANCES:
            self.start(*names, instance=instance)

    async def ready(self, titles: Iterable[str] | None = None, *, limit_s: float = 120.0) -> None:
        """Wait until these services are ready, or all; fails with what the first of the others lacks."""
        waiting = sorted(self.services.running if titles is None else titles)
        lacks = "nothing was asked"
        try:
            async with asyncio.timeout(limit_s):
                while waiting:
                    url = f"http://127.0.0.1:{self.made.ports[waiting[0]]}"
                    missing = (await asyncio.to_thread(readiness, url)).missing
                    if not missing:
                        waiting.pop(0)
                        continue
                    lacks = f"{waiting[0]}: {missing}"
                    self.services.revive()
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise AssertionError(lacks) from None

    async def disturbed(
        self,
        fault: Callable[[], Awaitable[None]],
        mend: Callable[[], Awaitable[None]] | None = None,
        *,
        limit_s: float = LIMIT_S,
    ) -> Pause:
        """What senders and readers notice of a fault under load. Returns when all is as before.

        `mend` is called once every partition has answered again. Where they cannot before it, `fault`
        includes it. Fails if a partition does not answer for `limit_s`, or a service floods its log.
        """
        self.load.start()
        try:
            return await self._disturbed(fault, mend, limit_s)
        except BaseException:
            # The next test begins with a load of its own.
            await self.load.abandon()
            raise

    async def _disturbed(
        self,
        fault: Callable[[], Awaitable[None]],
        mend: Callable[[], Awaitable[None]] | None,
        limit_s: float,
    ) -> Pause:
        await self.load.until_decided(40)
        self.answers.begin()
        before, began = self._grave_lines(), time.monotonic()
        async with self.answers.watching():
            await fault()
            await self.answers.from_all(limit_s)
            seconds = max(_LEAST_S, time.monotonic() - began)
            flooded = {
                name: count / seconds
                for name, lines in self._grave_lines().items()
                if (count := lines - before.get(name, 0)) / seconds > LINES_MAX_PER_S
            }
            if mend is not None:
                await mend()
            await self.load.finish()
            await self.settled(timeout_s=_SETTLES_S)
        assert not flooded, f"warnings and errors a second: {flooded}"
        return self.answers.pause()

    def nothing_ended(self) -> None:
        """Fails if a service has ended by itself."""
        deaths = {each.name: each.deaths for each in self.services.running.values() if each.deaths}
        assert not deaths, deaths

    def _grave_lines(self) -> dict[str, int]:
        return {each.name: _grave(each) for each in self.services.running.values()}


def _grave(service: Running) -> int:
    """How many warnings and errors are in its log; what is not JSON counts as one."""
    return sum(_is_grave(line) for line in service.log.read_text(errors="replace").splitlines())


def _is_grave(line: str) -> bool:
    try:
        return json.loads(line).get("level") in _GRAVE
    except (json.JSONDecodeError, AttributeError):
        return True


@asynccontextmanager
async def cluster_world(cluster: Cluster) -> AsyncIterator[ClusterWorld]:
    """Nothing runs yet on the cluster but the load's publisher."""
    log = cluster.log()
    folder = cluster.directory.root / "services"
    folder.mkdir(exist_ok=True)
    dsn = cluster.postgres.dsn(OWNER)
    async with AsyncExitStack() as open_things:
        follower = await open_things.enter_async_context(following(log))
        services = await open_things.enter_async_context(Services(folder, {}))
        publisher = Publisher(log.connection, follower, source="load")
        await publisher.start()
        open_things.push_async_callback(publisher.stop)
        load = Load(log, publisher)
        load.pace_s = PACE_S
        open_things.push_async_callback(load.abandon)
        world = ClusterWorld(log, follower, dsn, services, load)
        world.cluster, world.made = cluster, ClusterServices(cluster, services)
        open_things.callback(world.made.release)
        world.answers = Answers(dsn)
        load.on_decided = world.answers.take
        yield world
