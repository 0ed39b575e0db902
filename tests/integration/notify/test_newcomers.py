"""R20, R21, R22: who is notified beyond the requester and the approvers of the submission."""

from typing import Any
from uuid import uuid4

import asyncpg

from assent.notify.news_intake import NewsIntake
from assent.notify.service import reader_of
from assent_contracts.access_policies import ApprovalRule, Policy
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import CloseRequest
from assent_contracts.governance_changes import CreatePolicy
from tests.integration.notify.conftest import Notifying
from tests.integration.notify.test_delivery import heard, listens, settled
from tests.integration.readers.conftest import read_all
from tests.support.governor import ended, released
from tests.support.log import Actor, Log
from tests.support.readers import caught_up
from tests.support.receivers import WebReceiver
from tests.support.stack import until


async def test_R21_new_approver_is_notified_of_waiting_requests_and_nothing_else(
    log: Log,
    follower: GovernanceFollower,
    actor: Actor,
    notifying: Notifying,
    db: asyncpg.Connection,
    web: WebReceiver,
) -> None:
    for name in ("erin", "bob"):
        await listens(db, name, web)
    async with notifying():
        waiting = await actor.opened(f"script/{uuid4()}", principal="alice")
        done = await actor.opened(f"script/{uuid4()}", principal="alice")
        await actor.approve(done, "carol")
        ended_already = await actor.opened(f"script/{uuid4()}", principal="alice")
        await actor.cancel(ended_already, "alice")
        heads = (await read_all(log, follower)).heads
        await caught_up(db, reader_of(NewsIntake(follower)), heads)
        more = Policy(
            id="more",
            name="More",
            resource_type="script",
            approvals=(ApprovalRule(groups=("security",)),),
        )
        await ended(log, follower, await released(actor, CreatePolicy(policy=more)))

        async def told() -> bool:
            return bool(heard(web, "erin"))

        await until(told)
        later = await actor.opened(f"script/{uuid4()}", principal="alice")
        heads = (await read_all(log, follower)).heads
        await caught_up(db, reader_of(NewsIntake(follower)), heads)
        await settled(db)
    found = [each.json["data"]["request"] for each in web.received if each.path == "/erin"]
    assert found == [waiting.request, later.request]
    of_bob = [each.json["data"]["request"] for each in web.received if each.path == "/bob"]
    assert of_bob.count(waiting.request) == 1, "who could approve before is not told again"


async def test_R20_R22_person_on_whose_behalf_it_was_sent_is_notified_of_it_and_of_its_closing(
    actor: Actor, notifying: Notifying, db: asyncpg.Connection, web: WebReceiver
) -> None:
    await listens(db, "alice", web)
    async with notifying():
        request = await actor.opened(f"script/{uuid4()}", on_behalf_of="alice")
        decided = await actor.send(
            CloseRequest(
                id=new_command_id(),
                principal="carol",
                at=now_ms(),
                resource=request.resource,
                request=request.request,
                reason="Nobody asked for it.",
            )
        )
        assert decided.refusal is None, decided.refusal

        async def both() -> bool:
            return len(_about(web, request.request)) == 2

        await until(both)
    told = _about(web, request.request)
    assert [each["type"] for each in told] == [
        "assent.request.submitted-for-you",
        "assent.request.closed",
    ]
    body = told[-1]["data"]
    assert (body["status"], body["on_behalf_of"]) == ("canceled", "alice")


def _about(web: WebReceiver, request: str) -> list[dict[str, Any]]:
    """The messages about this request, because the log holds those of other tests too."""
    return [each.json for each in web.received if each.json["data"].get("request") == request]
