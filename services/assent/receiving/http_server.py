"""An HTTP server for webhooks: one request a connection, with a limit on its size and on its time.

A client that can reach the port can connect and send nothing, send slowly or send too much. Each connection
ends after a fixed time whatever it does, and when there are too many, the oldest is closed.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from http import HTTPStatus
from typing import Final

import h11
import msgspec
import structlog

ANSWERED_WITHIN_S: Final = 10.0
"""From the connection to the last byte of its answer. GitHub does not wait longer."""
CONNECTIONS_MAX: Final = 256
BODIES_MAX_BYTES: Final = 64 * 1024 * 1024
"""The bodies of all requests together, while they are read: compressed and plain."""
_HEAD_MAX_BYTES: Final = 32 * 1024
_READ_BYTES: Final = 64 * 1024


class HttpRequest(msgspec.Struct, frozen=True):
    """A request, complete and within its limits."""

    path: str
    headers: dict[str, str]
    """Names in lower case. Of a name that comes twice, the last."""
    body: bytes
    """After decompression."""


class HttpAnswer(msgspec.Struct, frozen=True):
    """What is answered: the status, and a sentence for who looks at the sender's list of deliveries."""

    status: int
    text: str


class HttpError(Exception):
    """A request that no handler sees."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.answer: Final = HttpAnswer(status, text)


class Route(msgspec.Struct, frozen=True):
    """What handles the requests to a path."""

    handle: Callable[[HttpRequest], Awaitable[HttpAnswer]]
    body_max_bytes: int
    too_large: Callable[[int], Awaitable[HttpAnswer]]
    """Answers a body that is too large; called with the limit."""


log = structlog.get_logger(__name__)


@asynccontextmanager
async def http_server(host: str, port: int, routes: Mapping[str, Route]) -> AsyncIterator[int]:
    """Answers until the context ends; gives the port. Raises OSError when the port is not available."""
    open_connections: dict[asyncio.Task[None], None] = {}
    room = _Room()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs this as a task"
        if len(open_connections) >= CONNECTIONS_MAX:
            next(iter(open_connections)).cancel()
        open_connections[task] = None
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await _converse(reader, writer, routes, room)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, h11.ProtocolError):
            pass  # TimeoutError is an OSError. Who does not ask in time gets no answer, and sends again.
        finally:
            open_connections.pop(task, None)
            writer.transport.abort()

    server = await asyncio.start_server(connected, host, port, backlog=CONNECTIONS_MAX)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(open_connections):
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, routes: Mapping[str, Route], room: "_Room"
) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_MAX_BYTES)
    path = ""
    try:
        request = await _next(connection, reader)
        if not isinstance(request, h11.Request):
            return
        path = request.target.decode("latin-1").partition("?")[0]
        with room.share() as share:
            answer = await _answer(connection, reader, writer, request, routes.get(path), share)
    except HttpError as error:
        answer = error.answer
    except h11.RemoteProtocolError as error:
        answer = HttpAnswer(error.error_status_hint, "This is not an HTTP request that can be read.")
    except Exception:
        # The sender sends again, or a person has it redelivered.
        log.exception("not received", path=path[:200])
        answer = HttpAnswer(503, "It could not be stored now. Send it again.")
    await _send(connection, writer, answer)
    with suppress(OSError):
        writer.write_eof()
        # Wait until the client has closed: an abort before that could discard the answer.
        while await reader.read(_READ_BYTES):
            pass


async def _answer(
    connection: h11.Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: h11.Request,
    route: Route | None,
    share: "_Share",
) -> HttpAnswer:
    if route is None:
        raise HttpError(404, "Nothing is received at this path.")
    if request.method != b"POST":
        raise HttpError(405, "Use POST.")
    if connection.they_are_waiting_for_100_continue:
        writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
    try:
        body = await _body(connection, reader, route.body_max_bytes, share)
        encoding = headers.get("content-encoding", "identity")
        if encoding.strip().lower() not in ("identity", ""):
            share.take(route.body_max_bytes)
        body = decompressed(body, encoding, route.body_max_bytes)
    except _TooLargeError:
        return await route.too_large(route.body_max_bytes)
    path = request.target.decode("latin-1").partition("?")[0]
    return await route.handle(HttpRequest(path, headers, body))


class _TooLargeError(Exception):
    pass


class _Room:
    """The memory for all bodies that are read now. When it is full, the oldest requests make way."""

    def __init__(self) -> None:
        self._shares: dict[_Share, None] = {}

    @contextmanager
    def share(self) -> Iterator["_Share"]:
        """The part of one request, until it is answered."""
        share = _Share(self)
        self._shares[share] = None
        try:
            yield share
        finally:
            self._shares.pop(share, None)

    def make_way_for(self, newest: "_Share") -> None:
        """Close the oldest connections until all bodies fit."""
        taken = sum(each.taken_bytes for each in self._shares)
        for each in tuple(self._shares):
            if taken <= BODIES_MAX_BYTES or each is newest:
                return
            taken -= each.taken_bytes
            del self._shares[each]
            each.task.cancel()


class _Share:
    def __init__(self, room: _Room) -> None:
        self._room = room
        task = asyncio.current_task()
        assert task is not None, "a connection has a task"
        self.task: Final = task
        self.taken_bytes = 0

    def take(self, more: int) -> None:
        """Have so many bytes more."""
        self.taken_bytes += more
        self._room.make_way_for(self)


async def _body(connection: h11.Connection, reader: asyncio.StreamReader, limit: int, share: _Share) -> bytes:
    body = bytearray()
    while True:
        event = await _next(connection, reader)
        match event:
            case h11.Data():
                share.take(len(event.data))
                body += event.data
                if len(body) > limit:
                    raise _TooLargeError
            case h11.EndOfMessage():
                return bytes(body)
            case _:
                raise HttpError(400, "The body is not complete.")


def decompressed(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its compression, of which no more than the limit is ever made. Raises HttpError."""
    match encoding.strip().lower():
        case "identity" | "":
            return body
        case "gzip" | "x-gzip":
            inflater = zlib.decompressobj(wbits=31)
        case "deflate":
            inflater = zlib.decompressobj()
        case _:
            raise HttpError(415, "Send the body as it is, or with gzip.")
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise HttpError(400, "The body is not what Content-Encoding states.") from error
    if len(plain) > limit:
        raise _TooLargeError
    if not inflater.eof or inflater.unused_data:
        raise HttpError(400, "The body is not what Content-Encoding states.")
    return plain


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_READ_BYTES))
    return event


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, answer: HttpAnswer) -> None:
    body = answer.text.encode() + b"\n" if answer.status != HTTPStatus.NO_CONTENT else b""
    headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
    if answer.status != HTTPStatus.NO_CONTENT:
        headers.append(("content-length", str(len(body))))
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    response = h11.Response(status_code=answer.status, headers=headers)
    for event in (response, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await writer.drain()
