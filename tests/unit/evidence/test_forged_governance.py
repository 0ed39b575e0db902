"""With only a stolen writer key: no record appended to the governance ledger makes a release valid."""

from collections.abc import Callable
from typing import Any

import pytest

from assent_contracts.client.keys import SecretKey
from assent_contracts.codec import encode
from assent_contracts.commands import Approve, Complete
from assent_contracts.events import ChangeReleased
from assent_contracts.governance_changes import (
    AssignRole,
    DefineGroup,
    DeletePolicy,
    DisablePrincipal,
    RegisterKey,
    RevokeKey,
    object_of,
    policy_object,
    role_object,
)
from assent_contracts.governance_messages import (
    GroupDefined,
    KeyRegistered,
    KeyRevoked,
    PolicyDeleted,
    PolicyEdited,
    PrincipalRegistered,
    RoleAssigned,
    SettingsChanged,
)
from assent_contracts.governance_objects import Account, Group, RoleAssignment, Settings, SigningKey
from assent_contracts.limits import FOR_EVER_MS
from assent_contracts.partitioner import partition_for
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.chains import MORE, PARTITION, key_of, signed
from tests.support.people import DAY_MS, PARTITIONS, policy_of
from tests.support.stolen_writer import StolenLog, here

APP, FREE = here("app"), here("free")
OWN = SecretKey("new-key", "bob", bytes([9]) * 32)
"""The thief's own key, which he registers for bob."""
NEW_KEY = SigningKey(
    id="new-key", principal="bob", public_key=OWN.public, not_before=0, not_after=FOR_EVER_MS
)
WEAK = policy_of("apps", "app", groups=("everybody",))


@pytest.fixture
def log() -> StolenLog:
    return StolenLog()


def test_governance_changed_by_its_rules_has_evidence(log: StolenLog) -> None:
    """At once, by an approved release, and with a refused change in between."""
    assert not isinstance(log.change("carol", RevokeKey(key="mallory-key")), Refusal)
    assert isinstance(log.change("mallory", DisablePrincipal(principal="bob")), Refusal)
    log.carry(log.released(MORE))
    log.end_carried()
    request, _ = log.completed(APP, "bob")
    assert log.lacking(request) is None


def key_registered(log: StolenLog) -> str:
    log.append_governance(KeyRegistered(key=NEW_KEY))
    request, submission = log.submit(APP)
    log.send(log.approve_of(request, submission, "bob"), OWN)
    log.accepted(log.complete_of(request, submission))
    return request


def policy_deleted(log: StolenLog) -> str:
    log.append_governance(PolicyDeleted(policy="apps"))
    log.append_governance(SettingsChanged(settings=Settings(unprotected="pass")))
    return log.submit(APP)[0]


def settings_that_let_everything_pass(log: StolenLog) -> str:
    log.append_governance(SettingsChanged(settings=Settings(unprotected="pass")))
    return log.submit(FREE)[0]


def group_with_one_member_more(log: StolenLog) -> str:
    members = (*log.record.governance.groups["approvers"].members, "mallory")
    log.append_governance(GroupDefined(group=Group(id="approvers", members=members)))
    return log.completed(APP, "mallory")[0]


def policy_edited(log: StolenLog) -> str:
    group = Group(id="everybody", members=("mallory", "dave"))
    assert not isinstance(log.change("carol", DefineGroup(group=group)), Refusal)
    log.append_governance(PolicyEdited(policy=WEAK))
    return log.completed(APP, "mallory")[0]


def account_registered(log: StolenLog) -> str:
    log.append_governance(PrincipalRegistered(account=Account(id="eve", kind="human", person="p-eve")))
    key = SecretKey("eve-key", "eve", bytes([9]) * 32)
    registered = SigningKey(
        id="eve-key", principal="eve", public_key=key.public, not_before=0, not_after=FOR_EVER_MS
    )
    log.append_governance(KeyRegistered(key=registered))
    members = (*log.record.governance.groups["approvers"].members, "eve")
    log.append_governance(GroupDefined(group=Group(id="approvers", members=members)))
    request, submission = log.submit(APP)
    log.send(log.approve_of(request, submission, "eve"), key)
    log.accepted(log.complete_of(request, submission))
    return request


