"""Health and readiness over HTTP, with the metrics: /livez, /readyz, /metrics."""

import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import msgspec
from prometheus_client import make_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

STALLED_AFTER_S = 30.0


class Health:
    """What this process knows of itself. Named conditions are ready or say what is missing."""

    def __init__(self, *conditions: str) -> None:
        """Every condition starts as not ready."""
        self._missing = dict.fromkeys(conditions, "starting")
        self._beat = time.monotonic()

    def ready(self, condition: str) -> None:
        """The condition holds."""
        self._missing.pop(condition, None)

    def not_ready(self, condition: str, why: str) -> None:
        """The condition does not hold, for this reason."""
        self._missing[condition] = why

    def beat(self) -> None:
        """The event loop runs: called again and again."""
        self._beat = time.monotonic()

    def missing(self) -> dict[str, str]:
        """What is not ready, and why."""
        return dict(self._missing)

    def stalled_s(self) -> float:
        """Seconds since the event loop was last seen running."""
        return time.monotonic() - self._beat


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Nothing: a probe each second is no news."""


class HealthServer:
    """Serves the health of this process from a thread of its own, so that a stalled loop shows."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        """`port` 0 takes any."""
        self._health = health
        self._metrics: Callable[..., Iterable[bytes]] = make_wsgi_app()
        self._server: WSGIServer = make_server(host, port, self._answer, handler_class=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def __enter__(self) -> Self:
        """Start answering."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        match environ.get("PATH_INFO"):
            case "/metrics":
                return self._metrics(environ, start)
            case "/livez":
                stalled = self._health.stalled_s()
                return _say(start, ok=stalled < STALLED_AFTER_S, body={"stalled_s": round(stalled, 1)})
            case "/readyz":
                missing = self._health.missing()
                return _say(start, ok=not missing, body={"missing": missing})
            case _:
                start("404 Not Found", [])
                return []


def _say(start: "StartResponse", *, ok: bool, body: object) -> Iterable[bytes]:
    start("200 OK" if ok else "503 Service Unavailable", [("content-type", "application/json")])
    return [msgspec.json.encode(body)]
