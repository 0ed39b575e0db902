"""Whether an HTTP request was sent by one who knows the secret, as each sender shows it.

Each check returns why it is refused, or None. All comparisons take the same time whatever differs.
"""

import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from assent.upstream.source_settings import Scheme

Headers = Mapping[str, str]
"""Names in lower case."""

_ID_MAX_CHARS: Final = 256


def refusal_of(scheme: Scheme, secrets: Sequence[str], headers: Headers, body: bytes) -> str | None:
    """Why the request is refused; None if it is signed with one of the secrets.

    There can be two secrets while one is being replaced.
    """
    check = _CHECKS[scheme]
    reasons = [check(secret, headers, body) for secret in secrets]
    return None if None in reasons else reasons[0]


def event_id(scheme: Scheme, headers: Headers, body: bytes) -> str:
    """The id by which a delivery is known again: the sender's own where it has one."""
    digest = hashlib.sha256(body).hexdigest()
    match scheme:
        case "github":
            return _header(headers, "x-github-delivery") or digest
        case "standard-webhooks":
            return _header(headers, "webhook-id") or digest
        case "gitlab-token":
            # The same event id is sent with all events that one event has caused.
            return _header(headers, "idempotency-key") or _header(headers, "x-gitlab-event-uuid") + digest
        case "gitlab-status-check":
            # Asked again on purpose, with the same bytes. The gate knows its callers by what they ask about.
            return _header(headers, "idempotency-key") or uuid.uuid4().hex
        case "terraform":
            return digest


def content_id(scheme: Scheme, body: bytes) -> str | None:
    """A second id, of the content, where the sender's id is not signed; None where that is not needed.

    Without it a captured body could be sent again under another id.
    """
    return hashlib.sha256(body).hexdigest() if scheme == "github" else None


def secret_fault(scheme: Scheme, secret: str) -> str | None:
    """What is wrong with a secret; None if it can be used."""
    if not secret:
        return "it is empty"
    if scheme == "standard-webhooks":
        try:
            Webhook(secret)
        except (EmptyWebhookSecretError, ValueError):
            return "it is not whsec_ and base64"
    return None


def _github(secret: str, headers: Headers, body: bytes) -> str | None:
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return _compared("X-Hub-Signature-256", expected, headers)


def _gitlab_token(secret: str, headers: Headers, _body: bytes) -> str | None:
    return _compared("X-Gitlab-Token", secret, headers)


def _gitlab_status_check(secret: str, headers: Headers, body: bytes) -> str | None:
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return _compared("X-Gitlab-Signature", expected, headers)


def _terraform(secret: str, headers: Headers, body: bytes) -> str | None:
    expected = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return _compared("X-TFC-Task-Signature", expected, headers)


def _standard(secret: str, headers: Headers, body: bytes) -> str | None:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError as error:
        return f"Standard Webhooks: {error}."
    except ValueError:
        # The library splits and decodes before it checks.
        return "Standard Webhooks: the signature cannot be read, or the body is not UTF-8."
    return None


def _header(headers: Headers, name: str) -> str:
    value = headers.get(name, "")
    return value if len(value) <= _ID_MAX_CHARS and value.isprintable() else ""


def _compared(name: str, expected: str, headers: Headers) -> str | None:
    found = headers.get(name.lower(), "")
    if not found:
        return f"The header {name} is missing."
    if not hmac.compare_digest(found.encode("utf-8", "surrogateescape"), expected.encode()):
        return f"The header {name} is not of this secret."
    return None


_CHECKS: Final[dict[Scheme, Callable[[str, Headers, bytes], str | None]]] = {
    "github": _github,
    "gitlab-token": _gitlab_token,
    "gitlab-status-check": _gitlab_status_check,
    "standard-webhooks": _standard,
    "terraform": _terraform,
}
