"""Which targets people may add: what is refused, under which name, and what is never shown."""

import pytest

from assent.targets.urls import (
    URL_MAX_CHARS,
    RefusalReason,
    TargetKind,
    TargetRefusedError,
    check_secret,
    check_url,
    masked,
    secret_of,
)

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
MAIL = "mailtos://user:password@mail.example.com?to=bob@example.com&from=assent@example.com"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("webhook", "https://hooks.example.com/services/abc?x=1"),
        ("webhook", "https://hooks.example.com:8443/"),
        ("webhook", "https://8.8.8.8/hook"),
        ("apprise", SLACK),
        ("apprise", MAIL),
        (
            "apprise",
            "mailto://mail.example.com?to=bob@example.com&from=assent@example.com&smtp=out.example.com",
        ),
        ("apprise", "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"),
        ("apprise", "ntfys://ntfy.example.com/changes"),
        ("apprise", "tgram://123456789:abcdefg_hijklmnop/12315544/"),
    ],
)
def test_R17_ordinary_target_is_accepted(kind: TargetKind, url: str) -> None:
    check_url(kind, url, allow_private=False)


@pytest.mark.parametrize(
    ("kind", "url", "reason"),
    [
        ("webhook", "http://hooks.example.com/", "scheme-not-allowed"),
        ("webhook", "file:///etc/passwd", "scheme-not-allowed"),
        ("webhook", "gopher://example.com/", "scheme-not-allowed"),
        ("webhook", "ftp://example.com/", "scheme-not-allowed"),
        ("webhook", "hooks.example.com", "scheme-not-allowed"),
        ("webhook", "", "scheme-not-allowed"),
        ("webhook", "https:///path", "url-malformed"),
        ("webhook", "https://user:password@example.com/", "url-malformed"),
        ("webhook", "https://example.com@127.0.0.1/", "url-malformed"),
        ("webhook", "https://example.com/#fragment", "url-malformed"),
        ("webhook", "https://example.com:99999/", "url-malformed"),
        ("webhook", "https://example.com:0/", "url-malformed"),
        ("webhook", "https://exa mple.com/", "url-malformed"),
        ("webhook", "https://example.com/\r\nx-evil: 1", "url-malformed"),
        ("webhook", "https://example.com\\@127.0.0.1/", "url-malformed"),
        ("webhook", "https://example.com/\x00", "url-malformed"),
        ("webhook", "https://example.com/" + "a" * URL_MAX_CHARS, "url-too-long"),
        ("webhook", "https://localhost/", "private-address"),
        ("webhook", "https://LOCALHOST./", "private-address"),
        ("webhook", "https://metadata.google.internal/", "private-address"),
        ("webhook", "https://127.0.0.1/", "private-address"),
        ("webhook", "https://[::1]/", "private-address"),
        ("webhook", "https://[::ffff:10.0.0.1]/", "private-address"),
        ("webhook", "https://169.254.169.254/latest/meta-data/", "private-address"),
        ("apprise", "json://example.com", "scheme-not-allowed"),
        ("apprise", "jsons://example.com", "scheme-not-allowed"),
        ("apprise", "xml://example.com", "scheme-not-allowed"),
        ("apprise", "form://example.com", "scheme-not-allowed"),
        (
            "apprise",
            "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "scheme-not-allowed",
        ),
        ("apprise", "syslog://", "scheme-not-allowed"),
        ("apprise", "file:///etc/passwd", "scheme-not-allowed"),
        ("apprise", "MAILTO://example.com", "scheme-not-allowed"),
        ("apprise", "slack://", "url-malformed"),
        ("apprise", f"{SLACK}?template=/etc/passwd", "option-not-allowed"),
        ("apprise", f"{SLACK}?TEMPLATE=/etc/passwd", "option-not-allowed"),
        ("apprise", "ntfys://ntfy.example.com/topic?attach=file:///etc/passwd", "option-not-allowed"),
        ("apprise", f"{MAIL}&pgppub=/etc/passwd", "option-not-allowed"),
        ("apprise", f"{MAIL}&verify=no", "option-not-allowed"),
        ("apprise", f"{MAIL}&redirect=yes", "option-not-allowed"),
        ("apprise", f"{MAIL}&%2BX-Evil=1", "option-not-allowed"),
        ("apprise", f"{MAIL}&+X-Evil=1", "option-not-allowed"),
        ("apprise", "mailto://127.0.0.1?to=bob@example.com&from=a@example.com", "private-address"),
        (
            "apprise",
            "mailto://mail.example.com?to=b@example.com&from=a@example.com&smtp=10.0.0.1",
            "private-address",
        ),
        ("apprise", "ntfys://localhost/topic", "private-address"),
    ],
)
def test_R17_harmful_target_is_refused_by_name(kind: TargetKind, url: str, reason: RefusalReason) -> None:
    with pytest.raises(TargetRefusedError) as refused:
        check_url(kind, url, allow_private=False)
    assert refused.value.reason == reason
    assert not any(part in str(refused.value) for part in ("example.com", "/etc", "127.0.0.1"))


_ENDS_OF_LINES = (
    "%0d%0a",
    "%0D%0AX-Evil:%201",
    "%0a",
    "%00",
    "%7F",
    "%C2%85",
    "%E2%80%A8",
    "%250d%250a",
    "%25250a",
)


@pytest.mark.parametrize("end", _ENDS_OF_LINES)
@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("webhook", "https://hooks.example.com/{}"),
        ("webhook", "https://hooks.example.com/?x={}"),
        ("apprise", f"{MAIL}&name=Bob{{}}"),
        ("apprise", f"{MAIL}{{}}"),
        ("apprise", "mailto://mail.example.com?to=b@example.com{}&from=a@example.com"),
        ("apprise", "mailto://user{}:password@mail.example.com?to=b@example.com&from=a@example.com"),
        ("apprise", "ntfys://ntfy.example.com/topic{}"),
    ],
)
def test_R17_no_line_end_hides_in_a_target_however_often_it_is_encoded(
    kind: TargetKind, url: str, end: str
) -> None:
    check_url(kind, url.format(""), allow_private=False)
    with pytest.raises(TargetRefusedError) as refused:
        check_url(kind, url.format(end), allow_private=False)
    assert refused.value.reason == "url-malformed"
    assert "control" in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/%C3%A4?q=100%25&e=%2525", f"{MAIL}&name=B%20Ortega"]
)
def test_R17_harmless_encoding_is_accepted(url: str) -> None:
    check_url("webhook" if url.startswith("http") else "apprise", url, allow_private=False)


def test_R17_only_an_operator_can_allow_non_public_addresses() -> None:
    check_url("webhook", "http://127.0.0.1:8080/", allow_private=True)
    check_url("apprise", "mailto://127.0.0.1?to=bob@example.com&from=a@example.com", allow_private=True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.example.com/services/secret?token=secret", "https://hooks.example.com/***"),
        (MAIL, "mailtos://mail.example.com/***"),
        (SLACK, "slack://***"),
        ("discord://secret/secret", "discord://***"),
        ("https://[secret", "***"),
    ],
)
def test_R17_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_short", "whsec_!!!", "c2VjcmV0" * 4, secret_of(bytes(65))]
)
def test_R17_secret_that_cannot_sign_is_refused(secret: str) -> None:
    with pytest.raises(TargetRefusedError) as refused:
        check_secret(secret)
    assert refused.value.reason == "secret-malformed"


@pytest.mark.parametrize("size", [24, 32, 64])
def test_R17_secret_of_a_standard_size_is_accepted(size: int) -> None:
    check_secret(secret_of(bytes(size)))
