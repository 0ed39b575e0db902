"""R17: a test goes the way of all messages, at once and one time, and its outcome is there to see."""

import asyncpg
import msgspec

from assent.targets.own_targets import add_target, change_target
from assent.targets.target_tests import AskedTest, ask_for_test, latest_tests
from tests.integration.notify.conftest import OWN, PACE, PUBLIC, Notifying, mail_to
from tests.integration.notify.test_failures import listens, statuses
from tests.integration.notify.test_processes import kill, services
from tests.support.receivers import MailReceiver, WebReceiver
from tests.support.services import Services
from tests.support.stack import until

__all__ = ["services"]


async def ask(db: asyncpg.Connection) -> None:
    """As the gateway does, in its role: for each of bob's targets."""
    await db.execute("set role assent_gateway")
    for target in await db.fetch("select id from notification_targets where principal = 'bob'"):
        assert await ask_for_test(db, "bob", target["id"])
    await db.execute("reset role")


async def over(db: asyncpg.Connection) -> list[AskedTest]:
    """How the tests went, once all have ended."""

    async def ended() -> bool:
        return all(each.status in ("sent", "failed") for each in (await latest_tests(db, "bob")).values())

    await until(ended)
    return list((await latest_tests(db, "bob")).values())


async def test_R17_a_test_reaches_mail_and_webhook_though_they_are_left_alone_now(
    notifying: Notifying, db: asyncpg.Connection, web: WebReceiver, mail: MailReceiver
) -> None:
    new = await add_target(db, "bob", "webhook", web.url(), events=["failed"], allow_private=True)
    await add_target(db, "bob", "apprise", mail_to(mail), events=["failed"], allow_private=True)
    await db.execute(
        "update notification_targets set failures = 3, paused_until = 'infinity', gathers_until = 'infinity'"
    )
    await ask(db)
    async with notifying():
        assert {each.status for each in await over(db)} == {"sent"}
        [posted], [mailed] = web.received, mail.received
        assert new.secret is not None
        body = posted.verified(new.secret)
        assert (body["type"], body["data"]["target"]) == ("assent.test", str(new.target.id))
        assert mailed.message["Subject"] == "Test notification from Assent"
        assert f"{PUBLIC}/notifications" in mailed.message.get_content()
        # It takes messages again, so what waits for it is sent.
        rows = await db.fetch("select failures, paused_until < now() as free from notification_targets")
        assert {tuple(row) for row in rows} == {(0, True)}
        assert await statuses(db) == []


async def test_R17_a_test_that_fails_says_why_and_is_neither_repeated_nor_held_against_the_target(
    notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    web.status = 503
    await listens(db, "bob", web.url("/hush-hush"))
    await ask(db)
    async with notifying():
        [failed] = await over(db)
        assert (failed.status, failed.why) == ("failed", "It answered with status 503.")
        row = await db.fetchrow("select failures, leased_until <= now() as free from notification_targets")
        assert tuple(row or ()) == (0, True)
    assert len(web.received) == 1


async def test_R17_a_test_to_a_private_address_fails_as_a_message_would(
    notifying: Notifying, db: asyncpg.Connection, mail: MailReceiver
) -> None:
    await listens(db, "bob", mail_to(mail))
    await ask(db)
    async with notifying(msgspec.structs.replace(OWN, allow_private=False)):
        [failed] = await over(db)
    assert failed.why == "It leads to an address that is not public."
    assert mail.connections == 0


async def test_R17_a_test_is_not_sent_to_what_was_switched_off_nor_long_after_it_was_asked_for(
    notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    await listens(db, "bob", web.url("/off"))
    await listens(db, "bob", web.url("/late"))
    await ask(db)
    off = await db.fetchval("select id from notification_targets where url like '%/off'")
    assert off is not None
    await change_target(db, "bob", off, enabled=False)
    await db.execute(
        "update notification_tests set asked_at = now() - interval '6 minutes' where target <> $1", off
    )

    async def given_up() -> bool:
        late = [each for each in (await latest_tests(db, "bob")).values() if each.target != off]
        return [each.why for each in late] == ["It was not sent in time."]

    async with notifying(pace=PACE):
        await until(given_up)
    assert web.received == []


async def test_R17_killed_in_the_middle_of_a_test_it_sends_it_again_and_then_it_is_over(
    services: Services, db: asyncpg.Connection, web: WebReceiver
) -> None:
    web.holds = True
    await listens(db, "bob", web.url())
    await ask(db)
    service = services.start("notify")

    async def held() -> bool:
        return len(web.received) == 1

    await until(held)
    await kill(service, db)
    assert [each.status for each in (await latest_tests(db, "bob")).values()] == ["sending"]
    web.holds = False
    service.revive()
    assert [each.status for each in await over(db)] == ["sent"]
    assert [each.id for each in web.received] == [web.received[0].id] * 2
