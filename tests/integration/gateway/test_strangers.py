"""Clients that have not proved who they are: how often they may try, and what a probe's address gives."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assent.gateway.anonymous_limits import stranger
from assent.gateway.gateway_settings import read_gateway_settings
from assent.process_settings import SettingsError
from assent_contracts.client.follower import GovernanceFollower
from tests.support.gateway import Gateway, accepted, gateway_of, gateway_settings, refused
from tests.support.raw_http import connected, request

PROXIES = "ASSENT_GATEWAY_TRUSTED_PROXIES"
_TRIES = 25
"""Sent at once: more than two windows let through at one a second, however slow the machine is."""
_SIGNED = {
    "signature-input": 'a=("@method" "@target-uri");created=1;keyid="nobody";alg="ed25519"',
    "signature": "a=:AAAA:",
}


@asynccontextmanager
async def strict(gateway: Gateway, follower: GovernanceFollower, **environ: str) -> AsyncIterator[Gateway]:
    """A second gateway that accepts one request a second per client."""
    # Nobody signs in there, because local sign-in is not for requests through a proxy.
    settings = gateway_settings(ASSENT_GATEWAY_RATE="1", ASSENT_LOCAL_SIGN_IN_FILE="", **environ)
    async with gateway_of(gateway.log, follower, gateway.dsn, settings) as started:
        yield started


async def bad_signature(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.get("/api/v1/me", headers={**_SIGNED, **headers})


async def no_command(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.post("/api/v1/commands", content=b"{}", headers=headers)


def too_many(answers: list[httpx.Response]) -> dict[str, Any]:
    """The problem that at least one of the answers is."""
    first = next(answer for answer in answers if answer.status_code == 429)
    return refused(first, 429, "too-many-requests")


@pytest.mark.parametrize("bad", [bad_signature, no_command])
async def test_one_address_cannot_send_invalid_proofs_without_limit(
    gateway: Gateway, follower: GovernanceFollower, bad: Any
) -> None:
    async with strict(gateway, follower) as limited:
        client = await limited.anonymous()
        # A header that anybody can write does not give a client another identity.
        answers = await asyncio.gather(
            *(bad(client, **{"x-forwarded-for": f"203.0.113.{n}"}) for n in range(_TRIES))
        )
        assert {answer.status_code for answer in answers} in ({400, 429}, {401, 429})
        assert too_many(answers)["detail"].startswith("A client at 127.0.0.1")
        # Clients that have signed in already are not limited.
        assert (await client.get("/readyz")).status_code == 200


async def test_behind_a_trusted_proxy_each_address_counts_separately(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    async with strict(gateway, follower, **{PROXIES: "127.0.0.0/8, 10.0.0.0/8"}) as limited:
        client = await limited.anonymous()
        attacker, other = {"x-forwarded-for": "203.0.113.7, 10.1.2.3"}, {"x-forwarded-for": "203.0.113.8"}
        # Everything before the part that the proxy added is the sender's invention.
        invented = {"x-forwarded-for": "1.1.1.1, 203.0.113.7, 10.1.2.3"}
        answers = await asyncio.gather(*(bad_signature(client, **invented) for _ in range(_TRIES)))
        assert "A client at 203.0.113.7 " in too_many(answers)["detail"]
        refused(await bad_signature(client, **other), 401, "bad-signature")
        too_many(await asyncio.gather(*(no_command(client, **attacker) for _ in range(_TRIES))))


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("unix", "an unknown address"),
    ],
)
def test_ipv6_client_is_counted_with_its_whole_network(host: str, counted: str) -> None:
    sent: Any = SimpleNamespace(client=SimpleNamespace(host=host))
    assert stranger(sent) == f"A client at {counted}"


@pytest.mark.parametrize(
    "wrong", ["*", "localhost", "10.0.0.1/8", "10.0.0.0/33", "0.0.0.0/0", "10.0.0.0/8,::/0"]
)
def test_invalid_proxies_are_refused_by_name(wrong: str) -> None:
    with pytest.raises(SettingsError, match=PROXIES):
        read_gateway_settings({PROXIES: wrong})
    assert read_gateway_settings({PROXIES: " 10.0.0.1, fd00::/8 ,"}).trusted_proxies == (
        "10.0.0.1/32",
        "fd00::/8",
    )


# Probes and metrics


async def test_health_answers_a_probe_on_the_container_s_address_and_nothing_else_does(
    gateway: Gateway,
) -> None:
    statuses = {"/livez": 200, "/readyz": 200, "/metrics": 401, "/api/v1/me": 421, "/": 421, "/livez/": 421}
    for path, status in statuses.items():
        async with connected(gateway.url) as raw:
            await raw.send(request(gateway.url, f"GET {path} HTTP/1.1", host="10.1.2.3:8700"))
            assert (await raw.answer()).status == status, path


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:8700"])
async def test_metrics_are_for_a_scrape_on_this_machine_by_its_own_names(gateway: Gateway, host: str) -> None:
    async with connected(gateway.url) as raw:
        await raw.send(request(gateway.url, "GET /metrics HTTP/1.1", host=host))
        assert (await raw.answer()).status == 200


@pytest.mark.parametrize("host", ["assent.example", "evil.example:8700", "10.1.2.3"])
async def test_metrics_are_refused_to_clients_forwarded_by_a_proxy_on_this_machine(
    gateway: Gateway, host: str
) -> None:
    async with connected(gateway.url) as raw:
        await raw.send(request(gateway.url, "GET /metrics HTTP/1.1", host=host))
        answer = await raw.answer()
        assert (answer.status, answer.problem["code"]) == (401, "not-signed-in")


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("Bearer nonsense", "The access token does not count: this gateway accepts none"),
        ("Basic Ym9iOmJvYg==", "The Authorization header has the scheme 'Basic'"),
    ],
)
async def test_what_is_wrong_with_an_authorization_header_is_named(
    gateway: Gateway, header: str, named: str
) -> None:
    """This gateway has no provider, as on a laptop."""
    answer = await (await gateway.anonymous()).get("/api/v1/me", headers={"authorization": header})
    assert refused(answer, 401, "not-signed-in")["detail"].startswith(named)


async def test_with_trusted_proxies_metrics_require_signing_in(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    async with strict(gateway, follower, **{PROXIES: "10.0.0.0/8"}) as behind:
        refused(await (await behind.anonymous()).get("/metrics"), 401, "not-signed-in")


# What is private


async def test_no_answer_of_the_api_is_cached_on_the_way(gateway: Gateway) -> None:
    bob = await gateway.signed_in("bob")
    asked = (await gateway.submit("script/kept.sh"))["request"]
    await gateway.show(asked, after=asked)
    paths = accepted(await bob.get("/api/v1/openapi.json"))["paths"]
    for path, methods in paths.items():
        if "get" in methods and path != "/api/v1/events":
            place = re.sub("{.*}", "x", path.replace("{request_id}", asked))
            kept = "private, no-cache" if path == "/api/v1/requests/{request_id}" else "no-store"
            assert (await bob.get(place)).headers["cache-control"] == kept, path
    hook = {"kind": "webhook", "url": "https://hooks.example.com/kept"}
    made = await bob.post("/api/v1/notifications/targets", json=hook)
    assert accepted(made, 201)["secret"]
    for answer in (
        made,
        await (await gateway.anonymous()).get("/api/v1/me"),
        await bob.get("/api/v1/nothing"),
    ):
        assert answer.headers["cache-control"] == "no-store"
