"""Changes over HTTP: what is sent, and what is known of the target after each way in which it can fail."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from standardwebhooks import Webhook

from assent.applier.targets.http.table import HttpTable
from assent.applier.targets.http.target import HttpTarget
from assent.applier.targets.http.templates import TemplateFaultError
from assent_contracts.client.handler import Applied, FinalError, RetryableError, UnknownOutcomeError
from tests.support.http_standin import Asked, Fault, Objects, Reply, StandIn, standing_in
from tests.support.releases import change, release
from tests.support.stack import until

PUT: dict[str, Any] = {
    "name": "put",
    "method": "PUT",
    "url": "{base}/objects/{{ id }}",
    "body": '{"payload": {{ payload }}, "request": {{ request }}}',
    "save_headers": {"etag": "ETag"},
}
POST = PUT | {
    "name": "post",
    "method": "POST",
    "url": "{base}/objects",
    "body": '{"name": {{ id }}, "key": {{ key }}}',
}
SHOWN: dict[str, Any] = {
    "name": "look",
    "method": "GET",
    "url": "{base}/objects/{{ id }}",
    "expect": {"/key": "{{ key }}"},
}


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def api(objects: Objects) -> Iterator[StandIn]:
    with standing_in(objects) as one:
        yield one


def target(api: StandIn, *steps: dict[str, Any], timeout_s: float = 5, **fields: Any) -> HttpTarget:
    table = {
        "hosts": [api.url.removeprefix("http://")],
        "plain_http": True,
        "private_addresses": True,
        "version": "{{ etag }}",
        "steps": list(steps or (PUT,)),
        **fields,
    }
    text = json.dumps(table).replace("{base}", api.url)
    return HttpTarget(msgspec.convert(json.loads(text), HttpTable), timeout_s)


async def test_request_is_made_of_the_change_and_its_answer_s_version_is_reported(api: StandIn) -> None:
    one = target(api, key_header="Idempotency-Key")
    of = release("app/pay roll/ä?x=1#y", b'{"rate": 0.1000, "big": 123456789012345678901234567890}')
    assert await one.apply(of) == Applied("", '"1"')
    [asked] = api.asked
    assert (asked.method, asked.path) == ("PUT", "/objects/pay%20roll%2F%C3%A4%3Fx%3D1%23y")
    assert asked.headers["idempotency-key"] == of.idempotency_key
    assert asked.raw == b'{"payload": {"rate":0.1000,"big":123456789012345678901234567890}, "request": "2-0"}'


@pytest.mark.parametrize("name", [".", ".."])
async def test_id_that_would_change_the_path_is_final_and_not_sent(name: str, api: StandIn) -> None:
    with pytest.raises(FinalError, match="cannot be a part of a URL"):
        await target(api).apply(release(f"app/{name}", b"{}"))
    assert api.asked == []


async def test_text_in_a_payload_stays_a_text(api: StandIn) -> None:
    payload = json.dumps({"x": '"}, "admin": {"y": "{{ key }}'}).encode()
    await target(api).apply(release("app/a", payload))
    assert api.asked[0].body == {"payload": json.loads(payload), "request": "2-0"}


async def test_host_that_is_not_listed_is_not_connected_to(api: StandIn) -> None:
    with standing_in(Objects()) as other:
        step = PUT | {"url": other.url + "/objects/x"}
        with pytest.raises(FinalError, match="is not in `hosts`"):
            await target(api, step).apply(release("app/a", b"{}"))
        assert other.asked == []


async def test_private_address_is_not_connected_to_unless_it_is_allowed(api: StandIn) -> None:
    with pytest.raises(RetryableError, match="not public"):
        await target(api, private_addresses=False).apply(release("app/a", b"{}"))
    assert api.asked == []


async def test_plain_http_is_refused_unless_it_is_allowed(api: StandIn) -> None:
    with pytest.raises(FinalError, match="must begin with https"):
        await target(api, plain_http=False).apply(release("app/a", b"{}"))


async def test_credentials_that_an_answer_repeats_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_MINE", "t0ken")
    monkeypatch.setenv("KEY_OF_MINE", "k3y")
    secrets = {"bearer": "env:TOKEN_OF_MINE", "secret_headers": {"x-key": "env:KEY_OF_MINE"}}

    def repeat(asked: Asked) -> Reply:
        said = f"no access for {asked.headers['authorization']}, {asked.headers['x-key']}"
        return Reply(403, {"detail": said})

    with standing_in(repeat) as api, pytest.raises(FinalError, match=r"no access for Bearer \*\*\*, \*\*\*$"):
        await target(api, **secrets).apply(release("app/a", b"{}"))


async def test_redirect_is_not_followed() -> None:
    with standing_in(lambda asked: Reply(307, headers={"Location": "/other"})) as api:
        with pytest.raises(FinalError, match="status 307"):
            await target(api).apply(release("app/a", b"{}"))
        assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("step", "missing"),
    [
        (PUT | {"body": '{"x": {{ payload.absent }}}'}, "has no attribute 'absent'"),
        (PUT | {"body": "{{ file }}"}, "use the filter base64"),
        (PUT | {"body": '{"x": {{ payload }}'}, "body is not JSON"),
        (PUT | {"headers": {"x": "{{ justification }}"}}, "control characters"),
        (PUT | {"headers": {"x": "{{ payload }}"}}, "must be"),
        (PUT | {"headers": {"x": "{{ id }}\N{LATIN SMALL LETTER U WITH DIAERESIS}"}}, "not ASCII"),
        (PUT | {"headers": {"x": "{{ id }} "}}, "ends with a space"),
        (PUT | {"content_type": " {{ id }}"}, "begins or ends"),
    ],
)
async def test_value_that_does_not_fit_its_place_is_final_and_nothing_is_sent(
    step: dict[str, Any], missing: str, api: StandIn
) -> None:
    with pytest.raises(FinalError, match=missing):
        await target(api, step).apply(
            release("app/a", b'{"a": "b"}' if "file" not in step["body"] else b'"text"')
        )
    assert api.asked == []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([PUT | {"body": "{{ unclosed"}], r"http.steps\[0\].body \(put\)"),
        ([PUT | {"when": "1 +"}], r"http.steps\[0\].when \(put\)"),
        ([PUT | {"url": "{% for %}"}], r"http.steps\[0\].url \(put\)"),
    ],
)
def test_template_that_is_wrong_is_named_at_the_start(steps: list[Any], said: str, api: StandIn) -> None:
    with pytest.raises(TemplateFaultError, match=said):
        target(api, *steps)


def test_read_back_that_changes_something_is_refused_at_the_start(api: StandIn) -> None:
    with pytest.raises(TemplateFaultError, match="only GET"):
        target(api, read_back=[PUT])


async def test_template_reaches_nothing_but_its_values(api: StandIn) -> None:
    step = PUT | {"body": "{{ ''.__class__.__mro__ }}"}
    with pytest.raises(FinalError, match=r"unsafe|is not safe|__class__"):
        await target(api, step).apply(release("app/a", b"{}"))


@pytest.mark.parametrize("fault", ["503", "429", "500 after", "504 after", "lost after", "late"])
async def test_repeatable_request_is_sent_again_with_the_same_key_until_it_is_answered(
    fault: Fault, api: StandIn, objects: Objects
) -> None:
    api.faults = [fault]
    one = target(api, key_header="Idempotency-Key", request_timeout_s=0.3, timeout_s=20)
    of = release("app/a", b"{}")
    if fault == "429":
        # Nothing was done, so the client of the ledger waits and calls again.
        with pytest.raises(RetryableError):
            await one.apply(of)
    await one.apply(of)
    assert len(api.changing()) == 2
    assert {each.headers["idempotency-key"] for each in api.asked} == {of.idempotency_key}
    assert objects.objects["a"]["request"] == "2-0"


@pytest.mark.parametrize("fault", ["500 after", "504 after", "lost after", "late"])
async def test_post_to_a_target_that_honours_the_key_has_one_effect(fault: Fault) -> None:
    objects = Objects(honours_key=True)
    with standing_in(objects) as api:
        api.faults = [fault, fault]
        one = target(api, POST, key_header="Idempotency-Key", request_timeout_s=0.3, timeout_s=20)
        await one.apply(release("app/a", b"{}"))
    assert objects.effects == ["a"]


@pytest.mark.parametrize("fault", ["500 after", "504 after", "lost after"])
async def test_post_whose_answer_is_lost_is_not_sent_again_and_is_unknown(
    fault: Fault, api: StandIn, objects: Objects
) -> None:
    api.faults = [fault]
    with pytest.raises(UnknownOutcomeError, match="may have been made"):
        await target(api, POST).apply(release("app/a", b"{}"))
    assert objects.effects == ["a"]


@pytest.mark.parametrize("fault", ["500 after", "504 after", "lost after", "late"])
async def test_post_whose_answer_is_lost_succeeds_once_the_target_shows_it(
    fault: Fault, api: StandIn, objects: Objects
) -> None:
    api.faults = [fault]
    one = target(api, POST, read_back=[SHOWN], request_timeout_s=0.3, timeout_s=20)
    assert await one.apply(release("app/a", b"{}")) is not None
    assert objects.effects == ["a"]


async def test_post_that_was_not_carried_out_is_unknown_and_not_sent_again(
    api: StandIn, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assent.applier.targets.http.target._LOOK_EVERY_S", 0.01)
    api.faults = ["503"]
    with pytest.raises(UnknownOutcomeError):
        await target(api, POST, read_back=[SHOWN]).apply(release("app/a", b"{}"))
    assert objects.effects == []


async def test_target_that_never_recovers_is_unknown_when_something_may_be_done(api: StandIn) -> None:
    api.faults = ["500 after"] * 100
    with pytest.raises(UnknownOutcomeError, match="did not finish within 1 s"):
        await target(api, timeout_s=1).apply(release("app/a", b"{}"))


async def test_target_that_is_not_there_is_retryable(api: StandIn) -> None:
    with standing_in(Objects()) as gone:
        one = target(gone)
    with pytest.raises(RetryableError, match="put: ConnectError"):
        await one.apply(release("app/a", b"{}"))


async def test_refusal_is_final_with_the_target_s_message() -> None:
    with standing_in(lambda asked: Reply(422, {"error": {"message": "The rate is too high."}})) as api:
        one = target(api, error_message="/error/message")
        with pytest.raises(FinalError, match=r"Nothing was changed: put .* status 422: The rate is too high"):
            await one.apply(release("app/a", b"{}"))


async def test_refusal_after_a_first_effect_is_unknown(api: StandIn) -> None:
    second = PUT | {"name": "second", "method": "PATCH", "url": "{base}/refused", "body": "{}"}

    def then_refuse(asked: Asked) -> Reply:
        return Reply(400) if asked.path == "/refused" else Reply(200, {})

    api.api = then_refuse
    with pytest.raises(UnknownOutcomeError, match=r"A part of the change may have been made. .*second"):
        await target(api, PUT, second).apply(release("app/a", b"{}"))


async def test_too_many_requests_says_when_to_try_again() -> None:
    with (
        standing_in(lambda asked: Reply(429, headers={"Retry-After": "17"})) as api,
        pytest.raises(RetryableError) as raised,
    ):
        await target(api).apply(release("app/a", b"{}"))
    assert raised.value.retry_after_s == 17


async def test_earlier_answer_decides_what_a_later_step_sends(api: StandIn, objects: Objects) -> None:
    objects.objects = {"other": {"key": "x"}, "a": {"key": "y"}}
    find = {
        "name": "find",
        "method": "GET",
        "url": "{base}/objects",
        "find": {"list": "/items", "where": {"/name": "{{ id }}"}},
        "save": {"found": "/name"},
    }
    steps = [find, POST | {"when": "found is none"}, PUT | {"when": "found is not none"}]
    await target(api, *steps).apply(release("app/a", b"{}"))
    await target(api, *steps).apply(release("app/b", b"{}"))
    assert [each.method for each in api.changing()] == ["PUT", "POST"]


@pytest.mark.parametrize(
    ("ends", "raised"), [("done", None), ("failed", FinalError), ("strange", UnknownOutcomeError)]
)
async def test_outcome_comes_from_a_field_that_is_asked_for_until_it_is_known(
    ends: str, raised: type[Exception] | None, api: StandIn
) -> None:
    states = ["running", "running", ends]
    step = PUT | {
        "save": {"status_url": "/url"},
        "outcome": {
            "at": "/status",
            "succeeded": ["done"],
            "failed": ["failed"],
            "pending": ["running"],
            "poll": "{{ status_url | as_url }}",
            "every_s": 0.01,
        },
    }
    api.api = lambda asked: Reply(202, {"status": states.pop(0), "url": api.url + "/status?of=1&x=2"})
    if raised is None:
        await target(api, step).apply(release("app/a", b"{}"))
    else:
        with pytest.raises(raised):
            await target(api, step).apply(release("app/a", b"{}"))
    assert [each.path for each in api.asked[1:]] == ["/status?of=1&x=2"] * 2


WAITS: dict[str, Any] = POST | {
    "body": '{"name": {{ id }}, "tell": {{ callback }}}',
    "save": {"etag": "/version"},
    "outcome": {
        "at": "/status",
        "succeeded": ["done"],
        "failed": ["failed"],
        "pending": ["running"],
        "callback": True,
    },
}


def waiting_target(api: StandIn, tmp_path: Path, *steps: dict[str, Any], **fields: Any) -> HttpTarget:
    (tmp_path / "secret").write_text("s" * 40)
    callbacks = {"url": "https://assent.example.com/in/", "port": 0, "secret": f"file:{tmp_path}/secret"}
    return target(api, *(steps or (WAITS,)), callbacks=callbacks, **fields)


async def call_back(one: HttpTarget, url: str, body: Any) -> int:
    """What the proxy in front of the applier passes on; returns the status."""
    path = url.removeprefix("https://assent.example.com/in")
    assert path != url
    assert one._callbacks is not None
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with httpx.AsyncClient(trust_env=False) as client:
        at = f"http://127.0.0.1:{one._callbacks.port}{path}"
        return (await client.post(at, content=content)).status_code


async def asked_url(api: StandIn) -> str:
    """The address that the target was given, once it was."""

    async def there() -> bool:
        return bool(api.changing())

    await until(there)
    return json.loads(api.changing()[-1].raw)["tell"]


@pytest.mark.parametrize(
    ("reports", "raised"),
    [
        ([{"status": "running"}, {"status": "done", "version": "v7"}], None),
        ([{"status": "failed"}], FinalError),
        ([{"status": "strange"}], UnknownOutcomeError),
    ],
)
async def test_outcome_comes_from_a_later_callback(
    reports: list[Any], raised: type[Exception] | None, api: StandIn, tmp_path: Path
) -> None:
    api.api = lambda asked: Reply(202, {})
    one = waiting_target(api, tmp_path)
    applying = asyncio.create_task(one.apply(release("app/a", b"{}")))
    url = await asked_url(api)
    assert await call_back(one, url, b"not JSON") == 400
    assert await call_back(one, url, {"no": "status"}) == 202
    for report in reports:
        assert await call_back(one, url, report) == 202
    if raised is None:
        assert await applying == Applied("", "v7")
    else:
        with pytest.raises(raised):
            await applying
    # The address is used up.
    assert await call_back(one, url, {"status": "done"}) == 404
    await one.close()


async def test_callback_counts_that_comes_before_the_answer_or_instead_of_it(
    api: StandIn, tmp_path: Path
) -> None:
    one = waiting_target(api, tmp_path)
    api.api = lambda asked: Reply(500, {})
    applying = asyncio.create_task(one.apply(release("app/a", b"{}")))
    assert await call_back(one, await asked_url(api), {"status": "done", "version": "v1"}) == 202
    assert await applying == Applied("", "v1")
    await one.close()


async def test_callback_that_does_not_come_in_time_makes_the_outcome_unknown(
    api: StandIn, tmp_path: Path
) -> None:
    api.api = lambda asked: Reply(202, {})
    one = waiting_target(api, tmp_path, timeout_s=0.3)
    with pytest.raises(UnknownOutcomeError, match=r"did not finish within 0\.3 s"):
        await one.apply(release("app/a", b"{}"))
    assert await call_back(one, await asked_url(api), {"status": "done"}) == 404
    await one.close()


async def test_address_of_a_callback_is_the_same_for_a_claim_and_another_for_any_other(
    api: StandIn, tmp_path: Path
) -> None:
    api.api = lambda asked: Reply(200, {"status": "done", "version": "v"})
    one, same = waiting_target(api, tmp_path), waiting_target(api, tmp_path)
    for each in (
        one.apply(release("app/a", b"{}")),
        same.apply(release("app/a", b"{}")),
        one.apply(release("app/a", b"{}", claim=5)),
        one.apply(release("app/a", b"{}", request="3-0")),
    ):
        await each
    urls = [json.loads(each.raw)["tell"] for each in api.changing()]
    assert urls[0] == urls[1]
    assert len(set(urls)) == 3
    assert all(len(url.rpartition("/")[2]) == 64 for url in urls)
    for each in (one, same):
        await each.close()


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (WAITS, "needs the table"),
        (WAITS | {"outcome": WAITS["outcome"] | {"poll": "{base}/x"}}, "either `poll` or `callback`"),
    ],
)
def test_callback_that_cannot_be_received_is_a_fault(
    step: dict[str, Any], fault: str, api: StandIn, tmp_path: Path
) -> None:
    with pytest.raises(TemplateFaultError, match=fault):
        target(api, step) if "poll" not in step["outcome"] else waiting_target(api, tmp_path, step)


async def test_status_url_of_another_host_is_not_asked(api: StandIn) -> None:
    step = PUT | {
        "save": {"u": "/url"},
        "outcome": {
            "at": "/s",
            "succeeded": ["y"],
            "pending": ["n"],
            "poll": "{{ u | as_url }}",
            "every_s": 0.01,
        },
    }
    api.api = lambda asked: Reply(202, {"s": "n", "url": "http://169.254.169.254/latest"})
    with pytest.raises(UnknownOutcomeError, match="is not in `hosts`"):
        await target(api, step).apply(release("app/a", b"{}"))


async def test_field_that_the_target_dropped_is_noticed(api: StandIn) -> None:
    api.api = lambda asked: Reply(200, {"size": 1})
    with pytest.raises(UnknownOutcomeError, match="another value at '/size'"):
        await target(api, PUT | {"expect": {"/size": "{{ payload.size }}"}}).apply(
            release("app/a", b'{"size": 2}')
        )


async def test_read_back_shows_what_was_made_and_not_what_others_made(api: StandIn, objects: Objects) -> None:
    one = target(api, POST, read_back=[SHOWN], not_found_is_not_made=True)
    assert await one.read_back(release("app/a", b"{}")) is None
    objects.objects["a"] = {"key": "of another"}
    assert await one.read_back(release("app/a", b"{}")) is None
    await one.apply(release("app/a", b"{}"))
    assert await one.read_back(release("app/a", b"{}")) is not None


async def test_post_that_the_target_does_not_show_is_unknown_because_it_may_be_late(api: StandIn) -> None:
    with pytest.raises(UnknownOutcomeError, match="it may still make it"):
        await target(api, POST, read_back=[SHOWN]).read_back(release("app/a", b"{}"))
    with pytest.raises(UnknownOutcomeError, match="Nothing is configured"):
        await target(api, POST).read_back(release("app/a", b"{}"))


async def test_deletion_is_shown_by_a_missing_object(api: StandIn, objects: Objects) -> None:
    objects.objects["a"] = {}
    gone = {"name": "gone", "method": "GET", "url": "{base}/objects/{{ id }}", "absent": True}
    delete = {"name": "delete", "method": "DELETE", "url": "{base}/objects/{{ id }}"}
    one = target(api, delete, read_back=[gone], version="{{ never_saved }}")
    assert await one.read_back(release("app/a", operation="delete")) is None
    await one.apply(release("app/a", operation="delete"))
    assert await one.read_back(release("app/a", operation="delete")) is not None


async def test_requests_are_signed_as_standard_webhooks(api: StandIn, tmp_path: Path) -> None:
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    (tmp_path / "secret").write_text(secret)
    of = release("app/a", b"{}")
    await target(api, signing_secret=f"file:{tmp_path}/secret").apply(of)
    [asked] = api.asked
    Webhook(secret).verify(asked.raw, asked.headers)
    assert asked.headers["webhook-id"] == of.idempotency_key


async def test_token_of_client_credentials_is_kept_and_renewed_when_it_is_refused(
    objects: Objects, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("client-secret\n")
    issued: list[str] = []
    revoked: set[str] = set()

    def with_tokens(asked: Asked) -> Reply:
        if asked.path == "/token":
            assert (
                asked.raw
                == b"grant_type=client_credentials&client_id=me&client_secret=client-secret&scope=all"
            )
            issued.append(f"token-{len(issued)}")
            return Reply(200, {"access_token": issued[-1], "expires_in": 3600})
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        return objects(asked) if token in set(issued) - revoked else Reply(401)

    with standing_in(with_tokens) as api:
        oauth = {"token_url": api.url + "/token", "client_id": "me", "scope": "all"}
        one = target(api, oauth=oauth | {"client_secret": f"file:{tmp_path}/secret"})
        await one.apply(release("app/a", b"{}"))
        await one.apply(release("app/b", b"{}"))
        assert issued == ["token-0"]
        revoked.add("token-0")
        with pytest.raises(RetryableError, match="401"):
            await one.apply(release("app/c", b"{}"))
        await one.apply(release("app/c", b"{}"))
    assert objects.effects == ["a", "b", "c"]


async def test_token_endpoint_that_refuses_is_retryable_and_its_secret_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("client-secret")
    with standing_in(lambda asked: Reply(401, {"error": "invalid_client"})) as api:
        oauth = {"token_url": api.url, "client_id": "me", "client_secret": f"file:{tmp_path}/secret"}
        with pytest.raises(RetryableError, match="invalid_client") as raised:
            await target(api, oauth=oauth).apply(release("app/a", b"{}"))
    assert "client-secret" not in str(raised.value)


async def test_answer_that_is_too_large_is_not_kept(api: StandIn) -> None:
    api.api = lambda asked: Reply(200, {"etag": "x" * 10_000})
    one = target(api, PUT | {"save": {"etag": "/etag"}, "save_headers": {}}, answer_max_kib=1)
    assert await one.apply(release("app/a", b"{}")) == Applied("", "")


async def test_dry_run_reads_and_shows_the_requests_and_changes_nothing(
    api: StandIn, objects: Objects
) -> None:
    find = {"name": "find", "method": "GET", "url": "{base}/objects/{{ id }}", "success": [200, 404]}
    shown = await target(api, find, PUT, PUT | {"when": "false"}).plan(change("app/a", b'{"x": 1}'))
    assert shown == f'put: PUT {api.url}/objects/a\n{{"payload": {{"x":1}}, "request": "2-0"}}\n'
    assert (len(api.asked), objects.effects) == (1, [])
