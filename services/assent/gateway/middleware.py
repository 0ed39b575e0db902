"""The checks before any handler, the log line of each request, and the headers of every answer."""

import time
from typing import Final

import msgspec
import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from assent.gateway.gateway_settings import GatewaySettings
from assent.gateway.problems import MEDIA_TYPE, Problem
from assent.gateway.public_address import hosts_of
from assent.gateway.request_spans import answering
from assent.observe import metrics

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_SECURE_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}
_OF_ANY_NAME: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Probes use the address of the machine or container. No session's cookie is accepted there."""
_NOT_BY_HEAD: Final = frozenset(
    {"/api/v1/events", "/api/v1/audit/export", "/sign-in", "/sign-in/callback", "/sign-in/local"}
)
"""Addresses with long answers that would be discarded, and addresses where a GET changes something."""
SENT_AS: Final = "assent.sent_as"
"""In a scope: the method as it was sent, if it differs from the one that is answered."""
PRINCIPAL: Final = "principal"
"""In a request's state: the authenticated sender."""
_PATH_MAX_CHARS: Final = 400
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


log = structlog.get_logger(__name__)


def security_headers(settings: GatewaySettings) -> list[tuple[bytes, bytes]]:
    """The headers of every answer, including errors."""
    headers = {**SECURITY_HEADERS, **(_SECURE_ONLY if settings.is_secure else {})}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def front_of(app: ASGIApp, settings: GatewaySettings) -> ASGIApp:
    """The application behind the checks of this module."""
    hosts = frozenset(host.encode() for host in hosts_of(settings.public_url))
    always = security_headers(settings)

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        problem = _refusal(scope, hosts)
        with answering(scope) as note:
            try:
                if problem is None:
                    await app(_looked_at(scope), receive, noting)
                else:
                    await _answer(noting, problem, always)
            finally:
                note(status)
                _tell(scope, status, time.perf_counter() - started)

    return front


def _looked_at(scope: Scope) -> Scope:
    """RFC 9110, 9.3.2: HEAD is answered like GET. The server omits the body."""
    assert scope["type"] == "http", "see _refusal"
    if scope["method"] != "HEAD" or scope["path"] in _NOT_BY_HEAD:
        return scope
    return {**scope, "method": "GET", SENT_AS: "HEAD"}  # type: ignore[typeddict-unknown-key, return-value]


def _tell(scope: Scope, status: int, took_s: float) -> None:
    """One log line for each request. Without the query, which can contain searched names, and codes."""
    assert scope["type"] == "http", "see _refusal"
    metrics.HTTP_SECONDS.labels(scope["method"], str(status)).observe(took_s)
    log.info(
        "answered",
        method=scope["method"],
        path=scope["path"][:_PATH_MAX_CHARS],
        status=status,
        principal=scope.get("state", {}).get(PRINCIPAL),
        took_ms=round(took_s * 1_000, 1),
    )


def _refusal(scope: Scope, hosts: frozenset[bytes]) -> Problem | None:
    assert scope["type"] == "http", "there are no websockets here: see service.py"
    named = [value.lower() for name, value in scope["headers"] if name == b"host"]
    if len(named) != 1 or not (named[0] in hosts or scope["path"] in _OF_ANY_NAME):
        # Another site's name that was made to resolve to this address (DNS rebinding).
        return Problem(
            421,
            "wrong-host",
            "This gateway does not serve that host name.",
            todo="Open the address that it was configured with, ASSENT_PUBLIC_URL.",
        )
    if scope["method"] not in _METHODS:
        return Problem(
            405, "method-not-allowed", "This method is not supported.", todo="See /api/v1/openapi.json."
        )
    if scope["method"] == "OPTIONS" and any(
        n == b"access-control-request-method" for n, _ in scope["headers"]
    ):
        return Problem(
            403,
            "cross-site",
            "Scripts on other sites may not use this gateway.",
            todo="Call it from a server, with a token.",
        )
    return None


async def _answer(send: Send, problem: Problem, always: list[tuple[bytes, bytes]]) -> None:
    body = msgspec.json.encode(problem.document())
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        *always,
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
