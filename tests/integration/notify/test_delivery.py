"""R17: messages go from the ledger to those concerned, by webhook and by mail."""

import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from aiokafka import TopicPartition

from assent.notify.delivery import NotDeliveredError
from assent.notify.new_approvers import STALE_AFTER_MS
from assent.notify.news_intake import NewsIntake
from assent.notify.service import reader_of
from assent.notify.webhook import post_webhook
from assent.targets.addresses import resolve
from assent.targets.own_targets import (
    TARGETS_MAX,
    add_target,
    change_target,
    list_targets,
    remove_target,
)
from assent.targets.urls import TargetRefusedError, secret_of
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import now_ms
from assent_contracts.governance_changes import RegisterKey, RevokeKeys
from assent_contracts.governance_objects import SigningKey
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import RefusalCode
from tests.integration.notify.conftest import OWN, PUBLIC, Notifying, mail_to
from tests.integration.readers.conftest import read_all
from tests.support.governor import governing
from tests.support.log import Actor, Log
from tests.support.readers import caught_up
from tests.support.receivers import Mail, MailReceiver, WebReceiver, web_receiver
from tests.support.stack import until


async def listens(db: asyncpg.Connection, principal: str, web: WebReceiver, *events: str) -> str:
    """A webhook on the principal's own path; returns its secret."""
    new = await add_target(
        db, principal, "webhook", web.url(f"/{principal}"), events=events or None, allow_private=True
    )
    assert new.secret is not None
    return new.secret


async def settled(db: asyncpg.Connection) -> None:
    """Wait until nothing is waiting or being sent."""

    async def nothing() -> bool:
        return not await db.fetchval("select exists (select from notifications where status <> 'sent')")

    await until(nothing)


def heard(web: WebReceiver, principal: str) -> list[str]:
    return [each.json["type"] for each in web.received if each.path == f"/{principal}"]


async def test_R17_approvers_and_requester_are_notified_of_each_event_once(
    log: Log,
    follower: GovernanceFollower,
    actor: Actor,
    notifying: Notifying,
    db: asyncpg.Connection,
    web: WebReceiver,
) -> None:
    secrets = {name: await listens(db, name, web) for name in ("alice", "alice-admin", "bob", "dave")}
    async with notifying():
        request = await actor.opened(f"script/{uuid4()}", principal="alice")
        await actor.approve(request, note="Fine.")
        await actor.complete(request, "alice")
        await actor.claim(request)
        await actor.report(request)
        heads = (await read_all(log, follower)).heads
        await caught_up(db, reader_of(NewsIntake(follower)), heads)
        await settled(db)
    # R9: not the requester's other account. R4: not people outside the groups.
    assert heard(web, "alice-admin") == heard(web, "dave") == []
    assert heard(web, "bob") == ["assent.request.needs-approval"]
    assert heard(web, "alice") == ["assent.request.approved", "assent.request.completed"]
    for each in web.received:
        body = each.verified(secrets[each.path.strip("/")])
        assert body["data"]["request"] == request.request
        assert body["data"]["resource"] == request.resource
        assert body["data"]["requester"] == "alice"
        assert body["data"]["justification"] == "It is needed."
        assert body["data"]["link"] == f"{PUBLIC}/requests/{request.request}"
    assert len({each.id for each in web.received}) == len(web.received)
    approved = next(each.json for each in web.received if each.json["type"].endswith("approved"))
    assert (approved["data"]["by"], approved["data"]["note"]) == ("bob", "Fine.")
    assert web.most_at_once >= 1
    # Ended requests are not remembered.
    seq = int(request.request.split("-")[1])
    assert await db.fetchval("select count(*) from notification_requests where seq = $1", seq) == 0


