"""HTTP messages signed with a principal's registered key (RFC 9421, Ed25519): a proof of who reads.

What a signature must cover: the method, where it goes (`@target-uri`, or `@authority`, `@path` and `@query`),
the time, the key's id, and the body by its Content-Digest where there is one. No nonce is asked for: the same
signed read again, within its five minutes, gives whoever has copied it nothing that the copy of the answer
would not; and what changes something is not taken with such a signature at all. A command carries its own
signature and goes to /api/v1/commands, where a second copy is decided once.

A key cannot be led to sign a command so: what is signed here begins with a quotation mark, there with
`assent.command.v1`.
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

from assent.gateway.bodies import read_bytes
from assent.gateway.middleware import SENT_AS
from assent.gateway.problems import Problem
from assent.gateway.public import hosts_of
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.state import Governance

OLDEST_S: Final = 300
"""How old a signature may be."""
AHEAD_S: Final = 60
"""How far the signer's clock may be ahead of ours."""
_SAFE: Final = frozenset({"GET", "HEAD"})
_FIELDS: Final = ("signature-input", "signature")
_FIELD_MAX_CHARS: Final = 2_048
_METHOD: Final = '"@method"'
_TARGETS: Final = (frozenset({'"@target-uri"'}), frozenset({'"@authority"', '"@path"', '"@query"'}))


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is verified. `url` is where it must have been meant for, whatever Host says."""

    method: str
    url: str
    fields: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def headers(self) -> "Message":
        """What the library reads `items` of."""
        return self

    def items(self) -> Iterable[tuple[str, str]]:
        """Every header line, in its order."""
        return self.fields


class _Keys(HTTPSignatureKeyResolver):
    """The library's view of governance: the public keys that may sign now."""

    def __init__(self, governance: Governance) -> None:
        self._governance = governance

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        """The key, if it is valid and not a gateway's."""
        key = self._governance.keys.get(key_id)
        if key is None or not key.is_valid(now_ms()) or _is_gateway(self._governance, key.principal):
            return None
        return Ed25519PublicKey.from_public_bytes(key.public_key)


def _is_gateway(governance: Governance, principal: str) -> bool:
    # A gateway signs for others; whoever gets hold of its key must not read as one of the principals too.
    return any(
        principal in governance.holders("gateway", kind)
        for each in governance.assignments.values()
        if each.role == "gateway"
        for kind in each.resource_types or ("",)
    )


class KeySignatures:
    """Finds the principal behind a signed request."""

    def __init__(self, governance: Callable[[], Governance], public_url: str) -> None:
        """`governance`: as it is now; `public_url`: the scheme and host that signatures must name."""
        self._governance = governance
        self._public_url = public_url
        self._scheme = public_url.partition("://")[0]
        self._hosts = hosts_of(public_url)

    async def verify(self, request: Request[Any, Any, Any]) -> str:
        """The principal whose key has signed this request. Raises Problem."""
        query = request.scope["query_string"].decode("latin-1")
        target = request.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        lines = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]
        )
        # A signature is over what was sent.
        method = str(request.scope.get(SENT_AS, request.method))
        self._refuse_unsafe(method)
        body = await read_bytes(request) if _has_body(request) else b""
        return self.principal_of(
            Message(method=method, url=self._meant_for(request) + target, fields=lines, body=body)
        )

    def _meant_for(self, request: Request[Any, Any, Any]) -> str:
        # On loopback by whichever of its names; elsewhere there is one, whatever Host says.
        host = request.headers.get("host", "").lower()
        return f"{self._scheme}://{host}" if host in self._hosts else self._public_url

    def principal_of(self, message: Message) -> str:
        """The principal whose key has signed it. Raises Problem: bad-signature, signed-reads-only."""
        self._refuse_unsafe(message.method)
        if any(len(value) > _FIELD_MAX_CHARS for name, value in message.fields if name in _FIELDS):
            raise self._bad(f"A signature header has more than {_FIELD_MAX_CHARS:,} characters.")
        governance = self._governance()
        verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=_Keys(governance))
        verifier.max_clock_skew = timedelta(seconds=AHEAD_S)
        # The library allows the skew on both sides: what it adds to the age is taken off here.
        oldest = timedelta(seconds=OLDEST_S - AHEAD_S)
        try:
            # One signature: the library refuses several, of which it could not know which is meant.
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
                f"A signed HTTP message may read; {method} changes something.",
                todo="Sign the command itself and send it to /api/v1/commands, or use a session or a token.",
            )

    def _bad(self, why: str) -> Problem:
        return Problem(
            401,
            "bad-signature",
            f"The message's signature does not hold: {why[:300]}",
            todo=(
                f"Sign for {self._public_url}, with a key that is registered to you and valid now, and with"
                f" a clock that is right: a signature holds for {OLDEST_S // 60} minutes."
            ),
            headers={"WWW-Authenticate": "Bearer"},
        )


def _has_body(request: Request[Any, Any, Any]) -> bool:
    length = request.headers.get("content-length", "0")
    return length != "0" or "transfer-encoding" in request.headers
