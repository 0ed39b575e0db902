"""Texts and payloads, and what people could try to inject into them."""

import json
import re
import unicodedata
from datetime import UTC, datetime
from email import message_from_string
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from assent.notify.delivery import Delivery, Message, TargetTest
from assent.notify.message_texts import (
    NAME_MAX_CHARS,
    SUBJECT_MAX_CHARS,
    WORDS_MAX_CHARS,
    MessageText,
    harmless,
    one_line,
    text_of,
    text_of_test,
)
from assent.notify.notify_settings import read_notify_settings
from assent.notify.retry_delay import LONGEST_S, SLOW_S, rest_s, wait_s
from assent.notify.webhook import signature
from assent.notify.webhook_document import document_of, document_of_test
from assent.process_settings import SettingsError
from assent.targets.news import EVENTS, OF_FINDINGS, OF_GOVERNANCE, Facts, NewsEvent
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


def message(event: NewsEvent = "needs-approval", **facts: str | bool) -> Message:
    told = {"resource": "script/a.sh", "operation": "create", "requester": "alice", "by": "bob", **facts}
    return Message(
        id=5,
        attempts=1,
        partition=2,
        seq=17,
        at=1_767_225_600_123,
        request="2-15",
        event=event,
        recipient="carol",
        facts=Facts(**told),
    )


def delivery() -> Delivery:
    return Delivery(
        target=UUID(int=3),
        kind="webhook",
        url="https://hooks.example.com/",
        secret=secret_of(bytes(32)),
        failures=0,
        messages=(message(),),
        most=1,
    )


def text(of: Message, public_url: str | None = PUBLIC) -> MessageText:
    return text_of((of,), public_url)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("words", ["", "Because."])
def test_R17_every_message_has_a_text_with_its_request_and_a_link(event: NewsEvent, words: str) -> None:
    found = text(message(event, words=words), PUBLIC)
    assert found.subject
    assert "script/a.sh" in found.subject
    if event in OF_FINDINGS:
        assert f"{PUBLIC}/findings#card-2-15" in found.body
    elif event not in OF_GOVERNANCE:
        assert f"{PUBLIC}/requests/2-15" in found.body
    if words and event not in ("reopened", "expired", *OF_GOVERNANCE):
        assert "Because." in found.body
    assert "\n\n\n" not in found.body
    assert "{" not in found.subject + found.body


def test_R17_without_an_address_of_the_console_there_is_no_link() -> None:
    found = text(message(), None)
    assert found.body.endswith("Request 2-15")
    assert json.loads(document_of(message(), None))["data"]["link"] is None


def test_R12_requester_is_told_whether_to_complete() -> None:
    assert "Select Complete" in text(message("approved"), None).body
    assert "has been released" in text(message("approved", released=True), None).body


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("field", ["resource", "operation", "requester", "by", "words", "target", "made_by"])
@pytest.mark.parametrize("event", EVENTS)
def test_R17_no_field_from_people_can_start_a_header_or_a_line(
    event: NewsEvent, field: str, evil: str
) -> None:
    plain = text(message(event, words="w"), PUBLIC)
    found = text(message(event, **{"words": "w", field: evil}), PUBLIC)
    assert len(found.subject) <= SUBJECT_MAX_CHARS
    assert not any(unicodedata.category(each)[0] == "C" for each in found.subject)
    assert message_from_string(f"Subject: {found.subject}\n\n").keys() == ["Subject"]
    assert len(found.body.splitlines()) <= len(plain.body.splitlines())
    assert len(found.body) < len(plain.body) + 3 * WORDS_MAX_CHARS
    assert "49" not in found.body


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
    found = text(message(resource="script/a", words="ok\u3164\u034f \u202ecod.exe"), None)
    assert "ok⟨U+3164⟩⟨U+034F⟩ ⟨U+202E⟩cod.exe" in found.body


def test_R17_payload_is_json_whatever_it_contains() -> None:
    payload = json.loads(document_of(message(resource='script/"\u2028\x00', requester="a\r\nb"), PUBLIC))
    assert payload == {
        "type": "assent.request.needs-approval",
        "timestamp": "2026-01-01T00:00:00.123Z",
        "data": {
            "request": "2-15",
            "resource": 'script/"\u2028\x00',
            "operation": "create",
            "requester": "a\r\nb",
            "by": "bob",
            "status": "needs_approval",
            "link": f"{PUBLIC}/requests/2-15",
            "position": {"partition": 2, "seq": 17},
        },
    }


def test_R17_webhook_signature_follows_standard_webhooks() -> None:
    sent = delivery()
    payload = document_of(sent.first, PUBLIC)
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
    key = message("key-registered", resource="bob-2", requester="bob", by="mallory")
    found = text(key)
    assert found.subject == "New key for bob: bob-2"
    assert "registered for bob by mallory" in found.body
    assert "assent keys revoke --all-of bob" in found.body
    told = json.loads(document_of(key, PUBLIC))
    assert told["type"] == "assent.governance.key-registered"
    assert told["data"] == {
        "object": "2-15",
        "principal": "bob",
        "by": "mallory",
        "position": {"governance": 17},
    }


