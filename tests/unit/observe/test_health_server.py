"""The health port answers probes whatever other clients have connected to it."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection

import msgspec
import pytest

from assent.observe import health_server
from assent.observe.health import STALLED_AFTER_S, Health, Reason
from assent.observe.health_server import CONNECTIONS_MAX, HealthServer

HOST = "127.0.0.1"


@pytest.fixture
def health() -> Health:
    return Health("kafka")


@pytest.fixture
def server(health: Health) -> Iterator[HealthServer]:
    with HealthServer(health, HOST, 0) as started:
        yield started


def ask(server: HealthServer, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = HTTPConnection(HOST, server.port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def silent(server: HealthServer) -> socket.socket:
    return socket.create_connection((HOST, server.port), timeout=5)


@pytest.mark.parametrize("count", [1, 2 * CONNECTIONS_MAX])
def test_silent_connections_delay_no_probe(server: HealthServer, count: int) -> None:
    with ExitStack() as open_things:
        for _ in range(count):
            open_things.enter_context(silent(server))
        started = time.monotonic()
        assert ask(server, "/livez")[0] == 200
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET /livez HTTP/1.1\r\nHost: x\r\n"])
def test_connection_without_a_request_in_time_is_closed(
    health: Health, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(health_server, "ANSWERED_WITHIN_S", 0.1)
    with HealthServer(health, HOST, 0) as server, silent(server) as connection:
        connection.sendall(sent)
        assert _rest(connection) == b""


def test_too_long_head_is_not_read_to_its_end(server: HealthServer) -> None:
    with silent(server) as connection:
        try:
            for _ in range(64):
                connection.sendall(b"x" * 16_384)
        except OSError:
            return
        assert _rest(connection) == b""


def _rest(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1)
    except ConnectionResetError:
        return b""


def test_answers_to_a_probe_are_correct(server: HealthServer, health: Health) -> None:
    status, body = ask(server, "/readyz?x=1")
    assert (status, msgspec.json.decode(body)["missing"]["kafka"]["why"]) == (503, "It is starting.")
    health.not_ready("kafka", Reason(why="It is away.", todo="Start it."))
    missing = {"kafka": {"why": "It is away.", "todo": "Start it."}}
    assert msgspec.json.decode(ask(server, "/readyz")[1]) == {"missing": missing, "noted": {}}
    health.ready("kafka")
    assert ask(server, "/readyz") == (200, b'{"missing":{},"noted":{}}')
    health.note("postgres", Reason(why="It is away.", todo="Start it."))
    status, body = ask(server, "/readyz")
    assert (status, msgspec.json.decode(body)["noted"]["postgres"]["todo"]) == (200, "Start it.")
    assert b"python_info" in ask(server, "/metrics")[1]
    assert ask(server, "/livez", "HEAD") == (200, b"")
    assert (ask(server, "/")[0], ask(server, "/livez", "POST")[0]) == (404, 405)


def test_stalled_loop_is_visible(
    server: HealthServer, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "stalled_s", lambda: STALLED_AFTER_S)
    assert ask(server, "/livez")[0] == 503
