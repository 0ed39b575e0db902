"""Each sender's signature, by vectors of the sender or computed apart, and forged ones."""

import base64
import hashlib
import hmac
import time

import pytest

from assent.upstream.signatures import content_id, event_id, refusal_of, secret_fault
from assent.upstream.source_settings import Scheme

BODY = b'{"a":"\xc3\xa9", "b": 1}'
WHSEC = "whsec_" + base64.b64encode(b"k" * 32).decode()


def standard(
    body: bytes, *, message: str = "msg_1", age_s: int = 0, key: bytes = b"k" * 32
) -> dict[str, str]:
    at = str(int(time.time()) - age_s)
    signature = hmac.new(key, f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def test_github_accepts_the_vector_of_its_documentation() -> None:
    headers = {
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    }
    assert refusal_of("github", ["It's a Secret to Everybody"], headers, b"Hello, World!") is None
    assert refusal_of("github", ["It's a Secret to Everybody"], headers, b"Hello, World?") is not None
    assert refusal_of("github", ["another", "It's a Secret to Everybody"], headers, b"Hello, World!") is None


@pytest.mark.parametrize(
    ("scheme", "header", "prefix", "algorithm"),
    [
        ("github", "x-hub-signature-256", "sha256=", "sha256"),
        ("gitlab-status-check", "x-gitlab-signature", "", "sha256"),
        ("terraform", "x-tfc-task-signature", "", "sha512"),
    ],
)
def test_hmac_of_the_raw_body_is_the_only_accepted_one(
    scheme: Scheme, header: str, prefix: str, algorithm: str
) -> None:
    right = prefix + hmac.new(b"s", BODY, algorithm).hexdigest()
    assert refusal_of(scheme, ["s"], {header: right}, BODY) is None
    wrong = [
        "",
        right[:-1],
        right + "0",
        right.upper() + " ",
        prefix + hmac.new(b"", BODY, algorithm).hexdigest(),
        prefix + hmac.new(b"t", BODY, algorithm).hexdigest(),
        "\udcff\xff",
    ]
    for each in wrong:
        assert refusal_of(scheme, ["s"], {header: each}, BODY) is not None, each
    assert refusal_of(scheme, ["s"], {header: right}, BODY + b" ") is not None
    assert refusal_of(scheme, ["s"], {}, BODY) is not None


def test_gitlab_token_is_the_secret_itself() -> None:
    assert refusal_of("gitlab-token", ["s3cret"], {"x-gitlab-token": "s3cret"}, BODY) is None
    for wrong in ("", "s3cre", "s3cret "):
        assert refusal_of("gitlab-token", ["s3cret"], {"x-gitlab-token": wrong}, BODY) is not None


def test_standard_webhook_is_accepted_within_five_minutes() -> None:
    assert refusal_of("standard-webhooks", [WHSEC], standard(BODY), BODY) is None
    assert refusal_of("standard-webhooks", [WHSEC], standard(BODY, age_s=290), BODY) is None
    assert refusal_of("standard-webhooks", [WHSEC], standard(BODY, age_s=-290), BODY) is None
    for age_s in (310, -310):
        assert refusal_of("standard-webhooks", [WHSEC], standard(BODY, age_s=age_s), BODY) is not None


def test_standard_webhook_has_one_right_signature_among_others() -> None:
    headers = standard(BODY)
    both = {**headers, "webhook-signature": "v1a,AAAA v1,AAAA " + headers["webhook-signature"]}
    assert refusal_of("standard-webhooks", [WHSEC], both, BODY) is None
    for wrong in ("", "v1", "v1,", "v1,!", "v2," + headers["webhook-signature"][3:], "é", ",,,"):
        forged = {**headers, "webhook-signature": wrong}
        assert refusal_of("standard-webhooks", [WHSEC], forged, BODY) is not None, wrong
    for name in headers:
        assert refusal_of("standard-webhooks", [WHSEC], {**headers, name: "nan"}, BODY) is not None
    assert refusal_of("standard-webhooks", [WHSEC], standard(BODY, key=b"x" * 32), BODY) is not None
    assert refusal_of("standard-webhooks", [WHSEC], standard(b"\xff"), b"\xff") is not None


def test_event_has_the_senders_id_or_that_of_its_content() -> None:
    digest = hashlib.sha256(BODY).hexdigest()
    assert event_id("github", {"x-github-delivery": "d-1"}, BODY) == "d-1"
    assert event_id("github", {"x-github-delivery": "d" * 300}, BODY) == digest
    assert event_id("standard-webhooks", {"webhook-id": "msg_1"}, BODY) == "msg_1"
    assert event_id("gitlab-token", {"idempotency-key": "k"}, BODY) == "k"
    # Events that one event has caused share this id.
    shared = {"x-gitlab-event-uuid": "u"}
    assert event_id("gitlab-token", shared, BODY) != event_id("gitlab-token", shared, BODY + b" ")
    assert event_id("terraform", {}, BODY) == digest
    assert content_id("github", BODY) == digest
    assert content_id("standard-webhooks", BODY) is None


def test_secret_that_could_sign_nothing_is_named() -> None:
    assert secret_fault("github", "") is not None
    assert secret_fault("standard-webhooks", "whsec_%%%") is not None
    assert secret_fault("standard-webhooks", "whsec_") is not None
    assert secret_fault("standard-webhooks", WHSEC) is None
