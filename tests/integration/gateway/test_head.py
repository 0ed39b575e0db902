"""HEAD: the headers that GET would have, without its body."""

import pytest

from assent.cli.connection.request_signing import sign_request
from tests.support.gateway import Gateway, refused
from tests.support.raw_http import connected, request

PATHS = (
    "/api/v1/requests",
    "/api/v1/me",
    "/api/v1/policies/scripts",
    "/api/v1/openapi.json",
    "/requests",
    "/livez",
)


@pytest.mark.parametrize("path", PATHS)
async def test_head_returns_the_headers_of_get_without_a_body(gateway: Gateway, path: str) -> None:
    bob = await gateway.signed_in("bob")
    cookie = f"Cookie: assent={bob.cookies['assent']}"
    said = await bob.get(path)
    assert said.status_code == 200
    async with connected(gateway.url) as raw:
        # Two requests on one connection: a body would be read as the second answer.
        await raw.send(request(gateway.url, f"HEAD {path} HTTP/1.1", cookie) * 2)
        for _ in range(2):
            head = (await raw.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            assert head.startswith("http/1.1 200")
            assert f"content-type: {said.headers['content-type']}" in head
            # An answer that contains its own age has a different length each time.
            assert path == "/livez" or f"content-length: {said.headers['content-length']}" in head
            assert f"cache-control: {said.headers.get('cache-control', '')}" in head or path == "/livez"


async def test_head_of_a_request_names_its_version(gateway: Gateway) -> None:
    bob = await gateway.signed_in("bob")
    place = f"/api/v1/requests/{(await gateway.submit('script/head.sh'))['request']}"
    etag = (await bob.get(place, headers={"assent-after": place.rpartition("/")[2]})).headers["etag"]
    assert (await bob.head(place)).headers["etag"] == etag
    assert (await bob.head(place, headers={"if-none-match": etag})).status_code == 304


async def test_head_requires_authentication_and_creates_nothing(gateway: Gateway) -> None:
    anonymous, dave = await gateway.anonymous(), await gateway.signed_in("dave")
    assert (await anonymous.head("/api/v1/requests")).status_code == 401
    for path in ("/api/v1/commands", "/api/v1/events", "/api/v1/audit/export", "/sign-out", "/sign-in"):
        assert (await dave.head(path)).status_code == 405, path


async def test_signature_covers_the_method_that_was_sent(gateway: Gateway) -> None:
    client = await gateway.anonymous()
    asked = client.build_request("HEAD", "/api/v1/me")
    sign_request(asked, gateway.log.keys["bob"])
    assert (await client.send(asked)).status_code == 200
    asked.method = "GET"
    refused(await client.send(asked), 401, "bad-signature")
