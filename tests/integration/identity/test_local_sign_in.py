"""Sign-in by a click, for the demo's people on one's own machine; and gateways without it."""

import pytest
from structlog.testing import capture_logs

from assent.gateway.identity.local_token import COOKIE
from tests.idp.browser import Browser
from tests.integration.identity.conftest import OpenBrowser, StartGateway
from tests.support.gateway import Gateway, free_port, refused
from tests.support.local_token import KEPT, LINK, TOKEN

LOCAL = "/sign-in/local"


@pytest.fixture
async def browser(start_gateway: StartGateway, open_browser: OpenBrowser) -> Browser:
    """A browser at a gateway without a provider, in which anybody can sign in as anybody."""
    port = free_port()
    public = f"http://localhost:{port}"
    await start_gateway(ASSENT_GATEWAY_PORT=str(port), ASSENT_PUBLIC_URL=public)
    opened = await open_browser()
    opened.gateway = public
    assert (await opened.get(LINK)).headers["location"] == "/sign-in"
    return opened


@pytest.fixture
async def stranger(browser: Browser, open_browser: OpenBrowser) -> Browser:
    """A browser at the same gateway that has not opened the link."""
    opened = await open_browser()
    opened.gateway = browser.gateway
    return opened


async def test_without_the_link_nobody_signs_in_and_nobody_is_named(stranger: Browser) -> None:
    page = await stranger.get("/sign-in", headers={"accept": "text/html"})
    assert page.status_code == 403
    assert "Open the link from the terminal" in page.text
    assert "Alice Miller" not in page.text
    refused(await stranger.get("/sign-in"), 403, "local-token")
    refused(await stranger.post(LOCAL, data={"principal": "alice"}), 403, "local-token")
    assert stranger.cookie() is None


@pytest.mark.parametrize(
    "query",
    ["", "?token=", f"?token={TOKEN[:-1]}", f"?token={KEPT}", f"?token={TOKEN}&token={TOKEN}", "?token=%ff"],
    ids=["none", "empty", "cut short", "the one that is kept", "twice", "not UTF-8"],
)
async def test_only_the_token_itself_opens_the_page(stranger: Browser, query: str) -> None:
    refused(await stranger.get(f"{LOCAL}{query}"), 403, "local-token")
    assert stranger.cookie(COOKIE) is None


@pytest.mark.parametrize("value", ["", "x" * 43, TOKEN, "ä"], ids=["none", "another", "the link's", "odd"])
async def test_only_the_cookie_of_the_link_signs_in(stranger: Browser, value: str) -> None:
    headers = {"cookie": f"{COOKIE}={value}".encode("latin-1")}
    refused(await stranger.post(LOCAL, data={"principal": "alice"}, headers=headers), 403, "local-token")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-IP"])
async def test_nobody_signs_in_through_a_proxy_with_the_link_either(browser: Browser, header: str) -> None:
    """On this machine too: the peer is on loopback, and Host may be what the proxy was told to send."""
    headers = {header: "127.0.0.1"}
    refused(await browser.get(LINK, headers=headers), 403, "not-on-this-machine")
    refused(await browser.get("/sign-in", headers=headers), 403, "not-on-this-machine")
    refused(
        await browser.post(LOCAL, data={"principal": "alice"}, headers=headers), 403, "not-on-this-machine"
    )


async def test_several_windows_sign_in_with_one_link(browser: Browser, stranger: Browser) -> None:
    assert (await stranger.get(LINK)).status_code == 303
    for each, name in ((browser, "alice"), (stranger, "bob")):
        assert (await each.post(LOCAL, data={"principal": name})).status_code == 303
        assert (await each.me()).json()["principal"] == name


async def test_token_is_in_no_log_line_and_no_answer(browser: Browser, stranger: Browser) -> None:
    with capture_logs() as lines:
        opened = await stranger.get(LINK)
        wrong = await stranger.get(f"{LINK}x")
        page = await stranger.get("/sign-in", headers={"accept": "text/html"})
    assert any(line["event"] == "answered" and line["path"] == LOCAL for line in lines)
    assert TOKEN not in repr(lines)
    for answer in (opened, wrong, page):
        assert TOKEN not in answer.text + repr(answer.headers)


async def test_page_names_the_people_and_explains_itself(browser: Browser) -> None:
    answer = await browser.get("/sign-in", params={"return_to": "/requests"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    for name in ("Alice Miller", "Bob Ortega", 'action="/sign-in/local"', 'value="/requests"', "demo"):
        assert name in answer.text
    assert "Device configuration pipeline" not in answer.text, "services do not sign in"


async def test_person_signs_in_by_a_click_and_out_again(browser: Browser) -> None:
    answer = await browser.post(LOCAL, data={"principal": "alice", "return_to": "/requests"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/requests")
    me = (await browser.me()).json()
    assert me["principal"] == "alice"
    out = await browser.post("/sign-out", data={"csrf": me["csrf"]})
    assert (out.status_code, out.headers["location"]) == (303, "/")
    assert (await browser.me()).status_code == 401


async def test_sign_in_redirects_to_no_other_site(browser: Browser) -> None:
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
    await browser.http.get(here + LINK)
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


async def test_click_signs_nobody_in_if_a_provider_is_configured(
    gateway: Gateway, open_browser: OpenBrowser
) -> None:
    browser = await open_browser()
    refused(await browser.post(LOCAL, data={"principal": "alice"}), 404, "not-found")


async def test_gateway_with_neither_reports_so(start_gateway: StartGateway) -> None:
    port = free_port()
    await start_gateway(ASSENT_GATEWAY_PORT=str(port), ASSENT_LOCAL_SIGN_IN_FILE="")
    browser = Browser(f"http://127.0.0.1:{port}")
    async with browser.http:
        refused(await browser.get("/sign-in"), 404, "not-found")
        refused(await browser.get("/sign-in/callback?state=x&code=y"), 404, "not-found")
