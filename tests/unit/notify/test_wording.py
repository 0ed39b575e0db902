"""Texts and payloads, and what people could try to inject into them."""

import json
import unicodedata
from email import message_from_string
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from assent.notify.delivery import Delivery
from assent.notify.message_texts import (
    NAME_MAX_CHARS,
    SUBJECT_MAX_CHARS,
    WORDS_MAX_CHARS,
    harmless,
    one_line,
    payload_of,
    text_of,
)
from assent.notify.notify_settings import read_notify_settings
from assent.notify.retry_delay import LONGEST_S, SLOW_S, rest_s, wait_s
from assent.notify.webhook import signature
from assent.process_settings import SettingsError
from assent.targets.news import EVENTS, OF_GOVERNANCE, Facts, NewsEvent
from assent.targets.urls import secret_of

PUBLIC = "https://assent.example.com"
EVIL = [
    "a\r\nBcc: everybody@example.com\r\n\r\nEvil",
    "a\nSubject: other",
    "a\x00b\x1b[31mred\x07\x7f\x85",
    "a\u2028b\u2029c\x0b\x0cd",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "lone \ud800 surrogate",
    "a" * 100_000,
    "\r" * 100_000,
    "{{ 7 * 7 }}{% include 'x' %}",
]


def delivery(event: NewsEvent = "needs-approval", **facts: str | bool) -> Delivery:
    told = {"resource": "script/a.sh", "operation": "create", "requester": "alice", "by": "bob", **facts}
    return Delivery(
        id=5,
        attempts=1,
        partition=2,
        seq=17,
        at=1_767_225_600_123,
        request="2-15",
        event=event,
        recipient="carol",
        facts=Facts(**told),
        target=UUID(int=3),
        kind="webhook",
        url="https://hooks.example.com/",
        secret=secret_of(bytes(32)),
        failures=0,
    )


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("words", ["", "Because."])
def test_R17_every_message_has_a_text_with_its_request_and_a_link(event: NewsEvent, words: str) -> None:
    text = text_of(delivery(event, words=words), PUBLIC)
    assert text.subject
    assert "script/a.sh" in text.subject
    if event not in OF_GOVERNANCE:
        assert f"{PUBLIC}/requests/2-15" in text.body
    if words and event not in ("reopened", "expired", *OF_GOVERNANCE):
        assert "Because." in text.body
    assert "\n\n\n" not in text.body
    assert "{" not in text.subject + text.body


def test_R17_without_an_address_of_the_console_there_is_no_link() -> None:
    text = text_of(delivery(), None)
    assert text.body.endswith("Request 2-15")
    assert json.loads(payload_of(delivery(), None))["data"]["link"] is None


def test_R12_requester_is_told_whether_to_complete() -> None:
    assert "Select Complete" in text_of(delivery("approved"), None).body
    assert "has been released" in text_of(delivery("approved", released=True), None).body


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("field", ["resource", "operation", "requester", "by", "words"])
@pytest.mark.parametrize("event", EVENTS)
def test_R17_no_field_from_people_can_start_a_header_or_a_line(
    event: NewsEvent, field: str, evil: str
) -> None:
    plain = text_of(delivery(event, words="w"), PUBLIC)
    text = text_of(delivery(event, **{"words": "w", field: evil}), PUBLIC)
    assert len(text.subject) <= SUBJECT_MAX_CHARS
    assert not any(unicodedata.category(each)[0] == "C" for each in text.subject)
    assert message_from_string(f"Subject: {text.subject}\n\n").keys() == ["Subject"]
    assert len(text.body.splitlines()) <= len(plain.body.splitlines())
    assert len(text.body) < len(plain.body) + 3 * WORDS_MAX_CHARS
    assert "49" not in text.body


@pytest.mark.parametrize("evil", EVIL)
def test_R17_one_line_stays_one_line_within_its_limit(evil: str) -> None:
    line = one_line(evil, NAME_MAX_CHARS)
    assert len(line) <= NAME_MAX_CHARS
    assert len(line.splitlines()) <= 1
    line.encode()


