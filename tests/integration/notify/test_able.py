"""R4, R17: who is asked to approve is who can approve, at that moment."""

from uuid import uuid4

import asyncpg
import msgspec

from assent.notify.news_intake import NewsIntake
from assent.notify.service import reader_of
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from assent_contracts.governance_changes import EditPolicy, RegisterKey, RevokeKeys, policy_object
from assent_contracts.governance_objects import SigningKey
from assent_contracts.limits import FOR_EVER_MS
from tests.integration.notify.conftest import Notifying
from tests.integration.notify.test_delivery import listens, settled
from tests.integration.readers.conftest import read_all
from tests.support.governor import ended, governance_of, governing, released
from tests.support.log import Actor, Log
from tests.support.readers import caught_up
from tests.support.receivers import WebReceiver
from tests.support.stack import until


async def test_R17_where_own_signatures_are_asked_for_those_with_a_key_are_notified_and_others_once_they_have(
    log: Log,
    follower: GovernanceFollower,
    actor: Actor,
    notifying: Notifying,
    db: asyncpg.Connection,
    web: WebReceiver,
) -> None:
    """erin has no key, so the gateway would have to sign for her: the policy does not take that."""
    for name in ("carol", "dave", "erin"):
        await listens(db, name, web, "needs-approval")

    async def up_to_date() -> None:
        await caught_up(db, reader_of(NewsIntake(follower)), (await read_all(log, follower)).heads)
        await settled(db)

    def asked(principal: str) -> list[str]:
        return [
            each.json["data"]["request"]
            for each in web.received
            if each.path == f"/{principal}" and each.json["data"]["resource"].startswith("app/")
        ]

    async with notifying(), governing(log, follower) as governor:
        assert (await governor.change(RevokeKeys(principal="erin"), "bob")).refusal is None
        through_gateway = (await actor.opened(f"app/{uuid4()}", principal="alice")).request
        await up_to_date()
        assert asked("erin") == asked("dave") == [through_gateway]
        governance = governance_of(follower)
        version = governance.version(policy_object("apps"))
        assert version is not None
        policy = msgspec.structs.replace(governance.policies["apps"], own_signature=True)
        await ended(log, follower, await released(actor, EditPolicy(policy=policy, version=version)))
        own = await actor.opened(f"app/{uuid4()}", principal="alice")
        await actor.approve(own, "carol")
        await actor.revoke(own, "carol")
        await up_to_date()
        assert asked("erin") == [through_gateway]
        assert asked("dave") == [through_gateway, own.request, own.request]
        key = SecretKey("erin-2", "erin")
        registered = SigningKey(
            id=key.id, principal="erin", public_key=key.public, not_before=0, not_after=FOR_EVER_MS
        )
        await ended(log, follower, await released(actor, RegisterKey(key=registered)))

        async def told() -> bool:
            return len(asked("erin")) == 2

        await until(told)
        await up_to_date()
    assert asked("erin") == [through_gateway, own.request]
    assert asked("dave") == [through_gateway, own.request, own.request]
