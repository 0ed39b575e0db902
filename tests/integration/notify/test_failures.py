"""R17: a slow or dead target delays no other, and nothing is lost or sent twice on the way."""

import asyncio
import json
import logging
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from assent.notify.outbox_queue import OutboxQueue
from assent.store.pool import open_pool
from assent.targets.dead_letters import dead_letters, retry_dead_letter
from assent.targets.own_targets import add_target, remove_target
from tests.integration.notify.conftest import OWN, PACE, Notifying
from tests.integration.readers.test_resilience import not_ready, ready
from tests.support.log import Actor, Log
from tests.support.receivers import MailReceiver, WebReceiver, web_receiver
from tests.support.stack import until


async def listens(db: asyncpg.Connection, principal: str, url: str) -> None:
    """A target that receives nothing from before this moment."""
    kind = "webhook" if url.startswith("http") else "apprise"
    new = await add_target(db, principal, kind, url, allow_private=True)
    # Clocks may differ by five minutes.
    await db.execute(
        "update notification_targets set created_at = now() + interval '5 minutes' where id = $1",
        new.target.id,
    )


async def statuses(db: asyncpg.Connection, path: str = "") -> list[str]:
    """The statuses of the messages to targets whose URL ends like this."""
    rows = await db.fetch(
        "select status from notifications n join notification_targets t on t.id = n.target"
        " where t.url like '%' || $1 order by n.id",
        path,
    )
    return [row["status"] for row in rows]


async def settled(db: asyncpg.Connection, count: int, *, timeout_s: float = 30) -> None:
    """Wait until there are this many messages and all of them are sent."""

    async def all_sent() -> bool:
        return await statuses(db) == ["sent"] * count

    await until(all_sent, timeout_s=timeout_s)


async def test_R17_target_that_accepts_and_never_answers_delays_no_other(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver, mail: MailReceiver
) -> None:
    """Webhook and mail; each takes all the time that an attempt may take."""
    mail.holds = True
    async with web_receiver() as slow:
        slow.holds = True
        await listens(db, "bob", slow.url("/slow"))
        await listens(db, "bob", f"mailto://127.0.0.1:{mail.port}?to=b@example.com&from=a@example.com")
        await listens(db, "carol", web.url("/quick"))
        pace = msgspec.structs.replace(PACE, timeout_s=60, lease_s=90, stop_limit_s=0.5)
        async with notifying(pace=pace):
            for number in range(1, 6):
                await actor.opened(f"script/{uuid4()}", principal="alice")

                async def heard(number: int = number) -> bool:
                    return len(web.received) == number

                await until(heard, timeout_s=5)

            async def both_held() -> bool:
                return bool(slow.received) and mail.connections == 1

            await until(both_held)
            assert slow.most_at_once == 1
            assert len(slow.received) == 1
        # The message that was being sent is returned: the next instance need not wait for the lease to end.
        assert await statuses(db, "/slow") == ["waiting"] * 5
        assert await statuses(db, "/quick") == ["sent"] * 5
        slow.holds, mail.holds = False, False
        async with notifying():
            await settled(db, 15)
        assert len(slow.received) == 6
        assert len({each.id for each in slow.received}) == 5
        # All that had been waiting is one mail.
        [gathered] = mail.received
        assert gathered.message["Subject"] == "Approval needed: 5 requests"


