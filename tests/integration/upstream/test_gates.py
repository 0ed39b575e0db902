"""Gates: a caller asks and waits, people decide on the ledger, and the decision goes back to the caller."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from assent.upstream.answer_loop import ATTEMPTS
from assent.upstream.events import dead_events
from assent.upstream.gate_rows import dead_answers
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.commands import Approve, Reject
from assent_contracts.events import ChangeClaimed, ChangeSubmitted
from assent_contracts.ledger import decode_events
from tests.integration.upstream.conftest import Upstream, secret_file, settled
from tests.support.gate_callers import (
    SECRET,
    Github,
    Gitlab,
    Terraform,
    answering,
    github_headers,
    gitlab_headers,
    terraform_headers,
)
from tests.support.log import Actor, Log, read_ledger
from tests.support.stack import until

LINK = "https://assent.example.com/requests/"


@pytest.fixture
def github() -> Iterator[Github]:
    caller = Github()
    with answering(caller.handle) as caller.url:
        yield caller


@pytest.fixture
def gitlab() -> Iterator[tuple[Gitlab, str]]:
    caller = Gitlab()
    with answering(caller.handle) as url:
        yield caller, url


@pytest.fixture
def terraform() -> Iterator[Terraform]:
    caller = Terraform()
    with answering(caller.handle) as caller.url:
        yield caller


def github_gate(tmp_path: Path, caller: Github, **more: Any) -> dict[str, Any]:
    return {
        "kind": "github-deployment",
        "name": "deployments",
        "path": "/gates/github",
        "secret_files": [secret_file(tmp_path, SECRET)],
        "repositories": ["octo/shop"],
        "app_id": "Iv1.app",
        "app_key_file": secret_file(tmp_path, caller.app_key, "app.pem"),
        "api": caller.url,
        **more,
    }


def terraform_gate(tmp_path: Path, caller: Terraform, **more: Any) -> dict[str, Any]:
    return {
        "kind": "terraform-run-task",
        "name": "terraform",
        "path": "/gates/terraform",
        "secret_files": [secret_file(tmp_path, SECRET)],
        "host": caller.host,
        "workspaces": ["ws-1"],
        **more,
    }


async def request_of(db: asyncpg.Connection, but: str = "") -> ChangeSubmitted:
    """The newest open request of a gate, once there is one that is not `but`."""

    async def there() -> bool:
        return bool(
            await db.fetchval(
                "select exists (select from upstream_requests where request <> $1 and state = 'open')",
                but,
            )
        )

    await until(there)
    row = await db.fetchrow(
        "select request, resource, submission, digest from upstream_requests"
        " where state = 'open' order by changed_at desc limit 1"
    )
    assert row is not None
    return ChangeSubmitted(
        request=row["request"],
        resource=row["resource"],
        submission=row["submission"],
        operation="",
        requester="",
        person="",
        digest="",
        terms=(),
        deadline=0,
    )


async def decides(
    actor: Actor, request: ChangeSubmitted, kind: type[Approve | Reject], by: str = "bob"
) -> None:
    """A person approves or rejects it."""
    decided = await (actor.approve(request, by) if kind is Approve else actor.reject(request, by))
    assert decided.refusal is None, decided.refusal


async def state_is(db: asyncpg.Connection, request: ChangeSubmitted, state: str) -> None:
    """Wait until the gate knows the request in this state."""

    async def there() -> bool:
        query = "select state from upstream_requests where request = $1"
        return await db.fetchval(query, request.request) == state

    await until(there)


async def test_R1_github_deployment_waits_and_goes_on_once_it_is_approved(
    actor: Actor,
    log: Log,
    follower: GovernanceFollower,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
    github: Github,
) -> None:
    github.not_yet = 2
    body = github.asks(1)
    async with upstream(github_gate(tmp_path, github)) as service:
        assert (await service.post("/gates/github", body, github_headers(body))).status_code == 202
        request = await request_of(db)
        assert request.resource == "deployment/octo/shop/production"

        async def reported() -> bool:
            return bool(github.reports)

        await until(reported)
        assert github.reports == [f"Waiting for approval: {LINK}{request.request}"]
        assert github.decisions == []
        await decides(actor, request, Approve)
        # Completed, claimed, told to GitHub although it was not ready at first, and reported.
        await state_is(db, request, "used")
    named = await db.fetchval(
        "select (convert_from(value, 'UTF8')::json ->> 'claim')::bigint from upstream_commands"
        " where purpose = 'report'"
    )
    claims = [
        accepted.record.seq
        for run in (await read_ledger(log, follower)).values()
        for accepted in run
        for event in decode_events(accepted.record)
        if isinstance(event, ChangeClaimed) and event.request == request.request
    ]
    assert claims == [named]
    path = "/repos/octo/shop/actions/runs/1/deployment_protection_rule"
    assert github.decisions == [(path, "approved", f"Approved: {LINK}{request.request}")]
    assert github.not_yet == 0


async def test_another_account_claims_and_reports_where_duties_are_separate(
    actor: Actor, log: Log, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path, github: Github
) -> None:
    body = github.asks(60, sha="9" * 40, environment="separate")
    gate = github_gate(tmp_path, github, applier_key_file=str(log.folder / "gate-keeper.key"))
    async with upstream(gate) as service:
        await service.post("/gates/github", body, github_headers(body))
        request = await request_of(db)
        await decides(actor, request, Approve)
        await state_is(db, request, "used")
    by = "convert_from(value, 'UTF8')::json ->> 'principal'"
    rows = await db.fetch(f"select purpose, {by} from upstream_commands")  # noqa: S608  no input
    assert dict(map(tuple, rows)) == {
        "submit": "gate",
        "complete": "gate",
        "claim": "gate-keeper",
        "report": "gate-keeper",
    }


async def test_R1_rejected_deployment_is_rejected_at_github(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path, github: Github
) -> None:
    body = github.asks(2, sha="d" * 40)
    async with upstream(github_gate(tmp_path, github)) as service:
        await service.post("/gates/github", body, github_headers(body))
        request = await request_of(db)
        await decides(actor, request, Reject)

        async def decided() -> bool:
            return bool(github.decisions)

        await until(decided)
    [(_, state, comment)] = github.decisions
    assert (state, comment) == ("rejected", f"Rejected by bob: {LINK}{request.request}")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"repository": {"id": 1, "full_name": "octo/other"}}, "repository 'octo/other' is not among"),
        (
            {"deployment_callback_url": "https://evil.example.com/repos/octo/shop/actions/runs/1/x"},
            "callback",
        ),
        (
            {
                "deployment_callback_url": "{url}@evil.example.com/repos/octo/shop/actions/runs/1"
                "/deployment_protection_rule"
            },
            "callback",
        ),
        ({"deployment_callback_url": "{url}/repos/octo/shop/actions/runs/1/../../x"}, "callback"),
        ({"installation": None}, "no text at /body/installation/id"),
    ],
)
async def test_callback_that_the_configuration_does_not_lead_to_gets_no_token(
    actor: Actor,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
    github: Github,
    changed: dict[str, Any],
    reason: str,
) -> None:
    more = {
        name: each.replace("{url}", github.url) if isinstance(each, str) else each
        for name, each in changed.items()
    }
    body = github.asks(3, **more)
    async with upstream(github_gate(tmp_path, github)) as service:
        await service.post("/gates/github", body, github_headers(body))
        assert await settled(db, 1) == ["dead"]
    [dead] = await dead_events(db)
    assert dead.code == "gate"
    assert reason in dead.reason
    assert github.tokens == []


async def test_second_run_of_the_same_change_asks_for_an_approval_of_its_own(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path, github: Github
) -> None:
    sha = "e" * 40
    first, second = github.asks(10, sha=sha), github.asks(11, sha=sha)
    async with upstream(github_gate(tmp_path, github)) as service:
        for body in (first, second):
            await service.post("/gates/github", body, github_headers(body))
        request = await request_of(db)

        async def both_wait() -> bool:
            return len(github.reports) == 2

        await until(both_wait)
        await decides(actor, request, Approve)
        await state_is(db, request, "used")
        # The newest run got it. The other one is asked about again.
        assert [path.split("/")[-2] for path, _, _ in github.decisions] == ["11"]
        again = await request_of(db, request.request)
        assert again.request != request.request
        await decides(actor, again, Approve, "carol")
        await state_is(db, again, "used")
    assert [path.split("/")[-2] for path, _, _ in github.decisions] == ["11", "10"]


async def test_approval_is_reused_where_the_configuration_says_so(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path, github: Github
) -> None:
    sha = "f" * 40
    async with upstream(github_gate(tmp_path, github, approvals="reused")) as service:
        body = github.asks(20, sha=sha)
        await service.post("/gates/github", body, github_headers(body))
        request = await request_of(db)
        await decides(actor, request, Approve)
        await state_is(db, request, "used")
        body = github.asks(21, sha=sha)
        await service.post("/gates/github", body, github_headers(body))

        async def decided() -> bool:
            return len(github.decisions) == 2

        await until(decided)
    assert [state for _, state, _ in github.decisions] == ["approved", "approved"]
    assert await db.fetchval("select count(*) from upstream_requests") == 1


async def test_R10_deployment_to_a_busy_environment_is_rejected_with_the_open_request(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path, github: Github
) -> None:
    async with upstream(github_gate(tmp_path, github)) as service:
        for run, sha in ((30, "1" * 40), (31, "2" * 40)):
            body = github.asks(run, sha=sha, environment="busy")
            await service.post("/gates/github", body, github_headers(body))
            if run == 30:
                request = await request_of(db)

        async def decided() -> bool:
            return bool(github.decisions)

        await until(decided)
        [(path, state, comment)] = github.decisions
        assert "/31/" in path
        assert state == "rejected"
        assert "resource-locked" in comment
        assert f"{LINK}{request.request}" in comment


async def test_answer_that_the_caller_never_takes_is_reported_as_failed(
    actor: Actor,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
    github: Github,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ATTEMPTS, "passed", 2)
    github.not_yet = 1_000
    body = github.asks(40, sha="3" * 40, environment="gone")
    async with upstream(github_gate(tmp_path, github)) as service:
        await service.post("/gates/github", body, github_headers(body))
        request = await request_of(db)
        await decides(actor, request, Approve)
        await state_is(db, request, "ended")
    assert await db.fetchval("select why from upstream_requests") == "reported as failed"
    [dead] = await dead_answers(db)
    assert (dead.state, dead.reason) == ("passed", "GitHub did not take the decision: status 422.")


async def test_gitlab_check_is_pending_then_passed_and_is_asked_once_for_a_commit(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path, gitlab: tuple[Gitlab, str]
) -> None:
    caller, url = gitlab
    gate = {
        "kind": "gitlab-status-check",
        "name": "merges",
        "path": "/gates/gitlab",
        "secret_files": [secret_file(tmp_path, SECRET)],
        "projects": [42],
        "token_file": secret_file(tmp_path, "glpat-1", "token"),
        "api": f"{url}/api/v4",
    }
    async with upstream(gate) as service:
        body = caller.asks(caller.head)
        await service.post("/gates/gitlab", body, gitlab_headers(body))
        request = await request_of(db)
        for note in ("", "A comment."):
            body = caller.asks(caller.head, note=note)
            await service.post("/gates/gitlab", body, gitlab_headers(body))

        async def pending() -> bool:
            return len(caller.statuses) == 3

        await until(pending)
        assert await settled(db, 3) == ["submitted", "skipped", "skipped"]
        await decides(actor, request, Approve)
        await state_is(db, request, "used")
        assert caller.statuses == ["pending"] * 3 + ["passed"]
        # A new commit is another change. An old one is not taken any more.
        old, caller.head = caller.head, "c" * 40
        body = caller.asks(old, note="late")
        await service.post("/gates/gitlab", body, gitlab_headers(body))

        async def refused() -> bool:
            return caller.refused == 1

        await until(refused)
        body = caller.asks(caller.head)
        await service.post("/gates/gitlab", body, gitlab_headers(body))
        request = await request_of(db, request.request)
        await decides(actor, request, Reject)

        async def failed() -> bool:
            return caller.statuses[-1] == "failed"

        await until(failed)
        # What was rejected is not asked again at the next comment.
        body = caller.asks(caller.head, note="Please!")
        await service.post("/gates/gitlab", body, gitlab_headers(body))

        async def failed_again() -> bool:
            return caller.statuses[-2:] == ["failed", "failed"]

        await until(failed_again)
    assert await db.fetchval("select count(*) from upstream_requests") == 2


async def test_terraform_run_hears_that_it_waits_gives_up_with_a_link_and_the_next_run_passes(
    actor: Actor,
    upstream: Upstream,
    db: asyncpg.Connection,
    tmp_path: Path,
    terraform: Terraform,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate = terraform_gate(tmp_path, terraform, running_every_s=0.5, give_up_s=3)
    async with upstream(gate) as service:
        body = terraform.asks("task-1")
        assert (await service.post("/gates/terraform", body, terraform_headers(body))).status_code == 200
        request = await request_of(db)
        stored = await db.fetchval("select convert_from(document, 'UTF8') from upstream_events")
        assert stored is not None
        assert "token-of-task-1" not in stored
        assert await db.fetchval("select secret from upstream_waiters") is not None

        async def gave_up() -> bool:
            return terraform.results.get("task-1", [("", "", None)])[-1][0] == "failed"

        await until(gave_up)

        async def forgotten() -> bool:
            of_waiters = await db.fetchval("select count(secret) from upstream_waiters")
            of_events = await db.fetchval("select count(secret) from upstream_events")
            return (of_waiters, of_events) == (0, 0)

        await until(forgotten)
        told = [status for status, _, _ in terraform.results["task-1"]]
        assert told.count("running") >= 3
        assert told[-1] == "failed"
        message, link = terraform.results["task-1"][-1][1:]
        assert "the next run of the same change within 7 days passes" in message
        assert link == f"{LINK}{request.request}"
        # Late: nobody waits. The approval stays, and nothing is completed for nobody.
        await decides(actor, request, Approve)
        await state_is(db, request, "approved")
        body = terraform.asks("task-2")
        await service.post("/gates/terraform", body, terraform_headers(body))
        await state_is(db, request, "used")
        assert terraform.results["task-2"][-1][0] == "passed"
        # It was used: a third run needs another approval.
        body = terraform.asks("task-3")
        await service.post("/gates/terraform", body, terraform_headers(body))
        third = await request_of(db, request.request)
        assert third.request != request.request
    assert "token-of" not in capsys.readouterr().err


async def test_terraform_test_request_is_answered_with_200(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path, terraform: Terraform
) -> None:
    body = terraform.asks("test", stage="test", workspace_id="ws-unknown")
    async with upstream(terraform_gate(tmp_path, terraform)) as service:
        assert (await service.post("/gates/terraform", body, terraform_headers(body))).status_code == 200
        assert (await service.post("/gates/terraform", body, terraform_headers(body))).status_code == 200
        assert await settled(db, 1) == ["skipped"]


async def test_gate_that_is_cut_off_answers_after_its_restart(
    actor: Actor, upstream: Upstream, db: asyncpg.Connection, tmp_path: Path, github: Github
) -> None:
    body = github.asks(50, sha="4" * 40, environment="restart")
    async with upstream(github_gate(tmp_path, github)) as service:
        await service.post("/gates/github", body, github_headers(body))
        request = await request_of(db)
        await service.kill()
    await decides(actor, request, Approve)
    for state in ("released", "claimed"):
        async with upstream(github_gate(tmp_path, github)) as service:

            async def reached(state: str = state) -> bool:
                return await db.fetchval("select state from upstream_requests") in (state, "claimed", "used")

            await until(reached)
            await service.kill()
    async with upstream(github_gate(tmp_path, github)):
        await state_is(db, request, "used")
    assert {each[1] for each in github.decisions} == {"approved"}
    assert 1 <= len(github.decisions) <= 2
