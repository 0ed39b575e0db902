"""Webhooks become submissions once each, and what does not is a dead letter with its reason."""

import gzip
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from assent.upstream.events import dead_events, resend
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from tests.integration.upstream.conftest import Upstream, secret_file, settled, statuses, submissions
from tests.support.log import Actor, Log
from tests.support.stack import until

SECRET = "It's a Secret to Everybody"


def github_source(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {
        "kind": "http",
        "name": "github",
        "path": "/hooks/github",
        "signature": "github",
        "secret_files": [secret_file(tmp_path, SECRET)],
        "mapping": {
            "resource": "script/{/body/script}",
            "operation": "edit",
            "justification": "{/body/why?} ({/headers/x-github-event})",
            "payload": "{/body/content}",
            "on_behalf_of": "{/body/sender/login}",
            "impact": "{/body/impact?}",
            "emergency": False,
            "tickets": ["{/body/ticket?}", "CHG-1"],
            "when": {"/headers/x-github-event": ["push"]},
            "translate": {"/body/sender/login": {"octocat": "alice"}},
        },
        **more,
    }


def signed(body: bytes, delivery: str | None = None, event: str = "push") -> dict[str, str]:
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-Hub-Signature-256": f"sha256={digest}",
        "X-GitHub-Delivery": delivery or str(uuid4()),
        "X-GitHub-Event": event,
        "Content-Type": "application/json",
    }


def event(script: str, **more: Any) -> bytes:
    return json.dumps(
        {"script": script, "why": "Because.", "content": "echo", "sender": {"login": "octocat"}, **more}
    ).encode()


async def test_R20_signed_webhook_is_submitted_on_behalf_of_the_person_that_the_mapping_names(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    script, exact = str(uuid4()), b'{"n": 1.000, "t":  "\\u00e9"}'
    body = event(script).replace(b'"echo"', exact)
    async with upstream(github_source(tmp_path)) as service:
        answer = await service.post("/hooks/github", body, signed(body))
        assert answer.status_code == 202, answer.text
        assert await settled(db, 1) == ["submitted"]
    [made] = [each for each in await submissions(log, follower) if each.resource == f"script/{script}"]
    assert (made.operation, made.justification, made.on_behalf_of) == ("edit", "Because. (push)", "alice")
    assert bytes(made.payload) == exact
    assert (made.impact, made.emergency, made.tickets) == (msgspec.UNSET, False, ("CHG-1",))
    assert (await db.fetchval("select request from upstream_events")) is not None


async def test_event_is_submitted_once_whatever_is_delivered_again(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    script = str(uuid4())
    body, other = event(script), event(script, why="Something else.")
    async with upstream(github_source(tmp_path)) as service:
        first = await service.post("/hooks/github", body, signed(body, "delivery-1"))
        redelivered = await service.post("/hooks/github", body, signed(body, "delivery-1"))
        copied = await service.post("/hooks/github", body, signed(body, "delivery-2"))
        reused = await service.post("/hooks/github", other, signed(other, "delivery-1"))
        assert [each.status_code for each in (first, redelivered, copied, reused)] == [202, 200, 200, 200]
        assert await settled(db, 1) == ["submitted"]
    made = [each for each in await submissions(log, follower) if each.resource == f"script/{script}"]
    assert len(made) == 1


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-Hub-Signature-256": "sha256=" + "0" * 64}, "is not of this secret"),
        ({"X-Hub-Signature-256": ""}, "is missing"),
        ({"X-Hub-Signature-256": "sha256=é"}, "is not of this secret"),
    ],
)
async def test_request_without_a_right_signature_leaves_its_hash_only(
    actor: Actor,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
    headers: dict[str, str],
    reason: str,
) -> None:
    body = event("forged")
    sent = {**signed(body), **headers}
    async with upstream(github_source(tmp_path)) as service:
        raw = {name: value.encode("latin-1") for name, value in sent.items()}
        answer = await service.post("/hooks/github", body, raw)  # type: ignore[arg-type]
        assert answer.status_code == 401
    [dead] = await dead_events(db)
    assert dead.code == "signature"
    assert reason in dead.reason
    assert hashlib.sha256(body).hexdigest() in dead.reason
    assert not dead.can_resend
    assert await resend(db) == []


async def test_dead_letter_has_the_refusal_and_can_be_sent_again_once_its_reason_is_gone(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path
) -> None:
    script = str(uuid4())
    opened = await actor.opened(f"script/{script}")
    body = event(script)
    async with upstream(github_source(tmp_path)) as service:
        await service.post("/hooks/github", body, signed(body))
        assert await settled(db, 1) == ["dead"]
        [dead] = await dead_events(db)
        assert dead.code == "resource-locked"
        assert opened.request in dead.reason
        await actor.cancel(opened)
        assert await resend(db, event=dead.id) == [dead.id]
        assert await settled(db, 1) == ["submitted"]


