"""R28: those who can close a finding are notified of it, once, and only of one that is open."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from assent.notify.news_intake import NewsIntake
from assent.notify.service import reader_of
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import ReportFinding
from tests.integration.notify.conftest import PUBLIC, Notifying
from tests.integration.notify.test_delivery import heard, listens, settled
from tests.integration.readers.conftest import read_all
from tests.support.containers import Endpoints
from tests.support.log import Actor, Log
from tests.support.readers import caught_up
from tests.support.receivers import WebReceiver
from tests.support.reconciling import log_with_reconcilers


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    return await log_with_reconcilers(running.bootstrap, tmp_path_factory.mktemp("keys"))


async def reported(actor: Actor, resource: str, **fields: Any) -> str:
    decided = await actor.send(
        ReportFinding(
            id=new_command_id(),
            principal="reconciler",
            at=now_ms(),
            resource=resource,
            target="web",
            seen_at=now_ms(),
            **fields,
        )
    )
    assert decided.refusal is None, decided.refusal
    return f"{decided.partition}-{decided.seq}"


async def test_R28_administrators_and_approvers_of_the_type_are_notified_of_an_open_finding(
    log: Log,
    follower: GovernanceFollower,
    actor: Actor,
    notifying: Notifying,
    db: asyncpg.Connection,
    web: WebReceiver,
) -> None:
    for name in ("alice-admin", "alice", "dave", "erin", "reconciler"):
        await listens(db, name, web)
    await listens(db, "bob", web, "approved")
    resource = f"script/{uuid4()}"
    async with notifying():
        finding = await reported(
            actor, resource, kind="unexplained", version="v1", by="Mallory", detail="By hand."
        )
        await reported(actor, resource, kind="restored", previous=finding)
        heads = (await read_all(log, follower)).heads
        await caught_up(db, reader_of(NewsIntake(follower)), heads)
        await settled(db)
    # An administrator, and an approver. Not an auditor, an approver of other types, the service that reported
    # it, or one who has chosen other news.
    for name, hears in (
        ("alice-admin", True), ("alice", True), ("dave", False), ("erin", False), ("reconciler", False),
        ("bob", False),
    ):  # fmt: skip
        assert heard(web, name) == ["assent.finding.opened"] * hears, name
    data = next(each.json["data"] for each in web.received)
    assert (data["finding"], data["resource"], data["target"]) == (finding, resource, "web")
    assert (data["kind"], data["version"], data["detail"]) == ("unexplained", "v1", "By hand.")
    assert data["link"] == f"{PUBLIC}/findings#card-{finding}"
    assert "request" not in data
