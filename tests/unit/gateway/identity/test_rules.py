"""Small rules of identity that need no provider."""

import base64
import hashlib
from typing import Any, Final

import pytest

from assent.gateway.gateway_settings import OidcSettings, read_gateway_settings
from assent.gateway.identity import oidc
from assent.gateway.identity.jwts import BadTokenError
from assent.gateway.identity.oidc import NotSignedInError, principal_in
from assent.gateway.identity.tokens import client_of
from assent.gateway.public_address import safe_return
from assent.process_settings import SettingsError

OIDC: Final = {"ASSENT_OIDC_ISSUER": "https://login.example", "ASSENT_OIDC_CLIENT_ID": "console"}
LOCAL: Final = {"ASSENT_LOCAL_SIGN_IN_FILE": "token"}
PUBLIC: Final = {"ASSENT_PUBLIC_URL": "https://assent.example"}


def _settings(claim: str) -> OidcSettings:
    settings = read_gateway_settings({**OIDC, "ASSENT_OIDC_PRINCIPAL_CLAIM": claim}).oidc
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("claims", "client"),
    [
        # oidc-provider, RFC 9068
        ({"sub": "svc", "client_id": "svc"}, "svc"),
        ({"sub": "svc", "azp": "svc"}, "svc"),
        # Keycloak
        ({"sub": "5b0b", "azp": "Svc", "preferred_username": "service-account-svc"}, "Svc"),
        ({"sub": "5b0b", "client_id": "svc", "preferred_username": "service-account-svc"}, "svc"),
        # people
        ({"sub": "alice", "client_id": "console"}, None),
        ({"sub": "5b0b", "azp": "console", "preferred_username": "alice"}, None),
        ({"sub": "5b0b", "azp": "console", "preferred_username": "service-account-svc"}, None),
        ({"azp": "console"}, None),
        ({"sub": "alice"}, None),
        ({"sub": "", "client_id": ""}, None),
        ({"sub": ["svc"], "client_id": ["svc"]}, None),
    ],
)
def test_client_s_own_token_is_recognised_by_its_subject_alone(
    claims: dict[str, Any], client: str | None
) -> None:
    assert client_of(claims) == client


@pytest.mark.parametrize("value", [None, "", 7, ["alice"], {"a": 1}, True])
def test_principal_claim_that_is_not_text_signs_nobody_in(value: object) -> None:
    with pytest.raises(NotSignedInError, match="preferred_username"):
        principal_in({"preferred_username": value}, _settings("preferred_username"))


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_email_address_counts_only_if_it_is_verified(verified: object) -> None:
    claims: dict[str, Any] = {"email": "alice@example.test", "email_verified": verified}
    with pytest.raises(NotSignedInError, match="not verified"):
        principal_in(claims, _settings("email"))
    assert principal_in({**claims, "email_verified": True}, _settings("email")) == "alice@example.test"


@pytest.mark.parametrize("hash_", [hashlib.sha256, hashlib.sha512])
def test_at_hash_is_the_left_half_of_the_access_token_s_hash(hash_: Any) -> None:
    digest = hash_(b"access").digest()
    right = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    oidc._check_access_token({"at_hash": right}, oidc._Granted("id", "access"))
    oidc._check_access_token({}, oidc._Granted("id", "access"))
    for wrong in ("", right[:-1], right + "A", 7):
        with pytest.raises(BadTokenError, match="at_hash"):
            oidc._check_access_token({"at_hash": wrong}, oidc._Granted("id", "access"))
    with pytest.raises(BadTokenError, match="at_hash"):
        oidc._check_access_token({"at_hash": right}, oidc._Granted("id", "another"))


WRONG_SETTINGS: Final[dict[str, dict[str, str]]] = {
    "ASSENT_OIDC_CLIENT_ID": {"ASSENT_OIDC_ISSUER": "https://login.example"},
    "must be https": {**OIDC, "ASSENT_OIDC_ISSUER": "http://login.example"},
    "must not have a query": {**OIDC, "ASSENT_OIDC_ISSUER": "https://login.example?x=1"},
    "ASSENT_OIDC_AUDIENCE must differ": {**OIDC, "ASSENT_OIDC_AUDIENCE": "console"},
    "ASSENT_OIDC_SCOPE": {**OIDC, "ASSENT_OIDC_SCOPE": "profile"},
    "unset it where ASSENT_OIDC_ISSUER": {**OIDC, **LOCAL},
    "ASSENT_GATEWAY_TRUSTED_PROXIES is set": {**LOCAL, "ASSENT_GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8"},
    "on loopback only, not on 0.0.0.0": {**LOCAL, "ASSENT_GATEWAY_HOST": "0.0.0.0"},  # noqa: S104
    "names another host": {**LOCAL, **PUBLIC},
    "must be https:// unless": {"ASSENT_PUBLIC_URL": "http://assent.example"},
    "only a scheme and host": {"ASSENT_PUBLIC_URL": "https://assent.example/console"},
}


@pytest.mark.parametrize("words", sorted(WRONG_SETTINGS))
def test_too_permissive_settings_are_refused_by_name(words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_gateway_settings(WRONG_SETTINGS[words])
    assert words in str(raised.value)


def test_default_settings_use_the_subject_and_assent_s_audience() -> None:
    settings = read_gateway_settings({**OIDC, **PUBLIC})
    assert settings.is_secure
    assert settings.oidc is not None
    assert (settings.oidc.principal_claim, settings.oidc.audience) == ("sub", "assent")


@pytest.mark.parametrize("path", ["/", "/requests/0-7", "/requests?status=open&type=app#top", "/a/%2F/b"])
def test_path_of_this_site_is_accepted_as_return_address(path: str) -> None:
    assert safe_return(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//e.example",
        "/\\e.example",
        "https://e.example",
        "/a b",
        "/a\n",
        "/\x00",
        "/ä",
        "\t/a",
        "/" * 2_100,
    ],
)
def test_any_other_return_address_is_replaced(path: str) -> None:
    assert safe_return(path) == "/"