async def test_R17_many_slow_targets_of_two_principals_leave_room_for_all_others(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    """Seventeen, which is more than there are slots, and each takes all the time that it may."""
    async with web_receiver() as slow:
        slow.holds = True
        for number in range(10):
            await listens(db, "bob", slow.url(f"/bob/{number}"))
        for number in range(7):
            await listens(db, "carol", slow.url(f"/carol/{number}"))
        await listens(db, "alice", web.url("/quick"))
        pace = msgspec.structs.replace(PACE, timeout_s=60, lease_s=90, stop_limit_s=0.5)
        async with notifying(pace=pace):
            request = await actor.opened(f"script/{uuid4()}", principal="alice")

            async def held() -> bool:
                return len(slow.received) >= 2 * pace.of_principal

            await until(held)
            await actor.approve(request)

            async def heard() -> bool:
                return bool(web.received)

            await until(heard)
            assert slow.at_once == len(slow.received) == 2 * pace.of_principal
            paths = [each.path.split("/")[1] for each in slow.received]
            assert paths.count("bob") == paths.count("carol") == pace.of_principal


async def test_R17_target_that_answers_slowly_is_paused_for_a_while_although_it_accepts_everything(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    """One that always answers just in time never fails, and would occupy a slot for ever."""
    await listens(db, "bob", web.url())
    took = list[float]()

    def rest_s(took_s: float) -> float:
        took.append(took_s)
        return 3_600.0

    async with notifying(pace=msgspec.structs.replace(PACE, rest_s=rest_s)):
        await actor.opened(f"script/{uuid4()}", principal="alice")
        await settled(db, 1)
        row = await db.fetchrow(
            "select failures, paused_until > now() + interval '50 minutes' as rests from notification_targets"
        )
    assert tuple(row or ()) == (0, True)
    assert len(took) == 1


async def test_R17_attempt_ends_in_time_even_if_the_target_does_not_end_it(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver, mail: MailReceiver
) -> None:
    web.holds, mail.holds = True, True
    await listens(db, "bob", web.url())
    await listens(db, "bob", f"mailto://127.0.0.1:{mail.port}?to=b@example.com&from=a@example.com")
    async with notifying(pace=msgspec.structs.replace(PACE, timeout_s=0.5)):
        await actor.opened(f"script/{uuid4()}", principal="alice")

        async def both_dead() -> bool:
            return await statuses(db) == ["dead", "dead"]

        await until(both_dead)
    why = await db.fetch("select distinct last_error from notifications")
    assert [row["last_error"] for row in why] == ["It did not answer within 0.5 s."]
    assert len(web.received) == mail.connections == OWN.attempts


async def test_R17_target_that_fails_and_then_works_gets_every_message_in_order(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    web.status = 503
    await listens(db, "bob", web.url())
    async with notifying(msgspec.structs.replace(OWN, attempts=100)):
        requests = [(await actor.opened(f"script/{uuid4()}", principal="alice")).request for _ in range(3)]

        async def tried_often_and_paused() -> bool:
            # Between two attempts: during one it is leased.
            paused = await db.fetchval(
                "select failures >= 2 and paused_until > leased_until from notification_targets"
            )
            return bool(paused) and len(web.received) >= 3

        await until(tried_often_and_paused)
        web.status = 200
        await settled(db, 3)
    # The same id at each attempt, so that a receiver can drop repetitions.
    assert len({each.id for each in web.received}) <= 3
    assert {each.json["data"]["request"] for each in web.received[-3:]} <= set(requests)
    assert await db.fetchval("select failures from notification_targets") == 0


async def test_R17_message_becomes_a_dead_letter_after_the_last_attempt_and_can_be_sent_again(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    web.status = 500
    await listens(db, "bob", web.url("/secret-path"))
    async with notifying():
        request = await actor.opened(f"script/{uuid4()}", principal="alice")

        async def dead() -> bool:
            return bool(await dead_letters(db))

        await until(dead)
        [letter] = await dead_letters(db, recipient="bob")
        assert (letter.request, letter.event, letter.attempts) == (
            request.request,
            "needs-approval",
            OWN.attempts,
        )
        assert letter.why == "It answered with status 500."
        assert "secret-path" not in str(msgspec.to_builtins(letter))
        assert await dead_letters(db, recipient="alice") == []
        assert await dead_letters(db, before=letter.id) == []
        assert len(web.received) == OWN.attempts
        web.status = 200
        assert not await retry_dead_letter(db, letter.id + 1)
        assert await retry_dead_letter(db, letter.id)
        assert not await retry_dead_letter(db, letter.id)
        await settled(db, 1)
    assert await dead_letters(db) == []
    assert len({each.id for each in web.received}) == 1


async def test_R17_two_instances_send_nothing_twice_and_one_message_at_a_time_to_a_target(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    """In one consumer group and, worse, in two: then both process every record."""
    async with web_receiver() as other:
        await listens(db, "bob", web.url())
        await listens(db, "carol", other.url())
        async with notifying(), notifying(), notifying(suffix="-other"):
            await asyncio.gather(*(actor.opened(f"script/{uuid4()}", principal="alice") for _ in range(40)))
            await settled(db, 80, timeout_s=60)
        for receiver in (web, other):
            ids = [each.id for each in receiver.received]
            assert len(ids) == len(set(ids)) == 40
            assert receiver.most_at_once == 1


async def test_R17_message_whose_lease_ended_passes_to_another_and_the_late_result_changes_nothing(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver, dsn: str
) -> None:
    """As when a process is paused while sending, and resumes."""
    await listens(db, "bob", web.url())
    web.status = 500
    async with notifying(msgspec.structs.replace(OWN, attempts=100)):
        await actor.opened(f"script/{uuid4()}", principal="alice")

        async def there() -> bool:
            return await statuses(db) == ["waiting"] and bool(web.received)

        await until(there)
    await db.execute("update notifications set next_try_at = now()")
    await db.execute("update notification_targets set paused_until = '-infinity'")
    pool = await open_pool(dsn, "assent_notify", application="test")
    try:
        slow, quick = OutboxQueue(pool, lease_s=0.2), OutboxQueue(pool, lease_s=30)
        [taken] = await slow.claim(10, of_principal=4)
        assert await quick.claim(10, of_principal=4) == []

        async def free() -> bool:
            return bool(await db.fetchval("select leased_until < now() from notification_targets"))

        await until(free)
        [again] = await quick.claim(10, of_principal=4)
        assert again.first.id == taken.first.id
        await slow.failed(taken, "late", wait_s=0, pause_s=0, dead=True)
        assert await slow.claim(10, of_principal=4) == []
        await slow.give_back([taken])
        assert await statuses(db) == ["sending"]
        await quick.sent(again)
        await slow.failed(taken, "late", wait_s=0, pause_s=0, dead=True)
        assert await statuses(db) == ["sent"]
        assert await slow.claim(10, of_principal=4) == []
    finally:
        pool.terminate()


async def test_R17_removed_target_takes_its_messages_along(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    web.holds = True
    await listens(db, "bob", web.url())
    async with notifying():
        await actor.opened(f"script/{uuid4()}", principal="alice")

        async def under_way() -> bool:
            return bool(web.received)

        await until(under_way)
        target = await db.fetchval("select id from notification_targets")
        assert target is not None
        assert await remove_target(db, "bob", target)
        assert await statuses(db) == []


async def test_R17_health_reports_while_postgres_is_unavailable(
    notifying: Notifying, db: asyncpg.Connection
) -> None:
    async with notifying() as running:
        await ready(running)
        await db.execute("alter table notifications rename to away")
        await not_ready(running, "sending")
        await db.execute("alter table away rename to notifications")
        await ready(running)


async def test_R17_no_url_and_no_secret_is_ever_logged(
    log: Log,
    actor: Actor,
    notifying: Notifying,
    db: asyncpg.Connection,
    web: WebReceiver,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await listens(db, "bob", web.url("/hush-hush"))
    await listens(
        db, "bob", "mailto://me:hush-hush@127.0.0.1:9?to=b@example.com&from=a@example.com&mode=insecure"
    )
    async with notifying():
        await actor.opened(f"script/{uuid4()}", principal="alice")

        async def both_tried() -> bool:
            return sorted(await statuses(db)) == ["dead", "sent"]

        await until(both_tried)
    secret = await db.fetchval("select secret from notification_targets where secret is not null")
    assert secret is not None
    said = capfd.readouterr()
    everything = (
        said.out + said.err + caplog.text + json.dumps([str(each.__dict__) for each in caplog.records])
    )
    assert "notified" in everything
    assert "hush-hush" not in everything
    assert secret not in everything