async def test_mapping_that_lacks_something_makes_a_dead_letter_that_names_it(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path
) -> None:
    nobody = event("x", sender={"login": "mallory"})
    bodies = [b'{"script": "x"}', nobody, b"not json", b'{"script": {"a": 1}}', event("\u0000")]
    async with upstream(github_source(tmp_path)) as service:
        for body in bodies:
            answer = await service.post("/hooks/github", body, signed(body))
            assert answer.status_code == 202, "an authenticated event is stored, and refused here"
        assert await settled(db, len(bodies)) == ["dead"] * len(bodies)
    reasons = {each.reason for each in await dead_events(db)}
    assert "The event has nothing at /body/content." in reasons
    assert "The mapping translates /body/sender/login and has nothing for 'mallory'." in reasons
    assert "The event has nothing at /body/script." in reasons
    assert "At /body/script is an object or an array, which does not fit into a text." in reasons
    assert {each.code for each in await dead_events(db)} == {"mapping", "malformed"}


async def test_event_that_the_mapping_is_not_for_is_skipped(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path
) -> None:
    body = event("x")
    async with upstream(github_source(tmp_path)) as service:
        assert (await service.post("/hooks/github", body, signed(body, event="ping"))).status_code == 202
        assert await settled(db, 1) == ["skipped"]


async def test_body_is_limited_after_decompression_and_refused_in_one_way(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path
) -> None:
    small, large = event("x"), event("x", more="y" * 5_000)
    async with upstream(github_source(tmp_path, body_max_bytes=4_000)) as service:

        async def status(
            body: bytes, plain: bytes, encoding: str = "gzip", path: str = "/hooks/github"
        ) -> int:
            headers = {**signed(plain), "Content-Encoding": encoding}
            return (await service.post(path, body, headers)).status_code

        assert await status(gzip.compress(small), small) == 202
        assert len(gzip.compress(large)) < 4_000
        assert await status(gzip.compress(large), large) == 413
        assert await status(large, large, "identity") == 413
        assert await status(gzip.compress(small)[:-4], small) == 400
        assert await status(gzip.compress(small) + b"x", small) == 400
        assert await status(small, small, "br") == 415
        assert await status(small, small, "identity", "/elsewhere") == 404
    codes = [each.code for each in await dead_events(db)]
    assert codes.count("size") == 1


async def test_what_the_database_cannot_store_is_not_acknowledged(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path
) -> None:
    body = event(str(uuid4()))
    headers = signed(body)
    async with upstream(github_source(tmp_path)) as service:
        await db.execute("alter table upstream_events rename to elsewhere")
        assert (await service.post("/hooks/github", body, headers)).status_code == 503
        await db.execute("alter table elsewhere rename to upstream_events")
        assert (await service.post("/hooks/github", body, headers)).status_code == 202
        assert await settled(db, 1) == ["submitted"]


async def test_service_that_is_cut_off_at_any_moment_submits_each_event_once(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    scripts = [str(uuid4()) for _ in range(12)]
    for number, script in enumerate(scripts):
        body = event(script)
        async with upstream(github_source(tmp_path)) as service:
            answer = await service.post("/hooks/github", body, signed(body))
            assert answer.status_code == 202

            async def reached(steps: int = number % 4) -> bool:
                # Nothing more than stored; mapped; published; decided.
                row = await db.fetchrow(
                    "select e.status, c.sent_offset from upstream_events as e"
                    " left join upstream_commands as c on c.event = e.id order by e.id desc limit 1"
                )
                assert row is not None
                return [True, row[0] != "waiting", row[1] is not None, row[0] == "submitted"][steps]

            await until(reached)
            await service.kill()
    async with upstream(github_source(tmp_path)):
        assert await settled(db, len(scripts)) == ["submitted"] * len(scripts)
    made = [each.resource for each in await submissions(log, follower)]
    assert sorted(each for each in made if each[7:] in scripts) == sorted(
        f"script/{each}" for each in scripts
    )


async def test_no_secret_of_a_sender_is_stored_or_logged(
    actor: Actor,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = event(str(uuid4()))
    source = {**github_source(tmp_path), "signature": "gitlab-token", "name": "gitlab"}
    source["mapping"] = {**source["mapping"], "when": {}, "justification": "x"}
    async with upstream(source) as service:
        headers = {"X-Gitlab-Token": SECRET, "Authorization": "Bearer hidden", "Cookie": "hidden=1"}
        assert (await service.post("/hooks/github", body, headers)).status_code == 202
        assert (await service.post("/hooks/github", body, {"X-Gitlab-Token": "guess"})).status_code == 202
        await settled(db, 2)
    stored = str(await db.fetch("select * from upstream_events")) + capsys.readouterr().err
    assert "hidden" not in stored
    assert SECRET not in stored
    assert await statuses(db, "gitlab") == ["submitted", "dead"], "GitLab stops sending to who answers 401"


async def test_refusal_of_which_the_ledger_keeps_only_a_hash_reaches_its_event(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path
) -> None:
    SecretKey("unknown-1", "gate").save(tmp_path / "unknown.key")
    body = event(str(uuid4()))
    async with upstream(github_source(tmp_path, key_file="unknown.key")) as service:
        await service.post("/hooks/github", body, signed(body))
        assert await settled(db, 1) == ["dead"]
    [dead] = await dead_events(db)
    assert dead.code == "unknown-key"
