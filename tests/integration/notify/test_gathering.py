"""R17: the first mail goes at once, and what comes soon after it is one mail. Nothing is lost or repeated."""

import asyncio
import signal
from collections import Counter
from uuid import uuid4

import asyncpg
import msgspec

from assent.notify.outbox_queue import OutboxQueue
from assent.store.pool import open_pool
from tests.integration.notify.conftest import OWN, PACE, PUBLIC, Notifying, mail_to
from tests.integration.notify.test_failures import listens, statuses
from tests.integration.notify.test_processes import kill, services, waiting
from tests.support.log import Actor
from tests.support.receivers import Mail, MailReceiver, WebReceiver
from tests.support.services import Services
from tests.support.stack import until

__all__ = ["services"]
_HOUR_S = 3_600.0
_MESSAGES = 60


async def opened(actor: Actor, count: int) -> list[str]:
    """So many requests of alice's."""
    events = await asyncio.gather(
        *(actor.opened(f"script/{uuid4()}", principal="alice") for _ in range(count))
    )
    return [event.request for event in events]


def named(mails: list[Mail]) -> Counter[str]:
    """How often each request is named by its link."""
    words = " ".join(each.message.get_content() for each in mails).split()
    links = f"{PUBLIC}/requests/"
    return Counter(word.removeprefix(links) for word in words if word.startswith(links))


async def window_ends(db: asyncpg.Connection) -> None:
    """As if the time for gathering had passed."""
    assert await db.fetchval("select gathers_until > now() from notification_targets")
    await db.execute("update notification_targets set gathers_until = now()")


async def test_R17_sixty_requests_are_two_mails_of_which_the_first_goes_at_once(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, mail: MailReceiver
) -> None:
    await listens(db, "bob", mail_to(mail))
    async with notifying(pace=msgspec.structs.replace(PACE, gather_s=_HOUR_S)):
        requests = await opened(actor, 1)

        async def one_came() -> bool:
            return len(mail.received) == 1 and await statuses(db) == ["sent"]

        await until(one_came)
        requests += await opened(actor, _MESSAGES - 1)
        await waiting(db, _MESSAGES)
        assert Counter(await statuses(db)) == {"sent": 1, "waiting": _MESSAGES - 1}
        await window_ends(db)

        async def all_sent() -> bool:
            return await statuses(db) == ["sent"] * _MESSAGES

        await until(all_sent)
    first, gathered = mail.received
    assert first.message["Subject"].startswith("Approval needed: create script/")
    assert gathered.message["Subject"] == f"Approval needed: {_MESSAGES - 1} requests"
    assert gathered.message["Bcc"] is None
    assert named([first, gathered]) == Counter(requests)


async def test_R17_webhooks_get_each_thing_by_itself_and_at_once(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    await listens(db, "bob", web.url())
    async with notifying(pace=msgspec.structs.replace(PACE, gather_s=_HOUR_S)):
        requests = await opened(actor, 10)

        async def all_sent() -> bool:
            return await statuses(db) == ["sent"] * 10

        await until(all_sent)
    assert Counter(each.json["data"]["request"] for each in web.received) == Counter(requests)


async def test_R17_a_mail_that_cannot_be_sent_costs_an_attempt_of_one_message_only(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, mail: MailReceiver
) -> None:
    """What went along is neither dead nor late, and goes again once the target takes mail."""
    mail.refuses = True
    await listens(db, "bob", mail_to(mail))
    async with notifying(msgspec.structs.replace(OWN, attempts=1)):
        await db.execute("update notification_targets set paused_until = 'infinity'")
        requests = await opened(actor, 6)
        await waiting(db, 6)
        await db.execute("update notification_targets set paused_until = '-infinity'")

        async def one_dead() -> bool:
            return Counter(await statuses(db))["dead"] == 1

        await until(one_dead)
        mail.refuses = False

        async def over() -> bool:
            return not {"waiting", "sending"} & set(await statuses(db))

        await until(over)
    found = await db.fetch("select request, status, attempts from notifications order by id")
    dead = [row["request"] for row in found if row["status"] == "dead"]
    assert all(row["attempts"] <= 1 for row in found)
    assert named(mail.received) == Counter(set(requests) - set(dead))


async def test_R17_a_full_mail_is_followed_at_once_by_the_rest(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, mail: MailReceiver, dsn: str
) -> None:
    await listens(db, "bob", mail_to(mail))
    await db.execute("update notification_targets set paused_until = 'infinity'")
    async with notifying(pace=msgspec.structs.replace(PACE, gather_s=_HOUR_S)):
        await opened(actor, 3)
        await waiting(db, 3)
    # One copy of each for as many records as fill a mail.
    await db.execute(
        "insert into notifications (partition, seq, at, request, event, recipient, target, facts)"
        " select partition, seq + number * 1000000, at, request, event, recipient, target, facts"
        " from notifications, generate_series(1, 39) as number"
    )
    await db.execute("update notification_targets set paused_until = '-infinity'")
    pool = await open_pool(dsn, "assent_notify", application="test")
    try:
        queue = OutboxQueue(pool, lease_s=30)
        [first] = await queue.claim(4, of_principal=4)
        assert (len(first.messages), first.is_full) == (100, True)
        await queue.sent(first, gather_s=0 if first.is_full else _HOUR_S)
        [rest] = await queue.claim(4, of_principal=4)
        assert (len(rest.messages), rest.is_full) == (20, False)
        await queue.sent(rest, gather_s=_HOUR_S)
        ids = [each.id for each in (*first.messages, *rest.messages)]
        assert ids == sorted(set(ids))
    finally:
        pool.terminate()


async def test_R17_killed_while_it_gathers_or_sends_it_loses_nothing_and_repeats_one_mail_at_most(
    actor: Actor, services: Services, db: asyncpg.Connection, mail: MailReceiver
) -> None:
    await listens(db, "bob", mail_to(mail))
    service = services.start("notify")
    requests = await opened(actor, 1)

    async def one_sent() -> bool:
        return await statuses(db) == ["sent"]

    await until(one_sent)
    requests += await opened(actor, 9)
    await waiting(db, 10)
    await kill(service, db)
    assert Counter(await statuses(db)) == {"sent": 1, "waiting": 9}
    # The window outlives the process.
    assert await db.fetchval("select gathers_until > now() from notification_targets")
    mail.holds = True
    service.revive()
    await window_ends(db)

    async def held() -> bool:
        return mail.connections == 2

    await until(held)
    assert Counter(await statuses(db)) == {"sent": 1, "sending": 9}
    await kill(service, db)
    mail.holds = False
    service.revive()

    async def all_sent() -> bool:
        return await statuses(db) == ["sent"] * 10

    await until(all_sent)
    assert len(mail.received) == 2
    assert named(mail.received) == Counter(requests)
    assert service.deaths == [-signal.SIGKILL] * 2
