"""New certificates for every server while everything runs."""

import socket
import ssl
from pathlib import Path

import asyncpg
import pytest

from tests.support.cluster.answers import LIMIT_S
from tests.support.cluster.brokers import NODES
from tests.support.cluster.logins import OWNER
from tests.support.cluster.measured import Measured
from tests.support.cluster.world import ClusterWorld
from tests.support.stack import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]


def served(authority: Path, address: tuple[str, int]) -> str:
    """The serial number of the certificate that a broker shows."""
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(address, timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=address[0]) as secured,
    ):
        return str((secured.getpeercert() or {})["serialNumber"])


async def served_by_postgres(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        secured = connection._transport.get_extra_info("ssl_object")
        return str(secured.getpeercert()["serialNumber"])
    finally:
        await connection.close()


async def test_new_certificates_are_served_without_a_restart_and_nothing_is_lost(
    world: ClusterWorld, measured: Measured
) -> None:
    cluster = world.cluster

    async def serials() -> list[str]:
        return [
            *(served(cluster.authority.file, cluster.brokers.address(node)) for node in NODES),
            *[await served_by_postgres(cluster.postgres.dsn(OWNER, only=number)) for number in (0, 1)],
        ]

    before = await serials()

    async def rotated() -> None:
        cluster.postgres.reload_certificates()
        await cluster.brokers.renew_certificates()

        async def all_are_new() -> bool:
            return set(before).isdisjoint(await serials())

        await until(all_are_new, timeout_s=LIMIT_S)

    measured.add("certificates replaced", await world.disturbed(rotated))
    world.nothing_ended()
