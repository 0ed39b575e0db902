"""A gateway on the real log: its key acts for people, for nobody else, and the record says so."""

import pytest
import pytest_asyncio

from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import Decided
from assent_contracts.events import (
    ApprovalGiven,
    ChangeReleased,
    ChangeSubmitted,
    RejectionGiven,
    RequestApproved,
    RequestCompleted,
    RequestRejected,
)
from assent_contracts.governance_changes import (
    AssignRole,
    DisablePrincipal,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
)
from assent_contracts.governance_messages import PrincipalRegistered
from assent_contracts.governance_objects import Account, RoleAssignment, SigningKey
from assent_contracts.ledger import LedgerRecord, RecordedCommand, decode_recorded_command
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.containers import Endpoints
from tests.support.extended_demo import APP_PORTAL, GATEWAYS, PORTAL, demo_with, policy_table, through
from tests.support.governor import PROPOSER, Governor, assert_verified, ended, released
from tests.support.log import APPLIER, UPSTREAM, Actor, Log, read_ledger

PERSON = "alice"
"""Requests through a gateway; `alice-admin` is another account of hers."""


@pytest_asyncio.fixture(scope="module")
async def log(running: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Log:
    """The demo's log, with two gateways and a policy that requires own signatures."""
    vaults = policy_table("vault", "own_signature = true")
    return await demo_with(running.bootstrap, tmp_path_factory.mktemp("keys"), GATEWAYS, vaults)


@pytest.fixture
def portal(actor: Actor) -> Actor:
    """Acts as any principal; the gateway for every type signs for them."""
    return through(actor, actor.log.keys[PORTAL])


def refused(decided: Decided) -> RefusalCode:
    assert isinstance(decided.refusal, Refusal), decided.events
    return decided.refusal.code


def signer(record: LedgerRecord) -> str:
    """The id of the key that signed the command which a record decides."""
    command = decode_recorded_command(record)
    assert isinstance(command, RecordedCommand)
    return command.key


async def test_R8_approval_names_the_gateway_that_signed_it(
    actor: Actor, portal: Actor, log: Log, follower: GovernanceFollower
) -> None:
    request = await actor.opened("app/two-ways", payload=b"{}")
    with_own_key = await actor.approve(request, "bob")
    through_portal = await portal.approve(request, "carol", note="From the console.")
    [own], [given, approved] = with_own_key.events, through_portal.events
    assert isinstance(own, ApprovalGiven)
    assert isinstance(given, ApprovalGiven)
    assert isinstance(approved, RequestApproved)
    assert (own.approver, own.through or None) == ("bob", None)
    assert (given.approver, given.person, given.through) == ("carol", "carol.chen", PORTAL)
    accepted = (await read_ledger(log, follower))[through_portal.partition]
    assert signer(accepted[with_own_key.seq].record) == log.keys["bob"].id
    assert signer(accepted[through_portal.seq].record) == log.keys[PORTAL].id


async def test_person_takes_a_request_from_start_to_end_through_a_gateway(
    actor: Actor, portal: Actor
) -> None:
    request = await portal.opened("script/through", principal=PERSON)
    assert (request.requester, request.person) == (PERSON, "alice.miller")
    assert (await portal.approve(request, "bob")).refusal is None
    [released_] = (await portal.complete(request, PERSON)).events
    assert isinstance(released_, ChangeReleased)
    await actor.claim(request)
    [completed] = (await actor.report(request)).events
    assert isinstance(completed, RequestCompleted)


async def test_person_rejects_through_a_gateway(portal: Actor) -> None:
    request = await portal.opened("script/rejected-through", principal=PERSON)
    given, rejected = (await portal.reject(request, "bob", note="Not today.")).events
    assert given == RejectionGiven(request=request.request, approver="bob", person="bob.ortega")
    assert isinstance(rejected, RequestRejected)


async def test_R9_requester_cannot_approve_through_a_gateway_with_another_account(
    actor: Actor, portal: Actor
) -> None:
    for number, asks in enumerate((actor, portal)):
        request = await asks.opened(f"script/own-{number}", principal=PERSON)
        for account in (PERSON, "alice-admin"):
            assert refused(await portal.approve(request, account)) is RefusalCode.OWN_REQUEST


async def test_R9_person_counts_once_with_their_own_key_and_through_a_gateway(
    actor: Actor, portal: Actor
) -> None:
    request = await actor.opened("app/once", payload=b"{}")
    assert (await actor.approve(request, "bob")).refusal is None
    assert refused(await portal.approve(request, "bob")) is RefusalCode.ALREADY_DECIDED


async def test_gateway_acts_for_an_upstream(actor: Actor, portal: Actor) -> None:
    submitted = await portal.submit("script/of-a-service", principal=UPSTREAM)
    assert submitted.refusal is None


async def test_gateway_cannot_act_for_an_applier(actor: Actor, portal: Actor) -> None:
    request = await actor.released("script/claimed-through")
    assert refused(await portal.claim(request, APPLIER)) is RefusalCode.UNKNOWN_KEY
    assert (await actor.claim(request)).refusal is None


async def test_gateway_gives_nobody_a_permission_and_has_none_itself(actor: Actor, portal: Actor) -> None:
    request = await actor.opened("script/rights")
    assert refused(await portal.approve(request, "dave")) is RefusalCode.NOT_AN_APPROVER
    assert refused(await portal.approve(request, PORTAL)) is RefusalCode.NOT_AN_APPROVER
    assert refused(await portal.complete(request, "bob")) is RefusalCode.NOT_REQUESTER


async def test_gateway_for_one_type_cannot_act_for_another(actor: Actor) -> None:
    apps = through(actor, actor.log.keys[APP_PORTAL])
    script = await actor.opened("script/not-theirs")
    assert refused(await apps.approve(script, "bob")) is RefusalCode.UNKNOWN_KEY
    assert refused(await apps.submit("script/another", principal=PERSON)) is RefusalCode.UNKNOWN_KEY
    app = await apps.opened("app/theirs", principal=PERSON, payload=b"{}")
    assert (await apps.approve(app, "bob")).refusal is None


async def test_policy_that_requires_own_signatures_refuses_a_gateway_s_approval(
    actor: Actor, portal: Actor
) -> None:
    request = await portal.opened("vault/root", principal=PERSON, payload=b"{}")
    assert refused(await portal.approve(request, "bob")) is RefusalCode.OWN_SIGNATURE_REQUIRED
    given, approved = (await actor.approve(request, "bob")).events
    assert isinstance(given, ApprovalGiven)
    assert isinstance(approved, RequestApproved)


async def test_R18_gateway_is_added_by_two_administrators_and_removed_by_one(
    actor: Actor, governor: Governor, log: Log, follower: GovernanceFollower
) -> None:
    secret = SecretKey("late-1", "late")
    late = through(actor, secret)
    request = await actor.opened("script/late-gateway")
    known = await governor.change(RegisterPrincipal(account=Account(id="late", kind="service")))
    assert known.refusal is None
    assert refused(await late.approve(request, "bob")) is RefusalCode.UNKNOWN_KEY

    await carry(actor, log, follower, RegisterKey(key=unlimited(secret)))
    assert refused(await late.approve(request, "bob")) is RefusalCode.UNKNOWN_KEY

    role = AssignRole(assignment=RoleAssignment(id="late-gateway", role="gateway", principals=("late",)))
    alone = await governor.change(role)
    assert alone.refusal is not None
    assert alone.refusal.code is RefusalCode.APPROVAL_REQUIRED
    await carry(actor, log, follower, role)
    given = (await late.approve(request, "bob")).events[0]
    assert isinstance(given, ApprovalGiven)
    assert given.through == "late"

    gone = await governor.change(DisablePrincipal(principal="late"))
    assert gone.refusal is None
    another = await actor.opened("script/too-late")
    assert refused(await late.approve(another, "bob")) is RefusalCode.UNKNOWN_KEY
    # What it signed while it was valid stays: the approver is still the same person.
    assert (await actor.complete(request)).refusal is None


def unlimited(secret: SecretKey) -> SigningKey:
    return SigningKey(
        id=secret.id,
        principal=secret.principal,
        public_key=secret.public,
        not_before=0,
        not_after=FOR_EVER_MS,
    )


async def carry(actor: Actor, log: Log, follower: GovernanceFollower, change: GovernanceChange) -> None:
    """Two administrators make the change, and it is carried out."""
    request: ChangeSubmitted = await released(actor, change)
    assert isinstance(await ended(log, follower, request), RequestCompleted)


async def test_R3_administrator_changes_governance_at_once_through_a_gateway(
    actor: Actor, governor: Governor, log: Log, follower: GovernanceFollower
) -> None:
    signers: list[str] = []
    follower.listeners.append(lambda record, events: signers.append(signer(record)))
    account = Account(id="by-console", kind="service")
    try:
        decided = await governor.publisher.send(
            RegisterPrincipal(account=account), log.keys[PORTAL], principal="bob"
        )
    finally:
        follower.listeners.pop()
    assert decided.refusal is None, decided.refusal
    assert decided.events == (PrincipalRegistered(account=account),)
    assert signers == [log.keys[PORTAL].id]


@pytest.mark.parametrize(
    ("gateway", "principal", "code"),
    [
        (PORTAL, "dave", RefusalCode.NOT_PERMITTED),
        (PORTAL, None, RefusalCode.NOT_PERMITTED),
        (PORTAL, UPSTREAM, RefusalCode.UNKNOWN_KEY),
        (APP_PORTAL, "bob", RefusalCode.UNKNOWN_KEY),
    ],
    ids=["for no administrator", "in its own name", "for a service", "limited to apps"],
)
async def test_R3_gateway_itself_cannot_change_governance(
    actor: Actor, governor: Governor, log: Log, gateway: str, principal: str | None, code: RefusalCode
) -> None:
    change = RegisterPrincipal(account=Account(id="never", kind="service"))
    decided = await governor.publisher.send(change, log.keys[gateway], principal=principal)
    assert decided.refusal is not None
    assert decided.refusal.code is code


async def test_R18_registering_a_person_s_key_through_a_gateway_needs_approval(
    actor: Actor, governor: Governor, log: Log
) -> None:
    """Otherwise the gateway could register keys that sign as anybody where own signatures are required."""
    change = RegisterKey(key=unlimited(SecretKey("bob-2", "bob")))
    by_portal = await governor.publisher.send(change, log.keys[PORTAL], principal="bob")
    assert by_portal.refusal is not None
    assert by_portal.refusal.code is RefusalCode.APPROVAL_REQUIRED
    assert (await governor.change(change, "bob")).refusal is None


async def test_R9_R18_administrators_approve_governance_changes_through_a_gateway(
    actor: Actor, portal: Actor, log: Log, follower: GovernanceFollower
) -> None:
    role = RoleAssignment(id="dave-asks", role="administrator", principals=("dave",), resource_types=("app",))
    request = await released(portal, AssignRole(assignment=role))
    assert request.requester == PROPOSER
    assert isinstance(await ended(log, follower, request), RequestCompleted)


async def test_R16_all_of_it_is_decided_again_the_same_way(log: Log, follower: GovernanceFollower) -> None:
    """Runs last, over everything that the tests before it left on both ledgers."""
    await assert_verified(log, follower)
