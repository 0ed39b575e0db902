"""A web server whose API a test defines, and that fails as real ones do."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import msgspec

Fault = Literal["503", "429", "500 after", "504 after", "lost after", "late"]
"""What a request that changes something meets: an answer before it is done, or none after it is done."""


class Asked(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    raw: bytes


class Reply(msgspec.Struct, frozen=True):
    """One answer."""

    status: int
    json: Any = None
    headers: dict[str, str] = {}


class StandIn:
    """Serves `api` and remembers what was asked."""

    def __init__(self, api: Callable[[Asked], Reply]) -> None:
        self.api = api
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        """Of the next requests that change something."""
        self.late_s = 0.5
        self.url = ""
        self._lock = threading.Lock()

    def changing(self) -> list[Asked]:
        return [each for each in self.asked if each.method != "GET"]

    def handle(self, asked: Asked) -> Reply | None:
        """The answer; None closes the connection."""
        with self._lock:
            self.asked.append(asked)
            fault = self.faults.pop(0) if self.faults and asked.method != "GET" else None
        match fault:
            case "503":
                return Reply(503)
            case "429":
                return Reply(429, headers={"Retry-After": "0"})
            case "late":
                time.sleep(self.late_s)
        with self._lock:
            reply = self.api(asked)
        match fault:
            case "500 after":
                return Reply(500)
            case "504 after":
                return Reply(504)
            case "lost after":
                return None
        return reply


@contextmanager
def standing_in(api: Callable[[Asked], Reply]) -> Iterator[StandIn]:
    """A running one, on loopback."""
    one = StandIn(api)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_json = "json" in headers.get("content-type", "")
            asked = Asked(self.command, self.path, headers, json.loads(raw) if raw and is_json else None, raw)
            reply = one.handle(asked)
            if reply is None:
                self.close_connection = True
                return
            try:
                self._answer(reply)
            except OSError:
                self.close_connection = True  # the client did not wait

        def _answer(self, reply: Reply) -> None:
            body = b"" if reply.json is None else json.dumps(reply.json).encode()
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            if body:
                self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815  as the library names them

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as the library names it
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Objects:
    """An API of objects with versions, that honours an idempotency key if it is told to."""

    def __init__(self, *, honours_key: bool = False) -> None:
        self.objects: dict[str, Any] = {}
        self.effects: list[str] = []
        """The name of each object that was written, once for each time."""
        self._answers: dict[str, Reply] = {}
        self._honours_key = honours_key

    def __call__(self, asked: Asked) -> Reply:
        name = asked.path.partition("?")[0].removeprefix("/objects").strip("/")
        key = asked.headers.get("idempotency-key", "")
        if asked.method == "GET":
            if not name:
                return Reply(
                    200, {"items": [{"name": each, **value} for each, value in self.objects.items()]}
                )
            return (
                Reply(200, self.objects[name])
                if name in self.objects
                else Reply(404, {"detail": "None such."})
            )
        if self._honours_key and key in self._answers:
            return self._answers[key]
        if asked.method == "DELETE":
            self.objects.pop(name, None)
        else:
            self.objects[name or asked.body["name"]] = asked.body
        self.effects.append(name or asked.body["name"])
        reply = Reply(200, {"version": len(self.effects)}, {"ETag": f'"{len(self.effects)}"'})
        self._answers[key] = reply
        return reply
