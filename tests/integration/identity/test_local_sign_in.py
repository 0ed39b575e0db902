"""Sign-in by a click, for the demo's people on one's own machine; and gateways without it."""

import pytest

from tests.idp.browser import Browser
from tests.integration.identity.conftest import OpenBrowser, StartGateway
from tests.support.gateway import Gateway, free_port, refused

LOCAL = "/sign-in/local"


@pytest.fixture
async def browser(start_gateway: StartGateway, open_browser: OpenBrowser) -> Browser:
    """A browser at a gateway without a provider, on which anybody can be anybody."""
    port = free_port()
    public = f"http://localhost:{port}"
    await start_gateway(ASSENT_GATEWAY_PORT=str(port), ASSENT_PUBLIC_URL=public)
    opened = await open_browser()
    opened.gateway = public
    return opened


async def test_the_page_names_the_people_and_says_what_it_is(browser: Browser) -> None:
    answer = await browser.get("/sign-in", params={"return_to": "/requests"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    for name in ("Alice Miller", "Bob Ortega", 'action="/sign-in/local"', 'value="/requests"', "demo"):
        assert name in answer.text
    assert "Device configuration pipeline" not in answer.text, "services do not sign in"


async def test_a_person_signs_in_by_a_click_and_out_again(browser: Browser) -> None:
    answer = await browser.post(LOCAL, data={"principal": "alice", "return_to": "/requests"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/requests")
    me = (await browser.me()).json()
    assert me["principal"] == "alice"
    out = await browser.post("/sign-out", data={"csrf": me["csrf"]})
    assert (out.status_code, out.headers["location"]) == (303, "/")
    assert (await browser.me()).status_code == 401


async def test_it_goes_on_to_no_other_site(browser: Browser) -> None:
    for wanted in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        answer = await browser.post(LOCAL, data={"principal": "alice", "return_to": wanted})
        assert answer.headers["location"] == "/"
        page = await browser.get("/sign-in", params={"return_to": wanted})
        assert page.status_code == 200
        assert "evil.example" not in page.text


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_each_name_of_this_machine_signs_in_and_acts(browser: Browser, name: str) -> None:
    """Browsers send the name that was typed as the Origin of every form."""
    here = browser.gateway.replace("localhost", name)
    headers = {"origin": here, "sec-fetch-site": "same-origin"}
    answer = await browser.http.post(here + LOCAL, data={"principal": "alice"}, headers=headers)
    assert answer.status_code == 303, answer.text
    csrf = (await browser.http.get(here + "/api/v1/me")).json()["csrf"]
    out = await browser.http.post(here + "/sign-out", data={"csrf": csrf}, headers=headers)
    assert out.status_code == 303, out.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": "http://localhost"},
        {"origin": "http://localhost.evil.example"},
    ],
)
async def test_another_site_signs_nobody_in(browser: Browser, headers: dict[str, str]) -> None:
    refused(await browser.post(LOCAL, data={"principal": "alice"}, headers=headers), 403, "cross-site")


@pytest.mark.parametrize(
    ("principal", "status", "code"), [("device-config", 404, "not-found"), ("nobody", 403, "not-permitted")]
)
async def test_only_people_of_the_demo_sign_in(
    browser: Browser, principal: str, status: int, code: str
) -> None:
    refused(await browser.post(LOCAL, data={"principal": principal}), status, code)
    assert browser.cookie() is None


async def test_a_click_signs_nobody_in_where_a_provider_is_configured(
    gateway: Gateway, open_browser: OpenBrowser
) -> None:
    browser = await open_browser()
    refused(await browser.post(LOCAL, data={"principal": "alice"}), 404, "not-found")


async def test_a_gateway_with_neither_says_so(start_gateway: StartGateway) -> None:
    port = free_port()
    await start_gateway(ASSENT_GATEWAY_PORT=str(port), ASSENT_LOCAL_SIGN_IN="")
    browser = Browser(f"http://127.0.0.1:{port}")
    async with browser.http:
        refused(await browser.get("/sign-in"), 404, "not-found")
        refused(await browser.get("/sign-in/callback?state=x&code=y"), 404, "not-found")
