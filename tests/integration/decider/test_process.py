"""The decider as a process: its group for governance, and what it carries out after it was killed."""

from pathlib import Path

from msgspec.structs import replace

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.events import RequestCompleted
from assent_contracts.governance_changes import DefineGroup, group_object
from tests.support.governor import PROPOSER, approved, assert_verified, carried, ended, governance_of
from tests.support.log import Log, deciding, publishing
from tests.support.services import Services


async def test_killed_decider_carries_out_what_it_had_released_when_it_starts_again(
    log: Log, follower: GovernanceFollower, tmp_path: Path
) -> None:
    governance = governance_of(follower)
    group = replace(governance.groups["security"], members=("alice", "bob", "carol", "dave"))
    change = DefineGroup(group=group, version=governance.version(group_object("security")))
    environ = {
        "ASSENT_KAFKA": log.connection.bootstrap,
        "ASSENT_IDENTITY": log.identity,
        "ASSENT_KEY_FILE": str(log.folder / "writer.key"),
    }
    async with publishing(log, follower) as actor, Services(tmp_path, environ) as services:
        # It is killed as soon as the release is decided: whether it was carried out by then is open.
        decider = services.start("decider")
        request = await approved(actor, change)
        assert (await actor.complete(request, PROPOSER)).refusal is None
        decider.kill()
        assert await ended(log, follower, request) == RequestCompleted(
            request=request.request, reporter="assent"
        )
        assert len(carried(follower, request)) == 1
        assert not decider.deaths
    async with deciding(log, follower):
        await assert_verified(log, follower)
