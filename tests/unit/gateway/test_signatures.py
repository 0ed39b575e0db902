"""HTTP messages signed with a registered key: what proves the reader's identity, and what does not."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from http_message_signatures.algorithms import ED25519  # pyright: ignore[reportPrivateImportUsage]
from http_message_signatures.signatures import HTTPMessageSigner

from assent.cli.connection.request_signing import sign_request
from assent.gateway.identity.http_signatures import KeySignatures, RequestToVerify
from assent.gateway.problems import Problem
from assent_contracts import governance_changes as c
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_objects import Account, RoleAssignment, SigningKey
from assent_contracts.limits import FOR_EVER_MS
from tests.support.people import force, organisation

PUBLIC = "https://assent.example"
ALICE = SecretKey("alice-cli", "alice")
GATEWAY = SecretKey("portal-1", "portal")
URL = f"{PUBLIC}/api/v1/requests?view=mine&limit=5"


def register(
    governance: Governance, key: SecretKey, *, not_before: int = 0, not_after: int = FOR_EVER_MS
) -> None:
    signing = SigningKey(
        id=key.id, principal=key.principal, public_key=key.public, not_before=not_before, not_after=not_after
    )
    force(governance, c.RegisterKey(key=signing))


@pytest.fixture
def governance() -> Governance:
    made = organisation()
    register(made, ALICE)
    return made


@pytest.fixture
def signatures(governance: Governance) -> KeySignatures:
    return KeySignatures(lambda: governance, PUBLIC)


def signed(
    *,
    key: SecretKey = ALICE,
    key_id: str | None = None,
    covered: Sequence[str] = ("@method", "@target-uri"),
    method: str = "GET",
    url: str = URL,
    age_s: float = 0,
    body: bytes | None = None,
    **more: Any,
) -> httpx.Request:
    request = httpx.Request(method, url, content=body)
    signer = HTTPMessageSigner(signature_algorithm=ED25519)
    prepared = signer.prepare(
        request,
        key_id=key_id or key.id,
        covered_component_ids=covered,
        created=datetime.now(UTC) - timedelta(seconds=age_s),
        body=body,
        **more,
    )
    signer.apply(request, prepared, key.sign(prepared.signature_base))
    return request


def received(request: httpx.Request, **instead: Any) -> RequestToVerify:
    """The request as the gateway receives it, optionally with a part changed on the way."""
    came = {
        "method": request.method,
        "url": str(request.url),
        "fields": tuple(request.headers.items()),
        "body": request.content,
    }
    return RequestToVerify(**{**came, **instead})


def refused(
    signatures: KeySignatures, message: RequestToVerify, status: int = 401, code: str = "bad-signature"
) -> str:
    with pytest.raises(Problem) as caught:
        signatures.principal_of(message)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.todo
    return caught.value.detail


def without(request: httpx.Request, name: str) -> httpx.Request:
    del request.headers[name]
    return request


def test_signed_read_proves_whose_key_it_was(signatures: KeySignatures) -> None:
    assert signatures.principal_of(received(signed())) == "alice"


def test_cli_signs_what_the_gateway_accepts(signatures: KeySignatures) -> None:
    request = httpx.Request("GET", URL)
    sign_request(request, ALICE)
    assert signatures.principal_of(received(request)) == "alice"


@pytest.mark.parametrize(
    "covered",
    [("@method", "@target-uri"), ("@method", "@authority", "@path", "@query")],
    ids=["target-uri", "its-parts"],
)
def test_target_is_covered_whole_or_in_its_parts(signatures: KeySignatures, covered: tuple[str, ...]) -> None:
    assert signatures.principal_of(received(signed(covered=covered))) == "alice"


@pytest.mark.parametrize(
    "covered",
    [
        (),
        ("@method",),
        ("@target-uri",),
        ("@method", "@path"),
        ("@method", "@authority", "@path"),
        ("@method", "@path", "@query"),
    ],
    ids=" ".join,
)
def test_signature_that_omits_a_component_is_refused(
    signatures: KeySignatures, covered: tuple[str, ...]
) -> None:
    assert "must cover" in refused(signatures, received(signed(covered=covered)))


@pytest.mark.parametrize(
    "instead",
    [
        {"method": "HEAD"},
        {"url": f"{PUBLIC}/api/v1/requests?view=all&limit=5"},
        {"url": f"{PUBLIC}/api/v1/audit?view=mine&limit=5"},
        {"url": "https://other.example/api/v1/requests?view=mine&limit=5"},
        {"url": "http://assent.example/api/v1/requests?view=mine&limit=5"},
    ],
    ids=["method", "query", "path", "host", "scheme"],
)
@pytest.mark.parametrize(
    "covered",
    [("@method", "@target-uri"), ("@method", "@authority", "@path", "@query", "@scheme")],
    ids=["target-uri", "its-parts"],
)
def test_request_changed_on_the_way_is_refused(
    signatures: KeySignatures, instead: dict[str, str], covered: tuple[str, ...]
) -> None:
    refused(signatures, received(signed(covered=covered), **instead))


def test_body_must_match_its_signed_digest(signatures: KeySignatures) -> None:
    request = signed(body=b'{"a":1}')
    assert signatures.principal_of(received(request)) == "alice"
    refused(signatures, received(request, body=b'{"a":2}'))


def test_body_without_a_signed_digest_is_refused(signatures: KeySignatures) -> None:
    refused(signatures, received(signed(), body=b"added on the way"))
    digest = base64.b64encode(hashlib.sha256(b"added").digest()).decode()
    fields = (*signed().headers.items(), ("content-digest", f"sha-256=:{digest}:"))
    refused(signatures, received(signed(), body=b"added", fields=fields))


@pytest.mark.parametrize("age_s", [0, 290, -55])
def test_signature_is_valid_for_five_minutes_and_a_clock_may_be_a_minute_ahead(
    signatures: KeySignatures, age_s: int
) -> None:
    assert signatures.principal_of(received(signed(age_s=age_s))) == "alice"


@pytest.mark.parametrize("age_s", [302, 86_400, -65, -86_400])
def test_replay_after_five_minutes_and_a_signature_from_the_future_are_refused(
    signatures: KeySignatures, age_s: int
) -> None:
    refused(signatures, received(signed(age_s=age_s)))


def test_signature_past_its_own_expiry_is_refused(signatures: KeySignatures) -> None:
    past = datetime.now(UTC) - timedelta(minutes=2)
    refused(signatures, received(signed(age_s=180, expires=past)))


def test_signature_without_its_time_or_its_key_is_refused(signatures: KeySignatures) -> None:
    for parameter in ("created", "keyid"):
        request = signed()
        parts = request.headers["signature-input"].split(";")
        kept = [part for part in parts if not part.startswith(f"{parameter}=")]
        request.headers["signature-input"] = ";".join(kept)
        assert parameter in refused(signatures, received(request))


def test_key_must_be_registered(signatures: KeySignatures) -> None:
    refused(signatures, received(signed(key=SecretKey("unknown", "alice"))))


def test_other_key_under_a_registered_key_s_id_is_refused(signatures: KeySignatures) -> None:
    refused(signatures, received(signed(key=SecretKey("bob-2", "bob"), key_id=ALICE.id)))


def test_registered_key_under_another_key_s_id_is_refused(
    governance: Governance, signatures: KeySignatures
) -> None:
    bob = SecretKey("bob-cli", "bob")
    register(governance, bob)
    assert signatures.principal_of(received(signed(key=bob))) == "bob"
    refused(signatures, received(signed(key_id=bob.id)))


def test_revoked_key_is_refused_at_once(governance: Governance, signatures: KeySignatures) -> None:
    request = signed()
    assert signatures.principal_of(received(request)) == "alice"
    force(governance, c.RevokeKey(key=ALICE.id))
    refused(signatures, received(request))


def test_key_is_refused_before_and_after_its_validity(
    governance: Governance, signatures: KeySignatures
) -> None:
    early, late = SecretKey("early", "alice"), SecretKey("late", "alice")
    register(governance, early, not_before=now_ms() + 60_000)
    register(governance, late, not_after=now_ms() - 1)
    refused(signatures, received(signed(key=early)))
    refused(signatures, received(signed(key=late)))


@pytest.mark.parametrize("kinds", [(), ("app",)], ids=["every-type", "one-type"])
def test_gateway_s_key_signs_for_others_and_never_reads(
    governance: Governance, signatures: KeySignatures, kinds: tuple[str, ...]
) -> None:
    force(governance, c.RegisterPrincipal(account=Account(id="portal", kind="service")))
    register(governance, GATEWAY)
    assert signatures.principal_of(received(signed(key=GATEWAY))) == "portal"
    role = RoleAssignment(id="r-gw", role="gateway", principals=("portal",), resource_types=kinds)
    force(governance, c.AssignRole(assignment=role))
    refused(signatures, received(signed(key=GATEWAY)))


def test_decider_s_key_belongs_to_no_principal(signatures: KeySignatures) -> None:
    refused(signatures, received(signed(key=SecretKey("writer-1", "decider"))))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_signed_message_reads_and_changes_nothing(signatures: KeySignatures, method: str) -> None:
    refused(signatures, received(signed(method=method, body=b"{}")), 403, "signed-reads-only")


def test_several_signatures_are_refused(signatures: KeySignatures) -> None:
    request, second = signed(label="a"), signed(label="b", key=SecretKey("other", "mallory"))
    for name in ("signature-input", "signature"):
        request.headers[name] = f"{request.headers[name]}, {second.headers[name]}"
    refused(signatures, received(request))


@pytest.mark.parametrize("name", ["signature", "signature-input"])
@pytest.mark.parametrize("value", ["", "x", "a=1", "pyhms=:AAAA:", "(((", "é", "pyhms=" + "(" * 1_000])
def test_invalid_signature_is_refused(signatures: KeySignatures, name: str, value: str) -> None:
    request = signed()
    fields = tuple((each, value if each == name else text) for each, text in request.headers.items())
    refused(signatures, received(request, fields=fields))


@pytest.mark.parametrize("name", ["signature", "signature-input"])
def test_half_a_signature_is_refused(signatures: KeySignatures, name: str) -> None:
    refused(signatures, received(without(signed(), name)))


def test_overlong_signature_headers_are_refused_unread(signatures: KeySignatures) -> None:
    request = signed()
    request.headers["signature"] = "a" * 3_000
    assert "2,048" in refused(signatures, received(request))


def test_other_algorithm_is_refused(signatures: KeySignatures) -> None:
    request = signed()
    request.headers["signature-input"] = request.headers["signature-input"].replace("ed25519", "hmac-sha256")
    refused(signatures, received(request))