def role_assigned_by_a_command_of_the_thief(log: StolenLog) -> str:
    change = RegisterKey(key=NEW_KEY)
    forged = signed(encode(log.changing("bob", change)), SecretKey("bob-key", "bob"), log.identity)
    log.append_governance(KeyRegistered(key=NEW_KEY), command=forged)
    return log.completed(APP, "bob")[0]


def command_that_makes_something_else(log: StolenLog) -> str:
    """Carol revokes a key of mallory's; the thief makes the record say that he gets one."""
    command = log.signed_change("carol", RevokeKey(key="mallory-key"))
    log.append_governance(KeyRegistered(key=NEW_KEY), command=command)
    return log.completed(APP, "bob")[0]


def command_and_something_more(log: StolenLog) -> str:
    command = log.signed_change("carol", RevokeKey(key="mallory-key"))
    log.append_governance(
        KeyRegistered(key=NEW_KEY),
        KeyRevoked(key="mallory-key"),
        command=command,
    )
    return log.completed(APP, "bob")[0]


def command_that_needed_a_second_administrator(log: StolenLog) -> str:
    """Carol has truly requested it, and was told to have it approved."""
    version = log.record.governance.version(policy_object("apps"))
    assert version is not None
    command = log.changing("carol", DeletePolicy(policy="apps", version=version))
    assert isinstance(log.govern(command), Refusal)
    log.append_governance(
        PolicyDeleted(policy="apps"), command=signed(encode(command), key_of("carol"), log.identity)
    )
    return log.completed(here("script"), "bob", "carol")[0]


def command_that_needed_a_second_administrator_and_was_never_decided(log: StolenLog) -> str:
    version = log.record.governance.version(policy_object("apps"))
    assert version is not None
    command = log.signed_change("carol", DeletePolicy(policy="apps", version=version))
    log.append_governance(PolicyDeleted(policy="apps"), command=command)
    return log.completed(here("script"), "bob", "carol")[0]


def command_of_somebody_without_the_role(log: StolenLog) -> str:
    assignment = RoleAssignment(id="mine", role="auditor", principals=("mallory",))
    command = log.signed_change("mallory", AssignRole(assignment=assignment))
    log.append_governance(RoleAssigned(assignment=assignment), command=command)
    return log.completed(APP, "bob")[0]


def command_again(log: StolenLog) -> str:
    """Carol defined a group, which has changed since."""
    group = Group(id="helpers", members=("mallory",))
    command = log.changing("carol", DefineGroup(group=group))
    events = log.govern(command)
    assert not isinstance(events, Refusal)
    log.append_governance(*events, command=signed(encode(command), key_of("carol"), log.identity))
    return log.completed(APP, "bob")[0]


def command_that_was_refused_when_it_came(log: StolenLog) -> str:
    change = RevokeKey(key="mallory-key")
    command = log.signed_change("carol", change)
    log.put_governance(Refusal(code=RefusalCode.NOT_PERMITTED, detail="It did not fit."), command)
    log.append_governance(KeyRevoked(key="mallory-key"), command=command)
    return log.completed(APP, "bob")[0]


def command_in_a_record_of_the_past(log: StolenLog) -> str:
    """Carol's command was never decided, and would be stale by now."""
    command = log.signed_change("carol", RevokeKey(key="mallory-key"))
    then = log.at
    log.at += 2 * DAY_MS
    assert not isinstance(log.change("dave", RevokeKey(key="upstream-key")), Refusal)
    log.at = then
    log.append_governance(KeyRevoked(key="mallory-key"), command=command)
    log.at += 2 * DAY_MS
    return log.completed(APP, "bob")[0]


def release_that_the_thief_signed_for(log: StolenLog) -> str:
    """Everything is as the rules require except the signatures of the approval and of the completion."""
    release = log.submitted(MORE)
    resource = object_of(MORE)
    seen: dict[str, Any] = {
        "resource": resource,
        "request": release.request,
        "submission": release.submission_sha256,
    }
    log.forge(Approve(**log.about("dave"), **seen))
    log.forge(Complete(**log.about("carol"), **seen))
    log.carry(release)
    log.end_carried()
    return log.completed(APP, "bob")[0]


