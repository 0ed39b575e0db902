"""A client is closed soon, though a broker does not take part in closing a TLS connection."""

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn

from assent_contracts.client.closing import WITHIN_S, close_soon
from tests.support.cluster.certificates import Authority

HOST = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "certificates")


@pytest.fixture
def silent_broker(authority: Authority) -> Iterator[int]:
    """The port of a broker that answers a client's first question, and then reads nothing more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate("broker-1"))
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            _size, _key, version, correlation = struct.unpack(">ihhi", secured.recv(12))
            throttle = b"" if version == 0 else struct.pack(">i", 0)
            body = struct.pack(">ihihhh", correlation, 0, 1, 18, 0, 0) + throttle
            secured.sendall(struct.pack(">i", len(body)) + body)
            over.wait(60)

    with socket.create_server((HOST, 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                answer(listening.accept()[0])

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        over.set()
    thread.join()


async def test_client_of_a_silent_broker_is_closed_soon(authority: Authority, silent_broker: int) -> None:
    context = ssl.create_default_context(cafile=str(authority.file))
    client = AIOKafkaClient(
        bootstrap_servers=f"{HOST}:{silent_broker}", security_protocol="SSL", ssl_context=context
    )
    close_soon(client)
    connection = await create_conn(HOST, silent_broker, ssl_context=context, security_protocol="SSL")
    client._conns["node", 0] = connection
    began = time.monotonic()
    async with asyncio.timeout(10):
        await client.close()
    assert time.monotonic() - began < WITHIN_S + 2
    assert connection._closed_fut is not None
    assert connection._closed_fut.done()
