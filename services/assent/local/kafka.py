"""The Kafka of one data directory: its jars, its ports, its starts and stops."""

import asyncio
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from assent.local.broker import QUICK, format_storage, java, run_broker
from assent.local.child_process import Child, StartFailed, end_stale
from assent.local.data_directory import Directory
from assent.local.jars import cache_directory, kafka_jars
from assent.local.kafka_start_cache import ahead_of_time
from assent.local.ports import HOST, HeldPort, hold_port

_USUAL_PORT = 9092
_USUAL_CONTROLLER_PORT = 9093
_STOP_LIMIT_S = 20.0
_ATTEMPTS = 3


class Kafka:
    """Data in DATA/kafka, output in DATA/logs/kafka.log.

    `port` is chosen at the first start and held until `stop()`, so that clients still find the broker after a
    kill.
    """

    def __init__(
        self, directory: Directory, progress: Callable[[str], None], *, for_load: bool = False
    ) -> None:
        """`for_load`: compile frequent code as well as Java can, which pays off after minutes of load."""
        self._directory = directory
        self._flags = () if for_load else QUICK
        self._progress = progress
        self._child: Child | None = None
        self._ports: tuple[HeldPort, HeldPort] | None = None
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:PORT`, with which a client is configured."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The broker's process while it runs, else None."""
        return self._child.pid if self._child and self._child.running else None

    async def start(self) -> None:
        """Return once the broker answers and accepts topics. Does nothing when it already runs.

        Raises StartFailed, and JarsUnavailable or JarMismatch when its jars are not available.
        """
        if self.pid is not None:
            return
        for leftover in ("kafka-format", "kafka"):
            await end_stale(leftover, directory=self._directory)
        cache = cache_directory()
        jars = await self._jars(cache)
        program = java(jars, *await ahead_of_time(cache, jars, self._progress), *self._flags)
        await format_storage(self._directory, program)
        for attempt in range(1, _ATTEMPTS + 1):
            chosen = self._ports or self._choose_ports()
            self.port = chosen[0].number
            try:
                self._child = await run_broker(self._directory, program, *(port.number for port in chosen))
            except BaseException as failure:
                if self._ports is None:
                    _release(chosen)
                if attempt == _ATTEMPTS or self._ports or not _lost_its_port(failure):
                    raise
            else:
                self._ports = chosen
                return

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL after 20 s. Does nothing when it is not running."""
        if self._child:
            await self._child.stop(signal.SIGTERM, limit_s=_STOP_LIMIT_S)
        if self._ports:
            _release(self._ports)
            self._ports = None

    async def kill(self) -> None:
        """SIGKILL; return when the process has ended. `start()` brings it back on the same port."""
        if self._child:
            await self._child.kill()

    async def _jars(self, cache: Path) -> list[Path]:
        given_up = threading.Event()
        try:
            return await asyncio.to_thread(kafka_jars, cache, self._progress, given_up=given_up)
        finally:
            # A thread cannot be cancelled. Without this, Ctrl-C would wait for the whole download.
            given_up.set()

    def _choose_ports(self) -> tuple[HeldPort, HeldPort]:
        return (
            hold_port(self._directory, "kafka", usual=_USUAL_PORT),
            hold_port(self._directory, "kafka-controller", usual=_USUAL_CONTROLLER_PORT),
        )


def _release(ports: tuple[HeldPort, HeldPort]) -> None:
    for port in ports:
        port.release()


def _lost_its_port(failure: BaseException) -> bool:
    """Whether another program took the port between its choice and its use."""
    return isinstance(failure, StartFailed) and "Address already in use" in failure.output