def release_that_its_own_change_made_possible(log: StolenLog) -> str:
    """Mallory, the thief's accomplice, approves as the administrator that the change makes of her."""
    names = (f"r{number}" for number in range(100))
    name = next(n for n in names if partition_for(role_object(n).encode(), PARTITIONS) == PARTITION)
    assignment = RoleAssignment(id=name, role="administrator", principals=("mallory",))
    release = log.submitted(AssignRole(assignment=assignment))
    log.carry(release)
    seen: dict[str, Any] = {
        "resource": role_object(name),
        "request": release.request,
        "submission": release.submission_sha256,
    }
    log.accepted(Approve(**log.about("mallory"), **seen))
    log.complete(release)
    log.end_carried()
    return log.completed(APP, "bob")[0]


def release_that_nobody_approved(log: StolenLog) -> str:
    """Carol has truly submitted it. The thief carries it out as if it had been released."""
    release = log.submitted(MORE)
    log.carry(release)
    return log.completed(APP, "bob")[0]


def release_that_the_thief_released(log: StolenLog) -> str:
    """And writes the release, too: the request partition has no evidence of it."""
    release = log.submitted(MORE)
    log.append(*log.approval_of(release.request, "dave", "p-dave"))
    resource = object_of(MORE)
    released = ChangeReleased(
        request=release.request, resource=resource, digest=release.digest, deadline=FOR_EVER_MS
    )
    log.append(released)
    log.carry(release)
    log.end_carried()
    return log.completed(APP, "bob")[0]


def release_that_was_carried_out_already(log: StolenLog) -> str:
    release = log.released(MORE)
    events = log.outcome(release)
    log.put_carried(events, release)
    log.put_carried(events, release)
    return log.completed(APP, "bob")[0]


def release_of_something_else(log: StolenLog) -> str:
    """One policy is approved and released; the thief carries out another."""
    release = log.released(MORE)
    carried = log.outcome(release)[-1]
    log.put_carried((PolicyEdited(policy=policy_of("apps", "app", groups=("admins",))), carried), release)
    return log.completed(APP, "dave")[0]


UNSIGNED: tuple[Callable[[StolenLog], str], ...] = (
    key_registered,
    policy_deleted,
    settings_that_let_everything_pass,
    group_with_one_member_more,
    policy_edited,
    account_registered,
    role_assigned_by_a_command_of_the_thief,
    command_that_makes_something_else,
    command_and_something_more,
    command_that_needed_a_second_administrator,
    command_that_needed_a_second_administrator_and_was_never_decided,
    command_of_somebody_without_the_role,
    command_again,
    command_that_was_refused_when_it_came,
    command_in_a_record_of_the_past,
    release_that_was_carried_out_already,
    release_of_something_else,
)
UNCONFIRMED: tuple[Callable[[StolenLog], str], ...] = (
    release_that_nobody_approved,
    release_that_the_thief_released,
    release_that_the_thief_signed_for,
    release_that_its_own_change_made_possible,
)


@pytest.mark.parametrize("attack", UNSIGNED)
def test_stolen_writer_key_alone_changes_no_governance_that_counts(
    attack: Callable[[StolenLog], str], log: StolenLog
) -> None:
    before, _ = log.completed(here("app", 1), "bob")
    request = attack(log)
    assert "governance seq" in (log.lacking(request, confirmed=False) or "")
    assert log.judged()[0].gap is not None
    assert log.lacking(before) is None, "what was released before is as good as it was"


@pytest.mark.parametrize("attack", UNCONFIRMED)
def test_R18_governance_change_counts_once_the_request_ledger_confirms_it(
    attack: Callable[[StolenLog], str], log: StolenLog
) -> None:
    before, _ = log.completed(here("app", 1), "bob")
    request = attack(log)
    assert "carries out request" in (log.lacking(request) or "")
    assert log.lacking(before) is None
