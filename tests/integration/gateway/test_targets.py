"""R17 over HTTP: a person's targets are theirs alone, and no internal address can be reached through one."""

import asyncpg
import pytest

from tests.support.gateway import Gateway, accepted, refused

HOOK = {"kind": "webhook", "url": "https://hooks.example.com/assent?token=s3cret"}


async def test_R17_webhook_gets_a_secret_that_is_shown_once_and_its_url_never(gateway: Gateway) -> None:
    bob = await gateway.sign_in("bob")
    made = accepted(await bob.post("/api/v1/notifications/targets", json=HOOK), 201)
    assert made["secret"].startswith("whsec_")
    listed = await bob.get("/api/v1/notifications/targets")
    [target] = accepted(listed)["targets"]
    assert target["shown_url"] == "https://hooks.example.com/***"
    assert "s3cret" not in listed.text
    assert made["secret"] not in listed.text
    again = await bob.post("/api/v1/notifications/targets", json=HOOK)
    refused(again, 422, "target-exists")


async def test_R17_nobody_sees_or_removes_another_person_s_target(gateway: Gateway) -> None:
    carol, dave = await gateway.sign_in("carol"), await gateway.sign_in("dave")
    made = accepted(await carol.post("/api/v1/notifications/targets", json=HOOK), 201)
    place = f"/api/v1/notifications/targets/{made['target']['id']}"
    assert accepted(await dave.get("/api/v1/notifications/targets"))["targets"] == []
    refused(await dave.delete(place), 404, "not-found")
    assert (await carol.delete(place)).status_code == 204
    refused(await carol.delete(place), 404, "not-found")


async def test_R17_person_chooses_which_events_go_where_and_pauses_a_target(gateway: Gateway) -> None:
    alice, dave = await gateway.sign_in("alice-admin"), await gateway.sign_in("dave")
    made = accepted(await alice.post("/api/v1/notifications/targets", json=HOOK), 201)["target"]
    place = f"/api/v1/notifications/targets/{made['id']}"
    assert (made["events"], made["enabled"]) == (None, True)
    steps = (
        ({"events": ["approved", "failed"]}, ["approved", "failed"], True),
        ({"enabled": False}, ["approved", "failed"], False),
        ({}, ["approved", "failed"], False),
        ({"events": None}, None, False),
        ({"enabled": True, "events": ["expired"]}, ["expired"], True),
    )
    for sent, events, enabled in steps:
        said = accepted(await alice.patch(place, json=sent))
        assert (said["events"], said["enabled"]) == (events, enabled), sent
        assert accepted(await alice.get("/api/v1/notifications/targets"))["targets"] == [said]
    refused(await alice.patch(place, json={"events": []}), 422, "unknown-event")
    for wrong in ({"events": ["lunch"]}, {"enabled": None}, {"enabled": "no"}, {"url": HOOK["url"]}, []):
        refused(await alice.patch(place, json=wrong), 400, "malformed")
    refused(await dave.patch(place, json={"enabled": False}), 404, "not-found")
    refused(
        await alice.patch(place, json={"enabled": False}, headers={"x-csrf-token": ""}), 403, "cross-site"
    )
    assert accepted(await alice.get("/api/v1/notifications/targets"))["targets"] == [said]


@pytest.mark.parametrize(
    ("kind", "url", "code"),
    [
        ("webhook", "https://127.0.0.1/", "private-address"),
        ("webhook", "https://[::1]/", "private-address"),
        ("webhook", "https://169.254.169.254/latest/meta-data", "private-address"),
        ("webhook", "https://localhost:8700/api/v1/requests", "private-address"),
        ("webhook", "http://hooks.example.com/", "scheme-not-allowed"),
        ("webhook", "file:///etc/passwd", "scheme-not-allowed"),
        ("webhook", "https://hooks.example.com/\r\nHost: other", "url-malformed"),
        ("webhook", "https://hooks.example.com/?x=%0d%0aHost:%20other", "url-malformed"),
        (
            "apprise",
            "mailto://m.example.com?to=b@example.com&from=a@example.com&name=A%0d%0aBcc:%20x",
            "url-malformed",
        ),
        ("apprise", "mailto://m.example.com?to=b@example.com&from=a%0aBcc:x@example.com", "url-malformed"),
        ("apprise", "json://127.0.0.1/", "scheme-not-allowed"),
        ("apprise", "ntfys://10.0.0.1/topic", "private-address"),
    ],
)
async def test_harmful_target_is_refused_by_name(gateway: Gateway, kind: str, url: str, code: str) -> None:
    erin = await gateway.signed_in("erin")
    refused(await erin.post("/api/v1/notifications/targets", json={"kind": kind, "url": url}), 422, code)


async def test_R17_dead_letter_can_be_resent_by_its_recipient(gateway: Gateway) -> None:
    alice, bob = await gateway.sign_in("alice"), await gateway.sign_in("bob")
    made = accepted(await alice.post("/api/v1/notifications/targets", json=HOOK), 201)
    db = await asyncpg.connect(gateway.dsn)
    try:
        letter = await db.fetchval(
            "insert into notifications"
            " (partition, seq, at, request, event, recipient, target, facts, status, attempts, ended_at)"
            " values (0, 0, 0, '0-0', 'approved', 'alice', $1, '{}', 'dead', 10, now()) returning id",
            made["target"]["id"],
        )
        assert accepted(await bob.get("/api/v1/notifications/dead"))["letters"] == []
        refused(await bob.post(f"/api/v1/notifications/dead/{letter}/retry"), 404, "not-found")
        [shown] = accepted(await alice.get("/api/v1/notifications/dead"))["letters"]
        assert (shown["id"], shown["attempts"]) == (letter, 10)
        assert (await alice.post(f"/api/v1/notifications/dead/{letter}/retry")).status_code == 204
        row = await db.fetchrow("select status, attempts from notifications where id = $1", letter)
        assert tuple(row) == ("waiting", 0)
    finally:
        await db.close()
