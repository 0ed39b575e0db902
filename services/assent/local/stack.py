"""Kafka and Postgres of one data directory, together."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from assent.extras import need_extra
from assent.local.data_directory import Directory
from assent.local.kafka import Kafka
from assent.local.postgres import Postgres


class Stack:
    """Runs Kafka and Postgres on `data`, which is made when it is missing.

    `kafka` and `postgres` can each be killed and restarted separately; they keep their ports. Start it from
    the main thread. On Linux its processes end when the thread that started them ends. Elsewhere the next
    start on the same directory ends what was left.
    """

    def __init__(
        self, data: Path, *, progress: Callable[[str], None] | None = None, for_load: bool = False
    ) -> None:
        """`progress` gets a line for people when something takes long or changes the machine.

        It may be called from another thread. `for_load`: prefer minutes of load over a quick start.
        """
        self.directory = Directory(data.resolve())
        tell = progress or _nobody
        self.kafka = Kafka(self.directory, tell, for_load=for_load)
        self.postgres = Postgres(self.directory, tell)
        self._ownership: ExitStack | None = None

    @property
    def bootstrap(self) -> str:
        """Kafka's `127.0.0.1:PORT`. Known once it has started."""
        return self.kafka.bootstrap

    @property
    def dsn(self) -> str:
        """Postgres's DSN, with the superuser's password. Known once it has started."""
        return self.postgres.dsn

    async def start(self) -> None:
        """Take the directory, start both at once, wait until both answer, and write env.json.

        Raises MissingExtraError, DirectoryInUse, StartFailed, JarsUnavailable, JarMismatch or NoSystemUser.
        Nothing is then left running.
        """
        if self._ownership is not None:
            return
        need_extra("local")
        self.directory.create()
        ownership = ExitStack()
        ownership.enter_context(self.directory.owned())
        self._ownership = ownership
        try:
            # An env.json left by an owner that was killed.
            self.directory.remove_env()
            await _both(self.kafka.start(), self.postgres.start())
            self.directory.write_env({"bootstrap": self.bootstrap, "dsn": self.dsn})
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End both, by force after 20 s, and release the directory. Safe to repeat."""
        if self._ownership is None:
            return
        self.directory.remove_env()
        try:
            # If one cannot be stopped, still stop the other.
            ends = await asyncio.gather(self.kafka.stop(), self.postgres.stop(), return_exceptions=True)
        finally:
            self._ownership.close()
            self._ownership = None
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def _both(*steps: Coroutine[None, None, None]) -> None:
    """Run the steps at once. If one fails, cancel the other and raise that error unchanged."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        # Not gather: it would cancel them first, and the second cancellation would interrupt their cleanup.
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
            raise end


def _nobody(_line: str) -> None:
    return
