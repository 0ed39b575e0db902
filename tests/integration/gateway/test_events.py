"""Live events on a real gateway: who receives which, and how a stream ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import httpx
import msgspec
import pytest

from assent.gateway.client_limits import LiveLimits
from assent.gateway.event_messages import REMEMBERED, RecentEvents, governance_changed
from assent.gateway.event_stream import LOST, WAITING_MAX, StreamListener
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import now_ms
from assent_contracts.client.task_end import end
from assent_contracts.governance_changes import DefineGroup, DisablePrincipal
from assent_contracts.governance_objects import Group
from tests.support.gateway import Gateway, accepted, answering, gateway_of, gateway_settings, refused
from tests.support.governor import governing
from tests.support.stack import until
from tests.support.streams import Stream, streaming


@asynccontextmanager
async def limited(gateway: Gateway, follower: GovernanceFollower, **limits: float) -> AsyncIterator[Gateway]:
    """A second gateway next to it on the same log and tables, with other limits for streams."""
    settings = msgspec.structs.replace(gateway_settings(), live=LiveLimits(**limits))  # type: ignore[arg-type]
    async with gateway_of(gateway.log, follower, gateway.dsn, settings) as started:
        yield started


async def test_R7_stream_sends_each_change_of_own_requests_once_the_lists_contain_it(
    gateway: Gateway,
) -> None:
    alice = await gateway.signed_in("alice")
    async with streaming(alice) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        decision = await gateway.submit("script/live.sh")
        event = await stream.about(decision["request"])
        assert event.id == event.data["position"] == decision["position"]
        assert event.data == {
            "request": decision["request"],
            "status": "needs_approval",
            "resource": "script/live.sh",
            "position": decision["position"],
        }
        # Without waiting: the lists contain what an event announces.
        listed = accepted(await alice.get("/api/v1/requests"))
        assert decision["request"] in [each["id"] for each in listed["requests"]]
        approved = await gateway.approve(decision["request"])
        assert (await stream.about(decision["request"], "approved")).id == approved["position"]


async def test_R7_approver_receives_events_of_received_requests_and_others_do_not(gateway: Gateway) -> None:
    streams: dict[str, Stream] = {}
    async with AsyncExitStack() as open_streams:
        for name in ("bob", "erin", "dave"):
            client = await gateway.signed_in(name)
            streams[name] = await open_streams.enter_async_context(streaming(client))
        script = (await gateway.submit("script/for-bob.sh"))["request"]
        assert (await streams["bob"].about(script)).data["status"] == "needs_approval"
        assert (await streams["dave"].about(script)).data["status"] == "needs_approval", "the auditor"
        # Erin receives a later event, and none of the script before it.
        own = (await gateway.submit("app/for-erin"))["request"]
        first = await streams["erin"].next()
        assert first.data["request"] == own


async def test_R16_refused_action_is_sent_too(gateway: Gateway) -> None:
    request = (await gateway.submit("script/refused-action.sh"))["request"]
    alice = await gateway.signed_in("alice")
    submission = (await gateway.show(request, after=request))["request"]["submission"]
    async with streaming(alice) as stream:
        problem = refused(
            await gateway.act(request, "approve", "alice", submission=submission), 403, "own-request"
        )
        event = await stream.about(request)
        assert (event.id, event.data["status"]) == (problem["position"], "needs_approval")


async def test_stream_requires_a_signed_in_person(gateway: Gateway) -> None:
    anonymous = await gateway.anonymous()
    refused(await anonymous.get("/api/v1/events"), 401, "not-signed-in")
    forged = {"cookie": "assent=nobody", "last-event-id": "0-0"}
    refused(await anonymous.get("/api/v1/events", headers=forged), 401, "not-signed-in")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_page_of_another_site_opens_no_stream_with_a_session(
    gateway: Gateway, headers: dict[str, str]
) -> None:
    """An EventSource sends the cookie. The other site could not read the stream, but streams are limited."""
    alice = await gateway.signed_in("alice")
    refused(await alice.get("/api/v1/events", headers=headers), 403, "cross-site")
    own = {"origin": gateway.url, "sec-fetch-site": "same-origin"}
    async with alice.stream("GET", "/api/v1/events", headers=own) as response:
        assert response.status_code == 200


async def test_reconnecting_client_gets_the_events_that_it_missed(gateway: Gateway) -> None:
    alice = await gateway.signed_in("alice")
    async with streaming(alice) as stream:
        first = (await gateway.submit("script/heard.sh"))["request"]
        heard = await stream.about(first)
    missed = (await gateway.submit("script/missed.sh"))["request"]
    async with streaming(await gateway.signed_in("dave")) as other:
        await gateway.approve(missed)
        await other.about(missed, "approved")
    async with streaming(alice, last=heard.id) as stream:
        assert (await stream.about(missed)).data["status"] == "needs_approval"


async def test_events_since_the_page_was_loaded_are_sent(gateway: Gateway) -> None:
    alice = await gateway.signed_in("alice")
    async with streaming(await gateway.signed_in("dave")) as other:
        loaded = now_ms()
        request = (await gateway.submit("script/between.sh"))["request"]
        await other.about(request)
    async with streaming(alice, since=loaded) as stream:
        await stream.about(request)


async def test_client_that_reconnects_too_late_is_told_once_to_reload(gateway: Gateway) -> None:
    alice = await gateway.signed_in("alice")
    for how in ({"last": "3-999999"}, {"last": "no such id"}, {"since": 1}):
        async with streaming(alice, **how) as stream:  # type: ignore[arg-type]
            assert (await stream.next("lost")).data == {"todo": "reload"}
            request = (await gateway.submit(f"script/after-{len(str(how))}.sh"))["request"]
            event = await stream._event()
            assert event is not None
            assert event.data["request"] == request


async def test_change_of_governance_is_sent_to_everybody(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    async with (
        governing(gateway.log, follower) as governor,
        streaming(await gateway.signed_in("erin")) as stream,
    ):
        decided = await governor.change(DefineGroup(group=Group(id="night-shift", members=("erin",))))
        event = await stream.next("governance")
        assert (event.id, event.data) == (f"governance-{decided.seq}", {"seq": decided.seq})


async def test_stream_ends_with_its_session(gateway: Gateway, follower: GovernanceFollower) -> None:
    async with limited(gateway, follower, beat_s=0.3, session_s=0.3) as other:
        client = await other.sign_in("carol")
        async with streaming(client) as stream:
            connection = await asyncpg.connect(gateway.dsn)
            await connection.execute("delete from sessions where principal = 'carol'")
            await connection.close()
            await stream.rest()
        refused(await client.get("/api/v1/events"), 401, "not-signed-in")


async def test_stream_that_only_listens_does_not_keep_its_session_alive(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    async with limited(gateway, follower, beat_s=0.3, session_s=0.3) as other:
        client = await other.sign_in("carol")
        async with streaming(client) as stream:
            connection = await asyncpg.connect(gateway.dsn)
            await connection.execute("update sessions set seen_at = 0 where principal = 'carol'")
            await connection.close()
            await stream.rest()


async def test_stream_of_a_disabled_account_ends(gateway: Gateway, follower: GovernanceFollower) -> None:
    async with (
        governing(gateway.log, follower) as governor,
        limited(gateway, follower, beat_s=0.3, session_s=0.3) as other,
        streaming(await other.sign_in("erin")) as stream,
    ):
        decided = await governor.change(DisablePrincipal(principal="erin"))
        assert decided.refusal is None, decided.refusal
        await stream.rest()


async def test_comment_shows_that_a_quiet_stream_is_alive(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    async with (
        limited(gateway, follower, beat_s=0.15) as other,
        streaming(await other.sign_in("alice")) as stream,
    ):
        waiting = asyncio.create_task(stream.rest(within_s=60))
        async with asyncio.timeout(10):
            while stream.comments < 3:
                await asyncio.sleep(0.02)
        await end(waiting)


async def test_old_stream_ends_and_its_client_is_told_when_to_return(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    async with (
        limited(gateway, follower, beat_s=0.15, oldest_s=0.3) as other,
        streaming(await other.sign_in("alice")) as stream,
    ):
        await stream.rest()
        assert len(stream.retry) == 2, "the first, and that of the end"


async def test_gateway_that_stops_ends_its_streams_at_once(gateway: Gateway) -> None:
    settings = gateway_settings()
    streams: list[Stream] = []
    async with AsyncExitStack() as clients:
        async with answering(gateway.log, gateway.dsn, settings) as url:
            client = await gateway.sign_in("alice")
            for _ in range(3):
                request = client.build_request("GET", f"{url}/api/v1/events")
                response = await client.send(request, stream=True)
                clients.push_async_callback(response.aclose)
                streams.append(Stream(response))
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 5
        for stream in streams:
            await stream.rest()
            assert len(stream.retry) == 2


async def test_streams_over_the_limit_are_refused_and_a_closed_one_makes_room(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    async with limited(gateway, follower, streams=3, streams_each=2) as other, AsyncExitStack() as streams:
        alice, bob = await other.sign_in("alice"), await other.sign_in("bob")
        for _ in range(2):
            await streams.enter_async_context(streaming(alice))
        problem = refused(await alice.get("/api/v1/events"), 429, "too-many-streams")
        assert "alice" in problem["detail"]
        async with streaming(bob):
            answer = await bob.get("/api/v1/events")
            refused(answer, 503, "too-many-streams")
            assert answer.headers["retry-after"]

        async def room() -> bool:
            async with bob.stream("GET", "/api/v1/events") as response:
                return response.status_code == 200

        await until(room)


async def test_gateway_with_the_maximum_of_streams_refuses_one_more_and_serves_the_others(
    gateway: Gateway, follower: GovernanceFollower
) -> None:
    """Ten thousand by default: the same limit, with as many as a test can open."""
    most = 300
    async with (
        limited(gateway, follower, streams=most, streams_each=most) as other,
        AsyncExitStack() as open_streams,
    ):
        alice, dave = await other.sign_in("alice"), await other.sign_in("dave")
        many = await open_streams.enter_async_context(_many_connections(alice, most))
        streams = [await open_streams.enter_async_context(streaming(many)) for _ in range(most)]
        for _ in range(20):
            answer = await dave.get("/api/v1/events")
            assert "300" in refused(answer, 503, "too-many-streams")["detail"]
            assert answer.headers["retry-after"]
        # A refused stream takes no place, and open ones receive all of it.
        request = (await other.submit("script/for-all.sh"))["request"]
        heard = await asyncio.gather(*(stream.about(request) for stream in streams))
        assert len(heard) == most
        assert (await dave.get("/api/v1/requests")).status_code == 200


@asynccontextmanager
async def _many_connections(client: httpx.AsyncClient, count: int) -> AsyncIterator[httpx.AsyncClient]:
    """The same person with a client that opens this many: httpx stops at a hundred."""
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=client.base_url, limits=limits, cookies=client.cookies, timeout=60, trust_env=False
    ) as many:
        yield many


async def test_slow_client_is_told_to_reload_and_little_is_kept_for_it() -> None:
    listener = StreamListener("alice", None, ends_at=0.0)
    for number in range(WAITING_MAX + 10):
        listener.tell(b"event: changed\ndata: %d\n\n" % number)
        listener.beat()
    said = await listener.next()
    assert said is not None
    assert said.startswith(LOST), "what was lost is said first"
    assert said.count(LOST) == 1
    assert said.count(b"event: changed") == 9, "what came after it"
    listener.tell(b"again")
    assert await listener.next() == b"again"
    listener.end(b"last")
    assert [await listener.next(), await listener.next()] == [b"last", None]


def test_events_that_nobody_received_are_not_remembered_as_if_they_had_not_occurred() -> None:
    memory = RecentEvents()
    assert memory.since(None, None) == []
    before = now_ms()
    memory.keep(governance_changed(7))
    assert [each.id for each in memory.since(None, before) or ()] == ["governance-7"]
    assert memory.since("governance-7", None) == []
    assert memory.since("governance-6", None) is None
    memory.forget()
    assert memory.since(None, before) is None
    assert memory.since("governance-7", None) is None
    for seq in range(8, 9 + REMEMBERED):
        memory.keep(governance_changed(seq))
    assert memory.since("governance-7", None) is None
