"""A service waits for a port that its predecessor still has."""

import asyncio
import socket

import pytest

from assent import process
from assent.observe.health import Health
from assent.observe.health_server import HealthServer
from assent.process import when_port_is_free
from assent.process_settings import SettingsError

HOST = "127.0.0.1"


@pytest.fixture
def predecessor() -> socket.socket:
    return socket.create_server((HOST, 0))


def listen(port: int) -> HealthServer:
    return HealthServer(Health(), HOST, port)


async def test_successor_listens_as_soon_as_the_port_is_free(
    predecessor: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    port = predecessor.getsockname()[1]
    waiting = asyncio.create_task(
        when_port_is_free(lambda: listen(port), f"ASSENT_HTTP_PORT: {HOST}:{port}", asyncio.Event())
    )
    await asyncio.sleep(0.5)
    assert not waiting.done()
    predecessor.close()
    server = await asyncio.wait_for(waiting, 5)
    assert server is not None
    assert server.port == port
    with server:
        pass
    assert capsys.readouterr().out.count("waiting for a port") == 1


async def test_stop_ends_the_waiting(predecessor: socket.socket) -> None:
    stop = asyncio.Event()
    with predecessor:
        port = predecessor.getsockname()[1]
        waiting = asyncio.create_task(when_port_is_free(lambda: listen(port), "it", stop))
        await asyncio.sleep(0)
        stop.set()
        assert await asyncio.wait_for(waiting, 5) is None


async def test_port_of_another_program_is_named_in_the_end(
    predecessor: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_PORT_FREE_WITHIN_S", 0.1)
    with predecessor:
        port = predecessor.getsockname()[1]
        with pytest.raises(SettingsError, match=f"ASSENT_HTTP_PORT: {HOST}:{port} is taken"):
            await when_port_is_free(lambda: listen(port), f"ASSENT_HTTP_PORT: {HOST}:{port}", asyncio.Event())


async def test_another_error_of_listening_is_raised_at_once() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        await when_port_is_free(lambda: socket.create_server(("192.0.2.1", 0)), "it", asyncio.Event())
