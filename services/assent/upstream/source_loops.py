"""Looks at the sources that have to be looked at: folders, branches and topics."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import asyncpg
import msgspec
import structlog
from aiokafka.errors import KafkaError

from assent.observe.health import Health, Reason
from assent.receiving.http_server import HttpAnswer, HttpRequest, Route
from assent.store.postgres_reasons import reason
from assent.store.reader_service import UNREACHABLE
from assent.upstream.folder_source import Folder
from assent.upstream.git_repository import GitError
from assent.upstream.git_source import Branch, StoppedError
from assent.upstream.kafka_source import TopicReader
from assent.upstream.source_settings import FolderSource, GitSource, KafkaSource
from assent.upstream.upstream_file import UpstreamFile
from assent_contracts.client.connection import Connection

_POKE_MAX_BYTES: Final = 2 * 1024 * 1024
"""Its content does not matter. It may be a webhook, which has one."""
_AGAIN_S: Final = 5.0


class Looked(msgspec.Struct, frozen=True):
    """A source that is looked at."""

    name: str
    look: Callable[[], Awaitable[None]]
    every_s: float
    sooner: asyncio.Event
    """Set to have it looked at now."""
    end: Callable[[], Awaitable[None]]


class SourceLoops:
    """All sources of a file that are looked at."""

    def __init__(
        self, file: UpstreamFile, kafka: Connection, pool: asyncpg.Pool, on_event: Callable[[], None]
    ) -> None:
        self._looked = list(_looked(file, kafka, pool, on_event))
        self._pokes = {each.poke_path: each.name for each in file.of(GitSource) if each.poke_path is not None}

    def routes(self) -> dict[str, Route]:
        """The paths by which senders say that there is something to look at."""
        sooner = {each.name: each.sooner for each in self._looked}
        return {path: _poke(sooner[name]) for path, name in self._pokes.items()}

    async def run(self, health: Health, stop: asyncio.Event) -> None:
        """Look until `stop`. What fails is noted, and tried again."""
        async with asyncio.TaskGroup() as group:
            for each in self._looked:
                group.create_task(_keep_looking(each, health, stop))


async def _keep_looking(source: Looked, health: Health, stop: asyncio.Event) -> None:
    condition = f"source {source.name}"
    told: Reason | None = None
    try:
        while not stop.is_set():
            source.sooner.clear()
            found = await _look(source)
            if found != told:
                told = found
                health.note(condition, found)
                if found is not None:
                    structlog.get_logger().error("source", source=source.name, why=found.why, todo=found.todo)
            await _rest(
                source.every_s if found is None else max(source.every_s, _AGAIN_S), source.sooner, stop
            )
    finally:
        await source.end()


async def _look(source: Looked) -> Reason | None:
    """Look once; returns what is wrong."""
    try:
        await source.look()
    except StoppedError as error:
        return Reason(why=str(error), todo="See `assent upstream dead-letters`.")
    except GitError as error:
        return Reason(why=str(error), todo="Check the repository, its branch and the credentials.")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError) as error:
        return reason(error)
    except OSError as error:
        return Reason(why=f"{error}.", todo="Check the folder and its rights. It is tried again.")
    except UNREACHABLE as error:
        return reason(error)
    return None


async def _rest(seconds: float, *events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(each.wait()) for each in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _looked(
    file: UpstreamFile, kafka: Connection, pool: asyncpg.Pool, on_event: Callable[[], None]
) -> Iterator[Looked]:
    for source in file.sources:
        match source:
            case FolderSource():
                folder = Folder(source, pool, on_event)
                yield Looked(source.name, folder.look, source.every_s, asyncio.Event(), _nothing)
            case GitSource():
                branch = Branch(source, pool, on_event)
                yield Looked(source.name, branch.look, source.every_s, branch.poked, _nothing)
            case KafkaSource():
                to = kafka if source.bootstrap is None else Connection(bootstrap=source.bootstrap)
                topic = TopicReader(source, to, pool, on_event)
                yield Looked(source.name, topic.read, 0.0, asyncio.Event(), topic.stop)
            case _:
                pass


async def _nothing() -> None:
    pass


def _poke(sooner: asyncio.Event) -> Route:
    async def handle(_request: HttpRequest) -> HttpAnswer:
        sooner.set()
        return HttpAnswer(202, "It is looked at now.")

    async def too_large(_limit: int) -> HttpAnswer:
        sooner.set()
        return HttpAnswer(202, "It is looked at now.")

    return Route(handle, _POKE_MAX_BYTES, too_large)
