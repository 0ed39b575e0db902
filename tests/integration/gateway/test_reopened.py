"""R12: completing releases the change, or reports that nothing was released."""

from typing import Any

from assent_contracts.client.keys import signed_headers
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import Complete
from assent_contracts.signing import KEY_HEADER, SIGNATURE_HEADER
from tests.support.console import ConsolePage, load, post
from tests.support.gateway import Gateway, refused


async def approved(gateway: Gateway, resource: str) -> str:
    """A request that has its quorum."""
    request = (await gateway.submit(resource))["request"]
    for name in ("dave", "erin"):
        await gateway.approve(request, name)
    return request


async def disable(gateway: Gateway) -> None:
    await gateway.governed({"type": "assent.disable-principal.v1", "principal": "dave"})


async def lapsed(gateway: Gateway, resource: str) -> str:
    """An approved request, one of whose two approvers has been disabled since."""
    request = await approved(gateway, resource)
    await disable(gateway)
    return request


async def enable_again(gateway: Gateway) -> None:
    await gateway.governed({"type": "assent.enable-principal.v1", "principal": "dave"})


def says_that_nothing_was_released(problem: dict[str, Any], request: str) -> None:
    assert "Nothing was released" in problem["detail"]
    assert "dave, who is disabled" in problem["detail"]
    assert problem["request"] == request
    kinds = [each["type"] for each in problem["events"]]
    assert kinds == ["assent.approval-lapsed.v1", "assent.request-reopened.v1"]


async def test_R12_completing_over_http_is_no_success_if_it_only_reopens(gateway: Gateway) -> None:
    request = await lapsed(gateway, "app/lapsed")
    alice = await gateway.signed_in("alice")
    headers = {"idempotency-key": "complete-it"}
    path, content = f"/api/v1/requests/{request}/complete", {"submission": await gateway.submission(request)}
    answers = [await alice.post(path, json=content, headers=headers) for _ in range(2)]
    first, again = (refused(each, 409, "reopened") for each in answers)
    says_that_nothing_was_released(first, request)
    assert again == first
    shown = await gateway.show(request, after=first["position"])
    assert shown["request"]["status"] == "needs_approval"
    await enable_again(gateway)


async def test_R12_completing_with_an_own_signature_is_no_success_either(gateway: Gateway) -> None:
    request = await lapsed(gateway, "app/lapsed-signed")
    command = Complete(
        id=new_command_id(),
        principal="alice",
        at=now_ms(),
        resource="app/lapsed-signed",
        request=request,
        submission=await gateway.submission(request),
    )
    value = encode(command)
    said = dict(signed_headers(gateway.log.keys["alice"], gateway.log.identity, command, value, "tests"))
    headers = {name: said[name].decode() for name in (KEY_HEADER, SIGNATURE_HEADER)}
    client = await gateway.anonymous()
    answer = await client.post(
        "/api/v1/commands", content=value, headers={"content-type": "application/json", **headers}
    )
    says_that_nothing_was_released(refused(answer, 409, "reopened"), request)
    await enable_again(gateway)


async def test_R12_page_states_that_nothing_was_released(gateway: Gateway) -> None:
    request = await approved(gateway, "app/lapsed-page")
    alice = await gateway.sign_in("alice")
    shown = await load(alice, f"/requests/{request}")
    await disable(gateway)
    fields = {each: shown.value(each) for each in ("csrf", "key", "seen", "submission")}
    page = ConsolePage(await post(alice, f"/requests/{request}/complete", fields))
    assert page.status == 409
    assert "It needs approval again" in page.text
    assert "dave, who is disabled" in page.text
    await enable_again(gateway)
