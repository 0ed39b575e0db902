"""Empty the readers' tables, so that they are projected anew from the ledgers as they are.

What is not a projection stays: targets and news that were sent, sessions, and the heads that are known.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from assent.store.pool import connected, refuse_pooler
from assent.store.sql import load_sql
from assent_contracts.acceptance import Head
from assent_contracts.heads import Place
from assent_contracts.topics import LEDGER_TOPICS

_SQL: Final = load_sql(Path(__file__).with_name("rebuild.sql"))
_CONNECT_TIMEOUT_S: Final = 10


async def empty_tables(dsn: str, ends: Mapping[Place, Head]) -> None:
    """Forget what status and audit have taken in, and what notify has beyond these ends of the ledgers.

    The login of `dsn` owns the tables. Notify goes on from where it was: what was sent is not sent again.
    Raises asyncpg.PostgresError, NotConnectedError, PoolerError.
    """
    connection = await connected(
        dsn, timeout=_CONNECT_TIMEOUT_S, server_settings={"application_name": "assent-rebuild"}
    )
    try:
        await refuse_pooler(connection)
        async with connection.transaction():
            for step in ("lock", "unguard", "empty", "guard", "forget"):
                await connection.execute(_SQL[step])
            for (ledger, partition), head in ends.items():
                topic = LEDGER_TOPICS[ledger]
                place = (topic, partition, head.seq, head.value_sha256, head.governance, head.next_offset)
                await connection.execute(_SQL["notified"], *place)
                if ledger == "ledger":
                    await connection.execute(_SQL["forget_news"], partition, head.seq)
    finally:
        await connection.close()
