"""Receivers of HTTP, of tokens, and of files that people upload."""

import asyncio
import base64
import json
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import OKPKey
from litestar import Request

from assent.directory.directory_export import ExportError
from assent.directory.export_reading import parse_export
from assent.founding.founding_commands import founding_commands
from assent.founding.governance_file import GovernanceFileError, parse_governance_file
from assent.gateway.api.submissions import Submission
from assent.gateway.application.actions import DETAILS
from assent.gateway.application.page_cursors import BigInt, Int, cursor_place, cursor_text
from assent.gateway.console.forms import FORM_MAX_BYTES, read_form
from assent.gateway.console.policy_forms import policy_sent, values_sent
from assent.gateway.identity import jwts
from assent.gateway.identity.http_signatures import KeySignatures, RequestToVerify
from assent.gateway.identity.tokens import client_of
from assent.gateway.problems import Problem
from assent.gateway.request_bodies import read_body
from assent.infra_files import infra_path
from assent_contracts.client.keys import KeyFileError, load_key
from assent_contracts.codec import encode
from assent_contracts.governance_objects import Founding
from tests.fuzz.receiver import Receiver, chances
from tests.support.people import FOUNDER, PARTITIONS, WRITER, organisation

_FOLDER: Final = Path(mkdtemp())
_LOOP: Final = asyncio.new_event_loop()
_PUBLIC_URL: Final = "https://assent.example"
_SIGNATURES: Final = KeySignatures(organisation, _PUBLIC_URL)
_JWK: Final = OKPKey.generate_key("Ed25519")
_FOUNDING: Final = Founding(founder=FOUNDER, recovery=FOUNDER, writers={"w": WRITER}, partitions=PARTITIONS)


def _request(body: bytes, content_type: bytes) -> Request[Any, Any, Any]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"content-type", content_type), (b"content-length", str(len(body)).encode())],
        "state": {},
        # Litestar reads these limits from its own handler.
        "route_handler": SimpleNamespace(
            resolve_request_max_body_size=lambda: FORM_MAX_BYTES,
            resolve_multipart_form_part_limit=lambda: 1_000,
        ),
    }
    return Request(scope, receive=receive)  # type: ignore[arg-type]


def _body(body: bytes) -> object:
    kind = (Submission, DETAILS["approve"])[chances(body).randrange(2)]
    return _LOOP.run_until_complete(read_body(_request(body, b"application/json"), kind))


def _form(body: bytes) -> object:
    form = _LOOP.run_until_complete(read_form(_request(body, b"application/x-www-form-urlencoded")))
    form.number("page")
    form.all("group")
    return policy_sent(values_sent(form))


def _cursor(data: bytes) -> object:
    text = data.decode("latin-1")
    return cursor_place(text, tuple[BigInt, Int]), cursor_place(text, tuple[BigInt, str])


def _signed_message(data: bytes) -> object:
    lines = [line.partition(": ") for line in data.decode("latin-1").split("\n")]
    fields = tuple((name.lower(), value) for name, _, value in lines)
    return _SIGNATURES.principal_of(
        RequestToVerify(method="GET", url=_PUBLIC_URL + "/api/v1/requests", fields=fields, body=b"")
    )


def _token(data: bytes) -> object:
    token = data.decode("latin-1")
    jwts._header(token)
    return jwts._claims(token, _JWK, "Ed25519")


def _claims(data: bytes) -> object:
    try:
        claims = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(claims, dict):
        return None
    jwts._check(claims, "https://idp.example", "assent")
    return client_of(claims)


def _founding(content: bytes) -> object:
    file = parse_governance_file(content, "governance.toml")
    return len(list(founding_commands(file, _FOUNDING, {}, 1)))


def _key_file(content: bytes) -> object:
    path = _FOLDER / "k.key"
    path.write_bytes(content)
    return load_key(path).id


def _json(*values: object) -> tuple[bytes, ...]:
    return tuple(encode(value) for value in values)


_MESSAGE: Final = b"\n".join(
    (
        b'Signature-Input: sig1=("@method" "@target-uri");created=1;keyid="alice-key";alg="ed25519"',
        b"Signature: sig1=:" + base64.b64encode(bytes(64)) + b":",
        b"Content-Digest: sha-256=:AAAA:",
    )
)
_FORM: Final = (
    b"id=p&name=Scripts&description=&resource_type=script&quorum=1&groups-0=security&rejections=1"
    b"&completion=requester&expiry=3&expiry_unit=days&version=1&csrf=x&page=2&group=a&group=b"
)
_CLAIMS: Final = {
    "iss": "https://idp.example",
    "aud": ["assent"],
    "exp": 9_999_999_999,
    "iat": 1,
    "sub": "alice",
    "client_id": "alice",
    "typ": "Bearer",
}

RECEIVERS: Final = (
    Receiver(
        "body",
        _body,
        _json(
            {"resource": "script/x", "operation": "edit", "justification": "why", "payload": {"a": 1}},
            {"submission": "0" * 64, "note": "Fine."},
        ),
        (Problem,),
    ),
    Receiver(
        "form",
        _form,
        (_FORM,),
        (Problem,),
    ),
    Receiver(
        "cursor",
        _cursor,
        (cursor_text((1, 2)).encode(), cursor_text((1, "a")).encode()),
        (Problem,),
    ),
    Receiver("signed message", _signed_message, (_MESSAGE,), (Problem,)),
    Receiver(
        "token",
        _token,
        (jwt.encode({"alg": "Ed25519", "kid": "k"}, _CLAIMS, _JWK, algorithms=["Ed25519"]).encode(),),
        (jwts.BadTokenError,),
    ),
    Receiver("claims", _claims, _json(_CLAIMS), (jwts.BadTokenError,)),
    Receiver(
        "founding", _founding, (infra_path("demo/governance.toml").read_bytes(),), (GovernanceFileError,)
    ),
    Receiver(
        "directory",
        parse_export,
        (
            *_json(
                {
                    "users": [{"id": "ann", "person": "p", "name": "Ann", "active": True}],
                    "groups": [{"id": "g", "members": ["ann"], "groups": []}],
                }
            ),
            b"kind,id,person,name,member_of,active\nuser,ann,p,Ann,g,true\ngroup,g,,G,,\n",
        ),
        (ExportError,),
    ),
    Receiver(
        "key file",
        _key_file,
        _json({"id": "k", "principal": "alice", "secret": "A" * 43}),
        (KeyFileError,),
    ),
)
