"""A read over HTTP, signed on this machine with the user's key (RFC 9421, Ed25519)."""

from typing import Final

import httpx
from http_message_signatures.algorithms import ED25519  # pyright: ignore[reportPrivateImportUsage]
from http_message_signatures.signatures import HTTPMessageSigner

from assent_contracts.client.keys import SecretKey

_COVERED: Final = ("@method", "@target-uri")
_LABEL: Final = "assent"


def sign_request(request: httpx.Request, key: SecretKey) -> None:
    """Add the headers that prove whose request this is. The key stays here."""
    signer = HTTPMessageSigner(signature_algorithm=ED25519)
    prepared = signer.prepare(request, key_id=key.id, label=_LABEL, covered_component_ids=_COVERED)
    signer.apply(request, prepared, key.sign(prepared.signature_base))
