"""Receives the signed requests of one source: checks them, and makes them durable before it answers."""

import hashlib
from collections.abc import Callable
from typing import Final

import asyncpg
import msgspec
import structlog

from assent.observe import metrics
from assent.process_settings import read_secret_file
from assent.receiving.http_server import HttpAnswer, HttpRequest, Route
from assent.upstream import events
from assent.upstream.raw_json import is_json, json_object, text_of, value_at, without_member
from assent.upstream.sealed_tokens import TokenSeal
from assent.upstream.signatures import content_id, event_id, refusal_of
from assent.upstream.source_settings import HttpFields, HttpSource, Scheme, TerraformGate, scheme_of
from assent_contracts.file_payloads import payload_of_file

_STORED: Final = HttpAnswer(202, "It was stored.")
_KNOWN: Final = HttpAnswer(200, "It was received before.")
_TERRAFORM_OK: Final = 200
"""Terraform takes no other success."""
_KEPT_HEADERS: Final = frozenset(
    {"content-type", "user-agent", "x-gitlab-event", "x-gitlab-instance", "webhook-id", "webhook-timestamp"}
)
_KEPT_PREFIXES: Final = ("x-github-", "ce-")
"""Which headers a mapping sees. Others may hold tokens, and are not stored."""
_TOKEN: Final = "access_token"  # noqa: S105  the name of a member
_GITLAB: Final = ("gitlab-token", "gitlab-status-check")

log = structlog.get_logger(__name__)


class HttpReceiver:
    """The receiver of one source."""

    def __init__(
        self, source: HttpFields, pool: asyncpg.Pool, seal: TokenSeal, on_event: Callable[[], None]
    ) -> None:
        """`on_event` is called when there is something to map. Raises SettingsError."""
        self._source = source
        self._scheme: Scheme = scheme_of(source)
        self._secrets = [read_secret_file(path, "secret_files") for path in source.secret_files]
        self._pool = pool
        self._seal = seal
        self._on_event = on_event

    @property
    def route(self) -> Route:
        """What the HTTP server needs."""
        return Route(self._handle, self._source.body_max_bytes, self._too_large)

    async def _handle(self, request: HttpRequest) -> HttpAnswer:
        why = refusal_of(self._scheme, self._secrets, request.headers, request.body)
        if why is not None:
            return await self._refused("signature", why, request.body, 401)
        document, secret = self._document(request)
        is_new = await events.receive(
            self._pool,
            self._source.name,
            event_id(self._scheme, request.headers, request.body),
            document,
            content_sha256=content_id(self._scheme, request.body),
            secret=secret,
        )
        self._count("received" if is_new else "repeated")
        if is_new:
            self._on_event()
        answer = _STORED if is_new else _KNOWN
        if isinstance(self._source, TerraformGate):
            return msgspec.structs.replace(answer, status=_TERRAFORM_OK)
        return answer

    async def _too_large(self, limit: int) -> HttpAnswer:
        # Its signature was not checked: that needs all of it.
        return await self._refused("size", f"The body is larger than {limit:,} bytes.", b"", 413)

    async def _refused(self, code: str, why: str, body: bytes, status: int) -> HttpAnswer:
        digest = hashlib.sha256(body).hexdigest()
        log.warning("refused", source=self._source.name, code=code, why=why, sha256=digest, bytes=len(body))
        self._count("refused")
        reason = f"{why} SHA-256 of the {len(body):,} bytes: {digest}." if body else why
        await events.refuse(self._pool, self._source.name, f"{code} {digest}", code, reason)
        if self._scheme in _GITLAB:
            # After four errors GitLab stops sending, the good events too.
            status = 202
        if isinstance(self._source, HttpSource) and self._source.refused_status is not None:
            status = self._source.refused_status
        return HttpAnswer(status, why)

    def _document(self, request: HttpRequest) -> tuple[bytes, bytes | None]:
        """What the mapping reads, and the sealed token that it does not."""
        body, secret = request.body.strip(), None
        if not is_json(body):
            # As a text, so that the dead letter shows it.
            body = payload_of_file(request.body)
        elif self._scheme == "terraform" and body.startswith(b"{"):
            found = value_at(body, f"/{_TOKEN}")
            token = None if found is None else text_of(found)
            if token and isinstance(self._source, TerraformGate):
                secret = self._seal.seal(token)
            body = without_member(body, _TOKEN)
        headers = {
            name: msgspec.json.encode(value)
            for name, value in request.headers.items()
            if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)
        }
        return json_object({"headers": json_object(headers), "body": body}), secret

    def _count(self, outcome: str) -> None:
        metrics.UPSTREAM_EVENTS.labels(self._source.name, outcome).inc()
