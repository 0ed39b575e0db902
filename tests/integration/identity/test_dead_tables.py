"""Postgres with a full disk, broken or stopped: 503 with the cause and the remedy, and never a 500."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from tests.idp.browser import Browser
from tests.integration.identity.conftest import OpenBrowser
from tests.support.gateway import Gateway, refused
from tests.support.stack import until

FAILS: Final = """
create or replace function fail() returns trigger language plpgsql as $$
begin
  raise exception 'could not extend file "base/5/1259": secret' using errcode = '{state}';
end
$$;
create trigger fail before insert on {table} for each statement execute function fail();
"""
WHYS: Final = {
    "53100": "disk space",
    "58030": "cannot read or write its files",
    "XX001": "cannot read or write its files",
    "25006": "accepts no writes",
}


@asynccontextmanager
async def failing(db: asyncpg.Connection, table: str, state: str) -> AsyncIterator[None]:
    """Each row that is inserted into the table causes this error."""
    await db.execute(FAILS.format(state=state, table=table))
    try:
        yield
    finally:
        await db.execute(f"drop trigger fail on {table}")


def says(answer: httpx.Response, why: str) -> None:
    problem = refused(answer, 503, "tables-unreachable")
    assert why in problem["detail"]
    assert answer.headers["retry-after"] == "5"
    assert "secret" not in answer.text


@pytest.mark.parametrize("state", sorted(WHYS))
async def test_sign_in_reports_what_is_wrong_with_postgres(
    browser: Browser, db: asyncpg.Connection, state: str
) -> None:
    async with failing(db, "sign_ins", state):
        says(await browser.get("/sign-in"), WHYS[state])
    callback = await browser.at_provider(await browser.leave(), "alice")
    async with failing(db, "sessions", state):
        says(await browser.get(callback), WHYS[state])
    assert browser.cookie() is None


async def test_browser_gets_it_as_a_page(browser: Browser, db: asyncpg.Connection) -> None:
    async with failing(db, "sign_ins", "53100"):
        page = await browser.get("/sign-in", headers={"accept": "text/html"})
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    for words in ("The database does not answer", "disk space", "ree space on its disk"):
        assert words in page.text
    assert "secret" not in page.text


async def test_without_postgres_everything_reports_it_and_continues_once_it_is_back(
    open_browser: OpenBrowser, gateway: Gateway
) -> None:
    browser = await open_browser()
    assert (await browser.sign_in("alice")).status_code == 303
    parts = urlsplit(gateway.dsn)
    name = parts.path[1:]
    db = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
    await db.execute(f'alter database "{name}" with allow_connections false')
    try:
        await db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = $1 and pid <> pg_backend_pid()",
            name,
        )
        for _ in range(3):
            refused(await browser.me(), 503, "tables-unreachable")
            refused(await browser.get("/sign-in"), 503, "tables-unreachable")
    finally:
        await db.execute(f'alter database "{name}" with allow_connections true')
        await db.close()

    async def is_back() -> bool:
        return (await browser.me()).status_code == 200

    await until(is_back)
