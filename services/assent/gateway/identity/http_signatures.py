"""HTTP messages signed with a principal's registered key (RFC 9421, Ed25519), to authenticate reads.

A signature must cover the method, the target (`@target-uri`, or `@authority`, `@path` and `@query`), the
time, the key's id, and the body by its Content-Digest if there is one. No nonce is required: replaying a
signed read within its five minutes gives an attacker nothing that a copy of the answer would not. Requests
that change something are not accepted with such a signature at all. A command has its own signature and is
sent to /api/v1/commands, where a second copy is decided only once.

A key cannot be tricked into signing a command this way: what is signed here begins with a quotation mark, a
command with `assent.command.v1`.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures.algorithms import ED25519  # pyright: ignore[reportPrivateImportUsage]
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from http_message_signatures.resolvers import HTTPSignatureKeyResolver
from http_message_signatures.signatures import HTTPMessageVerifier
from litestar import Request

from assent.gateway.middleware import SENT_AS
from assent.gateway.problems import Problem
from assent.gateway.public_address import hosts_of
from assent.gateway.request_bodies import read_bytes
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.state import Governance

OLDEST_S: Final = 300
"""The maximum age of a signature."""
AHEAD_S: Final = 60
"""How far ahead of ours the signer's clock may be."""
_SAFE: Final = frozenset({"GET", "HEAD"})
_FIELDS: Final = ("signature-input", "signature")
_FIELD_MAX_CHARS: Final = 2_048
_METHOD: Final = '"@method"'
_TARGETS: Final = (frozenset({'"@target-uri"'}), frozenset({'"@authority"', '"@path"', '"@query"'}))


class RequestToVerify(msgspec.Struct, frozen=True, kw_only=True):
    """A request to verify. `url` is the address that it must have been signed for, whatever Host contains."""

    method: str
    url: str
    fields: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def headers(self) -> "RequestToVerify":
        """The object whose `items` the library reads."""
        return self

    def items(self) -> Iterable[tuple[str, str]]:
        """Every header line, in order."""
        return self.fields


class _Keys(HTTPSignatureKeyResolver):
    """The library's view of governance: the currently valid public keys."""

    def __init__(self, governance: Governance) -> None:
        self._governance = governance

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        """The key, if it is valid and not a gateway's."""
        key = self._governance.keys.get(key_id)
        if key is None or not key.is_valid(now_ms()) or _is_gateway(self._governance, key.principal):
            return None
        return Ed25519PublicKey.from_public_bytes(key.public_key)


def _is_gateway(governance: Governance, principal: str) -> bool:
    # A gateway signs for others. A thief of its key must not also be able to read with it.
    return any(
        principal in governance.holders("gateway", kind)
        for each in governance.assignments.values()
        if each.role == "gateway"
        for kind in each.resource_types or ("",)
    )


class KeySignatures:
    """Finds the principal behind a signed request."""

    def __init__(self, governance: Callable[[], Governance], public_url: str) -> None:
        """`governance`: returns the current state; `public_url`: the address that signatures must name."""
        self._governance = governance
        self._public_url = public_url
        self._scheme = public_url.partition("://")[0]
        self._hosts = hosts_of(public_url)

    async def verify(self, request: Request[Any, Any, Any]) -> str:
        """The principal whose key signed this request. Raises Problem."""
        query = request.scope["query_string"].decode("latin-1")
        target = request.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        lines = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]
        )
        # A signature covers the method as it was sent.
        method = str(request.scope.get(SENT_AS, request.method))
        self._refuse_unsafe(method)
        body = await read_bytes(request) if _has_body(request) else b""
        return self.principal_of(
            RequestToVerify(method=method, url=self._meant_for(request) + target, fields=lines, body=body)
        )

    def _meant_for(self, request: Request[Any, Any, Any]) -> str:
        # On loopback, any of its names. Elsewhere there is only one, whatever Host contains.
        host = request.headers.get("host", "").lower()
        return f"{self._scheme}://{host}" if host in self._hosts else self._public_url

    def principal_of(self, message: RequestToVerify) -> str:
        """The principal whose key signed it. Raises Problem: bad-signature, signed-reads-only."""
        self._refuse_unsafe(message.method)
        if any(len(value) > _FIELD_MAX_CHARS for name, value in message.fields if name in _FIELDS):
            raise self._bad(f"A signature header has more than {_FIELD_MAX_CHARS:,} characters.")
        governance = self._governance()
        verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=_Keys(governance))
        verifier.max_clock_skew = timedelta(seconds=AHEAD_S)
        # The library allows the skew on both sides, so what it adds to the age is subtracted here.
        oldest = timedelta(seconds=OLDEST_S - AHEAD_S)
        try:
            # Exactly one signature: the library refuses several, because it could not know which is meant.
            (found,) = verifier.verify(message, max_age=oldest, body=message.body)
        except (HTTPMessageSignaturesException, ValueError) as error:
            raise self._bad(str(error)) from error
        covered = found.covered_components.keys()
        if _METHOD not in covered or not any(target <= covered for target in _TARGETS):
            raise self._bad(
                'It must cover "@method", and "@target-uri" or "@authority", "@path" and "@query".'
            )
        return governance.keys[str(found.parameters["keyid"])].principal

    def _refuse_unsafe(self, method: str) -> None:
        if method not in _SAFE:
            raise Problem(
                403,
                "signed-reads-only",
                f"A signed HTTP message can only read, but {method} changes something.",
                todo="Sign the command itself and send it to /api/v1/commands, or use a session or a token.",
            )

    def _bad(self, why: str) -> Problem:
        return Problem(
            401,
            "bad-signature",
            f"The message's signature is not valid: {why[:300]}",
            todo=(
                f"Sign for {self._public_url} with a valid key that is registered to you, and check your"
                f" clock: a signature is valid for {OLDEST_S // 60} minutes."
            ),
            headers={"WWW-Authenticate": "Bearer"},
        )


def _has_body(request: Request[Any, Any, Any]) -> bool:
    length = request.headers.get("content-length", "0")
    return length != "0" or "transfer-encoding" in request.headers
