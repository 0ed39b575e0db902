"""Server-side request forgery through targets: which addresses may be connected to."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from assent.notify.connection_guard import ConnectionGuard, CutError
from assent.targets.addresses import PrivateAddressError, UnresolvedError, is_public, resolve


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104  nothing is bound to it
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.88.99.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "224.0.1.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:7f00:1::",
        "100::1",
        "3fff::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "2606:4700::1111%eth0",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "example.com",
        "",
        "1.1.1.1 ",
    ],
)
def test_R17_non_public_address_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1"],
)
def test_R17_public_address_is_accepted(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "::1", "localhost", "10.1.2.3", "169.254.169.254"],
)
async def test_R17_host_is_judged_by_its_addresses_however_it_is_spelled(host: str) -> None:
    with pytest.raises((PrivateAddressError, UnresolvedError)):
        await resolve(host, 443, allow_private=False)


async def test_R17_operator_can_allow_private_addresses() -> None:
    assert await resolve("127.0.0.1", 443, allow_private=True) == ["127.0.0.1"]


async def test_R17_host_without_addresses_is_named() -> None:
    with pytest.raises(UnresolvedError):
        await resolve("a" * 70 + ".invalid", 443, allow_private=False)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


async def test_R17_restricted_thread_cannot_connect_to_a_private_address(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    leash = ConnectionGuard(allow_private=False)

    def work() -> str:
        with leash:
            for host in ("127.0.0.1", "localhost", "127.1"):
                with pytest.raises(PrivateAddressError):
                    socket.create_connection((host, port), timeout=5)
            with socket.socket(socket.AF_UNIX) as local, pytest.raises(PrivateAddressError):
                local.connect("/tmp/no-such-socket")
        return "ended"

    assert await asyncio.to_thread(work) == "ended"
    assert leash.refused
    listening.settimeout(0.1)
    with pytest.raises(TimeoutError):
        listening.accept()


async def test_R17_other_threads_connect_as_usual(listening: socket.socket) -> None:
    with ConnectionGuard(allow_private=False):
        await asyncio.to_thread(lambda: socket.create_connection(listening.getsockname(), timeout=5).close())


async def test_R17_restricted_thread_starts_no_program() -> None:
    def work() -> None:
        import subprocess

        with ConnectionGuard(allow_private=True), pytest.raises(PermissionError):
            subprocess.run(["true"], check=False)

    await asyncio.to_thread(work)


async def test_R17_cutting_the_connection_ends_what_the_restricted_thread_waits_for(
    listening: socket.socket,
) -> None:
    leash = ConnectionGuard(allow_private=True)
    connected = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> bytes:
        with leash:
            connection = socket.create_connection(listening.getsockname())
            loop.call_soon_threadsafe(connected.set)
            heard = connection.recv(1)
            with pytest.raises(CutError):
                socket.create_connection(listening.getsockname())
            connection.close()
            return heard

    waiting = asyncio.create_task(asyncio.to_thread(work))
    await connected.wait()
    leash.cut()
    async with asyncio.timeout(5):
        assert await waiting == b""