async def test_R8_R17_rejection_expired_approval_and_unknown_outcome_are_notified(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    for name in ("device-config", "bob", "carol", "dave"):
        await listens(db, name, web)
    async with notifying():
        rejected = await actor.opened(f"script/{uuid4()}")
        await actor.reject(rejected, note="No.")
        revoked = await actor.opened(f"script/{uuid4()}")
        await actor.approve(revoked)
        await actor.revoke(revoked)
        unknown = await actor.released(f"script/{uuid4()}")
        await actor.claim(unknown)
        await actor.report(unknown, "unknown")

        def about(principal: str, request: str) -> list[str]:
            return [
                each.json["type"].removeprefix("assent.request.")
                for each in web.received
                if each.path == f"/{principal}" and each.json["data"]["request"] == request
            ]

        expected = {
            ("device-config", rejected.request): ["rejected"],
            ("bob", rejected.request): ["needs-approval"],
            ("device-config", revoked.request): ["approved", "approval-revoked"],
            ("carol", revoked.request): ["needs-approval", "needs-approval"],
            ("device-config", unknown.request): ["approved", "outcome-unknown"],
            # bob and carol administer. dave does not, and is in no approver group of scripts.
            ("bob", unknown.request): ["needs-approval", "outcome-unknown"],
            ("dave", unknown.request): [],
        }

        async def all_told() -> bool:
            return all(len(about(*whom)) >= len(what) for whom, what in expected.items())

        await until(all_told)
        await settled(db)
        assert {whom: about(*whom) for whom in expected} == expected


async def test_new_key_is_announced_to_its_person_and_to_all_administrators(
    log: Log,
    follower: GovernanceFollower,
    actor: Actor,
    notifying: Notifying,
    db: asyncpg.Connection,
    web: WebReceiver,
) -> None:
    """A thief who holds one of their keys registers another: that does not stay unnoticed."""
    for name in ("dave", "bob", "carol", "alice", "erin", "alice-admin"):
        await listens(db, name, web)
    key = SecretKey("dave-thief", "dave")
    wanted = SigningKey(
        id=key.id, principal="dave", public_key=key.public, not_before=0, not_after=FOR_EVER_MS
    )
    async with notifying(), governing(log, follower) as governor:
        assert (await governor.change(RegisterKey(key=wanted), "dave")).refusal is None

        def of_keys(principal: str) -> list[str]:
            return [each for each in heard(web, principal) if "key" in each]

        async def all_told() -> bool:
            return all(of_keys(name) for name in ("dave", "bob", "carol", "alice-admin"))

        await until(all_told)
        await settled(db)
        assert (await governor.change(RevokeKeys(principal="dave"), "bob")).refusal is None
    assert of_keys("alice") == of_keys("erin") == []
    for name in ("dave", "bob", "carol", "alice-admin"):
        assert of_keys(name) == ["assent.governance.key-registered"]
    said = next(each.json["data"] for each in web.received if "key" in each.json["type"])
    assert (said["object"], said["principal"], said["by"]) == ("governance/key/dave-thief", "dave", "dave")
    sent = await actor.submit(f"script/{uuid4()}", principal="dave")
    assert sent.refusal is not None
    assert sent.refusal.code is RefusalCode.UNKNOWN_KEY


async def test_R17_mail_states_its_subject_and_no_field_can_start_a_header(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, mail: MailReceiver
) -> None:
    await add_target(db, "bob", "apprise", mail_to(mail), allow_private=True)
    # Nothing from other tests: five minutes are how far the clocks may differ.
    await db.execute("update notification_targets set created_at = now() + interval '5 minutes'")
    async with notifying():
        request = await actor.opened(
            f"script/{uuid4()}",
            principal="alice",
            justification="Grüße\r\nBcc: all@example.com\r\n\r\n@everyone <b>now</b>",
        )

        def came() -> list[Mail]:
            return [each for each in mail.received if request.resource in each.message["Subject"]]

        async def has_come() -> bool:
            return bool(came())

        await until(has_come)
        await settled(db)
    [received] = came()
    message = received.message
    assert (received.sender, received.recipients) == ("assent@example.com", ("bob@example.com",))
    assert message["Subject"] == f"Approval needed: create {request.resource}"
    assert message.get_content_type() == "text/plain"
    assert message["Bcc"] is None
    text = message.get_content()
    assert "Alice Miller (alice) asks to create" in text
    assert "Why: Grüße Bcc: all@example.com" in text
    assert "@everyone" not in text
    assert "<b>" not in text
    assert f"{PUBLIC}/requests/{request.request}" in text
    assert message["To"] == "bob@example.com"


async def test_R17_targets_receive_only_what_they_asked_for_and_nothing_older_than_themselves(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    await listens(db, "bob", web, "needs-approval")
    await listens(db, "device-config", web, "completed", "failed")
    await listens(db, "carol", web)
    await db.execute(
        "update notification_targets set created_at = now() + interval '1 hour' where principal = 'carol'"
    )
    async with notifying():
        request = await actor.released(f"script/{uuid4()}")
        await actor.claim(request)
        await actor.report(request, "failed")

        async def told() -> bool:
            return bool(heard(web, "device-config"))

        await until(told)
        await settled(db)
    assert heard(web, "bob") == ["assent.request.needs-approval"] * len(heard(web, "bob"))
    assert heard(web, "device-config") == ["assent.request.failed"]
    assert heard(web, "carol") == []


async def test_R17_records_read_again_or_far_too_late_notify_nobody(
    log: Log, follower: GovernanceFollower, actor: Actor, db: asyncpg.Connection, web: WebReceiver
) -> None:
    """A batch that was rolled back is read again, and one that was committed adds nothing again."""
    await listens(db, "bob", web)
    request = await actor.opened(f"script/{uuid4()}", principal="alice")
    partition = int(request.request.split("-")[0])
    accepted = (await read_all(log, follower)).accepted[("assent.ledger", partition)]
    intake, place = NewsIntake(follower), TopicPartition("assent.ledger", partition)
    rolled_back = db.transaction()
    await rolled_back.start()
    await intake.write(db, place, accepted)
    await rolled_back.rollback()
    assert await db.fetchval("select count(*) from notifications") == 0
    await intake.write(db, place, accepted)
    rows = await db.fetch(
        "select request, event, recipient from notifications where request = $1", request.request
    )
    assert [tuple(row) for row in rows] == [(request.request, "needs-approval", "bob")]
    await db.execute("delete from notifications")
    long_past = [msgspec.structs.replace(each.record, at=now_ms() - STALE_AFTER_MS - 1) for each in accepted]
    old = [
        msgspec.structs.replace(each, record=record) for each, record in zip(accepted, long_past, strict=True)
    ]
    await db.execute("update notification_targets set created_at = 'epoch'")
    await db.execute("delete from notification_requests")
    await intake.write(db, place, old)
    assert await db.fetchval("select count(*) from notifications") == 0


async def test_R17_targets_are_added_shown_changed_and_removed_by_their_owner(
    db: asyncpg.Connection, web: WebReceiver
) -> None:
    new = await add_target(db, "bob", "webhook", "https://hooks.example.com/secret-token")
    assert new.secret is not None
    assert new.secret.startswith("whsec_")
    [shown] = await list_targets(db, "bob")
    assert shown == new.target
    assert "secret-token" not in str(msgspec.to_builtins(shown))
    assert await list_targets(db, "alice") == []
    assert not await remove_target(db, "alice", shown.id)
    assert not await change_target(db, "alice", shown.id, events=None, enabled=False)
    assert await change_target(db, "bob", shown.id, events=["failed"], enabled=False)
    [changed] = await list_targets(db, "bob")
    assert (changed.events, changed.enabled) == (("failed",), False)
    with pytest.raises(TargetRefusedError) as refused:
        await change_target(db, "bob", shown.id, events=["everything"], enabled=True)
    assert refused.value.reason == "unknown-event"
    with pytest.raises(TargetRefusedError) as refused:
        await add_target(db, "bob", "webhook", "https://hooks.example.com/secret-token")
    assert refused.value.reason == "target-exists"
    for number in range(TARGETS_MAX - 1):
        await add_target(db, "bob", "webhook", f"https://hooks.example.com/{number}")
    with pytest.raises(TargetRefusedError) as refused:
        await add_target(db, "bob", "webhook", "https://hooks.example.com/one-more")
    assert refused.value.reason == "too-many-targets"
    assert await remove_target(db, "bob", shown.id)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(key), "-out", str(certificate), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", *made.split(), *files], check=True, capture_output=True)
    return certificate, key


async def test_R17_connection_goes_to_the_checked_address_and_the_certificate_is_for_the_name(
    certificate: tuple[Path, Path],
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    asked: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    trusted, secret = ssl.create_default_context(cafile=str(certificate[0])), secret_of(bytes(32))
    async with web_receiver(tls) as web:

        async def send(url: str, trust: ssl.SSLContext, *, allow_private: bool = True) -> None:
            await post_webhook(url, secret, "m", "{}", allow_private=allow_private, tls=trust, timeout_s=5)

        await send(web.url(host="localhost"), trusted)
        assert web.received[0].headers["host"] == f"localhost:{web.port}"
        assert asked == ["localhost"]
        for url, trust in (
            (web.url(host="127.0.0.1"), trusted),
            (web.url(host="localhost"), ssl.create_default_context()),
        ):
            with pytest.raises(NotDeliveredError, match="certificate"):
                await send(url, trust)
        for host in ("localhost", "127.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"):
            with pytest.raises(NotDeliveredError, match=r"not public|no address"):
                await send(web.url(host=host), trusted, allow_private=False)
        assert len(web.received) == 1
    assert "127.0.0.1" in await resolve("localhost", 443, allow_private=True)


async def test_R17_name_that_resolves_differently_the_second_time_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the address that was checked is the one that is connected to."""
    system, asked = socket.getaddrinfo, list[str]()

    def rebinding(host: str | bytes, *rest: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name == "rebind.example.com":
            asked.append(name)
            host = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return system(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    async with web_receiver() as web:
        url, trust = web.url(host="rebind.example.com"), ssl.create_default_context()
        await post_webhook(url, secret_of(bytes(32)), "m", "{}", allow_private=True, tls=trust, timeout_s=5)
        assert len(web.received) == len(asked) == 1


async def test_R17_governance_is_known_as_of_any_record(follower: GovernanceFollower) -> None:
    last = len(follower.history) - 1
    assert [(await follower.state_at(seq)).seq for seq in (last, 3, 5)] == [last, 3, 5]
    assert follower.past.at(3).policies.keys() != (await follower.state_at(last)).policies.keys()


async def test_R17_redirect_is_not_followed(web: WebReceiver) -> None:
    async with web_receiver() as elsewhere:
        web.status, web.extra = 302, f"location: {elsewhere.url()}\r\n"
        with pytest.raises(NotDeliveredError, match="302"):
            await post_webhook(
                web.url(),
                secret_of(bytes(32)),
                "m",
                "{}",
                allow_private=True,
                tls=ssl.create_default_context(),
                timeout_s=5,
            )
        assert elsewhere.received == []


async def test_R17_target_on_a_private_address_receives_nothing_unless_the_operator_allows_it(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver, mail: MailReceiver
) -> None:
    """Whatever the tables contain: both kinds are checked again at each send."""
    await listens(db, "bob", web)
    await add_target(db, "bob", "apprise", mail_to(mail), allow_private=True)
    async with notifying(msgspec.structs.replace(OWN, allow_private=False)):
        await actor.opened(f"script/{uuid4()}", principal="alice")

        async def dead() -> bool:
            return (
                await db.fetchval("select count(distinct target) from notifications where status = 'dead'")
                == 2
            )

        await until(dead)
    reasons = await db.fetch("select distinct last_error from notifications where attempts > 0")
    assert [row["last_error"] for row in reasons] == ["It leads to an address that is not public."]
    assert (web.received, mail.connections) == ([], 0)
