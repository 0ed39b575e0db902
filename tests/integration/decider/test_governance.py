"""Governance on the real broker: what takes effect at once, and what needs a second administrator."""

from msgspec.structs import replace

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import signed_headers
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.events import ChangeSubmitted, RequestCompleted, RequestFailed
from assent_contracts.governance_changes import (
    SETTINGS,
    AssignRole,
    ChangeSettings,
    EditPolicy,
    RegisterPrincipal,
    policy_object,
)
from assent_contracts.governance_messages import (
    ChangeGovernance,
    PolicyEdited,
    ReleaseCarriedOut,
    ReleaseRefused,
    RoleAssigned,
)
from assent_contracts.governance_objects import Account, RoleAssignment
from assent_contracts.refusals import RefusalCode
from tests.support.governor import (
    PROPOSER,
    Governor,
    approved,
    assert_verified,
    carried,
    ended,
    governance_of,
    proposed,
    released,
)
from tests.support.log import Actor, Log


def _edit(follower: GovernanceFollower, name: str) -> EditPolicy:
    governance = governance_of(follower)
    version = governance.version(policy_object("scripts"))
    assert version is not None
    return EditPolicy(policy=replace(governance.policies["scripts"], name=name), version=version)


def _settings(follower: GovernanceFollower, **changed: int) -> ChangeSettings:
    governance = governance_of(follower)
    return ChangeSettings(
        settings=replace(governance.settings, **changed), version=governance.version(SETTINGS)
    )


async def test_direct_change_is_decided_and_applies_to_the_next_request(
    actor: Actor, governor: Governor
) -> None:
    before = await actor.submit("script/daves.ps1", principal="dave")
    assert before.refusal is not None
    assert before.refusal.code is RefusalCode.NOT_PERMITTED
    assignment = RoleAssignment(id="dave-too", role="requester", principals=("dave",))
    decided = await governor.change(AssignRole(assignment=assignment))
    assert decided.refusal is None
    assert decided.events == (RoleAssigned(assignment=assignment),)
    after = await actor.submit("script/daves.ps1", principal="dave")
    assert isinstance(after.events[0], ChangeSubmitted)


async def test_R3_only_an_administrator_changes_governance(actor: Actor, governor: Governor) -> None:
    decided = await governor.change(RegisterPrincipal(account=Account(id="robot", kind="service")), "dave")
    assert decided.refusal is not None
    assert decided.refusal.code is RefusalCode.NOT_PERMITTED


async def test_R18_policy_is_not_changed_by_one_administrator_alone(
    actor: Actor, governor: Governor, follower: GovernanceFollower
) -> None:
    decided = await governor.change(_edit(follower, "Mine"))
    assert decided.refusal is not None
    assert decided.refusal.code is RefusalCode.APPROVAL_REQUIRED
    assert governance_of(follower).policies["scripts"].name != "Mine"


async def test_R9_R18_policy_changes_once_another_administrator_has_approved(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    change = _edit(follower, "Scripts, all of them")
    before = governance_of(follower).seq
    request = await proposed(actor, change)
    own = await actor.approve(request, PROPOSER)
    assert own.refusal is not None
    assert own.refusal.code is RefusalCode.OWN_REQUEST
    early = await actor.complete(request, PROPOSER)
    assert early.refusal is not None
    assert early.refusal.code is RefusalCode.NOT_APPROVED
    assert (await actor.approve(request, "bob")).refusal is None
    completed = await actor.complete(request, PROPOSER)
    assert completed.refusal is None
    assert await ended(log, follower, request) == RequestCompleted(request=request.request, reporter="assent")
    assert carried(follower, request) == [
        (
            PolicyEdited(policy=change.policy),
            ReleaseCarriedOut(
                request=request.request, released=completed.seq, digest=request.digest, as_of=before
            ),
        )
    ]
    assert governance_of(follower).policies["scripts"] == change.policy


async def test_R12_change_that_no_longer_fits_fails_and_gives_the_reason(
    actor: Actor, governor: Governor, log: Log, follower: GovernanceFollower
) -> None:
    before = governance_of(follower).settings
    request = await approved(actor, _settings(follower, lease_ms=before.lease_ms * 2))
    # Tightening needs no approval: what the request was based on is now out of date.
    tightened = await governor.change(
        _settings(follower, vanish_max_percent=before.vanish_max_percent - 1), "bob"
    )
    assert tightened.refusal is None, tightened.refusal
    assert (await actor.complete(request, PROPOSER)).refusal is None
    end = await ended(log, follower, request)
    assert isinstance(end, RequestFailed)
    assert end.reporter == "assent"
    assert str(end.message).startswith("outdated: ")
    [events] = carried(follower, request)
    assert [type(event) for event in events] == [ReleaseRefused]
    assert governance_of(follower).settings.lease_ms == before.lease_ms


async def test_R12_nobody_claims_a_change_to_governance(
    actor: Actor, log: Log, follower: GovernanceFollower
) -> None:
    request = await released(actor, _edit(follower, "Scripts, as ever"))
    claimed = await actor.claim(request)
    assert claimed.refusal is not None
    assert isinstance(await ended(log, follower, request), RequestCompleted)


async def test_same_bytes_sent_again_are_answered_with_their_first_decision(
    actor: Actor, governor: Governor, log: Log
) -> None:
    command = ChangeGovernance(
        id=new_command_id(),
        principal="bob",
        at=now_ms(),
        change=RegisterPrincipal(account=Account(id="twice", kind="service")),
    )
    value = encode(command)
    headers = signed_headers(log.keys["bob"], log.identity, command, value, "tests")
    first = await governor.publisher.send_bytes(value, headers)
    again = await governor.publisher.send_bytes(value, headers)
    assert first.refusal is None
    assert not first.repeated
    assert again.repeated
    assert (again.seq, again.events, again.refusal) == (first.seq, first.events, None)


async def test_refused_command_sent_again_is_answered_with_its_refusal(
    actor: Actor, governor: Governor, log: Log, follower: GovernanceFollower
) -> None:
    command = ChangeGovernance(
        id=new_command_id(), principal="bob", at=now_ms(), change=_edit(follower, "Twice")
    )
    value = encode(command)
    headers = signed_headers(log.keys["bob"], log.identity, command, value, "tests")
    first = await governor.publisher.send_bytes(value, headers)
    again = await governor.publisher.send_bytes(value, headers)
    assert first.refusal is not None
    assert (again.repeated, again.seq, again.refusal) == (True, first.seq, first.refusal)


async def test_R16_all_of_it_is_decided_again_the_same_way(log: Log, follower: GovernanceFollower) -> None:
    """Runs last, over everything that the tests before it left on both ledgers."""
    await assert_verified(log, follower)
