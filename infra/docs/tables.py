"""The tables of Postgres, read from a Postgres to which the migrations were applied."""

import asyncio
import logging
import tempfile
from pathlib import Path
from typing import Final

import asyncpg

from assent.local.data_directory import Directory
from assent.local.postgres import Postgres
from assent.store.migrate import migrate
from infra.docs.markdown import code, table

_TABLES: Final = """
    select c.oid, c.relname as name, obj_description(c.oid, 'pg_class') as comment
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind = 'r' and c.relname not like '%pogo%'
    order by c.relname
"""
_COLUMNS: Final = """
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
           col_description(a.attrelid, a.attnum) as comment
    from pg_attribute a
    where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
    order by a.attnum
"""
_GRANTS: Final = """
    select grantee, string_agg(distinct lower(privilege_type), ', ' order by lower(privilege_type)) as rights
    from (
      select grantee, privilege_type from information_schema.role_table_grants
        where table_schema = 'public' and table_name = $1
      union
      select grantee, privilege_type from information_schema.role_column_grants
        where table_schema = 'public' and table_name = $1
    ) granted
    where grantee like 'assent\\_%'
    group by grantee
    order by grantee
"""
_KEYS: Final = """
    select pg_get_constraintdef(oid) as definition from pg_constraint
    where conrelid = $1 and contype in ('p', 'u', 'f') order by contype, conname
"""


def page() -> str:
    """The reference page. Runs a Postgres for a few seconds."""
    # pogo warns of each migration that it applies.
    logging.getLogger("pogo_core").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory(prefix="assent-docs-") as folder:
        return asyncio.run(_page(Path(folder)))


async def _page(folder: Path) -> str:
    directory = Directory(folder / "data")
    directory.create()
    postgres = Postgres(directory, lambda _: None)
    await postgres.start()
    try:
        await migrate(postgres.dsn)
        connection = await asyncpg.connect(postgres.dsn)
        try:
            return await _described(connection)
        finally:
            await connection.close()
    finally:
        await postgres.stop()


async def _described(connection: asyncpg.Connection) -> str:
    parts = [
        "# Tables",
        (
            "Postgres holds what readers have projected from the log, and the data of sessions and"
            " notifications. All tables except those of sign-ins, targets and notifications can be rebuilt"
            " from the log. Each service has its own role with the rights below. Times named `at` are"
            " milliseconds since 1970 in UTC."
        ),
    ]
    for each in await connection.fetch(_TABLES):
        parts.append(f"## `{each['name']}`")
        if each["comment"]:
            parts.append(_sentence(each["comment"]))
        columns = await connection.fetch(_COLUMNS, each["oid"])
        parts.append(
            table(
                ("column", "type", "may be null", "content"),
                (
                    (code(c["name"]), c["type"], "" if c["required"] else "yes", _sentence(c["comment"]))
                    for c in columns
                ),
            )
        )
        keys = await connection.fetch(_KEYS, each["oid"])
        parts.append("\n".join(f"- `{key['definition']}`" for key in keys))
        grants = await connection.fetch(_GRANTS, each["name"])
        parts.append("\n".join(f"- `{grant['grantee']}`: {grant['rights']}" for grant in grants))
    return "\n\n".join(part for part in parts if part) + "\n"


def _sentence(comment: str | None) -> str:
    return "" if not comment else comment[:1].upper() + comment[1:] + "."
