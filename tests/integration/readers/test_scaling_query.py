"""The Helm chart scales readers by a query: it counts the records that a reader is behind."""

import re
from typing import Final

import asyncpg

from assent.infra_files import infra_path

_LAG: Final = re.compile(r'define "assent\.lag" -}}\n(.*?)\n{{- end', re.DOTALL)


async def test_query_of_the_chart_counts_the_records_that_a_reader_is_behind(db: asyncpg.Connection) -> None:
    template = infra_path("helm/assent/templates/scaling.yaml").read_text(encoding="utf-8")
    [query] = _LAG.findall(template)

    async def lag(reader: str) -> int | None:
        async with db.transaction():
            await db.execute("set local role assent_reader")
            return await db.fetchval(query.replace("{{ . }}", reader))

    assert await lag("status") == 0
    heads = [
        ("ledger", 0, 500, ""),
        ("ledger", 1, 90, ""),
        ("governance", 0, 7, ""),
        ("ledger", 0, 900, "lost"),
    ]
    for ledger, partition, seq, era in heads:
        value = f'{{"ledger":"{ledger}","partition":{partition},"seq":{seq},"era":"{era}"}}'
        await db.execute("insert into heads (value, writer, seal) values ($1, 'w', $2)", value, "s" * 86)
    position = """
        insert into positions (reader, ledger, partition, seq, value_sha256, governance, next_offset)
        values ($1, $2, $3, $4, '', 0, 0)"""
    for reader, ledger, partition, seq in (
        ("status", "assent.ledger", 0, 480),
        # It has read further than the newest head: that is no negative lag.
        ("status", "assent.ledger", 1, 95),
        ("audit", "assent.ledger", 0, 100),
        ("audit", "assent.governance", 0, 6),
    ):
        await db.execute(position, reader, ledger, partition, seq)
    assert await lag("status") == 20
    assert await lag("audit") == 401