def test_R17_people_are_named_and_their_accounts_too() -> None:
    names = {"requester_name": "Alice Miller", "by_name": "Bob Ortega", "words": "Because."}
    asked = text(message("needs-approval", **names)).body
    assert asked.startswith("Alice Miller (alice) asks to create script/a.sh. You can")
    assert text(message("rejected", **names)).body.startswith(
        "Your request to create script/a.sh was rejected by Bob Ortega (bob)"
    )
    for_you = message("needs-approval", on_behalf_of="alice", on_behalf_of_name="Alice Miller")
    assert text(for_you).body.startswith("alice, on behalf of Alice Miller (alice), asks")


@pytest.mark.parametrize("name", ["Bob\r\nBcc: x@example.com", "@everyone", "bob` && rm -rf /"])
def test_R17_a_display_name_begins_no_header_and_is_no_part_of_a_command(name: str) -> None:
    found = text(message("key-registered", requester="bob", requester_name=name, by_name=name))
    assert len(found.subject.splitlines()) == 1
    assert found.body.splitlines()[-1] == "assent keys revoke --all-of bob"
    assert "@everyone" not in found.body
    assert "`" not in found.body


def test_R6_R8_a_webhook_gets_the_justification_and_the_note() -> None:
    asked = json.loads(document_of(message(justification="Because."), PUBLIC))["data"]
    assert (asked["justification"], asked["requester"]) == ("Because.", "alice")
    assert "note" not in asked
    decided = message("rejected", justification="Because.", note="No.\nReally.", words="No.")
    data = json.loads(document_of(decided, PUBLIC))["data"]
    assert (data["justification"], data["by"], data["note"]) == ("Because.", "bob", "No.\nReally.")


def test_R17_a_test_says_what_it_is_in_both_forms() -> None:
    found = text_of_test(PUBLIC)
    assert found.subject == "Test notification from Assent"
    assert found.body.endswith(f"Change or remove this target: {PUBLIC}/notifications")
    assert "target:" not in text_of_test(None).body
    target = UUID(int=3)
    asked_at = datetime(2026, 1, 1, tzinfo=UTC)
    asked = TargetTest(id=7, asked_at=asked_at, target=target, kind="webhook", url="", secret=None)
    assert json.loads(document_of_test(asked, PUBLIC)) == {
        "type": "assent.test",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "data": {"target": str(target), "link": f"{PUBLIC}/notifications"},
    }


def test_R17_several_requests_are_one_text_that_lists_them() -> None:
    asked = [
        msgspec.structs.replace(
            message(resource=f"script/{name}", requester_name="Alice Miller", words=f"Why {name}."),
            request=f"2-{number}",
        )
        for number, name in enumerate(("a", "b", "c"))
    ]
    found = text_of(asked, PUBLIC)
    assert found.subject == "Approval needed: 3 requests"
    first, *entries = found.body.split("\n\n")
    assert first == "You can approve or reject these requests."
    assert entries == [
        f"{number + 1}. Approval needed: create script/{name}\n"
        f"   Alice Miller (alice): Why {name}.\n"
        f"   Request 2-{number}: {PUBLIC}/requests/2-{number}"
        for number, name in enumerate(("a", "b", "c"))
    ]


def test_R17_several_things_of_different_kinds_are_listed_by_what_they_are() -> None:
    asked = [message(event, words="Because.") for event in EVENTS]
    found = text_of(asked, None)
    assert found.subject == f"{len(EVENTS)} notifications"
    for each in asked:
        assert text(each, None).subject in found.body
    assert "   alice: Because.\n" in found.body
    assert "   bob: Because.\n" in found.body


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("field", ["resource", "operation", "requester", "requester_name", "by", "words"])
def test_R17_no_field_from_people_can_begin_a_line_of_a_list(field: str, evil: str) -> None:
    plain = text_of([message(words="w")] * 2, PUBLIC)
    found = text_of([message("needs-approval", **{"words": "w", field: evil})] * 2, PUBLIC)
    assert len(found.subject.splitlines()) == 1
    assert len(found.body.splitlines()) <= len(plain.body.splitlines())


def test_the_document_that_the_page_on_notifications_shows_is_the_one_that_is_sent() -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "notifications.md"
    [shown] = re.findall(r"```json\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    sent = message(
        "rejected",
        requester="build-system",
        on_behalf_of="alice",
        justification="Laptops lose their VPN.",
        note="Wait for the maintenance window.",
    )
    golden = json.dumps(json.loads(shown), separators=(",", ":"), ensure_ascii=False)
    assert document_of(sent, PUBLIC) == golden


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("unexplained", "web shows a change of script/a.sh that no request explains."),
        ("different", "web shows something else of script/a.sh than request 2-9 made."),
        ("missing", "web does not show what request 2-9 made of script/a.sh."),
    ],
)
def test_R28_a_finding_is_told_with_what_differs_and_where(kind: str, says: str) -> None:
    facts = {"kind": kind, "target": "web", "made_by": "2-9", "version": "v7", "words": "Seen."}
    found = text(message("finding-opened", **facts), PUBLIC)
    assert found.subject == "Finding: script/a.sh at web"
    assert says in found.body
    assert "bob has reported it." in found.body
    data = json.loads(document_of(message("finding-opened", **facts), PUBLIC))
    assert data["type"] == "assent.finding.opened"
    assert data["data"] == {
        "finding": "2-15",
        "resource": "script/a.sh",
        "target": "web",
        "kind": kind,
        "version": "v7",
        "request": "2-9",
        "reporter": "bob",
        "detail": "Seen.",
        "link": f"{PUBLIC}/findings#card-2-15",
        "position": {"partition": 2, "seq": 17},
    }