@pytest.mark.parametrize(
    "evil",
    [
        "@everyone",
        "@HERE",
        "<!channel>",
        "<@U123>",
        "[Approve](https://evil.example)",
        "https://evil.example",
        "`x`",
    ],
)
def test_R17_chat_renders_no_mention_or_link_from_it(evil: str) -> None:
    made = harmless(evil, 100)
    for sign in ("@everyone", "@HERE", "<", ">", "](", "://", "`"):
        assert sign not in made


def test_R17_ordinary_names_stay_unchanged() -> None:
    for name in ("alice@example.com", "Grüße, 日本語 🦊", "خواهم", "script/a.sh"):
        assert harmless(name, 100) == name


def test_R17_invisible_characters_are_in_a_mail_as_their_numbers() -> None:
    text = text_of(delivery(resource="script/a", words="ok\u3164\u034f \u202ecod.exe"), None)
    assert "ok⟨U+3164⟩⟨U+034F⟩ ⟨U+202E⟩cod.exe" in text.body


def test_R17_payload_is_json_whatever_it_contains() -> None:
    payload = json.loads(payload_of(delivery(resource='script/"\u2028\x00', requester="a\r\nb"), PUBLIC))
    assert payload == {
        "type": "assent.request.needs-approval",
        "timestamp": "2026-01-01T00:00:00.123Z",
        "data": {
            "request": "2-15",
            "resource": 'script/"\u2028\x00',
            "operation": "create",
            "requester": "a\r\nb",
            "status": "needs_approval",
            "link": f"{PUBLIC}/requests/2-15",
            "position": {"partition": 2, "seq": 17},
        },
    }


def test_R17_webhook_signature_follows_standard_webhooks() -> None:
    sent = delivery()
    payload = payload_of(sent, PUBLIC)
    assert sent.secret is not None
    headers = signature(sent.secret, sent.message_id, payload)
    assert Webhook(sent.secret).verify(payload, headers)["data"]["request"] == "2-15"
    with pytest.raises(WebhookVerificationError):
        Webhook(sent.secret).verify(payload.replace("2-15", "2-16"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(b"1" * 32)).verify(payload, headers)


def test_R17_message_keeps_its_id_from_attempt_to_attempt() -> None:
    assert delivery().message_id == f"msg_2_17_needs-approval_{UUID(int=3)}"


def test_R17_waiting_times_grow_up_to_a_limit_and_vary() -> None:
    assert [wait_s(failures, 1) for failures in (1, 2, 3)] == [10, 30, 90]
    assert wait_s(1, 0) == 5
    assert wait_s(1_000, 1) == LONGEST_S


def test_R17_target_is_paused_three_times_as_long_as_it_was_slow() -> None:
    assert rest_s(SLOW_S - 0.1) == 0
    assert rest_s(9.9) == pytest.approx(29.7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ASSENT_PUBLIC_URL", "assent.example.com"),
        ("ASSENT_PUBLIC_URL", "javascript://x"),
        ("ASSENT_NOTIFY_ALLOW_PRIVATE", "yes"),
        ("ASSENT_NOTIFY_ATTEMPTS", "0"),
        ("ASSENT_NOTIFY_ATTEMPTS", "many"),
    ],
)
def test_invalid_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_notify_settings({name: value})


def test_settings_are_few_and_have_defaults() -> None:
    settings = read_notify_settings({})
    assert (settings.public_url, settings.allow_private, settings.attempts) == (None, False, 10)
    assert read_notify_settings({"ASSENT_PUBLIC_URL": PUBLIC + "/"}).public_url == PUBLIC


def test_new_key_is_announced_with_the_command_that_revokes_a_thief_s_keys() -> None:
    key = delivery("key-registered", resource="bob-2", requester="bob", by="mallory")
    text = text_of(key, PUBLIC)
    assert text.subject == "New key for bob: bob-2"
    assert "registered for bob by mallory" in text.body
    assert "assent keys revoke --all-of bob" in text.body
    told = json.loads(payload_of(key, PUBLIC))
    assert told["type"] == "assent.governance.key-registered"
    assert told["data"] == {
        "object": "2-15",
        "principal": "bob",
        "by": "mallory",
        "position": {"governance": 17},
    }
