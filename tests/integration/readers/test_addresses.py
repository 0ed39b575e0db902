"""ASSENT_KAFKA names several brokers, and one of them answers."""

import asyncpg
import msgspec
import pytest

from tests.integration.readers.conftest import Written
from tests.support.gateway import free_port
from tests.support.log import Log
from tests.support.readers import SPECS, caught_up, reading


@pytest.mark.parametrize("form", ["{dead},{alive}", "{alive}, {dead}"])
async def test_reader_starts_with_two_addresses_of_which_one_is_dead(
    log: Log, written: Written, dsn: str, db: asyncpg.Connection, group: str, name: str, form: str
) -> None:
    bootstrap = form.format(dead=f"127.0.0.1:{free_port()}", alive=log.connection.bootstrap)
    told = msgspec.structs.replace(
        log, connection=msgspec.structs.replace(log.connection, bootstrap=bootstrap)
    )
    async with reading(SPECS[name], told, dsn, group):
        await caught_up(db, SPECS[name], written.heads)
