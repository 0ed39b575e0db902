"""Every login has exactly the rights of infra/acls.yaml: the brokers refuse all the others."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Final

import pytest

from assent.ledger.acl_application import apply_acls
from assent.ledger.acl_requests import AclClient, AclsError
from assent.ledger.acl_rights import Right, required_rights, role_rights
from assent.ledger.topic_state import topic_specs
from assent_contracts.topics import LEDGER
from tests.support.cluster.cluster import Cluster
from tests.support.cluster.logins import ADMIN
from tests.support.cluster.rights_probe import RightsProbe
from tests.support.cluster.world import ClusterWorld

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

ROLES: Final = role_rights()
GROUPS: Final = sorted(
    {group.replace("*", "somebody") for rights in ROLES.values() for group in rights.groups} | {"another"}
)
OPERATIONS: Final = ("read", "write", "create", "describe", "describe-configs", "alter-configs")
_INCLUDED: Final = {"describe": ("read", "write"), "describe-configs": ("alter-configs",)}
"""What Kafka allows with other operations."""


def allowed(login: str) -> Iterator[Right]:
    """What a login may do, each operation by itself."""
    given = {right for right in required_rights(ROLES, {}, founding=False) if right.login == login}
    for topic in topic_specs():
        for operation in OPERATIONS:
            by = (operation, *_INCLUDED.get(operation, ()))
            if any(right.name == topic and right.operation in by for right in given):
                yield Right(login=login, kind="topic", name=topic, operation=operation)
    for group in GROUPS:
        if any(
            right.kind == "group"
            and (group.startswith(right.name) if right.prefixed else group == right.name)
            for right in given
        ):
            yield Right(login=login, kind="group", name=group, operation="read")


@pytest.mark.parametrize("login", [*ROLES])
async def test_login_may_do_what_is_in_the_file_and_nothing_else(cluster: Cluster, login: str) -> None:
    must, may, asked = set(allowed(login)), set(), 0
    async with RightsProbe(cluster.brokers.connection(login)) as probe:
        for topic in topic_specs():
            for operation in OPERATIONS:
                asked += 1
                if await probe.may(operation, topic):
                    may.add(Right(login=login, kind="topic", name=topic, operation=operation))
        for group in GROUPS:
            asked += 1
            if await probe.may_join(group):
                may.add(Right(login=login, kind="group", name=group, operation="read"))
    assert asked == 7 * 6 + len(GROUPS)
    assert may == must


async def test_every_service_works_with_these_rights(world: ClusterWorld) -> None:
    (world.made.inbox / "hello.sh").write_text("echo hello\n")
    world.load.start()
    await world.load.until_decided(200)
    await world.load.finish()
    await world.settled(timeout_s=180)
    world.nothing_ended()
    assert any(request.resource == "script/hello.sh" for request in world.counted.values())
    cli = world.cluster.cli("cli")
    for command in (("doctor",), ("audit", "verify"), ("requests", "--as", "device-config")):
        answer = await asyncio.to_thread(cli, *command)
        assert answer.code == 0, answer


async def test_right_that_was_given_by_hand_is_named_and_taken_away(cluster: Cluster) -> None:
    by_hand = Right(login="status", kind="topic", name=LEDGER, operation="write")
    admin = cluster.brokers.connection(ADMIN)
    async with AsyncExitStack() as open_things:
        client = await open_things.enter_async_context(AclClient(admin))
        probe = await open_things.enter_async_context(RightsProbe(cluster.brokers.connection("status")))
        await client.add([by_hand])
        found = await apply_acls(admin, logins={}, dry_run=True)
        assert (found.added, found.surplus) == ([], [by_hand])
        named = await asyncio.to_thread(cluster.cli(ADMIN), "acls", "apply", "--dry-run")
        assert named.code == 1, named
        assert "status may write topic assent.ledger" in named.out
        removed = await apply_acls(admin, logins={}, remove_others=True)
        assert (removed.removed, removed.surplus) == ([by_hand], [])
        assert not await probe.may("write", LEDGER)


async def test_missing_right_is_given_again_and_every_broker_shows_it(cluster: Cluster) -> None:
    admin = cluster.brokers.connection(ADMIN)
    taken = Right(login="audit", kind="group", name="assent-audit", operation="read")
    async with AclClient(admin) as client:
        await client.remove([taken])
        added = await apply_acls(admin, logins={})
        assert added.added in ([taken], [])
        for broker in await client.brokers():
            assert taken in await client.rights(broker)


async def test_login_that_may_not_change_rights_is_told_which_one_may(cluster: Cluster) -> None:
    with pytest.raises(AclsError, match=r"'cli' may not see rights.*super\.users"):
        await apply_acls(cluster.brokers.connection("cli"), logins={})
