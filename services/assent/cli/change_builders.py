"""What commands on governance ask for, as changes: versions come from governance as it is."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from assent.cli import output
from assent.cli.log_access import key_of
from assent.cli.options import Options, Sender
from assent.founding.durations import duration_ms
from assent_contracts.client.publisher import now_ms
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    SETTINGS,
    AddWriter,
    AssignRole,
    ChangeSettings,
    CorrectTime,
    DefineGroup,
    DeleteGroup,
    DisablePrincipal,
    EnablePrincipal,
    ExpireKey,
    GovernanceChange,
    RegisterKey,
    RegisterPrincipal,
    RetireWriter,
    RevokeKey,
    RevokeKeys,
    WithdrawRole,
    group_object,
    role_object,
)
from assent_contracts.governed import Account, Group, Role, RoleAssignment, SigningKey, Writer
from assent_contracts.limits import FOR_EVER_MS, PAYLOAD_MAX_BYTES

Make = Callable[[Governance], GovernanceChange]

NO_VERSION = -1
"""For an object that is not there: the rules refuse it and name it."""


def version(governance: Governance, governed: str) -> int:
    """The version that a change to an existing object names."""
    found = governance.version(governed)
    return NO_VERSION if found is None else found


def milliseconds(option: str, text: str) -> int:
    """A duration of the command line; ends the command when it is none."""
    try:
        return duration_ms(text, at_least_ms=1)
    except ValueError as error:
        output.fail(f"{option}: {error}")


def register_principal(
    principal: str, *, kind: Literal["human", "service"] | None, person: str | None, name: str
) -> Make:
    """`assent principals register`."""
    kind = kind or ("service" if person is None else "human")
    return lambda _: RegisterPrincipal(account=Account(id=principal, kind=kind, person=person, name=name))


def disable_principal(principal: str) -> Make:
    """`assent principals disable`."""
    return lambda _: DisablePrincipal(principal=principal)


def enable_principal(principal: str) -> Make:
    """`assent principals enable`."""
    return lambda _: EnablePrincipal(principal=principal)


def register_key(
    public: str, *, key_id: str, principal: str | None, valid: str | None, sender: Sender, options: Options
) -> Make:
    """`assent keys register`."""
    holder = principal or key_of(sender, options).principal
    not_after = FOR_EVER_MS if valid is None else now_ms() + milliseconds("--valid", valid)
    key = SigningKey(id=key_id, principal=holder, public_key=public, not_before=0, not_after=not_after)
    return lambda _: RegisterKey(key=key)


def expire_key(key: str, after: str) -> Make:
    """`assent keys expire`."""
    not_after = now_ms() + milliseconds("--in", after)
    return lambda _: ExpireKey(key=key, not_after=not_after)


def revoke_key(key: str) -> Make:
    """`assent keys revoke`."""
    return lambda _: RevokeKey(key=key)


def revoke_keys(principal: str) -> Make:
    """`assent keys revoke --all-of`."""
    return lambda _: RevokeKeys(principal=principal)


def add_writer(public: str, key_id: str) -> Make:
    """`assent writers add`."""
    return lambda _: AddWriter(writer=Writer(id=key_id, public_key=public))


def retire_writer(writer: str) -> Make:
    """`assent writers retire`."""
    return lambda _: RetireWriter(writer=writer)


def set_group(
    group: str,
    file: Path | None,
    *,
    members: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    name: str | None,
) -> Make:
    """`assent groups set`."""
    if sum((file is not None, bool(members), bool(add or remove))) > 1:
        output.fail("Take one of FILE, --member, and --add with --remove.")
    if file is None and not members and not add and not remove and name is None:
        output.fail("Say who is in it: FILE, --member, --add, --remove; or --name.")
    listed = members or (_read_members(file) if file is not None else None)

    def make(governance: Governance) -> GovernanceChange:
        before = governance.groups.get(group)
        stays = () if before is None else before.members
        for each in remove:
            if each not in stays:
                output.fail(f"{each!r} is not in group {group}.")
        changed = (
            *(each for each in stays if each not in remove),
            *(each for each in add if each not in stays),
        )
        new = Group(
            id=group,
            name=name if name is not None else "" if before is None else before.name,
            members=changed if listed is None else listed,
        )
        return DefineGroup(group=new, version=governance.version(group_object(group)))

    return make


def _read_members(file: Path) -> tuple[str, ...]:
    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as opened:
        content = opened.read(PAYLOAD_MAX_BYTES + 1)
    if len(content) > PAYLOAD_MAX_BYTES:
        output.fail(f"{file} has more than {PAYLOAD_MAX_BYTES:,} bytes.")
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        output.fail(f"{file} is not UTF-8.")
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def delete_group(group: str) -> Make:
    """`assent groups delete`."""
    return lambda governance: DeleteGroup(group=group, version=version(governance, group_object(group)))


def assign_role(
    assignment: str,
    role: Role,
    *,
    groups: tuple[str, ...],
    principals: tuple[str, ...],
    types: tuple[str, ...],
) -> Make:
    """`assent roles assign`."""
    wanted = RoleAssignment(
        id=assignment, role=role, groups=groups, principals=principals, resource_types=types
    )
    return lambda governance: AssignRole(
        assignment=wanted, version=governance.version(role_object(assignment))
    )


def withdraw_role(assignment: str) -> Make:
    """`assent roles withdraw`."""
    return lambda governance: WithdrawRole(
        assignment=assignment, version=version(governance, role_object(assignment))
    )


def correct_time(to: str) -> Make:
    """`assent settings correct-time`; a moment in UTC, or `now`."""
    at = now_ms() if to == "now" else _moment(to)
    return lambda _: CorrectTime(to=at)


def _moment(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        output.fail(f"{text!r} is no time: write 2026-11-24T10:00, in UTC, or now.")
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)


def change_settings(times: dict[str, str | None], others: dict[str, Any]) -> Make:
    """`assent settings set`: what is None stays. Times by their setting's name."""
    fields = {name: value for name, value in others.items() if value is not None}
    for name, text in times.items():
        if text is not None:
            fields[name] = milliseconds(f"--{name.removesuffix('_ms')}", text)
    if not fields:
        output.fail("Say which setting: `assent settings set --help` lists them.")

    def make(governance: Governance) -> GovernanceChange:
        settings = msgspec.structs.replace(governance.settings, **fields)
        return ChangeSettings(settings=settings, version=governance.version(SETTINGS))

    return make
